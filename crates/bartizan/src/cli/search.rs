//! `search`: the language of the console's search page, on the command line.

use clap::Args;
use event::{Body, Event, ocsf};
use serde_json::json;
use store::{Page, Query, Table};

use super::fail::{Exit, Fail};
use super::{Global, out, text};
use crate::paths;

/// Look for records of the log, or count them
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan search 'class:http status:>=500 src_ip in 10.0.0.0/8'\n  bartizan search 'user:ada* \"union select\"' --limit 10\n  bartizan search 'class:http | count by status'\n  bartizan search 'class:authentication outcome:failure | top 20 user'\n  bartizan search 'class:http | timechart 1h by verdict'\n\nExit codes: 0 read; 2 the query cannot be understood; 3 the log could not be read."
)]
pub(super) struct Search {
    /// Filters, then perhaps | count by FIELD.., | top N FIELD, | timechart STEP
    #[arg(required = true)]
    query: Vec<String>,
    /// Records to show, newest first
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=10_000))]
    limit: u16,
    /// Only records with a smaller offset: the next page
    #[arg(long, value_name = "OFFSET")]
    before: Option<u64>,
    /// One OCSF object a line
    #[arg(long)]
    ndjson: bool,
}

pub(super) fn run(args: &Search, global: &Global) -> Result<Exit, Fail> {
    let typed = args.query.join(" ");
    let query = Query::parse(&typed).map_err(|error| {
        let at = typed.get(..error.at).map_or(0, |before| before.chars().count()) + 1;
        Fail::new("E0110", format!("the query cannot be understood at character {at}: {}", out::shown(&error.found)))
            .fix(error.help)
            .exit(Exit::Usage)
    })?;
    let dir = paths::data_dir(global.data_dir.as_ref());
    let log = store::open_read_only(&dir).map_err(|e| text::cannot_open(&dir, &e))?;
    if let Some(tally) = &query.tally {
        let table = log.tally(&query, tally).map_err(|e| text::cannot_open(&dir, &e))?;
        counted(&table, args.ndjson, global);
        return Ok(Exit::Fine);
    }
    let query = Query { before: args.before, limit: usize::from(args.limit), ..query };
    let page = log.query(&query).map_err(|e| text::cannot_open(&dir, &e))?;
    listed(&page, args.ndjson, global);
    Ok(Exit::Fine)
}

fn listed(page: &Page, ndjson: bool, global: &Global) {
    if ndjson {
        return page.rows.iter().for_each(|(_, event)| out::json(&ocsf::json(event)));
    }
    if global.json {
        let rows: Vec<_> = page.rows.iter().map(|(offset, event)| json!({"offset": offset, "event": ocsf::json(event)})).collect();
        return out::json(&json!({
            "schema": "bartizan.search/1", "rows": rows, "scanned": page.scanned, "stopped_early": page.stopped_early, "next": page.next,
        }));
    }
    for (offset, event) in &page.rows {
        out::line(format!(" {offset:>9}  {}  {:<14} {}", text::time(event.meta.time), event.body.word(), words(event)));
    }
    let mut end = format!(" {} records, {} looked at", page.rows.len(), page.scanned);
    if let Some(why) = page.stopped_early {
        end.push_str(&format!(", stopped early: {why}"));
    }
    if let Some(next) = page.next {
        end.push_str(&format!("; older ones: --before {next}"));
    }
    out::line(end);
}

/// The record as it came, or what Bartizan itself has to say.
fn words(event: &Event) -> String {
    const WIDTH: usize = 160;
    let whole = match &event.body {
        Body::Finding(finding) => {
            format!("{} {}", finding.title, finding.actor().map_or_else(String::new, ToString::to_string))
        }
        Body::Incident(incident) => format!("{} {}", incident.uid, incident.title),
        Body::Response(response) => format!("{} {}: {}", response.verb(), response.target, response.phase.word()),
        Body::Order(order) => format!("{} by {}", serde_json::to_string(&order.what).unwrap_or_default(), order.by),
        _ => String::from_utf8_lossy(event.raw.get(..WIDTH * 4).unwrap_or(&event.raw)).into_owned(),
    };
    let short: String = whole.chars().take(WIDTH).collect();
    out::shown(&short)
}

fn counted(table: &Table, ndjson: bool, global: &Global) {
    let object = |(values, count): &(Vec<String>, u64)| {
        let mut object: serde_json::Map<String, serde_json::Value> =
            table.columns.iter().zip(values).map(|(column, value)| ((*column).to_owned(), json!(value))).collect();
        object.insert("count".into(), json!(count));
        serde_json::Value::Object(object)
    };
    if ndjson {
        return table.rows.iter().for_each(|row| out::json(&object(row)));
    }
    if global.json {
        let rows: Vec<_> = table.rows.iter().map(object).collect();
        return out::json(&json!({
            "schema": "bartizan.tally/1", "columns": table.columns, "rows": rows, "total": table.total, "others": table.others,
            "scanned": table.scanned, "stopped_early": table.stopped_early,
        }));
    }
    for (values, count) in &table.rows {
        let values: Vec<String> = values.iter().map(|value| if value.is_empty() { "-".into() } else { out::shown(value) }).collect();
        out::line(format!(" {count:>10}  {}", values.join("  ")));
    }
    let mut end = format!(" {:>10}  records", table.total);
    if table.others > 0 {
        end.push_str(&format!(", {} of them in rows not shown", table.others));
    }
    if let Some(why) = table.stopped_early {
        end.push_str(&format!("; stopped early: {why}"));
    }
    out::line(end);
}

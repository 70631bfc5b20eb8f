//! `series eval`: how unusual each row of one numeric series is, from the rows up to it.

use std::path::PathBuf;

use clap::{Args, Subcommand};
use event::Time;
use learn::series::Stream;
use serde_json::json;

use super::fail::{Exit, Fail};
use super::waf::each_line;
use super::{Global, out};

/// How unusual each value of a series is
#[derive(Args)]
pub(super) struct Series {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// A score 0..1 a row, each from the rows up to it; without --json the rows that stand out
    Eval(Eval),
}

#[derive(Args)]
#[command(
    after_help = "Example:\n  bartizan series eval --data requests.csv --json\n\nExit codes: 0 read; 3 the file could not be read. A row without a number or whose time does not go forward gets the last score; their count is on stderr."
)]
struct Eval {
    /// CSV with the columns timestamp,value; also .zst
    #[arg(long)]
    data: PathBuf,
}

/// Rows at or above this are shown to people.
const SHOWN_SCORE: f64 = 0.5;

pub(super) fn run(args: &Series, global: &Global) -> Result<Exit, Fail> {
    let Verb::Eval(args) = &args.verb;
    let (mut stream, mut scores, mut bad) = (Stream::default(), Vec::new(), 0_u64);
    let (mut time_at, mut value_at, mut last, mut shown) = (0, 1, None, Vec::new());
    each_line(&args.data, &mut |number, line| {
        let line = String::from_utf8_lossy(line);
        let cells: Vec<&str> = line.split(',').map(|c| c.trim().trim_matches('"')).collect();
        if number == 1 && cells.get(value_at).is_none_or(|c| c.parse::<f64>().is_err()) {
            let place = |name: &str| cells.iter().position(|c| c.eq_ignore_ascii_case(name));
            (time_at, value_at) = (place("timestamp").unwrap_or(time_at), place("value").unwrap_or(value_at));
            return Ok(());
        }
        let value = cells.get(value_at).and_then(|c| c.parse::<f64>().ok()).filter(|v| v.is_finite());
        let time = cells.get(time_at).and_then(|c| time(c));
        let forward = match (time, last) {
            (Some(time), Some(last)) => time > last,
            _ => true,
        };
        scores.push(match value.filter(|_| forward) {
            Some(value) => {
                last = time.or(last);
                stream.push(value)
            }
            None => {
                bad += 1;
                stream.score()
            }
        });
        if let Some(score) = scores.last().filter(|s| **s >= SHOWN_SCORE) {
            shown.push(format!(" {score:.3}  line {number}  {}", out::shown(&line)));
        }
        Ok(())
    })?;
    if bad > 0 {
        out::note(format!("{bad} rows have no number or a time that does not go forward: they get the score of the row before"));
    }
    if global.json {
        out::json(&json!({ "scores": scores }));
        return Ok(Exit::Fine);
    }
    shown.iter().for_each(out::line);
    out::line(format!(" {} of {} rows at or above {SHOWN_SCORE}", shown.len(), scores.len()));
    Ok(Exit::Fine)
}

/// Microseconds of a date, or a number as it is.
fn time(text: &str) -> Option<i64> {
    if let Ok(number) = text.parse::<f64>() {
        return Some((number * 1e6) as i64);
    }
    let zoned = text.ends_with('Z') || text.get(10..).is_some_and(|t| t.contains(['+', '-']));
    Time::parse_rfc3339(&format!("{}{}", text.replacen(' ', "T", 1), if zoned { "" } else { "Z" })).map(Time::us)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_several_writings() {
        assert_eq!(time("2015-05-17 10:05:03"), Time::parse_rfc3339("2015-05-17T10:05:03Z").map(Time::us));
        assert_eq!(time("2015-05-17T10:05:03+02:00"), Time::parse_rfc3339("2015-05-17T08:05:03Z").map(Time::us));
        assert_eq!(time("1431857103"), Some(1_431_857_103_000_000));
        assert_eq!(time("soon"), None);
    }
}

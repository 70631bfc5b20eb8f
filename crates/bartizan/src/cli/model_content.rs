//! The models of mail and links: `model train mail-phish|url-phish`, `model generate mail|url`, `model calibrate mail-phish`, and
//! `model eval mail-phish|url-phish --sources DIR`, which judges every source apart.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::{Args, ValueEnum};
use detect::Knowledge;
use detect::content::{self, Input, Judgement, Matter, Verdict};
use learn::generate::mail::Half;
use learn::lure::mail::{Kind, Sample};
use learn::lure::{mail as lure_mail, url as lure_url};
use learn::measure::{self, Scored};
use serde_json::{Value, json};

use super::fail::{Exit, Fail};
use super::{Global, out, waf};
use crate::knowledge::Content;

/// Rows of our own: mails with their honest twins, URLs
#[derive(Args)]
pub(super) struct Generate {
    what: What,
    #[arg(long, default_value_t = 1)]
    seed: u64,
    #[arg(long)]
    out: PathBuf,
    /// Pairs of a lure and its twin
    #[arg(long, default_value_t = 1_000)]
    pairs: usize,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum What {
    Mail,
    Url,
}

/// Learn the threshold from mail that was delivered to you and was fine
#[derive(Args)]
pub(super) struct Calibrate {
    /// `mail-phish`
    name: String,
    /// JSON lines with `raw`, an mbox, or a folder of messages
    #[arg(long)]
    ham: PathBuf,
    /// Share of good mail that may be flagged
    #[arg(long, default_value_t = 0.01)]
    fpr: f64,
    #[arg(long)]
    out: Option<PathBuf>,
}

pub(super) fn generate(args: &Generate) -> Result<Exit, Fail> {
    let mut text = String::new();
    match args.what {
        What::Mail => {
            for (at, (raw, document)) in learn::generate::mail::rows(args.seed, args.pairs).enumerate() {
                let label = if document.lure { "phishing" } else { "ham" };
                let intents: Vec<&str> = document.sentences.iter().flat_map(|sentence| sentence.intents.iter().copied()).collect();
                let row = json!({"id": at, "kind": "mail", "label": label, "language": document.language, "intents": intents, "raw": raw});
                text.push_str(&format!("{row}\n"));
            }
        }
        What::Url => {
            let mut random = learn::generate::Random::new(args.seed);
            for at in 0..2 * args.pairs {
                let bad = at % 2 == 0;
                let url = format!("https://{}", learn::generate::url::key(bad, false, &mut random));
                text.push_str(&format!(
                    "{}\n",
                    json!({"id": at, "kind": "url", "label": if bad { "phishing" } else { "benign" }, "url": url})
                ));
            }
        }
    }
    std::fs::write(&args.out, text).map_err(|e| Fail::unreadable(&args.out, &e))?;
    out::line(format!(" wrote {} pairs to {}", args.pairs, args.out.display()));
    Ok(Exit::Fine)
}

/// Trains and writes a folder; `None` when the name is another model's.
pub(super) fn train(
    name: &str,
    data: &[PathBuf],
    to: Option<&Path>,
    (seed, version): (u64, Option<&str>),
    global: &Global,
) -> Option<Result<Exit, Fail>> {
    matches!(name, "mail-phish" | "url-phish").then(|| {
        let refused = |error: lure_mail::TrainError| Fail::new("E0507", error.to_string()).exit(Exit::Refused);
        let mut trained = if name == "mail-phish" {
            let mut samples = Vec::new();
            for path in data {
                samples.extend(mails(path)?);
            }
            lure_mail::mail_phish(&samples, seed).map_err(refused)?
        } else {
            let mut samples = Vec::new();
            for path in data {
                // Rows whose licence allows measuring only are left out here, by their source column.
                samples.extend(urls(path)?.into_iter().filter(|(source, _)| lure_url::TEACHING.contains(&source.as_str())));
            }
            let samples: Vec<lure_url::Sample> = samples
                .into_iter()
                .filter_map(|(source, url)| Some(lure_url::Sample { source, key: decode::url::Url::read(&url)?.key() }))
                .collect();
            lure_url::url_phish(&samples, seed).map_err(refused)?
        };
        if let Some(version) = version {
            learn::renumber(&mut trained.folder, version).map_err(|e| Fail::new("E0505", e.to_string()))?;
            trained.card.version = version.to_owned();
        }
        if let Some(dir) = to {
            std::fs::create_dir_all(dir).map_err(|e| Fail::unreadable(dir, &e))?;
            for (file, bytes) in trained.folder.files() {
                let path = dir.join(file);
                std::fs::write(&path, bytes).map_err(|e| Fail::unreadable(&path, &e))?;
            }
        }
        if global.json {
            out::json(&json!({
                "schema": "bartizan.model_train/1", "model": name, "rows": trained.card.rows, "seed": seed, "held": trained.card.figures,
                "written": to.is_some(), "path": to.map(|p| p.display().to_string()), "batches": [], "flagged": [], "suspect_rows": [], "triggers": [],
            }));
        } else {
            for figure in &trained.card.figures {
                out::line(format!(" {:>7.2} %  {:>6} of {:>6}  {}", figure.share.share * 100.0, figure.share.hits, figure.share.of, figure.what));
            }
            out::line(" held-back figures of training sources; other sources: bartizan model eval NAME --sources DIR");
        }
        Ok(Exit::Fine)
    })
}

fn source_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().split('.').next().unwrap_or("").to_owned()).unwrap_or_default()
}

fn mails(path: &Path) -> Result<Vec<Sample>, Fail> {
    let source = source_name(path);
    let mut samples = Vec::new();
    waf::each_line(path, &mut |number, line| {
        let row: Value = serde_json::from_slice(line).map_err(|e| Fail::new("E0108", format!("{}:{number}: {e}", path.display())))?;
        let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
        let Some(message) = decode::mail::Message::read(&decode::mail::bytes_of(text("raw"))) else { return Ok(()) };
        let kind = if text("label") == "spam" { Kind::Spam } else { Kind::Ham };
        let text_of = format!("{}\n{}", message.subject, message.visible());
        samples.push(Sample { source: source.clone(), group: text("group").to_owned(), kind, text: text_of });
        Ok(())
    })?;
    Ok(samples)
}

/// Source and URL of each row of a table with the columns `source,url` or `date,url,..`.
fn urls(path: &Path) -> Result<Vec<(String, String)>, Fail> {
    let file = source_name(path);
    let mut rows = Vec::new();
    let mut has_source = false;
    waf::each_line(path, &mut |number, line| {
        let line = String::from_utf8_lossy(line);
        if number == 1 {
            has_source = line.starts_with("source");
            return Ok(());
        }
        let Some((first, rest)) = line.split_once(',') else { return Ok(()) };
        let url = match rest.strip_prefix('"') {
            Some(quoted) => quoted.split("\",").next().unwrap_or(quoted).trim_end_matches('"').replace("\"\"", "\""),
            None if has_source => rest.to_owned(),
            None => rest.split(',').next().unwrap_or(rest).to_owned(),
        };
        rows.push((if has_source { first.to_owned() } else { file.clone() }, url));
        Ok(())
    })?;
    Ok(rows)
}

pub(super) fn calibrate(args: &Calibrate, global: &Global) -> Result<Exit, Fail> {
    if args.name != "mail-phish" {
        return Err(Fail::new("E0503", format!("no calibration for {}", args.name)).fix("models that can be calibrated: mail-phish"));
    }
    let (knowledge, _) = Content::load(global.content.as_deref())?.knowledge()?;
    let mut raws: Vec<Vec<u8>> = Vec::new();
    gather(&args.ham, &mut raws)?;
    let said: Vec<(Judgement, String)> = raws
        .iter()
        .map(|raw| {
            let sender = decode::mail::Message::read(raw).and_then(|m| Some(m.from.first()?.address.clone())).unwrap_or_default();
            (content::judge(&Input { name: "ham", matter: Matter::Mail(raw) }, &knowledge), sender)
        })
        .collect();
    // One sender gives at most 1 %.
    let most = (said.len() / 100).max(1);
    let mut by_sender: BTreeMap<&str, usize> = BTreeMap::new();
    let mut scores: Vec<f32> = Vec::new();
    for (one, sender) in &said {
        let count = by_sender.entry(sender).or_default();
        *count += 1;
        if let Some(score) = one.score.filter(|_| *count <= most) {
            scores.push(score);
        }
    }
    scores.sort_by(|a, b| b.total_cmp(a));
    let n = scores.len();
    let k = (args.fpr * (n as f64 + 1.0)).floor() as usize;
    let missing = ((1.0 / args.fpr).ceil() as usize).saturating_sub(n + 1);
    // Above the k-th highest: k - 1 of the scores lie over it.
    let threshold = k.checked_sub(1).and_then(|at| scores.get(at)).map(|score| (score + 1e-6).min(1.0));
    let abstained = said.iter().filter(|(one, _)| one.abstained).count();
    let object = json!({
        "schema": "bartizan.calibration/1", "model": args.name, "mails": said.len(), "used": n, "fpr": args.fpr, "threshold": threshold,
        "missing": missing, "abstained": abstained as f64 / said.len().max(1) as f64, "senders": by_sender.len(),
    });
    if let (Some(path), Some(_)) = (&args.out, threshold) {
        std::fs::write(path, format!("{object}\n")).map_err(|e| Fail::unreadable(path, &e))?;
    }
    if global.json {
        out::json(&object);
    } else {
        match threshold {
            Some(limit) => out::line(format!(
                " threshold {limit:.4} from {n} of {} mails of {} senders: at most {:.2} % flagged; {abstained} abstained",
                said.len(),
                by_sender.len(),
                args.fpr * 100.0
            )),
            None => out::line(format!(" {missing} mails are missing for a share of {}; the shipped threshold stays", args.fpr)),
        }
    }
    Ok(Exit::Fine)
}

/// Messages of a table, an mbox, a file or a folder.
fn gather(path: &Path, raws: &mut Vec<Vec<u8>>) -> Result<(), Fail> {
    const MAILS_MAX: usize = 5_000;
    if path.is_dir() {
        let mut entries: Vec<PathBuf> =
            std::fs::read_dir(path).map_err(|e| Fail::unreadable(path, &e))?.flatten().map(|e| e.path()).collect();
        entries.sort();
        return entries.iter().filter(|p| p.is_file()).take(MAILS_MAX).try_for_each(|entry| gather(entry, raws));
    }
    let name = path.to_string_lossy();
    if name.contains(".jsonl") || name.ends_with(".json") {
        return waf::each_line(path, &mut |_, line| {
            let row: Option<Value> = serde_json::from_slice(line).ok();
            let ham = row.as_ref().is_some_and(|row| row.get("label").is_none_or(|label| label == "ham"));
            if let Some(raw) = row.as_ref().and_then(|row| row.get("raw")?.as_str()).filter(|_| ham && raws.len() < MAILS_MAX) {
                raws.push(decode::mail::bytes_of(raw));
            }
            Ok(())
        });
    }
    let bytes = std::fs::read(path).map_err(|e| Fail::unreadable(path, &e))?;
    if decode::mail::is_mbox(&bytes) {
        raws.extend(decode::mail::messages(&bytes).into_iter().take(MAILS_MAX).map(<[u8]>::to_vec));
    } else {
        raws.push(bytes);
    }
    Ok(())
}

/// What was said about one row, in the few words that figures need.
struct Row {
    source: String,
    bad: bool,
    verdict: Verdict,
    abstained: bool,
    score: f32,
    trivial: bool,
}

/// Judges every source below `dir` and prints what was flagged, beside rules alone, the model alone and a one-line rule.
pub(super) fn eval(name: &str, dir: &Path, global: &Global) -> Result<Exit, Fail> {
    let (knowledge, said) = Content::load(global.content.as_deref())?.knowledge()?;
    said.iter().for_each(out::note);
    let mut bare = knowledge.clone();
    bare.models = learn::Registry::default();
    let mut paths: Vec<PathBuf> = std::fs::read_dir(dir).map_err(|e| Fail::unreadable(dir, &e))?.flatten().map(|e| e.path()).collect();
    paths.sort();
    let mut table = Vec::new();
    let mut both = Vec::new();
    for (mode, knowledge) in [("both", &knowledge), ("rules", &bare)] {
        let mut rows = Vec::new();
        let begin = crate::clock::now();
        for path in &paths {
            let file = path.file_name().map(|n| n.to_string_lossy().into_owned()).unwrap_or_default();
            match name {
                "mail-phish" if file.contains(".jsonl") => mail_rows(path, knowledge, &mut rows)?,
                "url-phish" if file.contains(".csv") => url_rows(path, knowledge, &mut rows)?,
                _ => {}
            }
        }
        let spent = crate::clock::now().since_s(begin).max(1e-3);
        table.push(figures(mode, &rows, spent));
        if mode == "both" {
            both = rows;
        }
    }
    let operator = at_operator(&both);
    let matrix = if name == "mail-phish" { matrix(&paths, global)? } else { Vec::new() };
    let object = json!({"schema": "bartizan.model_sources/1", "model": name, "sources": table, "operator": operator, "matrix": matrix});
    if global.json {
        out::json(&object);
    } else {
        out::raw(serde_json::to_string_pretty(&object).unwrap_or_default().as_bytes());
        out::line("");
    }
    Ok(Exit::Fine)
}

fn mail_rows(path: &Path, knowledge: &Knowledge, rows: &mut Vec<Row>) -> Result<(), Fail> {
    let file = source_name(path);
    waf::each_line(path, &mut |_, line| {
        let Ok(row) = serde_json::from_slice::<Value>(line) else { return Ok(()) };
        let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
        let label = text("label");
        let (said, plain) = match row.get("raw").and_then(Value::as_str) {
            Some(raw) => {
                let bytes = decode::mail::bytes_of(raw);
                (content::judge(&Input { name: "row", matter: Matter::Mail(&bytes) }, knowledge), raw)
            }
            None => (content::judge(&Input { name: "row", matter: Matter::Text(text("text")) }, knowledge), text("text")),
        };
        let lower = plain.to_lowercase();
        let trivial = (lower.contains("http") || lower.contains("www.") || lower.contains(".com"))
            && ["urgent", "immediately", "verify", "suspend", "confirm"].iter().any(|word| lower.contains(word));
        rows.push(row_of(format!("{file} {label}"), label != "ham", &said, trivial));
        Ok(())
    })
}

fn url_rows(path: &Path, knowledge: &Knowledge, rows: &mut Vec<Row>) -> Result<(), Fail> {
    let bad = !source_name(path).starts_with("benign");
    for (source, url) in urls(path)? {
        let said = content::judge(&Input { name: "row", matter: Matter::Url(&url) }, knowledge);
        let lower = url.to_ascii_lowercase();
        let trivial = ["login", "signin", "verify", "account", "secure"].iter().any(|word| lower.contains(word));
        rows.push(row_of(source, bad, &said, trivial));
    }
    Ok(())
}

fn row_of(source: String, bad: bool, said: &Judgement, trivial: bool) -> Row {
    Row { source, bad, verdict: said.verdict, abstained: said.abstained, score: said.score.unwrap_or(0.0), trivial }
}

fn figures(mode: &str, rows: &[Row], spent_s: f64) -> Value {
    let mut sources: BTreeMap<(&str, bool), Vec<&Row>> = BTreeMap::new();
    rows.iter().for_each(|row| sources.entry((&row.source, row.bad)).or_default().push(row));
    let ham: Vec<&Row> = rows.iter().filter(|row| !row.bad).collect();
    let of =
        |rows: &[&Row], test: &dyn Fn(&Row) -> bool| measure::wilson(rows.iter().filter(|row| test(row)).count() as u64, rows.len() as u64);
    let by: Vec<Value> = sources
        .iter()
        .map(|((source, bad), of_source)| {
            let scored: Vec<Scored> = of_source
                .iter()
                .map(|row| Scored { score: row.score, positive: true })
                .chain(ham.iter().map(|row| Scored { score: row.score, positive: false }))
                .collect();
            json!({
                "source": source, "bad": bad, "n": of_source.len(),
                "flagged": of(of_source, &|row| row.verdict >= Verdict::Suspicious), "phishing": of(of_source, &|row| row.verdict == Verdict::Phishing),
                "spam": of(of_source, &|row| row.verdict == Verdict::Spam), "abstained": of(of_source, &|row| row.abstained),
                "trivial": of(of_source, &|row| row.trivial), "auc_against_all_ham": if *bad { measure::auc(&scored) } else { None },
            })
        })
        .collect();
    json!({"mode": mode, "rows": rows.len(), "per_second": (rows.len() as f64 / spent_s).round(), "by_source": by})
}

/// Threshold at 1 % of one half of the good rows, measured on the other half and on the bad ones (goal G2). Abstained rows are never flagged.
fn at_operator(rows: &[Row]) -> Value {
    let mut sources: Vec<&str> = rows.iter().filter(|row| !row.bad).map(|row| row.source.as_str()).collect();
    sources.sort_unstable();
    sources.dedup();
    let one: Vec<Value> = sources
        .iter()
        .map(|source| {
            let ham: Vec<&Row> = rows.iter().filter(|row| !row.bad && row.source == *source).collect();
            let half: Vec<f32> = ham.iter().step_by(2).map(|row| row.score).collect();
            let limit = measure::threshold_at_fpr(&half, 0.01);
            let share = |rows: Vec<&Row>| {
                measure::wilson(rows.iter().filter(|row| !row.abstained && row.score >= limit).count() as u64, rows.len() as u64)
            };
            let mut bad: BTreeMap<&str, Vec<&Row>> = BTreeMap::new();
            rows.iter().filter(|row| row.bad).for_each(|row| bad.entry(&row.source).or_default().push(row));
            let recall: BTreeMap<&str, Value> = bad.into_iter().map(|(source, rows)| (source, json!(share(rows)))).collect();
            json!({"ham": source, "threshold": limit, "other_half": share(ham.into_iter().skip(1).step_by(2).collect()), "recall": recall})
        })
        .collect();
    json!(one)
}

/// AUC of the text model alone, train sources against test sources.
fn matrix(paths: &[PathBuf], global: &Global) -> Result<Vec<Value>, Fail> {
    let mut teaching: BTreeMap<String, Vec<Sample>> = BTreeMap::new();
    let mut tests: Vec<(String, bool, String)> = Vec::new();
    for path in paths.iter().filter(|path| path.to_string_lossy().contains(".jsonl")) {
        let source = source_name(path);
        if source.starts_with("spamassassin") || source.starts_with("bounce") {
            teaching.insert(source.clone(), mails(path)?);
        }
        waf::each_line(path, &mut |number, line| {
            let Ok(row) = serde_json::from_slice::<Value>(line) else { return Ok(()) };
            let text = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
            if text("label") == "spam" || (number % 4 != 0 && source.starts_with("phishing")) {
                return Ok(());
            }
            let body = match row.get("raw").and_then(Value::as_str) {
                Some(raw) => decode::mail::Message::read(&decode::mail::bytes_of(raw))
                    .map(|m| format!("{}\n{}", m.subject, m.visible()))
                    .unwrap_or_default(),
                None => text("text").to_owned(),
            };
            tests.push((source.clone(), text("label") != "ham", body));
            Ok(())
        })?;
    }
    let _ = global;
    let all: Vec<&Sample> = teaching.values().flatten().collect();
    let mut variants: Vec<(String, Vec<&Sample>)> = vec![("own".into(), Vec::new())];
    variants.extend(teaching.iter().map(|(name, samples)| (format!("own + {name}"), samples.iter().collect())));
    variants.push(("all".into(), all));
    let mut lines = Vec::new();
    for (name, samples) in variants {
        let model = Arc::new(lure_mail::weights(&samples, Half::All, 1));
        let scored: Vec<(&str, Scored)> = tests
            .iter()
            .map(|(source, bad, text)| {
                (source.as_str(), Scored { score: lure_mail::logit(&model, text, learn::lure::LURE), positive: *bad })
            })
            .collect();
        let mut cells = BTreeMap::new();
        for bad in ["phishing_pot_to_2025-05", "llm_written"] {
            for ham in ["spamassassin_raw", "bounce_ham", "llm_written"] {
                let rows: Vec<Scored> = scored
                    .iter()
                    .filter(|(source, row)| if row.positive { *source == bad } else { *source == ham })
                    .map(|(_, row)| *row)
                    .collect();
                cells.insert(format!("{bad} against ham of {ham}"), measure::auc(&rows));
            }
        }
        lines.push(json!({"trained_on": name, "auc": cells}));
    }
    Ok(lines)
}

//! Rows of `{"split","label","class","payload"}` through the inspector: shares found and false alarms by class, rules alone,
//! or both when `BARTIZAN_MODEL` names a model folder. Usage: `web_rows FILE.jsonl SPLIT [show-missed CLASS | show-false]`.
#![allow(clippy::print_stdout, clippy::disallowed_methods)]

use std::collections::BTreeMap;
use std::io::BufRead;
use std::sync::Arc;

use detect::Knowledge;
use detect::web::request::{Inspector, Place, Scratch};

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let (file, split) = (&args[1], &args[2]);
    let show = args.get(3).map(String::as_str).unwrap_or("");
    let shown_class = args.get(4).map(String::as_str).unwrap_or("");
    let web_rules = detect::rule_set(detect::web::RULES)
        .unwrap_or_else(|errors| panic!("{}", errors.iter().map(|e| e.to_string()).collect::<Vec<_>>().join("\n")));
    let inspector = Inspector::new(&Knowledge {
        web_rules: Arc::new(web_rules),
        web_model: std::env::var_os("BARTIZAN_MODEL").as_deref().and_then(model_in).map(Arc::new),
        ..Knowledge::default()
    });
    let mut scratch = Scratch::default();
    let mut by_class: BTreeMap<String, (u64, u64)> = BTreeMap::new();
    let mut by_rule: BTreeMap<u32, (u64, u64)> = BTreeMap::new();
    let lines = std::io::BufReader::new(std::fs::File::open(file).expect("the file")).lines();
    for line in lines.map_while(Result::ok) {
        let Ok(row) = serde_json::from_str::<serde_json::Value>(&line) else { continue };
        let text = |key: &str| row[key].as_str().unwrap_or("").to_owned();
        if text("split") != *split {
            continue;
        }
        let (class, payload) = (format!("{} {} {}", text("label"), text("class"), text("source")), text("payload"));
        let said = inspector.inspect_row(payload.as_bytes(), Place::Query, &mut scratch);
        let benign = text("label") == "benign";
        for hit in &said.rules {
            let counts = by_rule.entry(hit.id).or_default();
            if benign { counts.1 += 1 } else { counts.0 += 1 }
        }
        let counts = by_class.entry(class).or_default();
        counts.0 += 1;
        counts.1 += u64::from(said.verdict_block);
        if (show == "show-false" && benign && said.verdict_block)
            || (show == "show-missed" && !said.verdict_block && text("class") == shown_class)
        {
            println!("{:?} {:?}", said.rules.iter().map(|r| r.id).collect::<Vec<_>>(), payload.chars().take(160).collect::<String>());
        }
    }
    if show.is_empty() {
        for (class, (all, found)) in by_class {
            println!("{class:45} {found:7} of {all:7}  {:.3} %", 100.0 * found as f64 / all as f64);
        }
        for (rule, (attack, benign)) in by_rule {
            println!("rule {rule}: {attack} attack rows, {benign} benign rows");
        }
    }
}

fn model_in(folder: &std::ffi::OsStr) -> Option<learn::TextModel> {
    let mut model = learn::sign::Folder::new();
    for file in std::fs::read_dir(folder).ok()?.filter_map(Result::ok) {
        let name = file.file_name().into_string().ok()?;
        model.insert(&name, std::fs::read(file.path()).ok()?).ok()?;
    }
    Some(learn::load_unverified(&model).unwrap_or_else(|why| panic!("model: {why}")))
}

//! Whole trainings by recipe on small made tables.

use super::*;
use crate::generate::Random;
use crate::sign::{self, KeyRing, SigningKey};
use crate::{Registry, load_any_unverified};

/// Keyword counts in the manner of the table: bad files have script marks more often, and few pages.
pub(crate) fn pdf_rows(seed: u64, count: usize) -> String {
    let mut random = Random::new(seed);
    let mut text = String::from("obj,endobj,stream,endstream,xref,trailer,startxref,Page,JS,Javascript,OpenAction,extra,Malicious\n");
    for _ in 0..count {
        let bad = random.one_in(3);
        let pages = if bad { random.between(0, 2) } else { random.between(1, 60) };
        let (obj, stream) = (random.between(4, 40) + 3 * pages, random.between(1, 20) + pages);
        let script = usize::from(if bad { !random.one_in(10) } else { random.one_in(20) });
        let open = usize::from(if bad { !random.one_in(3) } else { random.one_in(4) });
        let label = if bad { "yes" } else { "no" };
        text.push_str(&format!("{obj},{obj},{stream},{stream},1,1,1,{pages},{script},{},{open},,{label}\n", script * 2));
    }
    text
}

pub(crate) fn table(text: &str) -> Table {
    let mut table = Table::new();
    table.read("made.csv", text.as_bytes()).unwrap();
    table
}

#[test]
fn a_recipe_trains_signs_loads_and_scores_alike() {
    let recipe = by_name("pdf").unwrap();
    let rows = table(&pdf_rows(1, 1_500));
    let trained = recipe.train(&rows, 1).unwrap();
    assert_eq!(trained.folder, recipe.train(&rows, 1).unwrap().folder);
    assert!(!trained.card.ships);
    assert!(trained.figures.report.auc.unwrap() > trained.figures.trivial.auc.unwrap());
    assert!(trained.card.to_markdown().contains("number of script marks"));
    assert_eq!(trained.folder.files().map(|(name, _)| name).collect::<Vec<_>>().len(), 5);

    let (private, public) = sign::new_key(&[5; 32]).unwrap();
    let mut folder = trained.folder.clone();
    let mut registry = Registry::default();
    let ring = KeyRing::from_pems([public]).unwrap();
    assert!(registry.load("pdf", &folder, &ring).is_err() && registry.tree("pdf").is_none());
    let signature = sign::sign(&folder, "pdf", &SigningKey::from_pem(&private).unwrap());
    folder.insert(sign::SIGNATURE_NAME, signature).unwrap();
    registry.load("pdf", &folder, &ring).unwrap();
    let (loaded, fresh) = (registry.get("pdf").unwrap(), table(&pdf_rows(2, 300)));
    assert!(registry.tree("pdf").is_some() && registry.text("pdf").is_none());
    for row in fresh.rows() {
        assert_eq!(recipe.score(loaded, &row), recipe.score(&trained.model, &row));
    }
    let mut features: serde_json::Value = serde_json::from_slice(folder.get("features.json").unwrap()).unwrap();
    features["hash"] = "other".into();
    folder.insert("features.json", features.to_string().into_bytes()).unwrap();
    assert!(matches!(load_any_unverified(&folder), Err(crate::LoadError::Features { .. })));
}

#[test]
fn the_label_is_never_an_input() {
    let recipe = by_name("pdf").unwrap();
    let trained = recipe.train(&table(&pdf_rows(1, 1_000)), 1).unwrap();
    let text = pdf_rows(2, 600);
    let turned: String = text
        .lines()
        .map(|line| match (line.strip_suffix(",yes"), line.strip_suffix(",no")) {
            (Some(rest), _) => format!("{rest},no\n"),
            (_, Some(rest)) => format!("{rest},yes\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let auc = |text: &str| recipe.eval(&trained.model, &table(text)).unwrap().report.auc.unwrap();
    assert!(auc(&text) > 0.9);
    assert!((auc(&text) + auc(&turned) - 1.0).abs() < 1e-9);
}

#[test]
fn missing_cells_unknown_columns_and_bad_labels() {
    let recipe = by_name("pdf").unwrap();
    let trained = recipe.train(&table(&pdf_rows(1, 1_000)), 1).unwrap();
    let evaluation = recipe.eval(&trained.model, &table("JS,obj,odd,Malicious\n1,,x,yes\n,,,no\n0,12,,no\n")).unwrap();
    // Too few of the features are there.
    assert_eq!((evaluation.abstained, evaluation.report.n), (3, 0));
    assert!(evaluation.notes.iter().any(|note| note == "columns not read: odd"), "{:?}", evaluation.notes);
    let error = recipe.eval(&trained.model, &table("JS,obj,Malicious\n1,2,perhaps\n")).unwrap_err();
    assert_eq!((error.file.as_str(), error.line), ("made.csv", 2));
    assert!(recipe.eval(&trained.model, &table("a,Malicious\n1,yes\n")).unwrap_err().why.contains("no column obj, JS"));
    assert!(matches!(recipe.train(&table(&pdf_rows(1, 60)), 1), Err(TrainError::Rows { .. })));
}

#[test]
fn every_recipe_is_whole() {
    for recipe in ALL {
        assert_eq!(by_name(recipe.name).map(|found| found.name), Some(recipe.name));
        assert_eq!(ALL.iter().filter(|other| other.name == recipe.name).count(), 1);
        assert!(!recipe.trivial.what.is_empty() && recipe.budget.alone <= recipe.budget.alert);
        assert!(!recipe.ships || recipe.sources.iter().all(|source| source.ships), "{} may not ship", recipe.name);
        let mut names: Vec<String> = recipe.features().features.iter().map(|feature| feature.name.clone()).collect();
        names.sort();
        let count = names.len();
        names.dedup();
        assert_eq!(names.len(), count, "{}: a feature stands there twice", recipe.name);
    }
}

#[test]
fn prompts_and_names_train_twice_to_the_same_bytes() {
    let mut prompts = Table::new();
    for prompt in crate::generate::prompt::rows(77, 80) {
        let cells = [("text", prompt.text.as_str()), ("label", if prompt.bad { "1" } else { "0" })];
        prompts.push("made", cells.map(|(name, text)| (name, crate::table::Cell::Text(text.into()))));
    }
    let mut names = Table::new();
    for (at, label) in crate::generate::names::honest(5, 1_500).into_iter().enumerate() {
        let url = format!("https://www.{label}{at}.example/page");
        let cells = [("source", if at % 3 == 0 { "citizenlab" } else { "public-apis" }), ("url", url.as_str())];
        names.push("made", cells.map(|(name, text)| (name, crate::table::Cell::Text(text.into()))));
    }
    for (name, table) in [("prompt-injection", prompts), ("dga", names)] {
        let recipe = by_name(name).unwrap();
        let table = recipe.prepared(table);
        if name == "dga" {
            // Rows whose licence forbids it teach nothing.
            assert_eq!(table.len(), 1_000);
        }
        let trained = recipe.train(&table, 3).unwrap();
        assert_eq!(trained.folder, recipe.train(&table, 3).unwrap().folder, "{name}");
        assert!(trained.card.sources.iter().any(|source| source.name == "generated" && source.licence == "Apache-2.0"));
        let loaded = load_any_unverified(&trained.folder).unwrap();
        let row = table.row(0);
        assert_eq!(recipe.score(&loaded, &row), recipe.score(&trained.model, &row));
    }
}

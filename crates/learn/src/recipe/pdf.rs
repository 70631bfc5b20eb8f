//! `pdf`: how much a PDF file's keyword counts look like a malicious document. A recipe: no licensed table exists, so no weights ship.

use super::{BUDGET, Form, Licence, Recipe, Trees, Trivial};
use crate::features::pdf;
use crate::tree::Settings;

const COLUMNS: &[&str] = &[
    "obj",
    "endobj",
    "stream",
    "endstream",
    "xref",
    "trailer",
    "startxref",
    "Page",
    "Encrypt",
    "ObjStm",
    "JS",
    "Javascript",
    "AA",
    "OpenAction",
    "AcroForm",
    "JBIG2Decode",
    "RichMedia",
    "Launch",
    "EmbeddedFile",
    "XFA",
    "Colors",
];

pub(super) static RECIPE: Recipe = Recipe {
    name: "pdf",
    version: "1.0",
    purpose: "Says how much the keyword counts of a PDF file look like those of a malicious document.",
    method: "Five averaged ensembles of boosted trees of depth 4 over counts of pdfid kind; marks of active content may only raise the score.",
    ships: false,
    sources: &[Licence { source: "pdf_keywords_contagio", origin: "bhaskarfx/data_sets @ 09cea66", licence: "none stated", ships: false }],
    label: &["Malicious", "label", "class"],
    bad: &[],
    needs: &["obj", "JS"],
    reads: COLUMNS,
    group: None,
    by: &["source"],
    trivial: Trivial {
        what: "number of script marks (JS and Javascript)",
        score: |row| (row.number("JS").unwrap_or(0.0) + row.number("Javascript").unwrap_or(0.0)) as f32,
    },
    budget: BUDGET,
    form: Form::Trees(Trees {
        settings: || Settings { depth: 4, rounds: 150, eta: 0.1, ..Settings::default() },
        ..Trees::named(pdf::FEATURES, |row, out| out.extend(pdf::of_row(row)))
    }),
    blind_spots: &[
        "Keywords that a file hides in compressed object streams or writes in hex are counted only when the extractor undoes both.",
        "Documents that lure without active content (a link, a picture of a button).",
        "Learned from one table, of which under a third of the rows are distinct: figures on another collection will be lower.",
    ],
    prepare: None,
};

//! `pdf`: keyword counts of pdfid kind and what follows from them.
//!
//! Counts of active content may only raise the score. Sizes alone (pages, objects, streams) are free to forge: they enter as shares
//! and as "is there any", not as lengths.

use super::{Feature, Forge, at_most, feature};
use crate::table::Row;

/// The features in order.
pub const FEATURES: &[Feature] = &[
    feature("obj", "objects, log2", Forge::Free),
    feature("unbalanced_obj", "objects without end", Forge::Some),
    feature("stream", "streams, log2", Forge::Free),
    feature("unbalanced_stream", "streams without end", Forge::Some),
    feature("xref", "tables", Forge::Some),
    feature("trailer", "trailers", Forge::Some),
    feature("startxref", "marks", Forge::Some),
    feature("Page", "pages, log2", Forge::Free),
    feature("objects_a_page", "objects, log2", Forge::Free),
    feature("Encrypt", "marks", Forge::Some),
    feature("ObjStm", "object streams", Forge::Some),
    feature("JS", "marks", Forge::Hard).rises(),
    feature("Javascript", "marks", Forge::Hard).rises(),
    feature("AA", "automatic actions", Forge::Hard).rises(),
    feature("OpenAction", "actions", Forge::Hard).rises(),
    feature("AcroForm", "forms", Forge::Some),
    feature("JBIG2Decode", "filters", Forge::Hard).rises(),
    feature("RichMedia", "marks", Forge::Hard).rises(),
    feature("Launch", "actions", Forge::Hard).rises(),
    feature("EmbeddedFile", "files", Forge::Hard).rises(),
    feature("XFA", "forms", Forge::Some),
    feature("Colors", "marks", Forge::Some),
];

/// The features of one file from its keyword counts, by the names of the table's columns.
pub fn features(count: &dyn Fn(&str) -> Option<f64>) -> Vec<f32> {
    let value = |name: &str| count(name).map_or(f32::NAN, |number| number as f32);
    let log = |name: &str| (value(name) + 1.0).log2();
    FEATURES
        .iter()
        .map(|feature| match feature.name {
            "obj" | "stream" | "Page" => log(feature.name),
            "unbalanced_obj" => at_most((value("obj") - value("endobj")).abs(), 16.0),
            "unbalanced_stream" => at_most((value("stream") - value("endstream")).abs(), 16.0),
            "objects_a_page" => log("obj") - log("Page"),
            name => at_most(value(name), 64.0),
        })
        .collect()
}

/// The features of a table row.
pub fn of_row(row: &Row<'_>) -> Vec<f32> {
    features(&|name| row.number(name))
}

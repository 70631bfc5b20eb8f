//! `pe-header`: fields of the DOS, COFF and optional header of a PE file, and what follows from them.
//!
//! Left out, because they tell the toolchain and era of somebody's benign files rather than what a file does: checksum, linker,
//! system and image versions, the build's time stamp and the raw image base.

use super::{Feature, Forge, at_most, feature};
use crate::table::Row;

/// The features in order.
pub const FEATURES: &[Feature] = &[
    feature("e_cblp", "bytes", Forge::Some),
    feature("e_cp", "pages", Forge::Some),
    feature("e_cparhdr", "paragraphs", Forge::Some),
    feature("e_minalloc", "paragraphs", Forge::Some),
    feature("e_maxalloc", "paragraphs", Forge::Some),
    feature("e_sp", "bytes", Forge::Some),
    feature("e_lfarlc", "bytes", Forge::Some),
    feature("e_ovno", "number", Forge::Some),
    feature("e_oemid", "number", Forge::Some),
    feature("e_lfanew", "bytes", Forge::Some),
    feature("NumberOfSections", "sections", Forge::Some),
    feature("has_symbols", "0 or 1", Forge::Some),
    feature("SizeOfOptionalHeader", "bytes", Forge::Hard),
    feature("executable_flags", "bits", Forge::Some),
    feature("is_dll", "0 or 1", Forge::Some),
    feature("relocations_stripped", "0 or 1", Forge::Some),
    feature("Magic", "number", Forge::Hard),
    feature("code_share", "share of code and data", Forge::Some),
    feature("SizeOfCode", "bytes, log2", Forge::Some),
    feature("SizeOfInitializedData", "bytes, log2", Forge::Some),
    feature("SizeOfUninitializedData", "bytes, log2", Forge::Some),
    feature("entry_in_code", "share of the code's size, from its base", Forge::Some),
    feature("entry_share", "share of the image", Forge::Some),
    feature("image_to_content", "ratio, log2", Forge::Some),
    feature("BaseOfCode", "bytes, log2", Forge::Some),
    feature("SectionAlignment", "bytes, log2", Forge::Some),
    feature("FileAlignment", "bytes, log2", Forge::Some),
    feature("SizeOfHeaders", "bytes, log2", Forge::Some),
    feature("SizeOfImage", "bytes, log2", Forge::Some),
    feature("Subsystem", "number", Forge::Hard),
    feature("can_move", "0 or 1", Forge::Some),
    feature("no_execute", "0 or 1", Forge::Some),
    feature("no_structured_handler", "0 or 1", Forge::Some),
    feature("guarded_flow", "0 or 1", Forge::Some),
    feature("terminal_server", "0 or 1", Forge::Some),
    feature("SizeOfStackReserve", "bytes, log2", Forge::Some),
    feature("SizeOfStackCommit", "bytes, log2", Forge::Some),
    feature("SizeOfHeapReserve", "bytes, log2", Forge::Some),
    feature("SizeOfHeapCommit", "bytes, log2", Forge::Some),
    feature("LoaderFlags", "0 or not", Forge::Free),
    feature("NumberOfRvaAndSizes", "entries", Forge::Some),
];

/// The features of one file from its header fields, by the names of the table's columns.
pub fn features(field: &dyn Fn(&str) -> Option<f64>) -> Vec<f32> {
    let value = |name: &str| field(name).unwrap_or(f64::NAN);
    let log = |name: &str| (value(name) + 1.0).log2();
    let bit = |name: &str, bit: u32| field(name).map_or(f64::NAN, |bits| f64::from((bits as i64 >> bit) as u8 & 1));
    FEATURES
        .iter()
        .map(|feature| {
            let number = match feature.name {
                "has_symbols" => {
                    field("NumberOfSymbols").map_or(f64::NAN, |n| f64::from(u8::from(n > 0.0 || value("PointerToSymbolTable") > 0.0)))
                }
                "executable_flags" => field("Characteristics").map_or(f64::NAN, |bits| f64::from((bits as i64 & 0x0C1E) as u16)),
                "is_dll" => bit("Characteristics", 13),
                "relocations_stripped" => bit("Characteristics", 0),
                "code_share" => value("SizeOfCode") / (value("SizeOfCode") + value("SizeOfInitializedData") + 1.0),
                "entry_in_code" => ((value("AddressOfEntryPoint") - value("BaseOfCode")) / (value("SizeOfCode") + 1.0)).clamp(-4.0, 4.0),
                "entry_share" => (value("AddressOfEntryPoint") / (value("SizeOfImage") + 1.0)).clamp(0.0, 4.0),
                "image_to_content" => {
                    let content = value("SizeOfCode") + value("SizeOfInitializedData") + value("SizeOfUninitializedData");
                    ((value("SizeOfImage") + 1.0) / (content + 1.0)).log2()
                }
                "can_move" => bit("DllCharacteristics", 6),
                "no_execute" => bit("DllCharacteristics", 8),
                "no_structured_handler" => bit("DllCharacteristics", 10),
                "guarded_flow" => bit("DllCharacteristics", 14),
                "terminal_server" => bit("DllCharacteristics", 15),
                "LoaderFlags" => field("LoaderFlags").map_or(f64::NAN, |flags| f64::from(u8::from(flags != 0.0))),
                name if feature.unit.ends_with("log2") => log(name),
                name => f64::from(at_most(value(name) as f32, 1e6)),
            };
            number as f32
        })
        .collect()
}

/// The features of a table row.
pub fn of_row(row: &Row<'_>) -> Vec<f32> {
    features(&|name| row.number(name))
}

//! `pe-header`: how much the header of a Windows program looks like malware. A recipe: no licensed table exists, so no weights ship.

use super::{BUDGET, Form, Licence, Recipe, Trees, Trivial};
use crate::features::pe_header;
use crate::tree::Settings;

/// Fields of the table that are read; versions, checksum and time stamps are not.
const COLUMNS: &[&str] = &[
    "e_cblp",
    "e_cp",
    "e_cparhdr",
    "e_minalloc",
    "e_maxalloc",
    "e_sp",
    "e_lfarlc",
    "e_ovno",
    "e_oemid",
    "e_lfanew",
    "NumberOfSections",
    "PointerToSymbolTable",
    "NumberOfSymbols",
    "SizeOfOptionalHeader",
    "Characteristics",
    "Magic",
    "SizeOfCode",
    "SizeOfInitializedData",
    "SizeOfUninitializedData",
    "AddressOfEntryPoint",
    "BaseOfCode",
    "SectionAlignment",
    "FileAlignment",
    "SizeOfHeaders",
    "SizeOfImage",
    "Subsystem",
    "DllCharacteristics",
    "SizeOfStackReserve",
    "SizeOfStackCommit",
    "SizeOfHeapReserve",
    "SizeOfHeapCommit",
    "LoaderFlags",
    "NumberOfRvaAndSizes",
];

pub(super) static RECIPE: Recipe = Recipe {
    name: "pe-header",
    version: "1.0",
    purpose: "Says how much the header of a Windows program (PE) looks like that of malware.",
    method: "Five averaged ensembles of boosted trees of depth 3 over header fields; what tells only the era of a file is left out.",
    ships: false,
    sources: &[Licence {
        source: "pe_header_kaggle",
        origin: "jmathur011/Malware_Detection @ b945d9b",
        licence: "none stated",
        ships: false,
    }],
    label: &["Malware", "label", "class"],
    bad: &[],
    needs: &["NumberOfSections", "SizeOfCode"],
    reads: COLUMNS,
    group: None,
    by: &["source"],
    trivial: Trivial {
        what: "no hardening flag (address randomisation, no-execute) in the header",
        score: |row| {
            let flags = row.number("DllCharacteristics").unwrap_or(0.0) as i64;
            -(((flags >> 6) & 1) + ((flags >> 8) & 1)) as f32
        },
    },
    budget: BUDGET,
    form: Form::Trees(Trees {
        settings: || Settings { depth: 3, rounds: 250, eta: 0.08, column_share: 0.4, ..Settings::default() },
        ..Trees::named(pe_header::FEATURES, |row, out| out.extend(pe_header::of_row(row)))
    }),
    blind_spots: &[
        "Headers only: no sections, imports or strings; a header can be made to look like any other.",
        "Header values follow the toolchain of the benign files of one collection: scores fall on another one.",
        "Packed benign programs look like packed malware.",
    ],
    prepare: None,
};

//! Windows programs: headers, sections, imports and what lies behind them. Read by hand so that a damaged file still gives what it has.
//!
//! Fields and offsets: Microsoft PE format specification. Everything is bounded: at most [`SECTIONS_MAX`] sections, [`IMPORTS_MAX`] imports.

use std::fmt::Write as _;

mod import;
mod md5;

pub const SECTIONS_MAX: usize = 96;
pub const IMPORTS_MAX: usize = 8_192;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pe {
    /// In the order of [`HEADERS`]; `None` when the file ends before.
    pub headers: Vec<Option<u64>>,
    pub is_64: bool,
    pub is_dll: bool,
    pub sections: Vec<Section>,
    /// `kernel32.dll` and `VirtualAlloc`, lower-case library.
    pub imports: Vec<(String, String)>,
    /// MD5 over the import table, as other tools make it; empty without imports.
    pub imphash: String,
    pub entry: u32,
    /// Bytes behind the last section, signature apart.
    pub overlay_bytes: u64,
    pub is_signed: bool,
    pub is_dotnet: bool,
    pub has_tls_callbacks: bool,
    pub debug_path: String,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Section {
    pub name: String,
    pub address: u32,
    pub virtual_bytes: u32,
    pub offset: u32,
    pub raw_bytes: u32,
    /// Bits per byte of its content, 0..=8.
    pub entropy: f32,
    pub is_writable: bool,
    pub is_executable: bool,
}

/// Header fields by the names of the training table: name, part (0 DOS, 1 COFF, 2 optional), offset there, bytes. Fields whose place differs
/// in 64-bit files have their 64-bit offset and size last.
type Field = (&'static str, u8, usize, usize, Option<(usize, usize)>);

pub const HEADERS: &[Field] = &[
    ("e_magic", 0, 0, 2, None),
    ("e_cblp", 0, 2, 2, None),
    ("e_cp", 0, 4, 2, None),
    ("e_crlc", 0, 6, 2, None),
    ("e_cparhdr", 0, 8, 2, None),
    ("e_minalloc", 0, 10, 2, None),
    ("e_maxalloc", 0, 12, 2, None),
    ("e_ss", 0, 14, 2, None),
    ("e_sp", 0, 16, 2, None),
    ("e_csum", 0, 18, 2, None),
    ("e_ip", 0, 20, 2, None),
    ("e_cs", 0, 22, 2, None),
    ("e_lfarlc", 0, 24, 2, None),
    ("e_ovno", 0, 26, 2, None),
    ("e_oemid", 0, 36, 2, None),
    ("e_oeminfo", 0, 38, 2, None),
    ("e_lfanew", 0, 60, 4, None),
    ("NumberOfSections", 1, 2, 2, None),
    ("PointerToSymbolTable", 1, 8, 4, None),
    ("NumberOfSymbols", 1, 12, 4, None),
    ("SizeOfOptionalHeader", 1, 16, 2, None),
    ("Characteristics", 1, 18, 2, None),
    ("Magic", 2, 0, 2, None),
    ("MajorLinkerVersion", 2, 2, 1, None),
    ("MinorLinkerVersion", 2, 3, 1, None),
    ("SizeOfCode", 2, 4, 4, None),
    ("SizeOfInitializedData", 2, 8, 4, None),
    ("SizeOfUninitializedData", 2, 12, 4, None),
    ("AddressOfEntryPoint", 2, 16, 4, None),
    ("BaseOfCode", 2, 20, 4, None),
    ("ImageBase", 2, 28, 4, Some((24, 8))),
    ("SectionAlignment", 2, 32, 4, None),
    ("FileAlignment", 2, 36, 4, None),
    ("MajorOperatingSystemVersion", 2, 40, 2, None),
    ("MinorOperatingSystemVersion", 2, 42, 2, None),
    ("MajorImageVersion", 2, 44, 2, None),
    ("MinorImageVersion", 2, 46, 2, None),
    ("MajorSubsystemVersion", 2, 48, 2, None),
    ("MinorSubsystemVersion", 2, 50, 2, None),
    ("SizeOfHeaders", 2, 60, 4, None),
    ("CheckSum", 2, 64, 4, None),
    ("SizeOfImage", 2, 56, 4, None),
    ("Subsystem", 2, 68, 2, None),
    ("DllCharacteristics", 2, 70, 2, None),
    ("SizeOfStackReserve", 2, 72, 4, Some((72, 8))),
    ("SizeOfStackCommit", 2, 76, 4, Some((80, 8))),
    ("SizeOfHeapReserve", 2, 80, 4, Some((88, 8))),
    ("SizeOfHeapCommit", 2, 84, 4, Some((96, 8))),
    ("LoaderFlags", 2, 88, 4, Some((104, 4))),
    ("NumberOfRvaAndSizes", 2, 92, 4, Some((108, 4))),
];

/// Little-endian number of at most 8 bytes.
pub(crate) fn number(bytes: &[u8], at: usize, size: usize) -> Option<u64> {
    let field = bytes.get(at..at.checked_add(size)?)?;
    Some(field.iter().rev().fold(0, |n, b| n << 8 | u64::from(*b)))
}

fn n32(bytes: &[u8], at: usize) -> Option<u32> {
    number(bytes, at, 4).map(|n| n as u32)
}

/// `None` when there are no PE headers at all.
pub fn read(bytes: &[u8]) -> Option<Pe> {
    let start = n32(bytes, 0x3c)? as usize;
    if bytes.get(start..start.checked_add(4)?)? != b"PE\0\0" {
        return None;
    }
    let coff = start + 4;
    let optional = coff + 20;
    let is_64 = number(bytes, optional, 2) == Some(0x20b);
    let headers = HEADERS
        .iter()
        .map(|(_, part, offset, size, wide)| {
            let (offset, size) = if is_64 { wide.unwrap_or((*offset, *size)) } else { (*offset, *size) };
            number(bytes, [0, coff, optional][usize::from(*part)] + offset, size)
        })
        .collect();
    let mut pe = Pe { headers, is_64, is_dll: number(bytes, coff + 18, 2)? & 0x2000 != 0, ..Pe::default() };
    pe.entry = n32(bytes, optional + 16).unwrap_or(0);
    let count = (number(bytes, coff + 2, 2)? as usize).min(SECTIONS_MAX);
    let table = optional.checked_add(number(bytes, coff + 16, 2)? as usize)?;
    pe.sections = (0..count).map_while(|n| section(bytes, table + n * 40)).collect();
    let directory = |n: usize| {
        let at = optional + if is_64 { 112 } else { 96 } + n * 8;
        let held = n32(bytes, optional + if is_64 { 108 } else { 92 }).unwrap_or(0) as usize;
        if n < held { Some((n32(bytes, at)?, n32(bytes, at + 4)?)).filter(|(address, _)| *address != 0) } else { None }
    };
    if let Some((address, _)) = directory(1) {
        pe.imports = import::read(bytes, &pe, address);
    }
    pe.imphash = import::hash(&pe.imports);
    pe.is_dotnet = directory(14).is_some();
    // The one directory that holds a place in the file instead of an address.
    let signature = directory(4).filter(|(at, size)| *size > 8 && (*at as usize) < bytes.len());
    pe.is_signed = signature.is_some();
    pe.has_tls_callbacks = directory(9).is_some_and(|(address, _)| tls(bytes, &pe, address));
    pe.debug_path = directory(6).and_then(|(address, _)| debug_path(bytes, &pe, address)).unwrap_or_default();
    let end = pe.sections.iter().map(|s| u64::from(s.offset) + u64::from(s.raw_bytes)).max().unwrap_or(0);
    let signed_bytes = signature.map_or(0, |(_, size)| u64::from(size));
    pe.overlay_bytes = (bytes.len() as u64).saturating_sub(end).saturating_sub(signed_bytes);
    Some(pe)
}

fn section(bytes: &[u8], at: usize) -> Option<Section> {
    let name = bytes.get(at..at + 8)?;
    let name: String = name.iter().take_while(|b| **b != 0).map(|b| char::from(*b)).collect();
    let flags = n32(bytes, at + 36)?;
    let (offset, raw_bytes) = (n32(bytes, at + 20)?, n32(bytes, at + 16)?);
    let content = bytes.get(offset as usize..).unwrap_or_default();
    let content = &content[..content.len().min(raw_bytes as usize)];
    Some(Section {
        name,
        virtual_bytes: n32(bytes, at + 8)?,
        address: n32(bytes, at + 12)?,
        offset,
        raw_bytes,
        entropy: entropy(content),
        is_writable: flags & 0x8000_0000 != 0,
        is_executable: flags & 0x2000_0000 != 0,
    })
}

impl Pe {
    /// Where an address lies in the file.
    pub fn offset(&self, address: u32) -> Option<usize> {
        let section = self.sections.iter().find(|s| address >= s.address && address - s.address < s.raw_bytes.max(s.virtual_bytes))?;
        (section.offset as usize).checked_add((address - section.address) as usize)
    }

    /// The section that the program starts in.
    pub fn entry_section(&self) -> Option<&Section> {
        self.sections.iter().find(|s| self.entry >= s.address && self.entry - s.address < s.virtual_bytes.max(s.raw_bytes))
    }

    pub fn imports_name(&self, function: &str) -> bool {
        self.imports.iter().any(|(_, name)| name == function || name.strip_suffix(['A', 'W']).is_some_and(|plain| plain == function))
    }
}

/// Functions that run before the entry point.
fn tls(bytes: &[u8], pe: &Pe, address: u32) -> bool {
    let Some(at) = pe.offset(address) else { return false };
    let (size, base) = if pe.is_64 { (8, 24) } else { (4, 12) };
    number(bytes, at + base, size).is_some_and(|callbacks| callbacks != 0)
}

fn debug_path(bytes: &[u8], pe: &Pe, address: u32) -> Option<String> {
    let at = pe.offset(address)?;
    let place = n32(bytes, at + 24)? as usize;
    let record = bytes.get(place..)?;
    let path = record.strip_prefix(b"RSDS")?.get(20..)?;
    let path = &path[..path.len().min(260)];
    Some(path.iter().take_while(|b| **b != 0).map(|b| char::from(*b)).collect())
}

/// Shannon entropy in bits per byte.
pub fn entropy(bytes: &[u8]) -> f32 {
    let mut counts = [0_u64; 256];
    bytes.iter().for_each(|b| counts[usize::from(*b)] += 1);
    let total = bytes.len() as f64;
    let sum: f64 = counts.iter().filter(|n| **n > 0).map(|n| *n as f64 / total).map(|p| -p * p.log2()).sum();
    sum as f32
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut out, b| {
        let _ = write!(out, "{b:02x}");
        out
    })
}

#[cfg(test)]
mod tests;

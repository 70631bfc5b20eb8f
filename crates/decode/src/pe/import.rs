//! The import table: which functions of which libraries a program asks for, and the hash that names such a list.

use super::{IMPORTS_MAX, Pe, hex, md5::md5, n32, number};

/// Libraries read of one table.
const LIBRARIES_MAX: usize = 512;
const NAME_BYTES_MAX: usize = 256;

pub(super) fn read(bytes: &[u8], pe: &Pe, address: u32) -> Vec<(String, String)> {
    let mut all = Vec::new();
    let Some(table) = pe.offset(address) else { return all };
    for n in 0..LIBRARIES_MAX {
        let at = table + n * 20;
        let (Some(look_up), Some(name), Some(bound)) = (n32(bytes, at), n32(bytes, at + 12), n32(bytes, at + 16)) else { break };
        if name == 0 {
            break;
        }
        let Some(library) = text(bytes, pe, name) else { continue };
        let library = library.to_ascii_lowercase();
        let Some(mut entry) = pe.offset(if look_up == 0 { bound } else { look_up }) else { continue };
        let size = if pe.is_64 { 8 } else { 4 };
        while all.len() < IMPORTS_MAX {
            let Some(value) = number(bytes, entry, size).filter(|v| *v != 0) else { break };
            entry += size;
            let by_ordinal = value >> (size * 8 - 1) == 1;
            if by_ordinal {
                all.push((library.clone(), format!("ord{}", value & 0xffff)));
            } else if let Some(function) = u32::try_from(value).ok().and_then(|v| text(bytes, pe, v.checked_add(2)?)) {
                all.push((library.clone(), function));
            }
        }
    }
    all
}

fn text(bytes: &[u8], pe: &Pe, address: u32) -> Option<String> {
    let rest = bytes.get(pe.offset(address)?..)?;
    let rest = &rest[..rest.len().min(NAME_BYTES_MAX)];
    let end = rest.iter().position(|b| *b == 0)?;
    Some(rest[..end].iter().map(|b| char::from(*b)).collect())
}

/// `library.function` in lower case, library without its ending, joined by commas. Ordinals stand as `ordN` for every library.
pub(super) fn hash(imports: &[(String, String)]) -> String {
    if imports.is_empty() {
        return String::new();
    }
    let names: Vec<String> = imports
        .iter()
        .map(|(library, function)| {
            let stem = [".dll", ".ocx", ".sys"].iter().find_map(|end| library.strip_suffix(end)).unwrap_or(library);
            format!("{stem}.{}", function.to_ascii_lowercase())
        })
        .collect();
    hex(&md5(names.join(",").as_bytes()))
}

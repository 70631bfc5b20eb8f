//! Programs of Linux and its relatives: how they start, which libraries and functions they ask for, what their segments allow.

use goblin::elf::Elf as Parsed;
use goblin::elf::program_header::{PF_W, PF_X, PT_LOAD};

use crate::pe::entropy;

const IMPORTS_MAX: usize = 16_384;

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Elf {
    pub is_64: bool,
    /// `/lib64/ld-linux-x86-64.so.2`
    pub interpreter: String,
    pub libraries: Vec<String>,
    /// Functions that the dynamic linker has to find.
    pub imports: Vec<String>,
    /// Folders that the program wants its libraries from.
    pub search: Vec<String>,
    pub is_dynamic: bool,
    /// No section table: nothing names what is what.
    pub is_sectionless: bool,
    /// A loaded segment may be written and run.
    pub writable_code: bool,
    /// Highest entropy of a loaded segment that may be run, bits per byte.
    pub code_entropy: f32,
    /// Marks of known packers, as found.
    pub packer: Option<&'static str>,
}

const PACKERS: &[(&[u8], &str)] = &[(b"UPX!", "UPX"), (b"$Info: This file is packed with the UPX", "UPX")];

/// `None` when there is no readable ELF header.
pub fn read(bytes: &[u8]) -> Option<Elf> {
    let parsed = Parsed::parse(bytes).ok()?;
    let mut elf = Elf {
        is_64: parsed.is_64,
        interpreter: parsed.interpreter.unwrap_or_default().to_owned(),
        libraries: parsed.libraries.iter().take(512).map(|l| (*l).to_owned()).collect(),
        search: parsed.rpaths.iter().chain(&parsed.runpaths).flat_map(|p| p.split(':')).take(64).map(str::to_owned).collect(),
        is_dynamic: parsed.dynamic.is_some(),
        is_sectionless: parsed.section_headers.is_empty(),
        ..Elf::default()
    };
    for symbol in parsed.dynsyms.iter().filter(|s| s.st_shndx == 0 && s.st_name != 0).take(IMPORTS_MAX) {
        elf.imports.extend(parsed.dynstrtab.get_at(symbol.st_name).map(str::to_owned));
    }
    for segment in parsed.program_headers.iter().filter(|s| s.p_type == PT_LOAD && s.p_flags & PF_X != 0).take(64) {
        elf.writable_code |= segment.p_flags & PF_W != 0;
        let rest = usize::try_from(segment.p_offset).ok().and_then(|at| bytes.get(at..)).unwrap_or_default();
        let content = &rest[..rest.len().min(usize::try_from(segment.p_filesz).unwrap_or(usize::MAX))];
        elf.code_entropy = elf.code_entropy.max(entropy(content));
    }
    // A packer's mark stands in the head of the file or right before its end.
    let (head, tail) = (&bytes[..bytes.len().min(8_192)], &bytes[bytes.len().saturating_sub(8_192)..]);
    elf.packer =
        PACKERS.iter().find(|(mark, _)| [head, tail].iter().any(|part| memchr::memmem::find(part, mark).is_some())).map(|(_, name)| *name);
    Some(elf)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    /// The least that can be loaded: one segment.
    fn program() -> Vec<u8> {
        let mut elf = vec![0_u8; 0x200];
        elf[..8].copy_from_slice(b"\x7fELF\x02\x01\x01\0");
        for (at, value) in [(16, 2_u64), (18, 62), (20, 1), (24, 0x40_0078), (32, 64), (52, 64), (54, 56), (56, 1)] {
            elf[at..at + 2].copy_from_slice(&value.to_le_bytes()[..2]);
        }
        for (at, value) in [(64, 1_u64), (68, 7), (96, 0x200), (104, 0x200)] {
            elf[at..at + 2].copy_from_slice(&value.to_le_bytes()[..2]);
        }
        elf
    }

    #[test]
    fn segments_say_what_may_be_written_and_run() {
        let elf = super::read(&program()).expect("a program");
        assert!(elf.writable_code && elf.is_sectionless && !elf.is_dynamic && elf.is_64 && elf.packer.is_none());
    }

    proptest! {
        #[test]
        fn damaged_programs_are_survived(changes in proptest::collection::vec((0_usize..0x200, any::<u8>()), 0..8), cut in 0_usize..0x201) {
            let mut bytes = program();
            for (at, value) in changes {
                bytes[at] = value;
            }
            super::read(&bytes[..cut]);
            super::read(&bytes);
        }
    }
}

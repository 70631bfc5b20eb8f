use proptest::prelude::*;

use super::*;

/// A small 64-bit program: one section with an import table that asks for `functions` of kernel32.
pub(crate) fn program(functions: &[&str], content: &[u8]) -> Vec<u8> {
    let mut pe = vec![0_u8; 0x200];
    let put = |pe: &mut Vec<u8>, at: usize, bytes: &[u8]| pe[at..at + bytes.len()].copy_from_slice(bytes);
    put(&mut pe, 0, b"MZ");
    put(&mut pe, 0x3c, &0x80_u32.to_le_bytes());
    put(&mut pe, 0x80, b"PE\0\0\x64\x86\x01\0");
    put(&mut pe, 0x94, &[0xf0, 0, 0x22, 0]);
    put(&mut pe, 0x98, &[0x0b, 0x02]);
    put(&mut pe, 0x98 + 16, &0x1000_u32.to_le_bytes());
    put(&mut pe, 0x98 + 24, &0x1_4000_0000_u64.to_le_bytes());
    put(&mut pe, 0x98 + 108, &16_u32.to_le_bytes());
    put(&mut pe, 0x98 + 120, &[0x00, 0x10, 0, 0, 40, 0, 0, 0]);
    let mut body = vec![0_u8; 0x1000];
    put(&mut body, 0, &0x1100_u32.to_le_bytes());
    put(&mut body, 12, &0x1040_u32.to_le_bytes());
    put(&mut body, 16, &0x1100_u32.to_le_bytes());
    put(&mut body, 0x40, b"KERNEL32.dll\0");
    let mut name_at = 0x300;
    for (n, function) in functions.iter().enumerate() {
        put(&mut body, 0x100 + n * 8, &(0x1000 + name_at as u64).to_le_bytes());
        put(&mut body, name_at + 2, function.as_bytes());
        name_at += function.len() + 4;
    }
    body.extend_from_slice(content);
    let section = 0x98 + 0xf0;
    put(&mut pe, section, b".text\0\0\0");
    put(&mut pe, section + 8, &(body.len() as u32).to_le_bytes());
    put(&mut pe, section + 12, &0x1000_u32.to_le_bytes());
    put(&mut pe, section + 16, &(body.len() as u32).to_le_bytes());
    put(&mut pe, section + 20, &0x200_u32.to_le_bytes());
    put(&mut pe, section + 36, &0x6000_0020_u32.to_le_bytes());
    pe.extend(body);
    pe
}

#[test]
fn headers_sections_and_imports() {
    let bytes = program(&["VirtualAllocEx", "CreateFileW"], b"");
    let pe = read(&bytes).expect("a program");
    assert!(pe.is_64 && !pe.is_dll && !pe.is_signed && pe.overlay_bytes == 0);
    assert_eq!(pe.sections[0].name, ".text");
    assert_eq!(
        pe.imports,
        [("kernel32.dll".to_owned(), "VirtualAllocEx".to_owned()), ("kernel32.dll".to_owned(), "CreateFileW".to_owned())]
    );
    assert!(pe.imports_name("CreateFile") && pe.imports_name("VirtualAllocEx") && !pe.imports_name("CreateProcess"));
    assert_eq!(pe.imphash, hex(&md5::md5(b"kernel32.virtualallocex,kernel32.createfilew")));
    let column = |name: &str| HEADERS.iter().position(|h| h.0 == name).and_then(|n| pe.headers[n]);
    assert_eq!((column("e_magic"), column("ImageBase"), column("Magic")), (Some(23_117), Some(0x1_4000_0000), Some(0x20b)));
    let longer = [bytes.as_slice(), b"appended"].concat();
    assert_eq!(read(&longer).map(|pe| pe.overlay_bytes), Some(8));
}

#[test]
fn entropy_is_in_bits() {
    assert_eq!(entropy(b""), 0.0);
    assert_eq!(entropy(&[7; 100]), 0.0);
    assert!((entropy(&(0..=255).collect::<Vec<u8>>()) - 8.0).abs() < 1e-6);
}

proptest! {
    #[test]
    fn damaged_programs_are_survived(at in 0_usize..5_000, value: u8, cut in 0_usize..5_000) {
        let mut bytes = program(&["VirtualAllocEx", "CreateFileW"], b"content");
        let at = at % bytes.len();
        bytes[at] = value;
        read(&bytes);
        read(&bytes[..cut.min(bytes.len())]);
    }
}

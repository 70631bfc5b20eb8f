//! Rules about our own sources.

use std::fs;
use std::path::{Path, PathBuf};

fn files(dir: &Path, into: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(dir).expect("our own folder").flatten() {
        let path = entry.path();
        if path.is_dir() { files(&path, into) } else { into.push(path) }
    }
}

/// Text that is not escaped could only come from here.
#[test]
fn unescaped_markup_is_made_only_in_svg() {
    let mut all = Vec::new();
    files(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut all);
    assert!(all.len() > 30);
    for path in all.iter().filter(|p| p.extension().is_some_and(|e| e == "rs") && !p.components().any(|c| c.as_os_str() == "svg")) {
        let text = fs::read_to_string(path).expect("our own file");
        let text = text.split("#[cfg(test)]").next().unwrap_or_default();
        assert!(!text.contains(concat!("Pre", "Escaped")), "{}", path.display());
        assert!(!text.contains(" style=") && !text.contains("onclick"), "{}: the content security policy forbids it", path.display());
    }
}

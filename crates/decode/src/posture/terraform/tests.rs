use super::super::{Item, Node, Scan, read};

fn scan(files: &[(&str, &str)]) -> Scan {
    read(&files.iter().map(|(path, text)| ((*path).to_owned(), text.as_bytes().to_vec())).collect::<Vec<_>>())
}

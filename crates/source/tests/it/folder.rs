//! Folders become files in sorted order; links do not lead out.

use std::fs;
use std::os::unix::fs::symlink;

use source::list;

#[test]
fn folders_are_walked_in_order_and_links_refused() {
    let place = tempfile::tempdir().expect("a folder");
    let root = place.path().join("logs");
    fs::create_dir_all(root.join("b")).expect("folders");
    fs::write(place.path().join("secret"), "x").expect("a file");
    for name in ["b/2.log", "c.log", "a.log", "b/1.log"] {
        fs::write(root.join(name), "x\n").expect("a file");
    }
    symlink(place.path().join("secret"), root.join("out")).expect("a link");
    symlink(root.join("a.log"), root.join("again")).expect("a link");
    symlink(root.join("gone"), root.join("nowhere")).expect("a link");
    symlink(place.path(), root.join("up")).expect("a link");

    let listing = list([&root]).expect("a listing");
    let names: Vec<_> = listing.files.iter().map(|p| p.strip_prefix(&root).expect("inside").to_string_lossy().into_owned()).collect();
    assert_eq!(names, ["a.log", "b/1.log", "b/2.log", "c.log"]);
    let refused: Vec<_> = listing.refused.iter().map(|r| r.to_string().replace(&*root.to_string_lossy(), "")).collect();
    assert_eq!(
        refused,
        [
            "/again: link to what is read under its own name",
            "/nowhere: link that leads nowhere: no such file or folder",
            "/out: link that leads out of the folder",
            "/up: link that leads out of the folder",
        ]
    );
}

#[test]
fn what_is_named_is_read_in_the_order_given() {
    let place = tempfile::tempdir().expect("a folder");
    let (a, b) = (place.path().join("a"), place.path().join("b"));
    fs::write(&a, "x").expect("a file");
    symlink(&a, &b).expect("a link");
    assert_eq!(list([&b, &a]).expect("a listing").files, [b, a]);
}

#[test]
fn a_path_that_is_not_there_is_named() {
    let fault = list(["/nonexistent/auth.log"]).expect_err("no such file");
    assert_eq!(fault.to_string(), "cannot read /nonexistent/auth.log: no such file or folder");
}

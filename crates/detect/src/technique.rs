//! Names of techniques in constants, looked up while compiling: a wrong id does not build.

use event::{Technique, attack};

pub(crate) const fn technique(uid: &str) -> Technique {
    let mut at = 0;
    while at < attack::ALL.len() {
        if equal(attack::ALL[at].uid.as_bytes(), uid.as_bytes()) {
            return attack::ALL[at];
        }
        at += 1;
    }
    panic!("no such technique")
}

const fn equal(a: &[u8], b: &[u8]) -> bool {
    let mut at = 0;
    if a.len() != b.len() {
        return false;
    }
    while at < a.len() {
        if a[at] != b[at] {
            return false;
        }
        at += 1;
    }
    true
}

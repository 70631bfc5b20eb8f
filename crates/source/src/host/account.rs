//! Accounts: numbers, shells, and of each password only what kind of hash it is.

use serde_json::json;

use super::Host;

const ACCOUNTS_MAX: usize = 10_000;

pub(super) fn look(host: &mut Host) {
    let Some(accounts) = host.read_or_say("/etc/passwd") else { return };
    let shadow = host.read_or_say("/etc/shadow");
    let hash_of = |name: &str| {
        let text = shadow.as_deref()?;
        text.lines()
            .find_map(|line| line.split_once(':').filter(|(n, _)| *n == name))
            .map(|(_, rest)| rest.split(':').next().unwrap_or_default())
    };
    for (line, number) in accounts.lines().take(ACCOUNTS_MAX).zip(1_u32..) {
        let fields: Vec<&str> = line.split(':').collect();
        let [name, password, uid, _, _, _, shell] = fields.as_slice() else { continue };
        let login = !shell.ends_with("/nologin") && !shell.ends_with("/false") && !shell.is_empty();
        let uid: i64 = uid.parse().unwrap_or(-1);
        let kind = if *password == "x" { hash_of(name).map(kind) } else { Some(kind(password)) };
        let file = "/etc/passwd";
        let attributes =
            json!({"name": name, "uid": uid, "root": uid == 0 && *name != "root", "login": login, "shell": shell, "password": kind});
        match (kind, shadow.is_some()) {
            (None, false) => host.partly("host_account", name, file, attributes, &["password"]),
            _ => host.fact("host_account", name, file, number, attributes),
        }
    }
}

/// `empty`, `none` (nobody can sign in with it), `weak` (DES, MD5, NT), `strong`.
fn kind(hash: &str) -> &'static str {
    match hash {
        "" => "empty",
        _ if hash.starts_with(['!', '*']) || hash == "x" => "none",
        _ if hash.starts_with("$1$") || hash.starts_with("$3$") || !hash.starts_with('$') => "weak",
        _ => "strong",
    }
}

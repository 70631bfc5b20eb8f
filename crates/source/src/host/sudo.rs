//! Who may become whom: the entries of sudoers and of the files that it includes.
//!
//! Method: sudoers(5). Aliases are kept by name; what they stand for is not worked out.

use serde_json::json;

use super::Host;

const FILE: &str = "/etc/sudoers";
const FOLDER: &str = "/etc/sudoers.d";
const ENTRIES_MAX: usize = 2_000;

pub(super) fn look(host: &mut Host) {
    if host.at(FILE).symlink_metadata().is_err() {
        host.does_not_apply("host_sudo", "sudo is not set up here");
        return;
    }
    let mut files = vec![FILE.to_owned()];
    // Names with a dot or a tilde are passed over, as sudo does.
    files.extend(host.list(FOLDER).into_iter().filter(|n| !n.contains('.') && !n.ends_with('~')).map(|n| format!("{FOLDER}/{n}")));
    let mut left = ENTRIES_MAX;
    for file in files {
        let Some(text) = host.read_or_say(&file) else { continue };
        let mut joined = String::new();
        for (line, number) in text.lines().zip(1_u32..) {
            joined.push_str(line.trim_end_matches('\\'));
            if line.ends_with('\\') {
                continue;
            }
            let entry = std::mem::take(&mut joined);
            let entry = entry.trim();
            let other = entry.is_empty()
                || entry.starts_with('#')
                || entry.starts_with('@')
                || entry.starts_with("Defaults")
                || entry.contains("_Alias ");
            if other || left == 0 {
                continue;
            }
            let Some((who, rights)) = entry.split_once(char::is_whitespace) else { continue };
            let Some((_, rights)) = rights.split_once('=') else { continue };
            left -= 1;
            let commands = rights.rsplit_once(':').map_or(rights, |(_, after)| after);
            let commands: Vec<&str> = commands.split(',').map(|c| c.trim().trim_start_matches('(').trim()).collect();
            let commands: Vec<&str> = commands.iter().map(|c| c.rsplit_once(')').map_or(*c, |(_, after)| after.trim())).collect();
            let everything = commands.contains(&"ALL");
            // Root and the administrators' groups may do everything by design; that they are asked for a password is what counts.
            host.fact(
                "host_sudo",
                who,
                &file,
                number,
                json!({
                    "who": who, "no_password": rights.contains("NOPASSWD"), "everything": everything,
                    "wildcard": commands.iter().any(|c| c.contains('*')), "commands": commands.join(", "),
                }),
            );
        }
    }
}

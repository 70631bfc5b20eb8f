//! Command injection and path traversal: empty quotes inside words, blanks that are none, wildcards, detours in a path.

use super::Family::{Path, Shell};
use super::{Operator, replace_one};

const COMMANDS: [&str; 16] = [
    "cat", "wget", "curl", "whoami", "bash", "python", "perl", "nslookup", "ping", "uname", "sleep", "passwd", "echo", "netstat",
    "ifconfig", "id",
];

/// `c''at`, `c\at`, `c$@at`.
pub(super) static QUOTES: Operator = Operator {
    name: "shell.quotes",
    families: &[Shell],
    apply: |text, random| {
        let there: Vec<&str> = COMMANDS.iter().copied().filter(|command| text.contains(command)).collect();
        if there.is_empty() {
            return text.to_owned();
        }
        let command = random.pick(&there);
        let (a, b) = command.split_at(1 + random.below(command.len() - 1));
        replace_one(text, command, &format!("{a}{}{b}", random.pick(&["''", "\"\"", "\\", "$@", "${x}"])), random)
    },
};

/// `${IFS}` for a space.
pub(super) static BLANKS: Operator = Operator {
    name: "shell.blanks",
    families: &[Shell],
    apply: |text, random| replace_one(text, " ", random.pick(&["${IFS}", "$IFS$9", "\t", "  "]), random),
};

/// Wildcards for letters of a file's name.
pub(super) static GLOB: Operator = Operator {
    name: "shell.glob",
    families: &[Shell],
    apply: |text, random| {
        let (from, to) =
            [("/etc/", "/e?c/"), ("passwd", "p?ss?d"), ("/bin/", "/b?n/"), ("shadow", "sh*w"), ("/tmp/", "/t??/")][random.below(5)];
        replace_one(text, from, to, random)
    },
};

/// Steps that lead nowhere.
pub(super) static PATH: Operator = Operator {
    name: "path.detour",
    families: &[Path],
    apply: |text, random| {
        let to = random.pick(&[".././", "..//", "../x/../", "..///", "./../"]);
        replace_one(text, "../", to, random)
    },
};

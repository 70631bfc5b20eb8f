//! A malicious file: quarantine, when its bytes were judged here and it is no part of the system.

use event::{Entity, EntityKind, Finding, Severity};

/// What a machine needs to start and to be repaired; a wrong word about one of these files costs more than it saves.
const SYSTEM: &[&str] =
    &["/bin/", "/boot/", "/dev/", "/etc/", "/lib/", "/lib32/", "/lib64/", "/nix/", "/proc/", "/run/", "/sbin/", "/sys/", "/usr/"];

/// The file whose content was judged; a path that stands in somebody's log is none.
pub(super) fn target(finding: &Finding) -> Option<&Entity> {
    let judged = finding.analytic.uid == "content.file" && finding.severity >= Severity::High && !finding.sha256.is_empty();
    finding.actor().filter(|e| judged && e.kind == EntityKind::File && e.name.starts_with('/'))
}

pub(super) fn refuses(file: &Entity) -> Option<String> {
    let part = SYSTEM.iter().find(|part| file.name.starts_with(**part))?;
    Some(format!("{} is part of the system ({part}): a person has to look first", file.name))
}

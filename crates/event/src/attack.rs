//! ATT&CK techniques: the whole table by id, and names for those that our own detectors speak of. Names and ids: MITRE ATT&CK Enterprise v18.
//! © 2025 The MITRE Corporation. This work is reproduced and distributed with the permission of The MITRE Corporation.

mod table;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Technique {
    /// `T1110.001`
    pub uid: &'static str,
    pub name: &'static str,
    pub tactic: Tactic,
}

/// In the order of an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Tactic {
    Reconnaissance,
    ResourceDevelopment,
    InitialAccess,
    Execution,
    Persistence,
    PrivilegeEscalation,
    DefenseEvasion,
    CredentialAccess,
    Discovery,
    LateralMovement,
    Collection,
    CommandAndControl,
    Exfiltration,
    Impact,
}

impl Tactic {
    /// ATT&CK id and name.
    pub const fn named(self) -> (&'static str, &'static str) {
        match self {
            Tactic::Reconnaissance => ("TA0043", "Reconnaissance"),
            Tactic::ResourceDevelopment => ("TA0042", "Resource Development"),
            Tactic::DefenseEvasion => ("TA0005", "Defense Evasion"),
            Tactic::LateralMovement => ("TA0008", "Lateral Movement"),
            Tactic::CommandAndControl => ("TA0011", "Command and Control"),
            Tactic::InitialAccess => ("TA0001", "Initial Access"),
            Tactic::Execution => ("TA0002", "Execution"),
            Tactic::Persistence => ("TA0003", "Persistence"),
            Tactic::PrivilegeEscalation => ("TA0004", "Privilege Escalation"),
            Tactic::CredentialAccess => ("TA0006", "Credential Access"),
            Tactic::Discovery => ("TA0007", "Discovery"),
            Tactic::Collection => ("TA0009", "Collection"),
            Tactic::Exfiltration => ("TA0010", "Exfiltration"),
            Tactic::Impact => ("TA0040", "Impact"),
        }
    }
}

const fn technique(uid: &'static str, name: &'static str, tactic: Tactic) -> Technique {
    Technique { uid, name, tactic }
}

pub const EXPLOIT_PUBLIC: Technique = technique("T1190", "Exploit Public-Facing Application", Tactic::InitialAccess);
pub const DRIVE_BY: Technique = technique("T1189", "Drive-by Compromise", Tactic::InitialAccess);
pub const STEAL_WEB_SESSION_COOKIE: Technique = technique("T1539", "Steal Web Session Cookie", Tactic::CredentialAccess);
pub const WEB_SESSION_COOKIE: Technique = technique("T1550.004", "Web Session Cookie", Tactic::LateralMovement);
pub const VALID_ACCOUNTS: Technique = technique("T1078", "Valid Accounts", Tactic::InitialAccess);
pub const VULNERABILITY_SCANNING: Technique = technique("T1595.002", "Vulnerability Scanning", Tactic::Reconnaissance);
pub const WORDLIST_SCANNING: Technique = technique("T1595.003", "Wordlist Scanning", Tactic::Reconnaissance);
pub const PASSWORD_GUESSING: Technique = technique("T1110.001", "Password Guessing", Tactic::CredentialAccess);
pub const PASSWORD_SPRAYING: Technique = technique("T1110.003", "Password Spraying", Tactic::CredentialAccess);
pub const CREDENTIAL_STUFFING: Technique = technique("T1110.004", "Credential Stuffing", Tactic::CredentialAccess);
pub const COMMAND_INTERPRETER: Technique = technique("T1059", "Command and Scripting Interpreter", Tactic::Execution);
pub const WEB_SHELL: Technique = technique("T1505.003", "Web Shell", Tactic::Persistence);
pub const FILE_DISCOVERY: Technique = technique("T1083", "File and Directory Discovery", Tactic::Discovery);
pub const ACCOUNT_DISCOVERY: Technique = technique("T1087", "Account Discovery", Tactic::Discovery);
pub const DATA_FROM_REPOSITORY: Technique = technique("T1213", "Data from Information Repositories", Tactic::Collection);
pub const EXFILTRATION_WEB: Technique = technique("T1567", "Exfiltration Over Web Service", Tactic::Exfiltration);
pub const SERVICE_EXHAUSTION_FLOOD: Technique = technique("T1499.002", "Service Exhaustion Flood", Tactic::Impact);
pub const SUDO: Technique = technique("T1548.003", "Sudo and Sudo Caching", Tactic::PrivilegeEscalation);
pub const NETWORK_SERVICE_DISCOVERY: Technique = technique("T1046", "Network Service Discovery", Tactic::Discovery);
pub const REMOTE_SYSTEM_DISCOVERY: Technique = technique("T1018", "Remote System Discovery", Tactic::Discovery);
pub const APPLICATION_LAYER_PROTOCOL: Technique = technique("T1071", "Application Layer Protocol", Tactic::CommandAndControl);
pub const DNS_CHANNEL: Technique = technique("T1071.004", "DNS", Tactic::CommandAndControl);
pub const DOMAIN_GENERATION: Technique = technique("T1568.002", "Domain Generation Algorithms", Tactic::CommandAndControl);
pub const ENCRYPTED_CHANNEL: Technique = technique("T1573", "Encrypted Channel", Tactic::CommandAndControl);
pub const EXFILTRATION_ALTERNATIVE: Technique = technique("T1048", "Exfiltration Over Alternative Protocol", Tactic::Exfiltration);
pub const EXFILTRATION_CHANNEL: Technique = technique("T1041", "Exfiltration Over C2 Channel", Tactic::Exfiltration);

/// Sorted by id.
pub const ALL: &[Technique] = table::ALL;

pub fn by_uid(uid: &str) -> Option<Technique> {
    ALL.binary_search_by(|t| t.uid.cmp(uid)).ok().map(|at| ALL[at])
}

/// Stored by id; an id that this version does not know cannot be read back, so ids are never removed from [`ALL`].
impl Serialize for Technique {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.uid)
    }
}

impl<'de> Deserialize<'de> for Technique {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Technique, D::Error> {
        let uid = crate::Text::deserialize(deserializer)?;
        by_uid(&uid).ok_or_else(|| serde::de::Error::custom(format_args!("unknown technique {uid}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_is_sorted_and_agrees_with_the_names() {
        assert!(ALL.is_sorted_by(|a, b| a.uid < b.uid));
        for named in [EXPLOIT_PUBLIC, VALID_ACCOUNTS, PASSWORD_GUESSING, WEB_SHELL, SERVICE_EXHAUSTION_FLOOD, SUDO, EXFILTRATION_WEB] {
            assert_eq!(by_uid(named.uid), Some(named));
        }
        assert_eq!(by_uid("T9999"), None);
    }
}

//! What kind of trouble a finding is, from its techniques: decides with whom it is joined.

use event::{Finding, attack};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Family {
    /// Guessing that never got in and scanning: everyday noise of the internet, rolled up by service and day.
    Noise,
    /// Many sources, one target: joined by the target.
    Flood,
    /// How things are configured: one incident for each place that was scanned, a day.
    Posture,
    /// Everything that is about one actor.
    Actor,
}

impl Family {
    pub(crate) fn of(finding: &Finding) -> Family {
        if finding.compliance.is_some() {
            return Family::Posture;
        }
        if finding.succeeded {
            return Family::Actor;
        }
        let all = |known: &[event::Technique]| !finding.techniques.is_empty() && finding.techniques.iter().all(|t| known.contains(t));
        if all(&[attack::SERVICE_EXHAUSTION_FLOOD]) {
            Family::Flood
        } else if finding.techniques.iter().any(|t| *t != attack::VALID_ACCOUNTS)
            && all(&[
                attack::VULNERABILITY_SCANNING,
                attack::WORDLIST_SCANNING,
                attack::PASSWORD_GUESSING,
                attack::PASSWORD_SPRAYING,
                attack::CREDENTIAL_STUFFING,
                attack::ACCOUNT_DISCOVERY,
                attack::VALID_ACCOUNTS,
            ])
        {
            Family::Noise
        } else {
            Family::Actor
        }
    }
}

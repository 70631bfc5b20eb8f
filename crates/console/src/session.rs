//! One-time links and login sessions, in memory and bounded.
//!
//! Only SHA-256 hashes of secrets are kept. Hashes of guesses share no prefix with the stored ones, so that looking them up by value gives
//! a measuring attacker nothing; the final comparison takes the same time all the same. Secrets are SHA-256 of 256 random bits taken once
//! from the system and of a counter, so that making one cannot fail.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest, Sha256};

use crate::Error;

const LINK_LIFE: Duration = Duration::from_secs(15 * 60);
const LINKS_MAX: usize = 16;
const IDLE: Duration = Duration::from_secs(60 * 60);
const ABSOLUTE: Duration = Duration::from_secs(12 * 60 * 60);
const SESSIONS_MAX: usize = 64;
/// Answers that wait to be read, a session.
const NOTICES_MAX: usize = 16;
/// Refused sign-ins that are told, a minute: whoever guesses does not fill the log.
const REFUSALS_MAX: u32 = 10;

type Hash = [u8; 32];

/// Makes one-time login links: `bartizan console link` asks a running console for another one.
#[derive(Clone)]
pub struct OneTime {
    pub(crate) sessions: Arc<Sessions>,
    addr: SocketAddr,
}

impl OneTime {
    pub(crate) fn new(sessions: Arc<Sessions>, addr: SocketAddr) -> OneTime {
        OneTime { sessions, addr }
    }

    /// `http://127.0.0.1:8443/once/TOKEN`: one use, 15 minutes. At most 16 wait at a time; the oldest goes first.
    pub fn link(&self) -> String {
        format!("http://{}/once/{}", self.addr, self.sessions.new_link(Instant::now()))
    }

    /// What is held and how much may be: (what, now, at most).
    pub fn filled(&self) -> [(&'static str, usize, usize); 2] {
        let (links, sessions) = (lock(&self.sessions.links).len(), lock(&self.sessions.sessions).len());
        [("console links", links, LINKS_MAX), ("console sessions", sessions, SESSIONS_MAX)]
    }
}

struct Link {
    hash: Hash,
    made: Instant,
}

struct Session {
    hash: Hash,
    csrf: String,
    begun: Instant,
    seen: Instant,
    theme: Theme,
    notices: Vec<(u32, Notice)>,
    next_notice: u32,
}

/// How the pages look, where the person chose it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Theme {
    #[default]
    System,
    Light,
    Dark,
}

impl Theme {
    pub(crate) const ALL: [(Theme, &'static str); 3] = [(Theme::System, "system"), (Theme::Light, "light"), (Theme::Dark, "dark")];

    pub(crate) fn word(self) -> &'static str {
        Theme::ALL.into_iter().find(|(t, _)| *t == self).map_or("system", |(_, w)| w)
    }

    pub(crate) fn parse(word: &str) -> Theme {
        Theme::ALL.into_iter().find(|(_, w)| *w == word).map_or(Theme::System, |(t, _)| t)
    }
}

/// What came of something that the person asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Notice {
    pub(crate) good: bool,
    pub(crate) text: String,
    pub(crate) detail: String,
}

/// A person who is logged in.
#[derive(Clone, Debug, Default)]
pub(crate) struct Who {
    pub(crate) csrf: String,
    pub(crate) theme: Theme,
    hash: Hash,
}

impl Who {
    /// The same number as long as the login lasts; the secret cannot be told from it.
    pub(crate) fn number(&self) -> u64 {
        self.hash[..8].iter().fold(0, |number, &byte| number << 8 | u64::from(byte))
    }

    pub(crate) fn csrf_is(&self, given: &str) -> bool {
        !self.csrf.is_empty() && same(&digest(self.csrf.as_bytes()), &digest(given.as_bytes()))
    }
}

pub(crate) struct Sessions {
    seed: Hash,
    made: AtomicU64,
    links: Mutex<Vec<Link>>,
    sessions: Mutex<Vec<Session>>,
    refusals: Mutex<Refusals>,
}

/// Sign-ins that were refused: when the minute began in which so many were told, and how many were not told since.
#[derive(Default)]
struct Refusals {
    minute: Option<Instant>,
    told: u32,
    unsaid: u32,
}

impl Sessions {
    pub(crate) fn new() -> Result<Sessions, Error> {
        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|e| Error::Random(e.to_string()))?;
        Ok(Sessions { seed, made: AtomicU64::new(0), links: Mutex::default(), sessions: Mutex::default(), refusals: Mutex::default() })
    }

    fn secret(&self) -> Hash {
        let number = self.made.fetch_add(1, Ordering::Relaxed);
        Sha256::new().chain_update(self.seed).chain_update(number.to_le_bytes()).finalize().into()
    }

    pub(crate) fn new_link(&self, now: Instant) -> String {
        let token = base32(&self.secret()[..16]);
        let mut links = lock(&self.links);
        links.retain(|link| now.duration_since(link.made) < LINK_LIFE);
        if links.len() >= LINKS_MAX {
            links.remove(0);
        }
        links.push(Link { hash: digest(token.as_bytes()), made: now });
        token
    }

    /// Uses a link up. `None`: never made, used or too old; nobody is told which.
    pub(crate) fn redeem(&self, token: &str, now: Instant) -> Option<String> {
        let hash = digest(token.as_bytes());
        let mut links = lock(&self.links);
        links.retain(|link| now.duration_since(link.made) < LINK_LIFE);
        let place = links.iter().position(|link| same(&link.hash, &hash))?;
        links.remove(place);
        drop(links);
        Some(self.begin(now))
    }

    /// A sign-in was refused. How many were not told before this one; `None` when this one is not told either.
    pub(crate) fn refused(&self, now: Instant) -> Option<u32> {
        let mut all = lock(&self.refusals);
        if all.minute.is_none_or(|minute| now.duration_since(minute) >= Duration::from_secs(60)) {
            (all.minute, all.told) = (Some(now), 0);
        }
        if all.told >= REFUSALS_MAX {
            all.unsaid = all.unsaid.saturating_add(1);
            return None;
        }
        all.told += 1;
        Some(std::mem::take(&mut all.unsaid))
    }

    fn begin(&self, now: Instant) -> String {
        let secret = base32(&self.secret());
        let csrf = base32(&self.secret()[..16]);
        let mut sessions = lock(&self.sessions);
        sessions.retain(|s| s.is_alive(now));
        if sessions.len() >= SESSIONS_MAX
            && let Some(oldest) = sessions.iter().enumerate().min_by_key(|(_, s)| s.seen).map(|(i, _)| i)
        {
            sessions.remove(oldest);
        }
        sessions.push(Session {
            hash: digest(secret.as_bytes()),
            csrf,
            begun: now,
            seen: now,
            theme: Theme::System,
            notices: Vec::new(),
            next_notice: 1,
        });
        secret
    }

    /// Who this cookie belongs to; being seen keeps a session alive.
    pub(crate) fn who(&self, secret: &str, now: Instant) -> Option<Who> {
        self.known(secret, now, |session| session.seen = now)
    }

    /// The same for what a page asks by itself: an open tab that nobody looks at does not keep a session alive.
    pub(crate) fn who_unattended(&self, secret: &str, now: Instant) -> Option<Who> {
        self.known(secret, now, |_| {})
    }

    fn known(&self, secret: &str, now: Instant, touch: impl FnOnce(&mut Session)) -> Option<Who> {
        let hash = digest(secret.as_bytes());
        let mut sessions = lock(&self.sessions);
        sessions.retain(|s| s.is_alive(now));
        let session = sessions.iter_mut().find(|s| same(&s.hash, &hash))?;
        touch(session);
        Some(Who { csrf: session.csrf.clone(), theme: session.theme, hash })
    }

    pub(crate) fn is_alive(&self, who: &Who, now: Instant) -> bool {
        lock(&self.sessions).iter().any(|s| s.hash == who.hash && s.is_alive(now))
    }

    pub(crate) fn end(&self, who: &Who) {
        lock(&self.sessions).retain(|s| s.hash != who.hash);
    }

    pub(crate) fn end_others(&self, who: &Who) -> usize {
        let mut sessions = lock(&self.sessions);
        let before = sessions.len();
        sessions.retain(|s| s.hash == who.hash);
        before - sessions.len()
    }

    pub(crate) fn count(&self, now: Instant) -> usize {
        lock(&self.sessions).iter().filter(|s| s.is_alive(now)).count()
    }

    pub(crate) fn set_theme(&self, who: &Who, theme: Theme) {
        self.with(who, |s| s.theme = theme);
    }

    /// Keeps an answer for the page that the person is sent to, and names it.
    pub(crate) fn leave(&self, who: &Who, notice: Notice) -> u32 {
        self.with(who, |s| {
            let number = s.next_notice;
            s.next_notice = s.next_notice.wrapping_add(1);
            if s.notices.len() >= NOTICES_MAX {
                s.notices.remove(0);
            }
            s.notices.push((number, notice));
            number
        })
        .unwrap_or(0)
    }

    pub(crate) fn notice(&self, who: &Who, number: u32) -> Option<Notice> {
        self.with(who, |s| s.notices.iter().find(|(n, _)| *n == number).map(|(_, notice)| notice.clone())).flatten()
    }

    fn with<T>(&self, who: &Who, act: impl FnOnce(&mut Session) -> T) -> Option<T> {
        lock(&self.sessions).iter_mut().find(|s| s.hash == who.hash).map(act)
    }
}

impl Session {
    fn is_alive(&self, now: Instant) -> bool {
        now.duration_since(self.seen) < IDLE && now.duration_since(self.begun) < ABSOLUTE
    }
}

/// The tables stay whole even when a thread that held one panicked: every change to them is a single step.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

pub(crate) fn digest(bytes: &[u8]) -> Hash {
    Sha256::digest(bytes).into()
}

/// Looks at every byte whatever it finds.
fn same(a: &Hash, b: &Hash) -> bool {
    a.iter().zip(b).fold(0, |differing, (x, y)| differing | (x ^ y)) == 0
}

/// Lower-case base32 without look-alikes, five bits a digit: 16 bytes become 26 digits.
fn base32(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";
    let mut out = String::with_capacity(bytes.len().div_ceil(5) * 8);
    let (mut held, mut bits) = (0_u32, 0);
    for byte in bytes {
        held = (held << 8) | u32::from(*byte);
        bits += 8;
        while bits >= 5 {
            bits -= 5;
            out.push(char::from(DIGITS[(held >> bits) as usize & 31]));
        }
        held &= (1 << bits) - 1;
    }
    if bits > 0 {
        out.push(char::from(DIGITS[(held << (5 - bits)) as usize & 31]));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sessions() -> Sessions {
        Sessions::new().expect("random numbers")
    }

    fn after(s: u64) -> Duration {
        Duration::from_secs(s)
    }

    #[test]
    fn a_link_works_once() {
        let (sessions, now) = (sessions(), Instant::now());
        let token = sessions.new_link(now);
        assert_eq!(token.len(), 26, "128 bits in base32");
        let cookie = sessions.redeem(&token, now).expect("a fresh link");
        assert_eq!(cookie.len(), 52, "256 bits in base32");
        assert!(sessions.who(&cookie, now).is_some());
        assert!(sessions.redeem(&token, now).is_none(), "used up");
        assert!(sessions.redeem("", now).is_none());
    }

    #[test]
    fn a_link_lives_15_minutes() {
        let (sessions, now) = (sessions(), Instant::now());
        let token = sessions.new_link(now);
        assert!(sessions.redeem(&token, now + after(900)).is_none());
    }

    #[test]
    fn links_are_bounded() {
        let (sessions, now) = (sessions(), Instant::now());
        let first = sessions.new_link(now);
        for _ in 0..LINKS_MAX {
            sessions.new_link(now);
        }
        assert_eq!(lock(&sessions.links).len(), LINKS_MAX);
        assert!(sessions.redeem(&first, now).is_none(), "the oldest went first");
    }

    #[test]
    fn a_session_ends_when_idle_and_in_any_case_after_12_hours() {
        let (sessions, now) = (sessions(), Instant::now());
        let cookie = sessions.begin(now);
        assert!(sessions.who(&cookie, now + after(3599)).is_some());
        assert!(sessions.who(&cookie, now + after(3599 + 3600)).is_none(), "idle for an hour");

        let cookie = sessions.begin(now);
        assert!(sessions.who_unattended(&cookie, now + after(3599)).is_some());
        assert!(sessions.who(&cookie, now + after(3601)).is_none(), "a page that asks by itself keeps nothing alive");

        let cookie = sessions.begin(now);
        for step in 1..=13 {
            let alive = sessions.who(&cookie, now + after(step * 3300)).is_some();
            assert!(alive, "seen every 55 minutes, at {step}");
        }
        assert!(sessions.who(&cookie, now + after(43_200)).is_none(), "12 hours");
    }

    #[test]
    fn sessions_are_bounded_and_ended() {
        let (sessions, now) = (sessions(), Instant::now());
        for _ in 0..SESSIONS_MAX + 5 {
            sessions.begin(now);
        }
        assert_eq!(sessions.count(now), SESSIONS_MAX);
        let mine = sessions.begin(now);
        let who = sessions.who(&mine, now).expect("just begun");
        assert_eq!(sessions.end_others(&who), SESSIONS_MAX - 1);
        sessions.end(&who);
        assert!(sessions.who(&mine, now).is_none());
    }

    #[test]
    fn form_tokens_belong_to_one_session() {
        let (sessions, now) = (sessions(), Instant::now());
        let [a, b] = [(); 2].map(|()| sessions.begin(now));
        let [a, b] = [a, b].map(|c| sessions.who(&c, now).expect("just begun"));
        assert!(a.csrf_is(&a.csrf) && !a.csrf_is(&b.csrf) && !a.csrf_is(""));
        assert!(!Who::default().csrf_is(""));
    }

    #[test]
    fn notices_are_kept_for_their_session() {
        let (sessions, now) = (sessions(), Instant::now());
        let cookie = sessions.begin(now);
        let who = sessions.who(&cookie, now).expect("just begun");
        let notice = Notice { good: true, text: "undone".into(), detail: String::new() };
        let first = sessions.leave(&who, notice.clone());
        assert_eq!(sessions.notice(&who, first), Some(notice.clone()));
        for _ in 0..NOTICES_MAX {
            sessions.leave(&who, notice.clone());
        }
        assert_eq!(sessions.notice(&who, first), None, "bounded");
    }
}

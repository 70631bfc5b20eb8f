use std::os::unix::fs::PermissionsExt;

use decode::Place;
use event::Time;

use super::*;

const SSHD: &str = "Jan  5 10:00:00 web sshd[7]: Failed password for ada from 203.0.113.9 port 4711 ssh2";

fn chosen(pseudonyms: &[Kind]) -> Choice {
    Choice { pseudonyms: pseudonyms.to_vec(), except: vec!["root".into()], key: None }
}

fn read(line: &str) -> Event {
    decode::decode(line.as_bytes(), &Place::new("f", 1, Time::from_s(1_769_860_800)))
}

#[test]
fn a_person_is_one_pseudonym_everywhere_and_only_under_the_key() {
    let dir = tempfile::tempdir().expect("a folder");
    let privacy = Privacy::open(Some(&chosen(&[Kind::User])), dir.path()).expect("a key");
    let mut events = [read(SSHD), read(&SSHD.replace(" ada ", " root ")), read(&SSHD.replace(" ada ", " ADA "))];
    privacy.replace(&mut events);
    let user = events[0].user().to_owned();
    assert!(Kind::User.is_pseudonym(&user), "{user}");
    assert_eq!(events[0].raw.text(), SSHD.replace(" ada ", &format!(" {user} ")));
    assert_eq!((events[1].user(), events[1].raw.text().as_ref()), ("root", SSHD.replace(" ada ", " root ").as_str()));
    assert_eq!(events[2].user(), user, "however it is written");
    let once = events.clone();
    privacy.replace(&mut events);
    assert_eq!(events, once, "a pseudonym has none");
    // The next start, and a command without a configuration, say the same.
    let again = Privacy::open(None, dir.path()).expect("the same key");
    assert_eq!(again.of(Kind::User, "ada").as_deref(), Some(user.as_str()));
    assert_eq!(Privacy::look(dir.path()).expect("a key").of(Kind::User, "ada").as_deref(), Some(user.as_str()));
    // Without the key nobody can tell, and a new one says something else.
    let key = chosen(&[]).key_file(dir.path());
    assert_eq!(std::fs::metadata(&key).expect("a key").permissions().mode() & 0o777, 0o600);
    std::fs::remove_file(&key).expect("removed");
    assert_eq!(Privacy::look(dir.path()).expect("no key").of(Kind::User, "ada"), None);
    let new = Privacy::open(None, dir.path()).expect("another key");
    assert_ne!(new.of(Kind::User, "ada").as_deref(), Some(user.as_str()));
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).expect("changed");
    assert_eq!(Privacy::open(None, dir.path()).err().map(|fail| fail.code), Some("E0133"));
}

#[test]
fn mailboxes_are_replaced_wherever_they_stand() {
    let dir = tempfile::tempdir().expect("a folder");
    let privacy = Privacy::open(Some(&chosen(&[Kind::Email])), dir.path()).expect("a key");
    let mut events = [read("nothing that is known of ada@example.org, (ada@example.org) and x@y and eve.k@mail.example.co.")];
    privacy.replace(&mut events);
    let (ada, eve) =
        (privacy.of(Kind::Email, "ada@example.org").expect("one"), privacy.of(Kind::Email, "eve.k@mail.example.co").expect("one"));
    assert_eq!(events[0].raw.text(), format!("nothing that is known of {ada}, ({ada}) and x@y and {eve}."));
    let mut silent = [read(SSHD)];
    privacy.replace(&mut silent);
    assert_eq!(silent[0].user(), "ada", "users were not asked for");
}

#[test]
fn nothing_is_asked_for_and_nothing_is_made() {
    let dir = tempfile::tempdir().expect("a folder");
    let privacy = Privacy::open(Some(&Choice::default()), dir.path()).expect("no key needed");
    let mut events = [read(SSHD)];
    privacy.replace(&mut events);
    assert_eq!(events[0].raw.text(), SSHD);
    assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 0);
}

#[test]
fn detectors_see_a_secret_and_the_log_does_not() {
    let line = "192.0.2.1 - - [05/Jan/2026:10:00:00 +0000] \"GET /login?user=x&password=hunter2 HTTP/1.1\" 200 5 \"-\" \"curl\"";
    let privacy = Privacy::default();
    let mut events = [read(line), read(SSHD)];
    let secrets = privacy.secrets(&events);
    assert_eq!((secrets.len(), privacy.masked.load(Relaxed)), (1, 1));
    assert_eq!(privacy.as_kept(&events[0]), line.replace("hunter2", "***").into_bytes());
    Privacy::hide(&mut events, secrets);
    let Body::Http(http) = &events[0].body else { panic!("no request: {:?}", events[0].body) };
    assert_eq!(http.target, "/login?user=x&password=***");
    assert_eq!((events[0].raw.text().into_owned(), events[1].raw.text().as_ref()), (line.replace("hunter2", "***"), SSHD));
    assert_eq!(privacy.secrets(&events), [], "masked once");
}

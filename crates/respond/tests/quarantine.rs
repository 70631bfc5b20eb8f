//! A file goes into quarantine and back, byte for byte; interrupted at any step it is whole in one of the two places.
#![allow(clippy::print_stderr)]

use std::fs;
use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::time::{Duration, UNIX_EPOCH};

use event::decision::Disposition;
use event::response::{Mode, Phase};
use event::{Entity, EntityKind, Response, Time};
use respond::{Action, Desk, Quarantine};
use sha2::{Digest, Sha256};

const T0: Time = Time::from_s(1_772_600_000);
const CONTENT: &[u8] = b"#!/bin/sh\necho harmless\n\0\xff";

fn sha256(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|b| format!("{b:02x}")).collect()
}

fn asked(uid: &str, path: &Path) -> Response {
    Response {
        uid: uid.into(),
        key: uid.into(),
        incident: "INC-1".into(),
        action: "quarantine".into(),
        target: Entity::new(EntityKind::File, path.to_str().expect("UTF-8")),
        disposition: Disposition::Block,
        mode: Mode::Enforce,
        analytic: "content.file".into(),
        by: "test".into(),
        reason: "test".into(),
        requested: T0,
        until: T0.plus_s(90 * 86_400),
        phase: Phase::Requested,
        inverse: "move it back".into(),
        sha256: sha256(CONTENT).into(),
    }
}

/// A folder with a file in it, and a data directory.
struct Case {
    _kept: Vec<tempfile::TempDir>,
    data: PathBuf,
    path: PathBuf,
}

fn case_in(place: &Path) -> Case {
    let (data, files) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir_in(place).expect("a folder"));
    let path = files.path().canonicalize().expect("a path").join("run me.sh");
    fs::write(&path, CONTENT).expect("written");
    fs::set_permissions(&path, fs::Permissions::from_mode(0o4755)).expect("mode");
    let old = UNIX_EPOCH + Duration::new(1_234_567_890, 123_456_789);
    fs::File::options().write(true).open(&path).expect("open").set_modified(old).expect("time");
    Case { data: data.path().to_owned(), path, _kept: vec![data, files] }
}

fn case() -> Case {
    case_in(&std::env::temp_dir())
}

impl Case {
    fn action(&self) -> Quarantine {
        Quarantine::new(&self.data)
    }

    fn stored(&self, uid: &str) -> PathBuf {
        self.data.join("quarantine").join(format!("{}.{uid}", sha256(CONTENT)))
    }

    fn manifest(&self, uid: &str) -> PathBuf {
        self.data.join("quarantine").join(format!("{uid}.json"))
    }

    fn is_as_it_was(&self) {
        let about = fs::symlink_metadata(&self.path).expect("it is back");
        assert_eq!(fs::read(&self.path).expect("read"), CONTENT);
        assert_eq!((about.mode() & 0o7777, about.mtime(), about.mtime_nsec()), (0o4755, 1_234_567_890, 123_456_789));
        let left: Vec<_> =
            fs::read_dir(self.data.join("quarantine")).map(|d| d.flatten().map(|e| e.file_name()).collect()).unwrap_or_default();
        assert!(left.is_empty(), "the quarantine still holds {left:?}");
    }
}

fn there_and_back(case: &Case) {
    let (mut action, asked) = (case.action(), asked("R-1", &case.path));
    assert_eq!(action.apply(&asked, T0).expect("moved"), ["quarantine"]);
    assert_eq!(action.apply(&asked, T0).expect("twice is once"), ["quarantine"]);
    assert!(!case.path.exists() && action.probe(&asked));
    let about = fs::symlink_metadata(case.stored("R-1")).expect("in quarantine, by its hash");
    assert_eq!(about.mode() & 0o7777, 0o600, "read by its owner alone, and not executable");
    assert_eq!(fs::metadata(case.data.join("quarantine")).expect("a folder").mode() & 0o7777, 0o700);
    assert_eq!(fs::read(case.stored("R-1")).expect("read"), CONTENT);
    action.undo(&asked).expect("put back");
    action.undo(&asked).expect("undoing what is not in force changes nothing");
    assert!(!action.probe(&asked));
    case.is_as_it_was();
}

#[test]
fn there_and_back_byte_for_byte() {
    there_and_back(&case());
}

#[test]
fn there_and_back_over_two_filesystems() {
    let other = Path::new("/dev/shm");
    let device = |path: &Path| fs::metadata(path).map(|m| m.dev()).ok();
    if device(other).is_none() || device(other) == device(&std::env::temp_dir()) || tempfile::tempdir_in(other).is_err() {
        eprintln!("skipped: no second filesystem");
        return;
    }
    // Nothing is taken out of /dev, so the data directory lies there and the file elsewhere.
    let mut case = case();
    let data = tempfile::tempdir_in(other).expect("a folder");
    case.data = data.path().to_owned();
    case._kept.push(data);
    there_and_back(&case);
}

#[test]
fn nothing_is_overwritten_and_nothing_is_lost() {
    let case = case();
    let (mut action, asked) = (case.action(), asked("R-1", &case.path));
    action.apply(&asked, T0).expect("moved");
    fs::write(&case.path, "another").expect("written");
    let why = action.undo(&asked).expect_err("another file is there");
    assert!(why.contains("not overwritten"), "{why}");
    assert_eq!(fs::read(&case.path).expect("read"), b"another");
    assert!(action.probe(&asked), "it stays in quarantine");
    fs::remove_file(&case.path).expect("removed");
    action.undo(&asked).expect("put back");
    case.is_as_it_was();
}

#[test]
fn links_folders_pipes_and_changed_content_are_left_alone() {
    let case = case();
    let folder = case.path.parent().expect("a folder").to_owned();
    let link = folder.join("link");
    symlink(&case.path, &link).expect("a link");
    let around = folder.join("around");
    symlink(&folder, &around).expect("a link");
    for path in [&link, &around.join("run me.sh"), &folder, &folder.join("nothing"), Path::new("/dev/null")] {
        let asked = asked("R-1", path);
        let mut action = case.action();
        assert!(action.refuses(&asked).is_some() || action.apply(&asked, T0).is_err(), "{}", path.display());
        assert!(!case.manifest("R-1").exists());
    }
    for path in ["relative", "/tmp/../etc/passwd", "/proc/self/exe", "/"] {
        assert!(case.action().refuses(&asked("R-1", Path::new(path))).is_some(), "{path}");
    }
    assert!(case.action().refuses(&asked("R-1", &case.data.canonicalize().expect("a path").join("log/0"))).is_some(), "our own log");
    let mut other = asked("R-1", &case.path);
    other.sha256 = sha256(b"what was judged").into();
    assert!(case.action().apply(&other, T0).expect_err("changed").contains("changed"));
    let mut named = asked("../R-1", &case.path);
    assert!(case.action().apply(&named, T0).is_err(), "a name with a path in it");
    (named.uid, named.mode) = ("R-2".into(), Mode::Monitor);
    case.action().apply(&named, T0).expect("counted");
    case.is_as_it_was();
}

/// What lies on disk when the process is killed after each step; a restart with the response requested takes it back.
#[test]
fn killed_between_any_two_steps_it_is_whole_in_one_place() {
    type Interrupt = fn(&Case);
    let steps: &[(&str, Interrupt)] = &[
        ("before anything", |case| {
            case.action().undo(&asked("R-1", &case.path)).expect("back");
        }),
        ("the manifest is written", |case| {
            let manifest = fs::read(case.manifest("R-1")).expect("a manifest");
            case.action().undo(&asked("R-1", &case.path)).expect("back");
            fs::write(case.manifest("R-1"), manifest).expect("written");
        }),
        ("moved and not closed yet", |case| {
            fs::set_permissions(case.stored("R-1"), fs::Permissions::from_mode(0o4755)).expect("mode");
        }),
        ("half copied", |case| {
            let manifest = fs::read(case.manifest("R-1")).expect("a manifest");
            case.action().undo(&asked("R-1", &case.path)).expect("back");
            fs::write(case.manifest("R-1"), manifest).expect("written");
            fs::write(case.stored("R-1").with_extension("R-1.part"), &CONTENT[..5]).expect("half");
        }),
        ("copied and the original not removed", |case| {
            let manifest = fs::read(case.manifest("R-1")).expect("a manifest");
            case.action().undo(&asked("R-1", &case.path)).expect("back");
            fs::write(case.manifest("R-1"), manifest).expect("written");
            fs::write(case.stored("R-1"), CONTENT).expect("a copy");
        }),
        ("all done, not yet in the log", |_| {}),
        ("its mode is given back and it is not moved yet", |case| {
            fs::set_permissions(case.stored("R-1"), fs::Permissions::from_mode(0o4755)).expect("mode");
        }),
    ];
    for (name, interrupt) in steps {
        let case = case();
        let asked = asked("R-1", &case.path);
        case.action().apply(&asked, T0).expect("moved");
        interrupt(&case);
        let mut desk = Desk::new(vec![Box::new(case.action())]);
        let changed = desk.restore([asked.clone()], T0.plus_s(5), &mut |_| Ok(())).expect("written");
        assert!(matches!(changed[0].phase, Phase::Failed { .. }), "{name}: {:?}", changed[0].phase);
        case.is_as_it_was();

        // The same with the response applied: it goes on to the end, and undo works afterwards.
        case.action().apply(&asked, T0).expect("moved");
        interrupt(&case);
        let applied =
            Response { phase: Phase::Applied { receipt: "rcpt-1".into(), at: T0, points: vec!["quarantine".into()] }, ..asked.clone() };
        let mut desk = Desk::new(vec![Box::new(case.action())]);
        desk.restore([applied], T0.plus_s(5), &mut |_| Ok(())).expect("written");
        assert!(!case.path.exists() && case.action().probe(&asked), "{name}");
        assert_eq!(fs::metadata(case.stored("R-1")).expect("stored").mode() & 0o7777, 0o600, "{name}");
        let (answer, _) = desk.undo("INC-1", &"test".into(), T0.plus_s(6), &mut |_| Ok(()));
        assert_eq!((answer.done, answer.of), (1, 1), "{name}: {answer:?}");
        case.is_as_it_was();
    }
}

#[test]
fn taken_back_impossible_after_a_kill_it_stays_known() {
    let case = case();
    let asked = asked("R-1", &case.path);
    case.action().apply(&asked, T0).expect("moved");
    fs::write(&case.path, "another").expect("written");
    let mut desk = Desk::new(vec![Box::new(case.action())]);
    let changed = desk.restore([asked], T0.plus_s(5), &mut |_| Ok(())).expect("written");
    assert!(matches!(changed[0].phase, Phase::Applied { .. }), "whoever undoes it must find it: {:?}", changed[0].phase);
    fs::remove_file(&case.path).expect("removed");
    assert_eq!(desk.undo("R-1", &"test".into(), T0.plus_s(6), &mut |_| Ok(())).0.done, 1);
    case.is_as_it_was();
}

#[test]
fn its_end_renews_it_and_sets_nothing_free() {
    let case = case();
    let asked = asked("R-1", &case.path);
    let mut desk = Desk::new(vec![Box::new(case.action())]);
    desk.carry_out(vec![asked.clone()], T0, &|_| None, &mut |_| Ok(())).expect("written");
    let after = asked.until.plus_s(1);
    let renewed = desk.expire(after, &mut |_| Ok(())).expect("written");
    assert!(renewed.len() == 1 && renewed[0].is_active(after) && renewed[0].until > after);
    assert!(!case.path.exists(), "still kept");
    assert!(desk.expire(after, &mut |_| Ok(())).expect("written").is_empty());
    assert_eq!(desk.undo("R-1", &"test".into(), after, &mut |_| Ok(())).0.done, 1);
    case.is_as_it_was();
}

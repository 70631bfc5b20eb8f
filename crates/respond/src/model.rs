//! Model versions (D3FEND D3-RIC, restore configuration): back to the version of a model that served before, and forward again.
//!
//! `DIR/NAME/serving.json` names the version that serves and those before it; `DIR/NAME/VERSION/` holds a signed folder; `built-in` is the
//! one inside the program. A switch replaces that one small file, then what runs is told to load; when it refuses, the file is put back.
//! Whether a folder may be loaded is decided where it is loaded: its signature is checked there every time.

use std::path::{Path, PathBuf};

use event::response::Mode;
use event::{Response, Text, Time};
use serde::{Deserialize, Serialize};

use crate::Action;

/// The version inside the program.
pub const BUILT_IN: &str = "built-in";
/// Versions remembered behind the one that serves.
const BEFORE_MAX: usize = 32;
const NAME_BYTES_MAX: usize = 64;

/// Which version of a model serves.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Serving {
    pub version: String,
    /// Oldest first.
    pub before: Vec<String>,
    /// Rollbacks in force: response, and the version that it took out of service.
    #[serde(default)]
    pub taken_out: Vec<(String, String)>,
}

impl Default for Serving {
    fn default() -> Serving {
        Serving { version: BUILT_IN.into(), before: Vec::new(), taken_out: Vec::new() }
    }
}

/// Told after a switch; loads the model named, or says why not.
pub type Reload = Box<dyn Fn(&str) -> Result<(), String> + Send>;

/// Enforcement point `models`.
pub struct ModelVersions {
    dir: PathBuf,
    reload: Reload,
}

impl ModelVersions {
    pub const NAME: &'static str = "model";

    pub fn new(dir: PathBuf, reload: Reload) -> ModelVersions {
        ModelVersions { dir, reload }
    }

    fn switch(&self, name: &str, from: &Serving, to: &Serving) -> Result<(), String> {
        write(&self.dir, name, to)?;
        (self.reload)(name).map_err(|why| match write(&self.dir, name, from) {
            Ok(()) => format!("{name} {} was not loaded: {why}; {} stays", to.version, from.version),
            Err(error) => format!("{name} {} was not loaded: {why}; and {error}", to.version),
        })
    }
}

impl Action for ModelVersions {
    fn name(&self) -> &'static str {
        ModelVersions::NAME
    }

    fn apply(&mut self, response: &Response, _now: Time) -> Result<Vec<Text>, String> {
        let name = response.target.name.as_str();
        let from = serving(&self.dir, name)?;
        let points = vec![Text::const_new("models")];
        if response.mode == Mode::Monitor || from.taken_out.iter().any(|(uid, _)| uid == response.uid.as_str()) {
            return Ok(points);
        }
        let mut to = from.clone();
        to.version = to.before.pop().ok_or_else(|| format!("no earlier version of {name} is known: {} is the only one", from.version))?;
        to.taken_out.push((response.uid.to_string(), from.version.clone()));
        self.switch(name, &from, &to)?;
        Ok(points)
    }

    fn undo(&mut self, response: &Response) -> Result<(), String> {
        let name = response.target.name.as_str();
        let from = serving(&self.dir, name)?;
        let Some(at) = from.taken_out.iter().position(|(uid, _)| uid == response.uid.as_str()) else { return Ok(()) };
        let mut to = from.clone();
        let (_, version) = to.taken_out.remove(at);
        to.before.push(std::mem::replace(&mut to.version, version));
        self.switch(name, &from, &to)
    }

    fn probe(&self, response: &Response) -> bool {
        let name = response.target.name.as_str();
        serving(&self.dir, name).is_ok_and(|s| s.taken_out.iter().any(|(uid, _)| uid == response.uid.as_str()))
    }

    fn undone_words(&self) -> &'static str {
        "serves in the version that was taken out"
    }
}

/// What serves under that name; the built-in one when nothing was ever promoted.
pub fn serving(dir: &Path, name: &str) -> Result<Serving, String> {
    plain(name)?;
    let path = dir.join(name).join("serving.json");
    match std::fs::read(&path) {
        Ok(bytes) => {
            let serving: Serving = serde_json::from_slice(&bytes).map_err(|e| format!("{}: {e}", path.display()))?;
            serving.before.iter().chain([&serving.version]).try_for_each(|version| plain(version))?;
            Ok(serving)
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(Serving::default()),
        Err(error) => Err(format!("{}: {error}", path.display())),
    }
}

/// A new version serves from now on; the caller has put its folder in place.
pub fn promote(dir: &Path, name: &str, version: &str) -> Result<Serving, String> {
    plain(version)?;
    let mut serving = serving(dir, name)?;
    if serving.version == version {
        return Ok(serving);
    }
    serving.before.push(std::mem::replace(&mut serving.version, version.to_owned()));
    let surplus = serving.before.len().saturating_sub(BEFORE_MAX);
    serving.before.drain(..surplus);
    write(dir, name, &serving)?;
    Ok(serving)
}

/// Written beside, then renamed: a reader sees the old or the new one, and so does a restart.
fn write(dir: &Path, name: &str, serving: &Serving) -> Result<(), String> {
    let folder = dir.join(name);
    let (path, beside) = (folder.join("serving.json"), folder.join("serving.json.new"));
    let put = || -> std::io::Result<()> {
        std::fs::create_dir_all(&folder)?;
        std::fs::write(&beside, serde_json::to_vec_pretty(serving)?)?;
        std::fs::File::open(&beside)?.sync_all()?;
        std::fs::rename(&beside, &path)?;
        std::fs::File::open(&folder)?.sync_all()
    };
    put().map_err(|error| format!("{}: {error}", path.display()))
}

/// Names and versions become folder names.
fn plain(name: &str) -> Result<(), String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let fine = !name.is_empty() && name.len() <= NAME_BYTES_MAX && name.chars().all(allowed) && !name.starts_with('.');
    if fine { Ok(()) } else { Err(format!("{name:?} is no name of a model or version: letters, digits, - _ .")) }
}

#[cfg(test)]
mod tests {
    use event::decision::Disposition;
    use event::response::Phase;
    use event::{Body, Entity, EntityKind};

    use super::*;
    use crate::Desk;

    const T0: Time = Time::from_s(1_772_600_000);

    fn response(uid: &str) -> Response {
        Response {
            uid: uid.into(),
            key: uid.into(),
            incident: "INC-1".into(),
            action: "model".into(),
            target: Entity::new(EntityKind::Model, "web-payload"),
            disposition: Disposition::Block,
            mode: Mode::Enforce,
            analytic: "model.drift".into(),
            by: "playbook model-rollback".into(),
            reason: "alerts doubled".into(),
            requested: T0,
            until: T0.plus_s(900),
            phase: Phase::Requested,
            inverse: "serve it again".into(),
            sha256: Text::default(),
        }
    }

    fn desk(dir: &Path, refuses: bool) -> Desk {
        let reload: Reload = Box::new(move |_| if refuses { Err("signature".into()) } else { Ok(()) });
        Desk::new(vec![Box::new(ModelVersions::new(dir.to_owned(), reload))])
    }

    fn version(dir: &Path) -> String {
        serving(dir, "web-payload").expect("readable").version
    }

    #[test]
    fn back_and_forward_by_undo_and_by_its_end() {
        let dir = tempfile::tempdir().expect("a folder");
        let dir = dir.path();
        let mut journal = |_: Vec<Body>| Ok(());
        promote(dir, "web-payload", "1.1").expect("promoted");
        assert_eq!(version(dir), "1.1");
        let mut one = desk(dir, false);
        one.carry_out(vec![response("R-1")], T0, &|_| None, &mut journal).expect("written");
        assert_eq!(version(dir), BUILT_IN);
        // A restart applies again what is in force: that is no second rollback.
        let applied: Vec<Response> = one.active(T0).cloned().collect();
        let mut two = desk(dir, false);
        two.restore(applied, T0.plus_s(1), &mut journal).expect("written");
        assert_eq!(version(dir), BUILT_IN);
        let (answer, _) = two.undo("R-1", &"cli:ada".into(), T0.plus_s(2), &mut journal);
        assert_eq!((answer.done, version(dir)), (1, "1.1".to_owned()));
        two.carry_out(vec![response("R-2")], T0.plus_s(3), &|_| None, &mut journal).expect("written");
        assert_eq!(version(dir), BUILT_IN);
        two.expire(T0.plus_s(901), &mut journal).expect("written");
        assert_eq!(version(dir), "1.1", "every response ends");
    }

    #[test]
    fn what_is_refused_leaves_the_version_that_serves() {
        let dir = tempfile::tempdir().expect("a folder");
        let dir = dir.path();
        let mut journal = |_: Vec<Body>| Ok(());
        let failed = |done: Vec<Response>| matches!(done[0].phase, Phase::Failed { .. });
        assert!(failed(desk(dir, false).carry_out(vec![response("R-1")], T0, &|_| None, &mut journal).expect("written")), "no earlier one");
        promote(dir, "web-payload", "1.1").expect("promoted");
        assert!(failed(desk(dir, true).carry_out(vec![response("R-1")], T0, &|_| None, &mut journal).expect("written")));
        assert_eq!(version(dir), "1.1");
        assert!(promote(dir, "web-payload", "../1.2").is_err() && serving(dir, "../x").is_err());
        let mut watched = response("R-3");
        watched.mode = Mode::Monitor;
        desk(dir, false).carry_out(vec![watched], T0, &|_| None, &mut journal).expect("written");
        assert_eq!(version(dir), "1.1", "monitor mode changes nothing");
    }
}

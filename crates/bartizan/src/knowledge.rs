//! What Bartizan knows before it has seen anything: rules, signed models and keys, built into the binary, or from `--content DIR`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use detect::Knowledge;
use incident::Forecaster;
use include_dir::{Dir, include_dir};
use learn::card::Card;
use learn::forecast::ForecastModel;
use learn::sign::Folder;

use crate::cli::fail::Fail;
use crate::versions::Highest;

static BUILT_IN: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../../content");

/// Files by path relative to the content folder, sorted.
pub struct Content {
    files: BTreeMap<String, Vec<u8>>,
    /// Sigma and YARA rules that the user gave, by the name of their file.
    given: Vec<(String, String)>,
    /// What a person should know about promoted models.
    said: Vec<String>,
    /// Models that are not used, and why.
    refused: BTreeMap<String, String>,
}

impl Content {
    pub fn load(dir: Option<&Path>) -> Result<Content, Fail> {
        let mut files = BTreeMap::new();
        match dir {
            Some(dir) => read_folder(dir, dir, &mut files)?,
            None => read_built_in(&BUILT_IN, &mut files),
        }
        Ok(Content { files, given: Vec::new(), said: Vec::new(), refused: BTreeMap::new() })
    }

    /// With the models that were promoted in this data directory, in place of those of the same name.
    pub fn serving(dir: Option<&Path>, data_dir: &Path) -> Result<Content, Fail> {
        let mut content = Content::load(dir)?;
        let own_keys = read_dir(&data_dir.join("keys")).unwrap_or_default();
        content.files.extend(own_keys.into_iter().map(|(name, bytes)| (format!("keys/own-{name}"), bytes)));
        let own = read_dir(&data_dir.join("playbooks")).unwrap_or_default();
        content.files.extend(own.into_iter().map(|(name, bytes)| (format!("playbooks/response/{name}"), bytes)));
        if dir.is_some() {
            content.refuse_older(data_dir);
        }
        let Ok(entries) = std::fs::read_dir(data_dir.join("models")) else { return Ok(content) };
        let folders = entries.flatten().filter(|entry| entry.path().is_dir());
        let mut names: Vec<String> = folders.filter_map(|entry| entry.file_name().into_string().ok()).collect();
        names.sort();
        for name in names {
            if let Err(why) = content.take_up(&name, &data_dir.join("models")) {
                content.said.push(format!("promoted model {name} is not used: {why}; the built-in one serves"));
            }
        }
        Ok(content)
    }

    /// Models of a folder of the operator's that are older than what served here before.
    fn refuse_older(&mut self, data_dir: &Path) {
        let (highest, said) = Highest::read(data_dir);
        self.said.extend(said);
        for name in self.folders("models") {
            let card = self.files.get(&format!("models/{name}/card.json")).and_then(|bytes| Card::from_bytes(bytes).ok());
            let Some(version) = card.map(|card| card.version) else { continue };
            if let Some(newer) = highest.above(&name, &version) {
                let why = format!(
                    "version {version} is older than {newer}, which served here before; if that is meant: bartizan model promote DIR --allow-older REASON"
                );
                self.refused.insert(name, why);
            }
        }
    }

    /// Puts the promoted version of a model in the place of the built-in one, when its signature holds.
    fn take_up(&mut self, name: &str, models: &Path) -> Result<(), String> {
        let serving = respond::model::serving(models, name)?;
        if serving.version == respond::model::BUILT_IN {
            return Ok(());
        }
        let text = |fail: Fail| fail.to_string();
        let files = read_dir(&models.join(name).join(&serving.version)).map_err(text)?;
        let ring = self.ring().map_err(text)?;
        let checked = folder(files.clone()).map_err(text)?;
        learn::sign::verify(&checked, &ring)
            .map_err(|faults| faults.iter().map(|fault| format!("{} {}", fault.file, fault.why)).collect::<Vec<_>>().join("; "))?;
        let card = checked.get("card.json").and_then(|bytes| Card::from_bytes(bytes).ok()).ok_or("it has no card")?;
        if (card.name.as_str(), &card.version) != (name, &serving.version) {
            return Err(format!("{} was promoted, and its place holds {} {}", serving.version, card.name, card.version));
        }
        self.refused.remove(name);
        let start = format!("models/{name}/");
        self.files.retain(|file, _| !file.starts_with(&start));
        self.files.extend(files.into_iter().map(|(file, bytes)| (format!("{start}{file}"), bytes)));
        Ok(())
    }

    /// Files below `folder/`, names relative to it.
    pub fn below(&self, folder: &str) -> BTreeMap<String, Vec<u8>> {
        let start = format!("{folder}/");
        self.files.iter().filter_map(|(name, bytes)| Some((name.strip_prefix(&start)?.to_owned(), bytes.clone()))).collect()
    }

    /// Names of the folders directly below `folder`.
    pub fn folders(&self, folder: &str) -> Vec<String> {
        let mut names: Vec<String> = self.below(folder).keys().filter_map(|name| Some(name.split_once('/')?.0.to_owned())).collect();
        names.dedup();
        names
    }

    /// Public keys that models may be signed with.
    pub fn ring(&self) -> Result<learn::sign::KeyRing, Fail> {
        let pems: Vec<String> = self
            .below("keys")
            .into_iter()
            .filter(|(name, _)| name.ends_with(".pem"))
            .map(|(_, bytes)| String::from_utf8_lossy(&bytes).into_owned())
            .collect();
        learn::sign::KeyRing::from_pems(&pems).map_err(|e| Fail::new("E0501", format!("cannot read the key ring: {e}")))
    }

    pub fn rules(&self) -> Result<rule::seclang::Ruleset, Fail> {
        let texts: Vec<(String, String)> = self
            .below("rules/web")
            .into_iter()
            .filter(|(name, _)| name.ends_with(".conf"))
            .map(|(name, bytes)| (name, String::from_utf8_lossy(&bytes).into_owned()))
            .collect();
        let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        rule::seclang::Ruleset::parse(&texts).map_err(|errors| {
            let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
            Fail::new("E0502", format!("the rules have {} faults:\n{}", errors.len(), lines.join("\n")))
        })
    }

    /// Rules about configuration, with the names that they go by in other inputs.
    pub fn posture_rules(&self) -> Result<rule::posture::Rules, Fail> {
        let texts: Vec<(String, String)> = self
            .below("rules/posture")
            .into_iter()
            .filter(|(name, _)| name.ends_with(".yaml"))
            .map(|(name, bytes)| (name, String::from_utf8_lossy(&bytes).into_owned()))
            .collect();
        let texts: Vec<(&str, &str)> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
        let rules = rule::posture::Rules::parse(&texts).map_err(|faults| {
            let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
            Fail::new("E0502", format!("the posture rules have {} faults:\n{}", faults.len(), lines.join("\n")))
        })?;
        Ok(rules.with_frameworks(self.frameworks()?))
    }

    /// What is done about findings: the shipped playbooks, and the operator's, which take the place of those in a file of the same name.
    pub fn playbooks(&self) -> Result<incident::Playbooks, Fail> {
        let files = self.below("playbooks/response");
        let files: Vec<(&str, String)> = files
            .iter()
            .filter(|(name, _)| name.ends_with(".yaml") || name.ends_with(".yml"))
            .map(|(name, bytes)| (name.as_str(), String::from_utf8_lossy(bytes).into_owned()))
            .collect();
        incident::Playbooks::parse(files.iter().map(|(name, text)| (*name, text.as_str()))).map_err(|faults| {
            let lines: Vec<String> = faults.iter().map(ToString::to_string).collect();
            Fail::new("E0506", format!("the playbooks have {} faults:\n{}", faults.len(), lines.join("\n")))
                .fix("bartizan playbook lint FILE")
        })
    }

    /// Compliance frameworks: numbers of requirements and the checks behind them.
    pub fn frameworks(&self) -> Result<Vec<rule::posture::Framework>, Fail> {
        let files = self.below("frameworks").into_iter().filter(|(name, _)| name.ends_with(".yaml"));
        let parse = |(name, bytes): (String, Vec<u8>)| {
            rule::posture::Framework::parse(&String::from_utf8_lossy(&bytes))
                .map_err(|e| Fail::new("E0502", format!("framework {name}: {e}")))
        };
        files.map(parse).collect()
    }

    /// All files of a model, unchecked.
    pub fn model_folder(&self, name: &str) -> Result<Folder, Fail> {
        if let Some(why) = self.refused.get(name) {
            return Err(Fail::new("E0504", format!("model {name} was refused: {why}")));
        }
        let files = self.below(&format!("models/{name}"));
        if files.is_empty() {
            return Err(Fail::new("E0503", format!("no model {name}")).fix("bartizan model list"));
        }
        folder(files)
    }

    /// A model whose signature was checked.
    pub fn model(&self, name: &str) -> Result<learn::TextModel, Fail> {
        let folder = self.model_folder(name)?;
        learn::load(&folder, &self.ring()?)
            .map_err(|e| Fail::new("E0504", format!("model {name} was refused: {e}")).fix(format!("bartizan model verify {name}")))
    }

    /// What tells what comes next; `None` when its model was refused, which is said.
    pub fn forecaster(&self) -> (Option<Forecaster>, Option<String>) {
        let read = || -> Result<Forecaster, Fail> {
            let folder = self.model_folder(learn::forecast::NAME)?;
            let refused = |why: String| Fail::new("E0504", format!("model {} was refused: {why}", learn::forecast::NAME));
            learn::sign::verify(&folder, &self.ring()?)
                .map_err(|faults| refused(faults.iter().map(|f| format!("{} {}", f.file, f.why)).collect::<Vec<_>>().join("; ")))?;
            let bytes = folder.get("model.bin").ok_or_else(|| refused("it has no model.bin".into()))?;
            let model = ForecastModel::from_bytes(bytes).map_err(|e| refused(e.to_string()))?;
            let controls = self.below("frameworks").remove("controls.jsonl").unwrap_or_default();
            let controls = incident::forecast::mappings(&String::from_utf8_lossy(&controls)).map_err(|e| Fail::new("E0502", e))?;
            Ok(Forecaster::new(Arc::new(model), Arc::new(controls)))
        };
        match read() {
            Ok(forecaster) => (Some(forecaster), None),
            Err(fail) => (None, Some(format!("{fail}; incidents say nothing about what comes next"))),
        }
    }

    /// A model of any kind whose signature was checked.
    pub fn any_model(&self, name: &str) -> Result<learn::Model, Fail> {
        let folder = self.model_folder(name)?;
        learn::load_any(&folder, &self.ring()?)
            .map_err(|e| Fail::new("E0504", format!("model {name} was refused: {e}")).fix(format!("bartizan model verify {name}")))
    }

    /// Sigma and YARA rules of the user beside our own: folders, files, archives.
    pub fn add_rules(&mut self, paths: &[PathBuf]) -> Result<(), Fail> {
        for path in paths {
            self.given.extend(crate::rules::texts(path)?);
        }
        if !rule::yara::BUILT_IN && self.given.iter().any(|(name, _)| crate::rules::is_yara(name)) {
            self.said.push("YARA: not built in, so these rules are not used; cargo build --release --features heavy-scan".into());
        }
        Ok(())
    }

    /// Our own YARA rules and those of the user; faults of the user's stand beside them.
    pub fn yara(&self) -> rule::yara::Loaded {
        let own = self.below("rules/yara").into_iter().filter(|(name, _)| crate::rules::is_yara(name));
        let own: Vec<(String, String)> = own.map(|(name, bytes)| (name, String::from_utf8_lossy(&bytes).into_owned())).collect();
        let given = self.given.iter().filter(|(name, _)| crate::rules::is_yara(name));
        rule::yara::Rules::load(own.iter().chain(given).map(|(name, text)| (name.as_str(), text.as_str())))
    }

    /// Our own Sigma rules and those of the user; faults of the user's stand in the set.
    pub fn sigma(&self) -> Result<rule::sigma::Set, Fail> {
        let map = self.files.get("rules/logsource.yaml").map(|bytes| String::from_utf8_lossy(bytes)).unwrap_or_default();
        let map = rule::sigma::SourceMap::parse(&map).map_err(|e| Fail::new("E0502", e.to_string()))?;
        let own: Vec<(String, String)> = self
            .below("rules/sigma")
            .into_iter()
            .filter(|(name, _)| name.ends_with(".yml"))
            .map(|(name, bytes)| (name, String::from_utf8_lossy(&bytes).into_owned()))
            .collect();
        let texts = own
            .iter()
            .chain(self.given.iter().filter(|(name, _)| !crate::rules::is_yara(name)))
            .map(|(name, text)| (name.as_str(), text.as_str()));
        Ok(rule::sigma::Set::load(texts, &map))
    }

    /// Everything that detectors need. A model that is refused leaves the rules alone at work, and is said.
    pub fn knowledge(&self) -> Result<(Knowledge, Vec<String>), Fail> {
        let mut said = self.said.clone();
        let mut models = learn::Registry::default();
        let ring = self.ring()?;
        for name in self.folders("models").into_iter().filter(|name| name != "web-payload" && name != learn::forecast::NAME) {
            if let Some(why) = self.refused.get(&name) {
                said.push(format!("model {name} was refused: {why}; its detectors work without it"));
                continue;
            }
            let folder = self.model_folder(&name)?;
            let loaded =
                models.load_heads(&name, &folder, &ring).and_then(|done| if done { Ok(()) } else { models.load(&name, &folder, &ring) });
            if let Err(error) = loaded {
                said.push(format!("model {name} was refused: {error}; its detectors work without it"));
            }
        }
        let web_model = match self.model("web-payload") {
            Ok(model) => Some(Arc::new(model)),
            Err(fail) => {
                said.push(format!("{fail}; rules alone are at work"));
                None
            }
        };
        let yara = self.yara();
        said.extend(yara.refused.iter().map(|refused| format!("rule not used: {refused}")));
        Ok((
            Knowledge {
                yara: yara.rules.map(Arc::new),
                web_rules: Arc::new(self.rules()?),
                web_model,
                sigma: Arc::new(self.sigma()?),
                models,
                posture: Arc::new(self.posture_rules()?),
                config: detect::Config::default(),
            },
            said,
        ))
    }
}

pub fn folder(files: impl IntoIterator<Item = (String, Vec<u8>)>) -> Result<Folder, Fail> {
    let mut folder = Folder::new();
    for (name, bytes) in files {
        folder.insert(&name, bytes).map_err(|e| Fail::new("E0505", e.to_string()))?;
    }
    Ok(folder)
}

/// Every file below a directory, by relative name.
pub fn read_dir(dir: &Path) -> Result<BTreeMap<String, Vec<u8>>, Fail> {
    let mut files = BTreeMap::new();
    read_folder(dir, dir, &mut files)?;
    Ok(files)
}

fn read_built_in(dir: &Dir<'_>, files: &mut BTreeMap<String, Vec<u8>>) {
    for file in dir.files() {
        files.insert(file.path().to_string_lossy().into_owned(), file.contents().to_vec());
    }
    for sub in dir.dirs() {
        read_built_in(sub, files);
    }
}

fn read_folder(root: &Path, dir: &Path, files: &mut BTreeMap<String, Vec<u8>>) -> Result<(), Fail> {
    let entries = std::fs::read_dir(dir).map_err(|e| Fail::unreadable(dir, &e))?;
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            read_folder(root, &path, files)?;
        } else if let Ok(name) = path.strip_prefix(root) {
            let bytes = std::fs::read(&path).map_err(|e| Fail::unreadable(&path, &e))?;
            files.insert(name.to_string_lossy().into_owned(), bytes);
        }
    }
    Ok(())
}

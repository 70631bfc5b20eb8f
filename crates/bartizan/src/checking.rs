//! What a person hands in at the console is judged here, and goes through the engine like everything else.

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Mutex, PoisonError};

use console::{Checked, Checker, MatterKind, TooMany};
use detect::Knowledge;
use detect::content::{self, Input as Asked, Judgement, Verdict};
use event::{Body, Bytes, Event, Meta, Text, Time, Uid};

use askers::Askers;

use crate::clock;
use crate::engine::Input;

mod askers;

/// Bytes of a thing that go into the log.
const HEAD_BYTES: usize = 4_096;

/// Judges what is handed in, within the limits of [`askers`].
pub fn checker(knowledge: Knowledge, engine: SyncSender<Input>) -> Checker {
    let askers = Mutex::new(Askers::default());
    Arc::new(move |matter| {
        let now = clock::now();
        let who = || askers.lock().unwrap_or_else(PoisonError::into_inner);
        who().may_ask(matter.asker, now).map_err(|after_s| TooMany { after_s })?;
        let text = String::from_utf8_lossy(&matter.bytes);
        let asked = match matter.kind {
            MatterKind::File => content::Matter::Bytes(&matter.bytes),
            MatterKind::Mail => content::Matter::Mail(&matter.bytes),
            MatterKind::Url => content::Matter::Url(&text),
            MatterKind::Text => content::Matter::Text(&text),
            MatterKind::Prompt => content::Matter::Prompt(&text),
        };
        let said = content::judge(&Asked { name: &matter.name, matter: asked }, &knowledge);
        let event = activity(&matter.name, &said, &matter.bytes, now);
        let finding = content::finding(&said, &event).map(Box::new);
        let uid = finding.as_ref().map(|f| f.uid.clone());
        if finding.is_some() {
            let observed = gateway::Observed::new(event, finding);
            let _ = engine.send(Input::Observed(vec![observed]));
        }
        let score = said.score.unwrap_or(0.0);
        let mut told = told(said, uid);
        let (withheld, alarm) = who().answered(matter.asker, &matter.bytes, score, now);
        if let Some(alarm) = alarm {
            let _ = engine.send(Input::Found(vec![alarm]));
        }
        if withheld {
            told.score = None;
            told.reasons.iter_mut().for_each(|reason| reason.push = 0.0);
            told.not_checked.push("scores are withheld: these questions would make a copy of the models".into());
        }
        Ok(told)
    })
}

/// The activity behind a judgement, named by its name and content: the same thing again is the same event.
fn activity(name: &str, said: &Judgement, bytes: &[u8], now: Time) -> Event {
    let head = &bytes[..bytes.len().min(HEAD_BYTES)];
    let mut body = said.body.clone();
    let mut sha256 = Text::default();
    if let Body::File(file) = &mut body {
        file.path = name.to_owned();
        sha256 = file.sha256.clone();
    }
    let meta = Meta {
        uid: Uid::of_record(&format!("handed in {name} {sha256} {}", String::from_utf8_lossy(head)), 1),
        time: now,
        logged: now,
        source: format!("console: {name}").into(),
        record: 1,
        format: Text::const_new("check"),
        ..Meta::default()
    };
    Event::new(meta, body, Bytes::from(head))
}

fn told(said: Judgement, finding: Option<Text>) -> Checked {
    Checked {
        kind: said.kind,
        verdict: Text::const_new(said.verdict.word()),
        severity: Verdict::severity(said.verdict),
        abstained: said.abstained,
        score: said.score,
        reasons: said.reasons,
        models: said.models,
        not_checked: said.not_checked,
        would_change: said.would_change,
        members: said.members.into_iter().map(|(name, member)| (name, Text::const_new(member.verdict.word()))).collect(),
        finding,
    }
}

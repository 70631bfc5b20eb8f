//! Channels as the configuration asks for them: addresses and secrets read once, at start.

use std::path::Path;
use std::sync::Arc;

use incident::tell;
use respond::notify::{Channel, Mail, Pace, Secret, Tallies, Tally, To, Url};

use crate::cli::fail::Fail;
use crate::config::section::notify::{Address, Asked, Place};

/// What the engine needs to tell somebody.
pub struct Channels {
    pub all: Vec<Channel>,
    /// As the teller knows them, in the same order.
    pub rules: Vec<tell::Channel>,
    pub tallies: Tallies,
    pub pace: Pace,
    /// How people reach the console; empty: messages have no link.
    pub link: String,
}

impl Channels {
    /// `None` when there are none.
    pub fn open(asked: &[Asked], data_dir: &Path, link: String) -> Result<Option<Arc<Channels>>, Fail> {
        if asked.is_empty() {
            return Ok(None);
        }
        let all = asked.iter().map(|one| channel(one, data_dir)).collect::<Result<Vec<Channel>, Fail>>()?;
        let rule = |one: &Asked| tell::Channel {
            name: one.name.as_str().into(),
            severity_min: one.severity_min,
            per_hour_max: one.per_hour_max,
            in_monitor: one.in_monitor,
        };
        let tallies = asked.iter().map(|one| Arc::new(Tally { name: one.name.clone(), ..Tally::default() })).collect();
        Ok(Some(Arc::new(Channels { all, rules: asked.iter().map(rule).collect(), tallies, pace: Pace::default(), link })))
    }
}

/// One of them, with its secret read.
pub fn channel(asked: &Asked, data_dir: &Path) -> Result<Channel, Fail> {
    let name = &asked.name;
    let fail = |why: String| Fail::new("E0117", why).fix("a file or variable with the secret as its only line");
    let secret = asked.secret.as_ref().map(|s| s.read(&format!("notify {name}: secret"))).transpose().map_err(fail)?.map(Secret::new);
    let to = match &asked.place {
        Place::Post { template, url, topic } => {
            let text = match url {
                Address::Text(text) => text.clone(),
                Address::Secret(secret) => secret.read(&format!("notify {name}: url")).map_err(fail)?,
            };
            let url = Url::parse(&text).map_err(|why| fail(format!("notify {name}: url: {why}")))?;
            To::Post { template, url, secret, topic: topic.clone() }
        }
        Place::Mail { host, port, security, from, to, user } => To::Mail(Box::new(Mail {
            host: host.clone(),
            port: *port,
            security: *security,
            from: from.clone(),
            to: to.clone(),
            user: user.clone(),
            secret,
        })),
        Place::File { name } => To::File { folder: data_dir.join("notify"), name: name.clone() },
    };
    let trust = match &asked.ca {
        Some(path) => {
            let pem = std::fs::read(path).map_err(|e| Fail::unreadable(path, &e))?;
            Some(respond::notify::trust(&pem).map_err(|why| Fail::new("E0117", format!("notify {name}: ca {}: {why}", path.display())))?)
        }
        None => None,
    };
    Ok(Channel { name: name.clone(), to, trust })
}

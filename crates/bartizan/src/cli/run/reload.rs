//! A reload: everything that changed is taken up, or nothing.

use event::Text;
use event::order::What;

use super::{Running, never};
use crate::config::key::TakenUp;
use crate::config::layer::Values;
use crate::engine::Input;
use crate::service::Service;

impl Running {
    /// What changed, or why nothing did; either is in the log.
    pub(super) fn reload(&mut self, service: &Service) -> Result<String, String> {
        let done = self.take_up(service);
        let (Ok(text) | Err(text)) = &done;
        tell(&self.loaded.values, text, done.is_err(), service);
        done
    }

    fn take_up(&mut self, service: &Service) -> Result<String, String> {
        let new = self.place.load().map_err(|faults| faults.to_string())?;
        let changes = self.loaded.values.changes(&new.values);
        let fixed: Vec<String> = changes.iter().filter(|c| c.taken_up == TakenUp::Restart).map(ToString::to_string).collect();
        if !fixed.is_empty() {
            return Err(format!("{} needs a restart. write: bartizan restart, which drops no connection", fixed.join(", ")));
        }
        // What can fail comes before what changes something.
        let asked = new.config.gateway.as_ref().and_then(|gateway| gateway.tls.as_ref());
        let pair = match (&self.certificate, asked) {
            (Some(certificate), Some((cert, key))) => Some((certificate, crate::tls::read(cert, key).map_err(|fail| fail.to_string())?)),
            (None, None) => None,
            _ => return Err("TLS where there was none, or none where it was, needs a restart. write: bartizan restart".into()),
        };
        let engine = service.engine();
        if new.config.response != self.loaded.config.response {
            engine.send(Input::Never(never(&new.config))).map_err(|_| "the engine stopped")?;
        }
        let on = new.config.program.enforce;
        if on != self.loaded.config.program.enforce {
            let (send, receive) = tokio::sync::oneshot::channel();
            engine.send(Input::Order(What::Enforce { on }, "configuration".into(), send)).map_err(|_| "the engine stopped")?;
            let answer = receive.blocking_recv().map_err(|e| e.to_string())?;
            if let Some(fault) = answer.fault {
                return Err(format!("the mode was not changed: {fault:?}"));
            }
        }
        let mut told: Vec<String> = changes.iter().map(ToString::to_string).collect();
        if let Some((certificate, pair)) = pair {
            certificate.replace(pair);
            told.push("the certificate was read again".into());
        }
        self.loaded = new;
        Ok(if told.is_empty() { "reloaded: nothing changed".into() } else { format!("reloaded: {}", told.join(", ")) })
    }
}

/// The configuration that holds from now on goes into the log.
pub(super) fn tell(values: &Values, text: &str, refused: bool, service: &Service) {
    let what = What::TakeUp {
        thing: "configuration".into(),
        version: Text::default(),
        sha256: values.digest().as_str().into(),
        text: text.to_owned(),
        refused,
    };
    let (reply, _) = tokio::sync::oneshot::channel();
    // An engine that ended says so itself.
    let _ = service.engine().send(Input::Order(what, "configuration".into(), reply));
}

//! What a command judged or read goes to the engine: of the Bartizan that runs on this data directory, else to one of our own.

use std::path::PathBuf;
use std::sync::mpsc::sync_channel;

use detect::Knowledge;
use event::order::{Answer, What};
use event::{Event, Finding, Text};

use super::fail::Fail;
use super::{Global, order};
use crate::control::{self, Ask, EVENTS_MAX, Reply};
use crate::engine::Input;
use crate::knowledge::Content;
use crate::paths;
use crate::service::{Service, Wanted};

pub(super) struct HandIn {
    to: To,
    data_dir: PathBuf,
    fault: Option<String>,
}

enum To {
    Running(PathBuf),
    Own(Box<Service>),
}

impl HandIn {
    pub(super) fn start(content: &Content, knowledge: Knowledge, global: &Global) -> Result<HandIn, Fail> {
        let data_dir = paths::data_dir(global.data_dir.as_ref());
        let socket = paths::control_socket(&data_dir);
        let to = if control::is_up(&socket) {
            To::Running(socket)
        } else {
            To::Own(Box::new(Service::start(Wanted {
                channels: None,
                operation: crate::service::Operation::default(),
                content: global.content.clone(),
                forecaster: content.forecaster().0,
                data_dir: data_dir.clone(),
                demo: false,
                enforce: false,
                console: None,
                gateway: None,
                never: incident::Never::default(),
                nftables: None,
                models: crate::served::models(content),
                knowledge,
            })?))
        };
        Ok(HandIn { to, data_dir, fault: None })
    }

    pub(super) fn judged(&mut self, all: Vec<(Event, Option<Box<Finding>>)>) {
        match &self.to {
            To::Own(service) => {
                let observed = |(event, finding)| gateway::Observed::new(event, finding);
                let _ = service.engine().send(Input::Observed(all.into_iter().map(observed).collect()));
            }
            To::Running(_) => {
                all.chunks(EVENTS_MAX).for_each(|part| self.fault = self.fault.take().or(self.ask(&Ask::Judged { all: part.to_vec() })));
            }
        }
    }

    pub(super) fn events(&mut self, all: Vec<Event>) {
        match &self.to {
            To::Own(service) => drop(service.engine().send(Input::Events(all))),
            To::Running(_) => {
                all.chunks(EVENTS_MAX).for_each(|part| self.fault = self.fault.take().or(self.ask(&Ask::Events { all: part.to_vec() })));
            }
        }
    }

    /// Why the running one did not take it.
    fn ask(&self, ask: &Ask) -> Option<String> {
        let To::Running(socket) = &self.to else { return None };
        match control::ask(socket, ask) {
            Some(Reply::Kept) => None,
            Some(Reply::Error(error)) => Some(error),
            Some(_) => Some("the running bartizan answered something else".into()),
            None => Some("the running bartizan went away".into()),
        }
    }

    /// When all is on disk: the log, to look at what became of it.
    pub(super) fn settle(&mut self) -> Result<store::Log, Fail> {
        if let Some(fault) = self.fault.take() {
            return Err(Fail::new("E0602", fault));
        }
        match &self.to {
            To::Running(_) => store::open_read_only(&self.data_dir).map_err(|e| super::text::cannot_open(&self.data_dir, &e)),
            To::Own(service) => {
                let (done, wait) = sync_channel(1);
                if service.engine().send(Input::Flush(done)).is_ok() {
                    let _ = wait.recv();
                }
                Ok(service.log.clone())
            }
        }
    }

    /// Carries out an order, where the rest went.
    pub(super) fn order(&self, what: What, global: &Global) -> Result<Answer, Fail> {
        let To::Own(service) = &self.to else { return order::carry_out(what, global, &self.data_dir) };
        let (send, receive) = tokio::sync::oneshot::channel();
        let gone = |_| Fail::new("E0602", "the engine stopped");
        service.engine().send(Input::Order(what, order::by(), send)).map_err(|_| Fail::new("E0602", "the engine stopped"))?;
        receive.blocking_recv().map_err(gone)
    }

    /// Ends an engine of our own.
    pub(super) fn stop(self) {
        if let To::Own(service) = self.to {
            let _ = service.stop();
        }
    }
}

/// The incidents that hold these findings: finding, incident.
pub(super) fn incidents(log: &store::Log, findings: &[Text]) -> Vec<(Text, Text)> {
    let all = log.incidents(&store::IncidentFilter { limit: usize::MAX, ..Default::default() });
    let of = |finding: &Text| all.iter().find(|i| i.findings.contains(finding)).map(|i| (finding.clone(), i.uid.clone()));
    findings.iter().filter_map(of).collect()
}

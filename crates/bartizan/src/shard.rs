//! Shards: each owns its detectors and their state; an event goes to the shard that owns the entity a detector is keyed by.
//!
//! A batch passes twice: first the stateless detectors look at each event alone, split by events; then each shard shows what they said to
//! the keyed detectors, split by entity. Large batches run on one thread a shard, small ones (a live gateway) on the caller's. Findings
//! are sorted before they leave, so that neither threads nor their number can be seen in the result.

use detect::{Detector, Gather, Knowledge, Scope, Seen, Spec};
use event::{Event, Finding, LoginDecision};

use crate::checkpoint::Remembered;

struct Owned {
    spec: &'static Spec,
    /// Which of the shard's scopes.
    scope: usize,
    detector: Box<dyn Detector>,
}

struct Shard {
    index: u64,
    of: u64,
    stateless: Vec<Owned>,
    keyed: Vec<Owned>,
    /// Of the keyed detectors, each once.
    scopes: Vec<Scope>,
    /// About the sign-ins of the latest batch, in order.
    decisions: Vec<LoginDecision>,
}

pub struct Shards {
    shards: Vec<Shard>,
    pub gather: Gather,
}

/// What the stateless detectors made of events.
#[derive(Default)]
struct Looked {
    findings: Vec<Finding>,
    /// Findings in single events, to be gathered.
    sightings: Vec<Finding>,
    about: About,
}

/// What was said about events by looking at each alone: (position in the batch, what), in order.
pub type About = Vec<(usize, Seen)>;

/// Below this many events threads cost more than they save.
const THREADS_FROM: usize = 256;

impl Shards {
    /// `count` shards of every detector of the registry.
    pub fn new(knowledge: &Knowledge, count: usize) -> Shards {
        let of = count.max(1) as u64;
        let mut scopes: Vec<Scope> = Vec::new();
        for spec in detect::ALL.iter().filter(|spec| spec.scope != Scope::Event) {
            if !scopes.contains(&spec.scope) {
                scopes.push(spec.scope);
            }
        }
        let owned = |stateless: bool| {
            let specs = detect::ALL.iter().filter(move |spec| (spec.scope == Scope::Event) == stateless);
            let scope = |spec: &Spec| scopes.iter().position(|scope| *scope == spec.scope).unwrap_or(0);
            specs.map(|spec| Owned { spec, scope: scope(spec), detector: (spec.build)(knowledge) }).collect::<Vec<Owned>>()
        };
        let shard = |index| Shard { index, of, stateless: owned(true), keyed: owned(false), scopes: scopes.clone(), decisions: Vec::new() };
        Shards { shards: (0..of).map(shard).collect(), gather: Gather::default() }
    }

    /// What the detectors hold by key, and how much they may.
    pub fn filled(&self) -> impl Iterator<Item = (String, usize, usize)> {
        let owned = self.shards.iter().flat_map(|shard| shard.stateless.iter().chain(&shard.keyed));
        let gathered = self.gather.filled().map(|(what, now, max)| (what.to_owned(), now, max));
        let own = owned.flat_map(|owned| {
            let name = owned.spec.analytic.uid;
            owned.detector.filled().into_iter().map(move |(what, now, max)| (format!("{name} {what}"), now, max))
        });
        gathered.into_iter().chain(own)
    }

    pub fn count(&self) -> usize {
        self.shards.len()
    }

    /// What every detector remembers; those that remember nothing are left out.
    pub fn save(&self) -> Vec<Remembered> {
        let mut all = Vec::new();
        for (at, shard) in self.shards.iter().enumerate() {
            for owned in shard.stateless.iter().chain(&shard.keyed) {
                let state = owned.detector.save();
                if !state.is_empty() {
                    all.push(Remembered { shard: at, analytic: owned.spec.analytic.uid.to_owned(), state: state.into() });
                }
            }
        }
        all
    }

    /// Gives the detectors back what they knew. False when one does not take it: then all of them have to begin anew.
    pub fn load(&mut self, all: &[Remembered]) -> bool {
        all.iter().all(|one| {
            let shard = self.shards.get_mut(one.shard);
            let owned = shard.and_then(|s| s.stateless.iter_mut().chain(&mut s.keyed).find(|o| o.spec.analytic.uid == one.analytic));
            owned.is_some_and(|owned| owned.detector.load(&one.state).is_ok())
        })
    }

    /// What was decided about the sign-ins since the last call, in the order of the events.
    pub fn decisions(&mut self) -> Vec<LoginDecision> {
        self.shards.iter_mut().flat_map(|shard| std::mem::take(&mut shard.decisions)).collect()
    }

    /// Teaches the keyed detectors what an earlier run saw; what they say about it was told then.
    pub fn recall(&mut self, events: &[Event]) {
        self.detect(events, Some(About::default()));
        self.decisions();
    }

    /// Findings of the batch, by time, analytic and name. `inspected` is what the gateway's inline inspection already said.
    pub fn detect(&mut self, events: &[Event], inspected: Option<About>) -> Vec<Finding> {
        let threads = events.len() >= THREADS_FROM && self.shards.len() > 1;
        let (mut all, about) = match inspected {
            Some(about) => (Vec::new(), about),
            None => {
                let looked = self.look(events, threads);
                let mut findings = looked.findings;
                findings.extend(self.gather.take(looked.sightings));
                (findings, looked.about)
            }
        };
        let about = &about;
        if threads {
            std::thread::scope(|scope| {
                let running: Vec<_> = self.shards.iter_mut().map(|shard| scope.spawn(move || shard.keyed(events, about))).collect();
                all.extend(running.into_iter().flat_map(joined));
            });
        } else {
            all.extend(self.shards.iter_mut().flat_map(|shard| shard.keyed(events, about)));
        }
        all.sort_by(|a, b| (a.last_seen, &a.analytic.uid, &a.uid, a.count).cmp(&(b.last_seen, &b.analytic.uid, &b.uid, b.count)));
        all
    }

    /// The stateless detectors over the batch.
    fn look(&mut self, events: &[Event], threads: bool) -> Looked {
        if !threads {
            return self.shards[0].stateless(events, 0);
        }
        let size = events.len().div_ceil(self.shards.len());
        std::thread::scope(|scope| {
            let running: Vec<_> = self
                .shards
                .iter_mut()
                .zip(events.chunks(size))
                .enumerate()
                .map(|(n, (shard, part))| scope.spawn(move || shard.stateless(part, n * size)))
                .collect();
            let mut all = Looked::default();
            for part in running.into_iter().map(joined) {
                all.findings.extend(part.findings);
                all.sightings.extend(part.sightings);
                all.about.extend(part.about);
            }
            all
        })
    }
}

/// A detector that panics is a fault of ours: it must not be swallowed as "nothing found".
fn joined<T>(thread: std::thread::ScopedJoinHandle<'_, T>) -> T {
    thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
}

impl Shard {
    fn stateless(&mut self, events: &[Event], from: usize) -> Looked {
        let mut looked = Looked::default();
        let nothing = Seen::default();
        for (n, event) in events.iter().enumerate() {
            for owned in &mut self.stateless {
                if owned.spec.scope.key(event).is_none() {
                    continue;
                }
                let out = if owned.detector.is_gathered() { &mut looked.sightings } else { &mut looked.findings };
                owned.detector.detect(event, &nothing, out);
                let seen = owned.detector.seen();
                if !seen.is_empty() {
                    looked.about.push((from + n, seen));
                }
            }
        }
        looked
    }

    fn keyed(&mut self, events: &[Event], about: &About) -> Vec<Finding> {
        self.decisions.clear();
        let mut found = Vec::new();
        let nothing = Seen::default();
        let mut said = about.iter().peekable();
        let mut mine = vec![false; self.scopes.len()];
        for (n, event) in events.iter().enumerate() {
            while said.next_if(|(at, _)| *at < n).is_some() {}
            let seen = said.peek().filter(|(at, _)| *at == n).map_or(&nothing, |(_, seen)| seen);
            // Asked once a scope: there are many more detectors.
            for (mine, scope) in mine.iter_mut().zip(&self.scopes) {
                *mine = scope.key(event).is_some_and(|key| key % self.of == self.index);
            }
            for owned in &mut self.keyed {
                if mine[owned.scope] {
                    owned.detector.detect(event, seen, &mut found);
                    self.decisions.extend(owned.detector.decided());
                }
            }
        }
        found
    }
}

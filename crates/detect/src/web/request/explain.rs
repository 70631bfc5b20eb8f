//! The finding of a request: every rule and the model's parts, with the bytes they point at.

use decode::request::{Parts, Value, origin};
use event::finding::{Evidence, Match, ModelScore, Reason, RuleHit};
use event::{Bytes, Event, Finding, Http, Score, Severity, attack};
use rule::Hit;

use super::verdict::Verdict;
use super::{FINDING_SCORE_MIN, Inspection, Inspector, SPEC, Scratch, Worst, entities, words};

/// A finding shows at most this much of the record.
const RAW_BYTES_MAX: usize = 4096;
const MATCHED_BYTES_MAX: usize = 128;
const DECODED_BYTES_MAX: usize = 256;
const PARTS_SHOWN: usize = 3;

impl Inspector {
    #[cold]
    pub(super) fn explained(
        &self,
        event: &Event,
        http: &Http,
        scratch: &mut Scratch,
        worst: Option<Worst>,
        verdict: &Verdict,
    ) -> Inspection {
        let all = self.rules.rules();
        let values = &scratch.values;
        let rules: Vec<RuleHit> = scratch
            .hits
            .iter()
            .map(|hit| {
                let rule = &all[hit.rule];
                RuleHit {
                    id: rule.id,
                    message: rule.message.as_str().into(),
                    severity: match rule.severity {
                        rule::seclang::Severity::Notice => Severity::Low,
                        rule::seclang::Severity::Warning => Severity::Medium,
                        rule::seclang::Severity::Error => Severity::High,
                        rule::seclang::Severity::Critical => Severity::Critical,
                    },
                    tags: rule.tags.iter().map(|t| t.as_str().into()).collect(),
                    target: values.at(hit.input).map(|v| v.to_string()).unwrap_or_default().into(),
                    matched: words::shown(hit.matched(), MATCHED_BYTES_MAX),
                }
            })
            .collect();
        let models: Vec<ModelScore> = self
            .model
            .as_deref()
            .zip(worst)
            .map(|(model, worst)| ModelScore { name: model.name().into(), version: model.version().into(), score: worst.score })
            .into_iter()
            .collect();
        let finding =
            (verdict.score >= FINDING_SCORE_MIN).then(|| Box::new(self.finding(event, http, scratch, worst, verdict, &rules, &models)));
        Inspection { score: verdict.score, verdict_block: verdict.block, finding, rules, models }
    }

    #[allow(clippy::too_many_arguments)]
    fn finding(
        &self,
        event: &Event,
        http: &Http,
        scratch: &mut Scratch,
        worst: Option<Worst>,
        verdict: &Verdict,
        rules: &[RuleHit],
        models: &[ModelScore],
    ) -> Finding {
        let all = self.rules.rules();
        let (values, hits) = (&scratch.values, &scratch.hits);
        let record = Record::of(event, http);
        let mut matches = Vec::new();
        let mut reasons = Vec::new();
        for (hit, push) in hits.iter().zip(&verdict.rules) {
            let (rule, value) = (&all[hit.rule], values.at(hit.input));
            matches.extend(value.map(|v| record.mark(&v, hit.matched(), format!("rule {}", rule.id), &hit.shown)));
            if *push > 0.0 {
                let text = format!("{} holds {}: `{}`", words::place(value.as_ref()), rule.message, words::shown(hit.matched(), 80));
                reasons.push(Reason {
                    code: words::code(rule).into(),
                    text,
                    now: words::shown(hit.matched(), 80),
                    push: *push,
                    ..Reason::default()
                });
            }
        }
        let strongest = (0..hits.len()).max_by(|a, b| verdict.rules[*a].total_cmp(&verdict.rules[*b]).then(b.cmp(a)));
        let mut without_part = None;
        if let (Some(model), Some(worst), true) = (self.model.as_deref(), worst, verdict.model > 0.0)
            && let Some(value) = values.at(worst.value)
        {
            let explanation = model.explain(value.decoded);
            let mut named = explanation.parts.iter().filter(|p| p.push > 0.0 && p.end > p.start).take(PARTS_SHOWN).peekable();
            if let Some(part) = named.peek() {
                let (start, end) = (part.start as usize, (part.end as usize).min(value.decoded.len()));
                let mut rest = value.decoded.to_vec();
                rest.drain(start.min(end)..end);
                let score = model.score(&rest, &mut scratch.model);
                without_part = Some((part.text.clone(), self.verdict(hits, Some(score))));
            }
            let mut texts = Vec::new();
            for part in named {
                let bytes = value.decoded.get(part.start as usize..part.end as usize).unwrap_or_default();
                matches.push(record.mark(&value, bytes, format!("model {}", model.name()), value.decoded));
                texts.push(format!("`{}`", words::shown(bytes, 40)));
            }
            let text = format!(
                "{} reads like an attack to the model {}, most of all {}",
                words::place(Some(&value)),
                model.name(),
                texts.join(", ")
            );
            let limit = format!("below {:.3} for 99.5 of 100 harmless values", model.thresholds().alert);
            reasons.push(Reason {
                code: "model.payload".into(),
                text,
                usual: limit,
                now: format!("{:.3}", worst.score),
                push: verdict.model,
            });
        }
        let leading = strongest.filter(|&n| verdict.rules[n] > 0.0);
        let rule = leading.map(|n| &all[hits[n].rule]);
        let place = leading.map_or_else(|| worst.and_then(|w| values.at(w.value)), |n| values.at(hits[n].input));
        let title = format!("{} in {}", rule.map_or("Attack text", words::name), words::place_short(place.as_ref()));
        let severity = match (rule, verdict.block) {
            (Some(rule), true) => words::severity(rule),
            (None, true) => Severity::Medium,
            (_, false) => Severity::Low,
        };
        let would_change = self.would_change(hits, worst, leading, without_part, verdict);
        let key = format!("{}", event.meta.uid);
        let mut finding = Finding::of(&SPEC.analytic, http.request_id.as_deref().unwrap_or(&key).as_bytes());
        finding = finding.explained(Score::new(verdict.score), reasons);
        finding.techniques = rule.map_or_else(|| vec![attack::EXPLOIT_PUBLIC], words::techniques);
        finding.text = finding.reasons.first().map_or_else(|| title.clone(), |r| r.text.clone());
        finding.title = title;
        finding.severity = severity;
        finding.entities = entities(http);
        (finding.first_seen, finding.last_seen, finding.count) = (event.meta.time, event.meta.time, 1);
        finding.evidence = vec![record.evidence(event, matches)];
        finding.would_change = would_change;
        finding.rules = rules.to_vec();
        finding.models = models.to_vec();
        finding.request_id.clone_from(&http.request_id);
        finding.verdict = http.verdict;
        finding
    }

    /// The verdict again, without the strongest rule or without the strongest part of the value.
    fn would_change(
        &self,
        hits: &[Hit],
        worst: Option<Worst>,
        leading: Option<usize>,
        without_part: Option<(String, Verdict)>,
        verdict: &Verdict,
    ) -> String {
        let mut all = Vec::new();
        let allowed = |v: &Verdict| if v.block { "still blocked" } else { "allowed" };
        if let Some(n) = leading {
            let id = self.rules.rules()[hits[n].rule].id;
            let rest: Vec<Hit> = hits.iter().filter(|h| h.rule != hits[n].rule).cloned().collect();
            let other = self.verdict(&rest, worst.map(|w| w.score));
            all.push(format!("without rule {id} {:.2} instead of {:.2}, {}", other.score, verdict.score, allowed(&other)));
        }
        if let Some((part, other)) = without_part {
            all.push(format!("without the text `{}` {:.2}, {}", words::shown(part.as_bytes(), 40), other.score, allowed(&other)));
        }
        all.join("; ")
    }
}

/// The record as it is shown, and where parts of the raw request text stand in it.
struct Record {
    raw: Vec<u8>,
    request: Vec<u8>,
    /// (start in the request text, end, start in the record); empty when the record is the request text.
    parts: Option<Vec<(usize, usize, usize)>>,
}

impl Record {
    fn of(event: &Event, http: &Http) -> Record {
        let parts = Parts::from(http);
        let request = parts.raw(usize::MAX);
        if event.raw.is_empty() || !http.headers.is_empty() {
            return Record { raw: request.clone(), request, parts: None };
        }
        let raw = event.raw.to_vec();
        let find = |text: &str, from: usize| {
            let window = raw.get(from..)?;
            (!text.is_empty()).then(|| window.windows(text.len()).position(|w| w == text.as_bytes()).map(|at| at + from)).flatten()
        };
        let mut located = Vec::new();
        let target = find(&http.target, 0);
        located.extend(target.map(|at| (parts.target_at(), parts.target_at() + http.target.len(), at)));
        let mut at = parts.target_at() + http.target.len() + 1 + parts.protocol().len() + http.version.len() + 2;
        let mut from = target.map_or(0, |t| t + http.target.len());
        for (name, value) in [
            ("host", http.host.as_str()),
            ("user-agent", &http.user_agent),
            ("referer", &http.referrer),
            ("content-type", &http.content_type),
        ] {
            if value.is_empty() {
                continue;
            }
            // In the combined format the referrer stands before the agent; either is looked for behind the target.
            let place = find(value, from);
            located.extend(place.map(|p| (at + name.len() + 2, at + name.len() + 2 + value.len(), p)));
            at += name.len() + value.len() + 4;
            if name == "host" {
                from = target.map_or(0, |t| t + http.target.len());
            }
        }
        Record { raw, request, parts: Some(located) }
    }

    /// The bytes of the record that `matched`, found inside `value`, stands for; the whole value when they cannot be told apart.
    fn mark(&self, value: &Value<'_>, matched: &[u8], by: String, decoded: &[u8]) -> Match {
        let inside = self.request.get(value.start..value.end).map_or(0..0, |raw| origin::locate(raw, matched));
        let (start, end) = (value.start + inside.start, value.start + inside.end);
        let (start, end) = match &self.parts {
            None => (start, end),
            Some(parts) => parts
                .iter()
                .find(|(from, to, _)| *from <= start && end <= *to)
                .map_or((0, 0), |(from, _, at)| (start - from + at, end - from + at)),
        };
        let limit = |n: usize| n.min(self.raw.len()).min(RAW_BYTES_MAX) as u32;
        Match {
            by: by.into(),
            target: value.to_string().into(),
            decoded: words::shown(decoded, DECODED_BYTES_MAX),
            start: limit(start),
            end: limit(end),
        }
    }

    fn evidence(mut self, event: &Event, matches: Vec<Match>) -> Evidence {
        self.raw.truncate(RAW_BYTES_MAX);
        let meta = &event.meta;
        Evidence {
            source: meta.source.clone(),
            record: meta.record,
            event_uid: meta.uid,
            time: meta.time,
            raw: Bytes::from(self.raw),
            matches,
        }
    }
}

//! Prometheus' text format 0.0.4: families with one help line each, label values escaped.

use std::fmt::Write as _;

#[derive(Default)]
pub struct Page {
    text: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Only grows, until the process ends.
    Counter,
    Gauge,
}

impl Page {
    /// One family; every sample has the same label names.
    pub fn family(&mut self, name: &str, help: &str, kind: Kind, samples: impl IntoIterator<Item = (Vec<(&'static str, String)>, f64)>) {
        let word = if kind == Kind::Counter { "counter" } else { "gauge" };
        let _ = writeln!(self.text, "# HELP {name} {}\n# TYPE {name} {word}", help.replace('\\', "\\\\").replace('\n', "\\n"));
        for (labels, value) in samples {
            self.text.push_str(name);
            for (i, (label, text)) in labels.iter().enumerate() {
                let _ = write!(self.text, "{}{label}=\"{}\"", if i == 0 { "{" } else { "," }, escaped(text));
            }
            if !labels.is_empty() {
                self.text.push('}');
            }
            let _ = writeln!(self.text, " {value}");
        }
    }

    pub fn one(&mut self, name: &str, help: &str, kind: Kind, value: f64) {
        self.family(name, help, kind, [(Vec::new(), value)]);
    }

    pub fn counter(&mut self, name: &str, help: &str, value: u64) {
        self.one(name, help, Kind::Counter, value as f64);
    }

    pub fn gauge(&mut self, name: &str, help: &str, value: u64) {
        self.one(name, help, Kind::Gauge, value as f64);
    }

    pub fn text(self) -> String {
        self.text
    }
}

fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

/// A reader of the format, strict enough for tests: families in order with their samples.
pub fn read(page: &str) -> Result<Vec<Family>, String> {
    let is_name = |name: &str| {
        let begins = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        begins && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
    };
    let mut families: Vec<Family> = Vec::new();
    for line in page.lines() {
        let bad = |why: &str| format!("{why}: {line}");
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').ok_or_else(|| bad("no help"))?;
            if !is_name(name) || help.is_empty() || families.iter().any(|f| f.name == name) {
                return Err(bad("a family's name"));
            }
            families.push(Family { name: name.into(), kind: String::new(), samples: Vec::new() });
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let family = families.last_mut().ok_or_else(|| bad("a type before help"))?;
            let kind = rest.strip_prefix(&family.name).map(str::trim).filter(|k| matches!(*k, "counter" | "gauge"));
            family.kind = kind.ok_or_else(|| bad("a type"))?.into();
        } else {
            let family = families.last_mut().filter(|f| !f.kind.is_empty()).ok_or_else(|| bad("a sample before its type"))?;
            let rest = line.strip_prefix(&family.name).ok_or_else(|| bad("a sample of another family"))?;
            let (labels, value) = match rest.strip_prefix('{') {
                Some(rest) => rest.rsplit_once("} ").ok_or_else(|| bad("labels without an end"))?,
                None => ("", rest.strip_prefix(' ').ok_or_else(|| bad("no value"))?),
            };
            let value = value.parse::<f64>().map_err(|_| bad("a value"))?;
            if family.samples.iter().any(|(l, _)| l == labels) {
                return Err(bad("the same sample twice"));
            }
            family.samples.push((labels.to_owned(), value));
        }
    }
    Ok(families)
}

/// One family of a page that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Family {
    pub name: String,
    pub kind: String,
    /// Labels as written, and the value.
    pub samples: Vec<(String, f64)>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hostile_names_stay_one_sample() {
        let mut page = Page::default();
        page.family("x_total", "help", Kind::Counter, [(vec![("source", "a\"} 9\nx_total{source=\"b\\".to_owned())], 1.0)]);
        page.gauge("y", "more", 2);
        let text = page.text();
        assert_eq!(text.lines().count(), 6, "{text}");
        let read = read(&text).expect("readable");
        assert_eq!(read[0].samples, [(r#"source="a\"} 9\nx_total{source=\"b\\""#.to_owned(), 1.0)]);
        assert_eq!((read[1].kind.as_str(), read[1].samples[0].1), ("gauge", 2.0));
    }

    #[test]
    fn what_is_no_page_is_refused() {
        for bad in [
            "x 1",
            "# HELP x h\nx 1",
            "# HELP x h\n# TYPE x gauge\ny 1",
            "# HELP x h\n# TYPE x gauge\nx one",
            "# HELP x h\n# TYPE x gauge\nx 1\nx 1",
        ] {
            assert!(read(bad).is_err(), "{bad}");
        }
    }
}

//! Training tables as JSON lines: one row a line, faults with their line number.

/// Most rows of a table.
pub const ROWS_MAX: usize = 10_000_000;
/// Most bytes of one payload.
pub const PAYLOAD_BYTES_MAX: usize = 1 << 20;

/// What a row is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// An attack.
    Attack,
    /// Ordinary use.
    Benign,
}

/// One labelled value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The value as it stood in a parameter, header or path.
    pub payload: String,
    /// What it is.
    pub label: Label,
    /// Attack class, `norm` for benign; may be empty.
    pub class: String,
    /// Where it came from; may be empty.
    pub source: String,
    /// `train`, `dev` or empty.
    pub split: String,
    /// Provenance batch; may be empty.
    pub batch: String,
    /// Time text as the table has it; may be empty.
    pub time: String,
    /// Line in the table, from 1; 0 for generated rows.
    pub line: u64,
}

/// A line that is no row.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {why}")]
#[non_exhaustive]
pub struct TableError {
    /// Line, from 1.
    pub line: u64,
    /// Reason.
    pub why: String,
}

#[derive(serde::Deserialize)]
struct Raw {
    payload: String,
    label: Label,
    #[serde(default)]
    class: String,
    #[serde(default)]
    source: String,
    #[serde(default)]
    split: String,
    #[serde(default)]
    batch: String,
    #[serde(default)]
    time: String,
}

/// Parses JSON lines. Empty lines are skipped; unknown columns are allowed (`place` and whatever a table adds).
pub fn parse(text: &str) -> Result<Vec<Row>, TableError> {
    let mut rows = Vec::new();
    for (at, text) in text.lines().enumerate() {
        let line = at as u64 + 1;
        if text.trim().is_empty() {
            continue;
        }
        let fault = |why: String| TableError { line, why };
        let Raw { payload, label, class, source, split, batch, time } =
            serde_json::from_str(text).map_err(|error| fault(error.to_string()))?;
        if payload.len() > PAYLOAD_BYTES_MAX {
            return Err(fault(format!("payload of {} bytes, at most {PAYLOAD_BYTES_MAX} are read", payload.len())));
        }
        if rows.len() == ROWS_MAX {
            return Err(fault(format!("more than {ROWS_MAX} rows")));
        }
        rows.push(Row { payload, label, class, source, split, batch, time, line });
    }
    Ok(rows)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_and_faults() {
        let rows = parse(
            "{\"payload\":\"a\",\"label\":\"attack\"}\n\n{\"payload\":\"b\",\"label\":\"benign\",\"source\":\"s\",\"place\":\"q\"}\n",
        )
        .unwrap();
        assert_eq!((rows.len(), rows[0].label, rows[1].line, rows[1].source.as_str()), (2, Label::Attack, 3, "s"));
        let error = parse("{\"payload\":\"a\",\"label\":\"attack\"}\n{\"payload\":1}").unwrap_err();
        assert_eq!(error.line, 2);
        assert!(parse("{\"payload\":\"a\",\"label\":\"maybe\"}").unwrap_err().to_string().contains("unknown variant `maybe`"));
    }
}

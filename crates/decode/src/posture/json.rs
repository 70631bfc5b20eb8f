//! JSON to values with lines. Nesting has a limit; what follows the first value must be blank.

use super::value::{Node, Value};

const DEPTH_MAX: usize = 200;

/// The value, or the line and the reason.
pub fn read(text: &str) -> Result<Node, (u32, String)> {
    let mut reader = Reader { bytes: text.as_bytes(), text, at: 0, line: 1 };
    let node = reader.value(0)?;
    reader.blank();
    if reader.at < reader.bytes.len() { Err(reader.fault("more than one value")) } else { Ok(node) }
}

struct Reader<'t> {
    bytes: &'t [u8],
    text: &'t str,
    at: usize,
    line: u32,
}

impl Reader<'_> {
    fn fault(&self, why: &str) -> (u32, String) {
        (self.line, why.to_owned())
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn blank(&mut self) {
        while let Some(b) = self.peek() {
            match b {
                b'\n' => self.line += 1,
                b' ' | b'\t' | b'\r' => {}
                0xEF if self.at == 0 && self.text.starts_with('\u{feff}') => self.at = 2,
                _ => return,
            }
            self.at += 1;
        }
    }

    fn value(&mut self, depth: usize) -> Result<Node, (u32, String)> {
        if depth > DEPTH_MAX {
            return Err(self.fault(&format!("nested deeper than {DEPTH_MAX}")));
        }
        self.blank();
        let line = self.line;
        let value = match self.peek() {
            Some(b'{') => self.object(depth)?,
            Some(b'[') => self.array(depth)?,
            Some(b'"') => Value::Text(self.string()?),
            Some(_) => self.word()?,
            None => return Err(self.fault("ends too early")),
        };
        Ok(Node::from(value).at(line, self.line))
    }

    fn object(&mut self, depth: usize) -> Result<Value, (u32, String)> {
        self.at += 1;
        let mut all = Vec::new();
        self.blank();
        if self.peek() == Some(b'}') {
            self.at += 1;
            return Ok(Value::Map(all));
        }
        loop {
            self.blank();
            if self.peek() != Some(b'"') {
                return Err(self.fault("expected a key in quotes"));
            }
            let key = self.string()?;
            self.blank();
            if self.peek() != Some(b':') {
                return Err(self.fault("expected a colon"));
            }
            self.at += 1;
            all.push((key, self.value(depth + 1)?));
            self.blank();
            self.at += 1;
            match self.bytes.get(self.at - 1) {
                Some(b',') => {}
                Some(b'}') => return Ok(Value::Map(all)),
                _ => return Err(self.fault("expected a comma or a closing brace")),
            }
        }
    }

    fn array(&mut self, depth: usize) -> Result<Value, (u32, String)> {
        self.at += 1;
        let mut all = Vec::new();
        self.blank();
        if self.peek() == Some(b']') {
            self.at += 1;
            return Ok(Value::List(all));
        }
        loop {
            all.push(self.value(depth + 1)?);
            self.blank();
            self.at += 1;
            match self.bytes.get(self.at - 1) {
                Some(b',') => {}
                Some(b']') => return Ok(Value::List(all)),
                _ => return Err(self.fault("expected a comma or a closing bracket")),
            }
        }
    }

    fn string(&mut self) -> Result<String, (u32, String)> {
        let start = self.at;
        self.at += 1;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => self.at += 1,
                Some(b'\n') => self.line += 1,
                Some(_) => {}
                None => return Err(self.fault("a text that does not end")),
            }
            self.at += 1;
        }
        self.at += 1;
        let raw = self.text.get(start..self.at).unwrap_or("\"\"");
        match serde_json::from_str(raw) {
            Ok(text) => Ok(text),
            // Raw line ends and tabs in texts are common in templates written by hand.
            Err(_) => serde_json::from_str(&raw.replace('\n', "\\n").replace('\t', "\\t").replace('\r', ""))
                .map_err(|_| self.fault("a text that cannot be read")),
        }
    }

    fn word(&mut self) -> Result<Value, (u32, String)> {
        let start = self.at;
        while self.peek().is_some_and(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'+' | b'.')) {
            self.at += 1;
        }
        match &self.text[start..self.at] {
            "true" => Ok(Value::Bool(true)),
            "false" => Ok(Value::Bool(false)),
            "null" => Ok(Value::Null),
            word => word.parse().ok().filter(|n: &f64| n.is_finite()).map(Value::Number).ok_or_else(|| self.fault("expected a value")),
        }
    }
}

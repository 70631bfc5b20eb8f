//! One mail by SMTP submission (RFC 5321, 6409, 3207, 4954): TLS from the first byte or STARTTLS, then AUTH; in the clear on loopback alone.
//!
//! Every part of a line is a checked type, so nothing can break out of it. The message has the same Message-ID each time it is sent.

use std::io::{Read, Write};
use std::sync::Arc;
use std::time::Instant;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use event::Time;
use rustls::ClientConfig;

use super::dial::{Line, connect, encrypt};
use super::escape::{Markup, cut, visible};
use super::{Answer, Fault, Message, Secret};

const REPLY_BYTES_MAX: usize = 8 * 1024;
const TEXT_BYTES_MAX: usize = 16 * 1024;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Security {
    /// Plain at first, then STARTTLS or nothing.
    StartTls,
    Tls,
    /// On loopback alone.
    Plain,
}

#[derive(Clone, Debug)]
pub struct Mail {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub from: String,
    pub to: Vec<String>,
    pub user: String,
    pub secret: Option<Secret>,
}

impl Mail {
    /// `a@b.example`, and nothing that could end a line or an address.
    pub fn is_address(text: &str) -> bool {
        let fine = |b: u8| b.is_ascii_alphanumeric() || b".!#$%&'*+-/=?^_`{|}~@".contains(&b);
        text.len() <= 254
            && text.bytes().all(fine)
            && text.split_once('@').is_some_and(|(user, host)| !user.is_empty() && !host.is_empty() && !host.contains('@'))
    }
}

struct Session<'a> {
    line: Line,
    rest: Vec<u8>,
    place: &'a str,
}

struct Reply {
    code: u16,
    text: String,
}

impl Session<'_> {
    fn again(&self, error: &dyn std::fmt::Display) -> Fault {
        Fault::Again(format!("{}: {error}", self.place))
    }

    fn say(&mut self, text: &str) -> Result<(), Fault> {
        let written = self.line.write_all(text.as_bytes()).and_then(|()| self.line.flush());
        written.map_err(|e| self.again(&e))
    }

    fn hear(&mut self) -> Result<Reply, Fault> {
        let mut text = String::new();
        loop {
            while let Some(end) = self.rest.windows(2).position(|w| w == b"\r\n") {
                let line: Vec<u8> = self.rest.drain(..end + 2).collect();
                let line = String::from_utf8_lossy(&line[..end]).into_owned();
                let code = line.get(..3).and_then(|code| code.parse::<u16>().ok()).ok_or_else(|| self.again(&"the answer is no SMTP"))?;
                text.push_str(line.get(4..).unwrap_or_default());
                text.push('\n');
                if line.as_bytes().get(3) != Some(&b'-') {
                    return Ok(Reply { code, text });
                }
            }
            let mut buffer = [0_u8; 1024];
            let n = self.line.read(&mut buffer).map_err(|e| self.again(&e))?;
            if n == 0 {
                return Err(self.again(&"the connection ended"));
            }
            self.rest.extend_from_slice(&buffer[..n]);
            if self.rest.len() + text.len() > REPLY_BYTES_MAX {
                return Err(self.again(&"the answer is too long"));
            }
        }
    }

    /// `what` stands in messages instead of the line, which may be a secret.
    fn ask(&mut self, line: &str, what: &str, expected: u16) -> Result<Reply, Fault> {
        if !line.is_empty() {
            self.say(&format!("{line}\r\n"))?;
        }
        let reply = self.hear()?;
        if reply.code == expected || expected == 250 && reply.code == 251 {
            return Ok(reply);
        }
        let why = format!("{}: {what} was answered {} {}", self.place, reply.code, cut(&visible(reply.text.trim()), 200));
        Err(if (500..600).contains(&reply.code) { Fault::Never(why) } else { Fault::Again(why) })
    }
}

pub(super) fn send(
    mail: &Mail,
    trust: Option<&Arc<ClientConfig>>,
    message: &Message,
    now_s: i64,
    deadline: Instant,
) -> Result<Answer, Fault> {
    let place = format!("{}:{}", mail.host, mail.port);
    let wire = connect(&mail.host, mail.port, deadline)?;
    let line = if mail.security == Security::Tls { encrypt(wire, &mail.host, trust)? } else { Line::Plain(wire) };
    let mut session = Session { line, rest: Vec::new(), place: &place };
    session.ask("", "the connection", 220)?;
    let mut able = session.ask("EHLO bartizan", "EHLO", 250)?.text;
    if mail.security == Security::StartTls {
        session.ask("STARTTLS", "STARTTLS", 220)?;
        // What came behind the answer was not encrypted: somebody on the way put it there.
        if !session.rest.is_empty() {
            return Err(Fault::Again(format!("{place}: something was said before TLS began")));
        }
        let Line::Plain(wire) = session.line else { return Err(Fault::Never(format!("{place}: TLS twice"))) };
        session = Session { line: encrypt(wire, &mail.host, trust)?, rest: Vec::new(), place: &place };
        able = session.ask("EHLO bartizan", "EHLO", 250)?.text;
    }
    if let Some(secret) = &mail.secret {
        log_in(&mut session, &able, &mail.user, secret)?;
    }
    session.ask(&format!("MAIL FROM:<{}>", mail.from), "MAIL FROM", 250)?;
    let mut refused = Vec::new();
    for to in &mail.to {
        match session.ask(&format!("RCPT TO:<{to}>"), &format!("the recipient {to}"), 250) {
            Ok(_) => {}
            Err(Fault::Never(why)) => refused.push(why),
            Err(again) => return Err(again),
        }
    }
    if refused.len() == mail.to.len() {
        return Err(Fault::Never(refused.join("; ")));
    }
    session.ask("DATA", "DATA", 354)?;
    session.say(&written(mail, message, now_s))?;
    let reply = session.ask("", "the mail", 250)?;
    // It is theirs now, whatever they say to this.
    let _ = session.say("QUIT\r\n");
    let mut text = cut(&visible(reply.text.trim()), 200);
    if !refused.is_empty() {
        text = format!("{text}; {}", refused.join("; "));
    }
    Ok(Answer { status: "250".into(), text })
}

fn log_in(session: &mut Session<'_>, able: &str, user: &str, secret: &Secret) -> Result<(), Fault> {
    let ways = able.lines().find(|line| line.to_ascii_uppercase().starts_with("AUTH ")).unwrap_or_default().to_ascii_uppercase();
    let way = |name: &str| ways.split_ascii_whitespace().any(|way| way == name);
    if way("PLAIN") {
        let both = BASE64.encode(format!("\0{user}\0{}", secret.expose()));
        session.ask(&format!("AUTH PLAIN {both}"), "AUTH", 235)?;
    } else if way("LOGIN") {
        session.ask("AUTH LOGIN", "AUTH", 334)?;
        session.ask(&BASE64.encode(user), "AUTH", 334)?;
        session.ask(&BASE64.encode(secret.expose()), "AUTH", 235)?;
    } else {
        return Err(Fault::Never(format!("{} takes neither AUTH PLAIN nor AUTH LOGIN", session.place)));
    }
    Ok(())
}

/// Headers and body, ended by a dot. The body is base64, in which no line begins with a dot.
fn written(mail: &Mail, message: &Message, now_s: i64) -> String {
    let text = message.text(Markup::Plain, TEXT_BYTES_MAX);
    let subject = text.lines().next().unwrap_or_default();
    let host = mail.from.split_once('@').map_or("localhost", |(_, host)| host);
    let folded = |text: &str| {
        BASE64.encode(text).as_bytes().chunks(76).map(|c| String::from_utf8_lossy(c).into_owned()).collect::<Vec<_>>().join("\r\n")
    };
    format!(
        "Date: {}\r\nFrom: Bartizan <{}>\r\nTo: {}\r\nSubject: {}\r\nMessage-ID: <{}@{host}>\r\nAuto-Submitted: auto-generated\r\n\
         MIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Transfer-Encoding: base64\r\n\r\n{}\r\n.\r\n",
        date(now_s),
        mail.from,
        mail.to.join(", "),
        encoded(subject),
        message.key,
        folded(&text),
    )
}

/// RFC 2047, in words of at most 75 characters.
fn encoded(subject: &str) -> String {
    let mut words: Vec<String> = vec![String::new()];
    for c in subject.chars() {
        if words.last().is_some_and(|word| word.len() + c.len_utf8() > 42) {
            words.push(String::new());
        }
        words.last_mut().into_iter().for_each(|word| word.push(c));
    }
    words.iter().map(|word| format!("=?utf-8?B?{}?=", BASE64.encode(word))).collect::<Vec<_>>().join("\r\n ")
}

/// RFC 5322: `Tue, 24 Nov 2026 02:30:00 +0000`.
fn date(now_s: i64) -> String {
    const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
    const MONTHS: [&str; 12] = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let text = Time::from_s(now_s).to_string();
    let day = DAYS[usize::try_from(now_s.div_euclid(86_400).rem_euclid(7)).unwrap_or(0)];
    let month: usize = text.get(5..7).and_then(|m| m.parse().ok()).unwrap_or(1);
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    format!("{day}, {} {} {} {} +0000", part(8..10), MONTHS[(month - 1).min(11)], part(0..4), part(11..19))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_that_could_end_a_line_are_none() {
        assert!(Mail::is_address("ops+soc@mail.example"));
        for wrong in ["ops", "@a", "a@", "a@b\r\nRCPT TO:<c@d>", "a@b>", "a b@c", "a@b@c", "ä@b"] {
            assert!(!Mail::is_address(wrong), "{wrong}");
        }
    }

    #[test]
    fn a_date_is_that_of_mail() {
        assert_eq!(date(0), "Thu, 01 Jan 1970 00:00:00 +0000");
        assert_eq!(date(1_772_600_000), "Wed, 04 Mar 2026 04:53:20 +0000");
    }
}

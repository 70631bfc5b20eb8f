use super::*;
use proptest::prelude::*;

fn read(text: &str) -> Message {
    Message::read(text.replace('\n', "\r\n").as_bytes()).expect("a message")
}

const TWO_PARTS: &str = "From: =?utf-8?q?Anna_M=C3=BCller?= <Anna@Example.ORG>\nFrom: second@example.net\nReply-To: other@example.com\nTo: b@example.org, c@example.org\nSubject: =?utf-8?b?UmVjaG51bmc=?=\nMessage-ID: <1@example.org>\nMIME-Version: 1.0\nContent-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: multipart/alternative; boundary=y\n\n--y\nContent-Type: text/plain; charset=iso-8859-1\nContent-Transfer-Encoding: quoted-printable\n\nGr=FC=DFe, see https://example.org/a.\n--y\nContent-Type: text/html\n\n<p>Hello <a href=\"https://evil.example/x\">https://example.org</a></p><div style=\"display:none\">hidden words</div>\n--y--\n--x\nContent-Type: application/pdf; name=r.pdf\nContent-Transfer-Encoding: base64\nContent-Disposition: attachment; filename=r.pdf\n\nJVBERg==\n--x--\n";

#[test]
fn one_view_of_a_message() {
    let message = read(TWO_PARTS);
    assert_eq!(message.subject, "Rechnung");
    assert_eq!(message.repeated, ["from"]);
    assert_eq!(message.reply_to[0].domain(), "example.com");
    assert!(message.plain.contains("Grüße"), "{}", message.plain);
    assert_eq!(message.html.visible.trim(), "Hello https://example.org");
    assert_eq!(message.html.hidden, "hidden words");
    assert_eq!((message.links[0].target.as_str(), message.links[0].shown.as_str()), ("https://evil.example/x", "https://example.org"));
    assert_eq!(message.links[1].target, "https://example.org/a");
    assert_eq!((message.attachments[0].name.as_str(), message.attachments[0].bytes.as_slice()), ("r.pdf", &b"%PDF"[..]));
    let event = message.event();
    assert_eq!((event.to.len(), event.files[0].kind.as_str()), (2, "application/pdf"));
}

#[test]
fn hidden_in_every_way() {
    for hiding in [
        "style='display: none'",
        "style='font-size:0'",
        "style='color:#fff'",
        "style='color:white;background:#ffffff'",
        "style='opacity:0.01'",
        "style='visibility:hidden'",
        "style='text-indent:-9999px'",
        "hidden",
        "class='pre'",
        "style='max-height:0;overflow:hidden'",
    ] {
        let html = Html::read(&format!(
            "<style>.pre {{ display:none }} .b{{color:red}}</style><p>shown</p><div {hiding}>secret <b>more</b></div>after"
        ));
        assert_eq!((html.hidden.trim(), html.visible.replace('\n', " ").trim()), ("secret more", "shown after"), "{hiding}");
    }
    assert_eq!(Html::read("<p style='color:#fff;background:#000'>white on black</p>").hidden, "");
    let comment = Html::read("<!-- one two three four five six seven eight nine ten eleven twelve thirteen -->x");
    assert!(comment.hidden.contains("seven"));
}

#[test]
fn forms_and_refreshes() {
    let html = Html::read(
        "<meta http-equiv=refresh content='0; url=https://a.example/'><form action=https://b.example/><input type=password></form><a href='javascript:x()'>y</a><script>var a='<p>no</p>'</script>",
    );
    assert_eq!(
        html.links.iter().map(|l| l.target.as_str()).collect::<Vec<_>>(),
        ["https://a.example/", "https://b.example/", "javascript:x()"]
    );
    assert_eq!((html.password_fields, html.forms, html.scripts), (1, 1, 1));
    assert_eq!(html.visible.trim(), "y");
}

#[test]
fn limits_are_said() {
    let deep = "Content-Type: message/rfc822\n\n".repeat(400);
    assert_eq!(read(&format!("From: a@b.example\n{deep}Subject: x\n\ny")).limits, ["levels"]);
    let many = "--x\nContent-Type: text/plain\n\na\n".repeat(900);
    let message = read(&format!("From: a@b.example\nContent-Type: multipart/mixed; boundary=x\n\n{many}"));
    assert_eq!(message.limits, ["parts"]);
    let long = format!("From: a@b.example\nX: {}\nSubject: s\n\nbody", "y\n ".repeat(200_000));
    assert!(read(&long).limits.contains(&"header"));
}

#[test]
fn an_mbox_is_many_messages() {
    let raw = b"From a@b Mon\nFrom: a@b.example\n\none\n\nFrom c@d Tue\nFrom: c@d.example\n\ntwo From x\n";
    assert!(is_mbox(raw) && !is_mbox(b"From: a"));
    let all = messages(raw);
    assert_eq!(all.len(), 2);
    assert_eq!(Message::read(all[1]).unwrap().from[0].address, "c@d.example");
    assert!(is_message(b"Received: x\r\nFrom: a@b\r\n\r\n") && !is_message(b"hello: world\n\n") && !is_message(b"fn main() {}\n"));
}

#[test]
fn rows_hold_bytes_or_text() {
    assert_eq!(bytes_of("a\u{fc}"), [b'a', 0xFC]);
    assert_eq!(bytes_of("a\u{20ac}"), "a€".as_bytes());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]
    #[test]
    fn no_bytes_break_it(noise in proptest::collection::vec(any::<u8>(), 0..400), at in 0_usize..900) {
        let mut raw = TWO_PARTS.as_bytes().to_vec();
        raw.truncate(at);
        raw.extend(&noise);
        let _ = Message::read(&raw);
        let _ = Message::read(&noise);
        let _ = Html::read(&String::from_utf8_lossy(&noise));
    }
}

#[test]
fn cut_anywhere() {
    for at in 0..TWO_PARTS.len() {
        let _ = Message::read(&TWO_PARTS.as_bytes()[..at]);
    }
}

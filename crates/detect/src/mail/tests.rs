#![allow(clippy::disallowed_methods)]

use std::sync::Arc;

use super::*;

fn knowledge() -> Knowledge {
    let mut knowledge = Knowledge::default();
    for name in ["mail-phish", "url-phish"] {
        let path = format!("{}/../../content/models/{name}/model.bin", env!("CARGO_MANIFEST_DIR"));
        let model = learn::lure::Heads::from_bytes(&std::fs::read(path).expect("a shipped model")).expect("a model");
        knowledge.models.insert_heads(name, Arc::new(model));
    }
    knowledge
}

fn mail(from: &str, subject: &str, body: &str) -> String {
    format!("From: {from}\r\nTo: b@corp.example\r\nSubject: {subject}\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{body}\r\n")
}

const LURE: &str = "Dear customer, we noticed unusual activity on your account. Please verify your account by clicking the link below and enter your password within 24 hours. Otherwise your account will be suspended. https://paypal-secure-login.weebly.com/verify";

fn word(raw: &str) -> Judgement {
    judge("t.eml", raw.as_bytes(), &knowledge())
}

fn codes(said: &Judgement) -> Vec<&str> {
    said.reasons.iter().map(|reason| reason.code.as_str()).collect()
}

#[test]
fn a_lure_with_a_fact_is_phishing_and_without_one_suspicious() {
    let said = word(&mail("PayPal Service <info@random-host.example>", "Your account", LURE));
    assert_eq!(said.verdict, Verdict::Phishing, "{said:?}");
    assert!(codes(&said).contains(&"sender.brand") && codes(&said).contains(&"text.lure"), "{said:?}");
    let text_only = text(LURE.split(" https").next().unwrap(), &knowledge());
    assert_eq!(text_only.verdict, Verdict::Suspicious, "{text_only:?}");
}

#[test]
fn a_borrowed_name_at_both_ends_is_phishing_whatever_the_text_says() {
    let short = "Hello, see https://paypa1-login.example/verify";
    let both = word(&mail("\"PayPal\" <a@secure-paypa1.example>", "Your account", short));
    assert_eq!(both.verdict, Verdict::Phishing, "{:?}", both.reasons);
    let one = word(&mail("\"PayPal\" <a@secure-paypa1.example>", "Your account", "Hello, see https://en.wikipedia.org/wiki/PayPal"));
    assert!(one.verdict < Verdict::Phishing, "{:?}", one.reasons);
    let other = word(&mail("Ada <ada@corp.example>", "What is this?", short));
    assert!(other.verdict < Verdict::Phishing, "{:?}", other.reasons);
}

#[test]
fn a_changed_account_names_its_playbook() {
    let body = "Hello Anna, our bank account has changed, kindly send the payment to the account below. Please use the new bank details for all future payments. Keep this between us for now and do it immediately.";
    let said = word(&mail("Peter Weber <p.weber@gmail.com>\r\nReply-To: x@other.example", "Invoice 4711", body));
    assert_eq!(said.verdict, Verdict::Phishing, "{said:?}");
    let book = said.reasons.iter().find(|reason| reason.code == "mail.playbook").expect("a playbook");
    assert!(book.text.contains("payment_change") || book.text.contains("urgent_transfer"), "{}", book.text);
    assert!(book.now.contains("directory"));
}

#[test]
fn look_alikes_stay_silent() {
    for (from, subject, body) in [
        (
            "Shop <news@shop.example>",
            "Our newsletter",
            "This week in our newsletter: five tips for a better garden. You can read the whole story on our web site. You can update your preferences or unsubscribe at any time. https://news.shop.example/a?id=33",
        ),
        (
            "Mail Delivery System <mailer-daemon@mx.example.net>",
            "Undelivered mail returned to sender",
            "This is the mail system at host mx.example.net. I am sorry to have to inform you that your message could not be delivered to one or more recipients. It is attached below. For further assistance, please send mail to postmaster.",
        ),
        (
            "Bank <no-reply@bank.example>",
            "Your sign-in code",
            "Your sign-in code is 4821 77. Do not share it with anyone. Your code expires in ten minutes. If you did not ask for it, ignore this message and nothing will change.",
        ),
        (
            "Service <no-reply@service.example>",
            "Reset your password",
            "You asked for a new password. To reset your password, choose the link in this message; it works once. If you did not request a reset, you can ignore this email and your password stays the same. https://service.example/reset?t=93jf",
        ),
        (
            "Lieferant <rechnung@lieferant.example>",
            "Rechnung 4711",
            "Guten Tag, anbei erhalten Sie die Rechnung 4711. Die Rechnung ist zahlbar innerhalb von 30 Tagen. Unsere Bankverbindung bleibt unverändert. Vielen Dank für Ihren Auftrag. Mit freundlichen Grüßen",
        ),
        (
            "Anna <anna@corp.example>",
            "Invitation: planning",
            "You are invited to the event on Tuesday at 3 pm. The meeting room has been changed. The dial-in is in the invitation. Please let me know by Friday if the date does not suit you.",
        ),
        (
            "dev-list <dev@lists.example.org>",
            "Re: [dev] parser",
            "The patch looks good, but the test fails on my machine. Version 2.1 of the library fixes a bug in the parser. I agree with the proposal, let us try it.\r\n> we noticed your password\r\n_____\r\ndev mailing list https://lists.example.org/dev",
        ),
    ] {
        let said = word(&mail(from, subject, body));
        assert_eq!(said.verdict, Verdict::Clean, "{subject}: {said:?}");
    }
}

#[test]
fn other_languages_and_short_texts_abstain() {
    let said = word(&mail(
        "a@b.example",
        "Тема",
        "Пожалуйста, подтвердите ваш пароль по ссылке ниже, иначе ваша учетная запись будет заблокирована сегодня вечером.",
    ));
    assert!(said.abstained && said.score.is_none() && said.verdict == Verdict::Unknown, "{said:?}");
    assert!(text("ok, thanks a lot, see you", &knowledge()).abstained);
}

#[test]
fn headers_that_anybody_writes_change_nothing() {
    let plain = word(&mail("a@b.example", "Your account", LURE)).score.unwrap();
    let rich = mail(
        "a@b.example\r\nX-Mailer: Some Program 5.1\r\nDate: Thu, 1 Jan 2004 00:00:00 +0000\r\nAuthentication-Results: mx.example; spf=pass; dkim=pass; dmarc=pass\r\nList-Id: <x.example>\r\nX-Spam-Status: No",
        "Your account",
        LURE,
    );
    assert!((word(&rich).score.unwrap() - plain).abs() <= 0.01);
}

#[test]
fn good_words_do_not_dilute_a_lure() {
    let good = "the meeting about the garden project was moved to thursday because of the weather and we had lunch ".repeat(170);
    let knowledge = knowledge();
    let plain = text(LURE, &knowledge).score.unwrap();
    for words in [300, 3_000] {
        let more: String = good.split_whitespace().take(words).collect::<Vec<_>>().join(" ");
        assert!(text(&format!("{LURE} {more}"), &knowledge).score.unwrap() >= plain, "{words} behind");
        assert!(text(&format!("{more}. {LURE}"), &knowledge).score.unwrap() >= plain - 0.02, "{words} in front");
        let html = |hidden: &str| {
            let part = format!("<p>{LURE}</p><div style=\"font-size:0\">{hidden}</div>");
            format!("From: a@b.example\r\nSubject: s\r\nContent-Type: text/html\r\n\r\n{part}")
        };
        assert!(word(&html(&more)).score.unwrap() >= word(&html("")).score.unwrap(), "{words} hidden");
    }
}

#[test]
fn tricks_with_letters_do_not_help() {
    let knowledge = knowledge();
    let plain = text(LURE, &knowledge).score.unwrap();
    let body = LURE.split(" https").next().unwrap();
    for trick in [
        body.replace('a', "а").replace('e', "е"),
        body.replace("ss", "s\u{200b}s").replace("co", "c\u{ad}o"),
        body.replace("acc", "@cc").replace("password", "p4ssw0rd"),
    ] {
        let said = text(&trick, &knowledge);
        assert!(said.verdict >= Verdict::Suspicious, "{plain} {said:?}");
    }
}

#[test]
fn authentication_is_believed_from_trusted_servers_alone() {
    let raw = mail(
        "a@b.example\r\nAuthentication-Results: mx.corp.example; dmarc=fail; spf=fail",
        "Lunch",
        "Let us have lunch on Thursday. The weather will be fine tomorrow and the new place around the corner has opened its garden again.",
    );
    assert!(!codes(&word(&raw)).contains(&"auth.fail"));
    let mut knowledge = knowledge();
    knowledge.config.mail.trusted_authserv = vec!["mx.corp.example".into()];
    assert!(codes(&judge("t", raw.as_bytes(), &knowledge)).contains(&"auth.fail"));
}

#[test]
fn links_by_their_spelling() {
    let knowledge = knowledge();
    for bad in [
        "https://paypa1.com/signin",
        "http://рaypal.com/",
        "https://paypal.com.account-verify.example.top/login.php",
        "https://microsoft-login.weebly.com/",
        "http://3232235777/login/index.php?email=a@b.example",
        "https://google.com@evil.example/",
        "hxxps://netflix-billing[.]example[.]xyz/update",
    ] {
        let said = url::judge(bad, &knowledge);
        assert_eq!(said.verdict, Verdict::Suspicious, "{bad} {said:?}");
    }
    for good in [
        "https://accounts.google.com/signin/v2/identifier?continue=https://mail.google.com/",
        "https://www.paypal.com/signin",
        "https://login.example.org/",
        "https://github.com/rust-lang/rust",
        "https://docs.python.org/3/library/secrets.html",
        "https://my-blog.github.io/",
        "https://www.example.com/account/login",
        "https://calendar.example.com/event?eid=NGx2dGJ0cXJsYzZtN2k0N2JkZmg1",
        "https://support.example.com/en/articles/change-your-password",
    ] {
        let said = url::judge(good, &knowledge);
        assert_eq!(said.verdict, Verdict::Clean, "{good} {said:?}");
    }
    let score = |text: &str| url::judge(text, &knowledge).score;
    assert_eq!(score("https://www.a-login.example.top/x/?utm_source=1"), score("http://a-login.example.top/x"));
    assert!(url::judge("no url", &knowledge).abstained);
}

#[test]
fn what_is_added_to_a_path_never_lowers_the_score_of_a_link() {
    let knowledge = knowledge();
    for link in ["paypa1.com/signin", "microsoft-login.weebly.com/a", "xkqzvwt.top/p", "amazon.co.jp.kqvbn.icu/x", "docs.example.org/a"] {
        let alone = url::judge(link, &knowledge);
        let mut longer = link.to_owned();
        for piece in ["/news/2024/spring", "/about/our-garden", "/wiki/History_of_music", "?page=2&sort=name", "&lang=en", "#chapter-3"] {
            longer.push_str(piece);
            let said = url::judge(&longer, &knowledge);
            assert!(said.score >= alone.score && said.verdict >= alone.verdict, "{longer}: {said:?}");
        }
    }
}

#[test]
fn any_bytes_have_an_answer() {
    let knowledge = knowledge();
    let raw = mail("PayPal <x@y.example>", "s", LURE);
    for at in (0..raw.len()).step_by(7) {
        let _ = judge("t", &raw.as_bytes()[..at], &knowledge);
        let _ = judge("t", &[&raw.as_bytes()[..at], &[0xFF, 0, b'\n', b'<']].concat(), &knowledge);
    }
}

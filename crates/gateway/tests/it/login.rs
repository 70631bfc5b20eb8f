//! Sign-ins through the gateway, with somebody who says what a test wants about them.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};

use detect::door::Said;
use event::authentication::{Action, Outcome};
use event::login::Step;
use event::{Body, Event, LoginDecision, Verdict};
use gateway::Logins;

use crate::setup::{OK, Options, Setup, gateway_with, header, status, upstream, upstream_saying};

const WELCOME: &str = "HTTP/1.1 302 Found\r\nlocation: /account\r\nset-cookie: sid=abc; HttpOnly\r\ncontent-length: 0\r\n\r\n";
const WRONG: &str = "HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";

/// `eve` is turned away, `sue` is asked again, of `nil` nothing is known, everybody else is fine.
fn ask(event: &mut Event) -> Option<Said> {
    let Body::Authentication(auth) = &event.body else { return None };
    let (risk, decision) = match auth.user.as_str() {
        "eve" => (0.995, Step::Block),
        "sue" => (0.83, Step::StepUp),
        "nil" => return None,
        _ => (0.01, Step::Allow),
    };
    let decision = LoginDecision {
        event: event.meta.uid,
        id: auth.id.clone(),
        line: 1,
        time: event.meta.time,
        user: auth.user.clone(),
        risk,
        decision,
        effective: decision,
        prior_logins: 9,
        reasons: Vec::new(),
        model: "test@1".into(),
    };
    Some(Said { decision, finding: None })
}

async fn behind(address: std::net::SocketAddr) -> Setup {
    let logins = Some(Logins { forms: Vec::new(), ask: Arc::new(ask) });
    gateway_with(address, Options { logins, ..Options::default() }).await
}

fn sign_in(body: &str) -> String {
    let length = body.len();
    format!(
        "POST /login HTTP/1.1\r\nHost: a\r\nUser-Agent: browser/1\r\nX-Bartizan-Login: allow\r\nX_Bartizan_Login: allow\r\n\
         Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {length}\r\nConnection: close\r\n\r\n{body}"
    )
}

fn of(user: &str) -> String {
    sign_in(&format!("username={user}&password=hunter2"))
}

#[tokio::test]
async fn the_application_is_told_to_ask_again_and_by_nobody_else() {
    let mut up = upstream(WELCOME).await;
    let mut setup = behind(up.address).await;
    setup.enforce();
    for (body, told) in [
        ("username=ada&password=x", None),
        ("username=sue&password=x", Some("step_up;risk=0.83;id=r-")),
        // A decoy in the query or twice in the form hides nobody.
        ("username=ada&password=x&username=sue", Some("step_up;risk=0.83;id=r-")),
        ("username=a&username=b&username=c&username=d&username=e&username=f&username=g&password=x", Some("step_up;risk=1.00;id=r-")),
    ] {
        assert_eq!(status(&setup.send(&sign_in(body)).await), "302", "{body}");
        let request = up.request().await;
        let said = header(&request, "x-bartizan-login");
        assert_eq!(said.is_some(), told.is_some(), "{body}: {request}");
        assert!(told.is_none_or(|told| said.is_some_and(|s| s.starts_with(told))), "{body}: {said:?}");
        assert!(!request.to_ascii_lowercase().contains("x_bartizan_login"), "{request}");
        let observed = setup.observed().await;
        let hidden = told.is_some_and(|t| t.contains("1.00"));
        assert_eq!(observed.sign_in.is_none(), hidden, "{body}");
    }
    assert_eq!(setup.counters.stepped_up.load(Ordering::Relaxed), 3);
    setup.enforce.store(false, Ordering::Relaxed);
    setup.send(&of("sue")).await;
    assert_eq!(header(&up.request().await, "x-bartizan-login"), None, "monitor only watches");
}

#[tokio::test]
async fn who_is_asked_again_is_in_once_the_application_says_so() {
    let answer = Arc::new(Mutex::new(WELCOME.to_owned()));
    let says = Arc::clone(&answer);
    let mut up = upstream_saying(move || says.lock().expect("an answer").clone()).await;
    let mut setup = behind(up.address).await;
    setup.enforce();
    setup.send(&of("sue")).await;
    let told = up.request().await;
    let id = header(&told, "x-bartizan-login").and_then(|h| h.split("id=").nth(1)).expect("an id").to_owned();
    let outcome = |sign_in: Option<Box<gateway::SignIn>>| match sign_in.expect("a record").event.body {
        Body::Authentication(auth) => (auth.action, auth.user, auth.outcome),
        other => panic!("{other:?}"),
    };
    assert_eq!(outcome(setup.observed().await.sign_in), (Action::Login, "sue".into(), Outcome::Pending), "the password alone is not in");

    for (said, expected) in [
        (format!("passed;id={id}x"), None),
        ("passed".into(), None),
        (format!("passed;id={id}"), Some((Action::StepUp, "sue".into(), Outcome::Success))),
        (format!("passed;id={id}"), None),
    ] {
        *answer.lock().expect("an answer") = format!("HTTP/1.1 200 OK\r\nx-bartizan-login: {said}\r\ncontent-length: 0\r\n\r\n");
        let answer = setup.send("GET /account HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n").await;
        assert_eq!(header(&answer, "x-bartizan-login"), None, "{answer}");
        assert_eq!(setup.observed().await.sign_in.map(|s| outcome(Some(s))), expected, "{said}");
    }
}

#[tokio::test]
async fn a_block_never_reaches_the_application_and_monitor_says_so() {
    let mut up = upstream(WELCOME).await;
    let mut setup = behind(up.address).await;
    let answer = setup.send(&of("eve")).await;
    assert_eq!(status(&answer), "302");
    assert!(!up.none());
    assert_eq!(setup.http().await.verdict, Some(Verdict::WouldBlock));

    setup.enforce();
    let answer = setup.send(&of("eve")).await;
    assert_eq!(status(&answer), "403");
    assert!(header(&answer, "x-bartizan-request-id").is_some() && !answer.contains("eve"), "{answer}");
    assert!(up.none(), "the password was never looked at");
    let observed = setup.observed().await;
    let Body::Authentication(auth) = observed.sign_in.expect("a record").event.body else { panic!("no authentication") };
    assert_eq!((auth.user.as_str(), auth.outcome, auth.reason.as_str()), ("eve", Outcome::Failure, "turned away at the gateway"));
    assert_eq!(setup.counters.logins_refused.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn each_answer_makes_a_record_of_how_it_ended() {
    for (answer, outcome) in [(WELCOME, Some(Outcome::Success)), (WRONG, Some(Outcome::Failure)), (OK, None)] {
        let up = upstream(answer).await;
        let mut setup = behind(up.address).await;
        setup.send(&of("ada")).await;
        let observed = setup.observed().await;
        let said = observed.sign_in.map(|sign_in| match sign_in.event.body {
            Body::Authentication(auth) => {
                assert!(!String::from_utf8_lossy(&sign_in.event.raw).contains("hunter2"), "a password is kept nowhere");
                assert_eq!((auth.user.as_str(), auth.user_agent.as_str()), ("ada", "browser/1"));
                auth.outcome
            }
            other => panic!("{other:?}"),
        });
        assert_eq!(said, outcome, "{answer}");
    }
}

#[tokio::test]
async fn who_cannot_be_judged_passes_and_is_counted() {
    let up = upstream(WELCOME).await;
    let setup = behind(up.address).await;
    setup.enforce();
    assert_eq!(status(&setup.send(&of("nil")).await), "302");
    assert_eq!(setup.counters.logins_unjudged.load(Ordering::Relaxed), 1);
}

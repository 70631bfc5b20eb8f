//! A challenged client: a page with work for a browser, plain words for a program, a pass for who did the work.

use std::sync::atomic::Ordering::Relaxed;

use event::Verdict;
use event::decision::Disposition::{Block, Challenge};
use event::response::Mode::{Enforce, Monitor};
use ring::digest;

use crate::setup::{OK, gateway, header, status, upstream};

fn get(more: &str) -> String {
    format!("GET /shop?x=1 HTTP/1.1\r\nHost: a\r\nUser-Agent: browser/1\r\nConnection: close\r\n{more}\r\n")
}

const HTML: &str = "Accept: text/html,application/xhtml+xml\r\n";

fn part<'t>(page: &'t str, before: &str, after: &str) -> &'t str {
    page.split(before).nth(1).and_then(|rest| rest.split(after).next()).unwrap_or_else(|| panic!("no {before} in {page}"))
}

fn solved(task: &str, bits: u32) -> String {
    let works = |text: &String| {
        let hash = digest::digest(&digest::SHA256, text.as_bytes());
        let first = u32::from_be_bytes(hash.as_ref()[..4].try_into().expect("four bytes"));
        first.leading_zeros() >= bits
    };
    (0..).map(|n: u32| format!("{task}.{n}")).find(works).expect("an answer")
}

#[tokio::test]
async fn a_browser_works_once_and_goes_on() {
    let mut up = upstream(OK).await;
    let mut setup = gateway(up.address).await;
    setup.enforce();
    setup.decide(&[("127.0.0.1", Challenge, Enforce)]);
    let page = setup.send(&get(HTML)).await;
    assert_eq!((status(&page), header(&page, "cache-control")), ("403", Some("no-store")));
    assert_eq!(setup.http().await.verdict, Some(Verdict::Challenged));
    assert!(up.none());
    let body = page.split("\r\n\r\n").nth(1).expect("a body");
    for outside in ["src=", "href=", "http://", "https://", "url(", "@import"] {
        assert!(!body.contains(outside), "{outside} in {body}");
    }
    assert!(
        body.contains("<noscript>")
            && body.contains("role=\"status\"")
            && body.contains(header(&page, "x-bartizan-request-id").expect("an id"))
    );
    let policy = header(&page, "content-security-policy").expect("a policy");
    assert!(policy.contains("default-src 'none'") && policy.contains("script-src 'sha256-") && !policy.contains("'unsafe-inline'; script"));

    let (task, bits) = (part(&page, "data-task=\"", "\""), part(&page, "data-bits=\"", "\"").parse().expect("a number"));
    let answer = solved(task, bits);
    let through = setup.send(&get(&format!("{HTML}Cookie: sid=1; bartizan_answer={answer}\r\n"))).await;
    assert_eq!(status(&through), "200", "{through}");
    let request = up.request().await;
    assert!(request.contains("sid=1") && !request.contains("bartizan_"), "{request}");
    let kept = setup.observed().await;
    assert!(!String::from_utf8_lossy(&kept.event.raw).contains("bartizan_answer"), "no log holds it");
    let pass = part(&through, "bartizan_pass=", ";");
    assert!(through.contains("bartizan_answer=; Path=/; Max-Age=0") && through.contains("HttpOnly"), "{through}");

    let with = |pass: &str| get(&format!("Cookie: bartizan_pass={pass}\r\n"));
    let again = setup.send(&with(pass)).await;
    assert_eq!((status(&again), again.contains("bartizan_pass")), ("200", false), "also what a page asks for by itself");
    assert_eq!(status(&setup.send(&with(pass).replace("browser/1", "browser/2")).await), "403", "bound to the agent");
    assert_eq!(status(&setup.send(&with(&pass.replace(['0', '1'], "2"))).await), "403");
    let (done, asked) = (setup.counters.challenges_passed.load(Relaxed), setup.counters.challenged.load(Relaxed));
    assert_eq!((done, asked), (1, 3));
    // What somebody who has passed sends is looked at like everything else, and a block is no challenge.
    let attack = with(pass).replace("x=1", "x=1%27%20UNION%20SELECT%20password%20FROM%20users--");
    assert_eq!(status(&setup.send(&attack).await), "403");
    setup.decide(&[("127.0.0.1", Challenge, Enforce), ("127.0.0.1", Block, Enforce)]);
    assert_eq!(status(&setup.send(&with(pass)).await), "403");
}

#[tokio::test]
async fn a_program_is_told_in_json_and_monitor_mode_only_records() {
    let mut up = upstream(OK).await;
    let mut setup = gateway(up.address).await;
    setup.enforce();
    setup.decide(&[("127.0.0.1", Challenge, Enforce)]);
    let token = format!("{HTML}Authorization: Bearer abc\r\n");
    let post = get(HTML).replace("GET", "POST").replace("\r\n\r\n", "\r\nContent-Length: 0\r\n\r\n");
    for request in [get("Accept: application/json\r\n"), get(""), get("Accept: */*\r\n"), get(&token), post] {
        let answer = setup.send(&request).await;
        assert_eq!((status(&answer), header(&answer, "content-type")), ("403", Some("application/problem+json")), "{request}");
        assert!(answer.contains("Browser check needed") && answer.contains("request_id"), "{answer}");
        assert_eq!(setup.http().await.verdict, Some(Verdict::Challenged));
    }
    assert!(up.none());
    for (enforce, mode) in [(false, Enforce), (true, Monitor)] {
        setup.enforce.store(enforce, Relaxed);
        setup.decide(&[("127.0.0.1", Challenge, mode)]);
        assert_eq!(status(&setup.send(&get(HTML)).await), "200");
        assert_eq!(setup.http().await.verdict, Some(Verdict::WouldBlock));
    }
}

//! Visitors and attackers as real requests through the real gateway.
//!
//! Each names its client in `X-Forwarded-For`, which the demo's gateway believes from loopback.

use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Method, Request};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;

use super::dice::Dice;
use super::shop::PRODUCTS;

/// First attack after this; the next ones follow every [`PAUSE`].
pub const LEAD: Duration = Duration::from_secs(20);
const PAUSE: Duration = Duration::from_secs(75);

pub const ATTACKER: &str = "203.0.113.66";

const BROWSER: &str = "Mozilla/5.0 (X11; Linux x86_64; rv:145.0) Gecko/20100101 Firefox/145.0";

#[derive(Clone)]
pub struct Stage {
    client: Client<HttpConnector, Full<Bytes>>,
    gateway: SocketAddr,
}

impl Stage {
    pub fn new(gateway: SocketAddr) -> Stage {
        Stage { client: Client::builder(TokioExecutor::new()).build_http(), gateway }
    }

    async fn send(&self, from: &str, agent: &str, method: Method, target: &str, body: &str) -> Option<u16> {
        let request = Request::builder()
            .method(method)
            .uri(format!("http://{}{target}", self.gateway))
            .header("host", "shop.example.org")
            .header("user-agent", agent)
            .header("accept", "text/html,application/xhtml+xml")
            .header("x-forwarded-for", from)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Full::new(Bytes::from(body.to_owned())))
            .ok()?;
        let response = self.client.request(request).await.ok()?;
        let status = response.status().as_u16();
        // The connection is only used again when the answer was read.
        let _ = response.into_body().collect().await;
        Some(status)
    }

    async fn get(&self, from: &str, agent: &str, target: &str) -> Option<u16> {
        self.send(from, agent, Method::GET, target, "").await
    }
}

/// Ordinary people, for ever.
pub async fn visitors(stage: Stage, seed: u64) {
    let mut dice = Dice::new(seed);
    loop {
        let from = format!("192.0.2.{}", 20 + dice.below(120));
        let number = dice.below(PRODUCTS.len() as u64);
        let word = dice.pick(PRODUCTS).0.split(' ').next_back().unwrap_or("rope").to_lowercase();
        for target in [
            "/".to_owned(),
            "/style.css".to_owned(),
            format!("/product/{number}"),
            format!("/search?q={word}"),
            "/search?q=O%27Brien+%26+sons".to_owned(),
        ] {
            stage.get(&from, BROWSER, &target).await;
            tokio::time::sleep(Duration::from_millis(60 + dice.below(240))).await;
        }
        tokio::time::sleep(Duration::from_millis(200 + dice.below(800))).await;
    }
}

/// The live attacks, one after the other, for ever: the first is always the SQL injection by [`ATTACKER`].
pub async fn attacks(stage: Stage, seed: u64) {
    let mut dice = Dice::new(seed ^ 0xa77a_ca11);
    tokio::time::sleep(LEAD).await;
    let mut round = 0_u64;
    loop {
        let host = 66 + (round / 3) % 60;
        match round % 3 {
            0 => injection(&stage, &format!("203.0.113.{host}"), &mut dice).await,
            1 => stuffing(&stage, &format!("198.51.100.{host}"), &mut dice).await,
            _ => exploring(&stage, &format!("198.51.100.{}", host + 100)).await,
        }
        round += 1;
        tokio::time::sleep(PAUSE).await;
    }
}

/// Looks around, finds that a quote breaks the search, tries to read the customers, and comes back to see whether it is let in.
async fn injection(stage: &Stage, from: &str, dice: &mut Dice) {
    const TRIES: &[&str] = &[
        "lantern%27",
        "lantern%27%20OR%20%271%27%3D%271",
        "lantern%27%20AND%201%3D2--%20",
        "x%27%20ORDER%20BY%203--%20",
        "x%27%20UNION%20SELECT%20NULL%2CNULL--%20",
        "x%27%20UNION%20SELECT%20email%2Cpassword%20FROM%20customers--%20",
        "x%27%20UNION%20ALL%20SELECT%20table_name%2CNULL%20FROM%20information_schema.tables--%20",
        "x%27%3B%20WAITFOR%20DELAY%20%270%3A0%3A5%27--",
        "x%27%20AND%20SLEEP(5)--%20",
    ];
    let agent = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/118.0.0.0 Safari/537.36";
    for target in ["/", "/robots.txt", "/search?q=lantern"] {
        stage.get(from, agent, target).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
    }
    for n in 0..40 {
        let words: &str = TRIES.get(n).unwrap_or_else(|| dice.pick(TRIES));
        stage.get(from, agent, &format!("/search?q={words}")).await;
        tokio::time::sleep(Duration::from_millis(120 + dice.below(200))).await;
    }
    for _ in 0..60 {
        stage.get(from, agent, "/").await;
        tokio::time::sleep(Duration::from_millis(1_000)).await;
    }
}

/// A list of stolen passwords, tried one after the other.
async fn stuffing(stage: &Stage, from: &str, dice: &mut Dice) {
    for n in 0..80 {
        let body = format!("user=customer{n}%40example.org&password=guess-{}", dice.below(1_000_000));
        stage.send(from, "python-requests/2.32", Method::POST, "/login", &body).await;
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
}

/// A scanner that asks for what should not be there.
async fn exploring(stage: &Stage, from: &str) {
    const PATHS: &[&str] = &[
        "/.env",
        "/.git/HEAD",
        "/admin/",
        "/phpmyadmin/index.php",
        "/wp-login.php",
        "/backup.sql",
        "/.aws/credentials",
        "/actuator/env",
        "/server-status",
        "/cgi-bin/test.cgi",
        "/config.yml",
        "/id_rsa",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/console/",
        "/solr/admin/",
    ];
    for n in 0..60 {
        stage
            .get(
                from,
                "Mozilla/5.0 (compatible; weakness-finder/1.0)",
                &format!("{}{}", PATHS[n % PATHS.len()], if n >= PATHS.len() { format!("?{n}") } else { String::new() }),
            )
            .await;
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

//! `demo`: the whole product on made-up data, on this machine only.

use std::net::SocketAddr;
use std::path::PathBuf;

use clap::Args;

use super::fail::{Exit, Fail};
use super::{Global, out};
use crate::demo::dice::Dice;
use crate::demo::{history, office, shop, story};
use crate::engine::Input;
use crate::knowledge::Content;
use crate::service::{GatewayWanted, Operation, Service, Wanted};
use crate::{checking, clock, feed, scanned};

/// A shop under attack, with a console: everything is generated, nothing leaves this machine
#[derive(Args)]
#[command(after_help = "Example:\n  bartizan demo --seed 7\n\nExit codes: 0 stopped by SIGINT or SIGTERM; 3 could not start.")]
pub(super) struct Demo {
    /// Print the link, do not open a browser
    #[arg(long)]
    no_browser: bool,
    #[arg(long, value_name = "ADDR")]
    console_listen: Option<SocketAddr>,
    /// Where the demo's gateway listens [default: a free port on loopback]
    #[arg(long, value_name = "ADDR", default_value = "127.0.0.1:0")]
    listen: SocketAddr,
    /// The same seed tells the same story
    #[arg(long, default_value_t = 42)]
    seed: u64,
}

/// Minutes of generated history.
const HISTORY_MINUTES: i64 = 24 * 60;

pub(super) fn run(args: &Demo, global: &Global) -> Result<Exit, Fail> {
    if !args.listen.ip().is_loopback() {
        return Err(Fail::new("E0206", "the demo listens on loopback only").exit(Exit::Usage));
    }
    let content = Content::load(global.content.as_deref())?;
    let (knowledge, mut said) = content.knowledge()?;
    let (forecaster, unforeseen) = content.forecaster();
    said.extend(unforeseen);
    said.iter().for_each(out::note);
    let (data_dir, temporary) = match &global.data_dir {
        Some(dir) => (dir.clone(), None),
        None => {
            let dir = std::env::temp_dir().join(format!("bartizan-demo-{}", std::process::id()));
            (dir.clone(), Some(Temporary(dir)))
        }
    };
    // The shop has to be there before the gateway names its port.
    let shop_runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .map_err(|e| Fail::new("E0605", format!("cannot start the runtime: {e}")))?;
    let shop = shop_runtime.block_on(shop::open()).map_err(|e| Fail::new("E0202", format!("the shop cannot listen: {e}")))?;
    let upstream: gateway::Upstream =
        format!("http://{shop}").parse().map_err(|e: gateway::UpstreamError| Fail::new("E0101", e.to_string()))?;
    let mut config = gateway::Config::new(args.listen, upstream);
    config.site = "shop".into();
    config.workers = 1;
    if let Ok(loopback) = "127.0.0.0/8".parse() {
        config.trusted_proxies.push(loopback);
    }
    let console = console::Config {
        listen: args.console_listen.unwrap_or_else(|| console::Config::default().listen),
        port_may_move: args.console_listen.is_none(),
        ..console::Config::default()
    };
    let rules = knowledge.web_rules.rules().len();
    let judging = knowledge.clone();
    let service_dir = data_dir.clone();
    let service = Service::start(Wanted {
        channels: None,
        operation: Operation::default(),
        content: global.content.clone(),
        data_dir,
        demo: true,
        nftables: None,
        enforce: true,
        console: Some(console),
        gateway: Some(GatewayWanted {
            config,
            inspect: true,
            logins: Vec::new(),
            ndjson: None,
            drift_every: std::time::Duration::from_secs(3_600),
        }),
        never: incident::Never::default(),
        models: crate::served::models(&content),
        knowledge,
        forecaster,
    })?;
    let link = service.console_link.clone().unwrap_or_default();
    let gateway = service.gateway_addr.unwrap_or(args.listen);
    out::line(format!(
        "Bartizan {}  DEMO DATA (seed {}): nothing here is real, nothing leaves this machine",
        env!("CARGO_PKG_VERSION"),
        args.seed
    ));
    out::line(format!("console   {link}   one use, 15 minutes"));
    out::line(format!("protects  http://{gateway} -> a built-in shop, enforcing, {rules} rules and the model web-payload"));
    out::line(format!(
        "story     a day of generated logs, sign-ins, connections, a mail and a configuration; a live attack starts in {} s, more follow",
        story::LEAD.as_secs()
    ));
    out::line(format!("data      {0}   for other commands: --data-dir {0}", service_dir.display()));
    out::line("Ctrl-C stops and deletes the data. Keep it: --data-dir DIR");
    let mut dice = Dice::new(args.seed);
    let past = history::tell(&mut dice, clock::now(), HISTORY_MINUTES);
    feed::lines(&service, "demo: shop access.log", &past.access)?;
    feed::lines(&service, "demo: shop-1 auth.log", &past.auth)?;
    feed::lines(&service, "demo: sign-in.jsonl", &office::sign_ins(&mut dice, clock::now()))?;
    feed::lines(&service, "demo: office conn.log", &office::connections(&mut dice, clock::now()))?;
    let scan = decode::posture::read(&[("shop/main.tf".to_owned(), office::INFRASTRUCTURE.as_bytes().to_vec())]);
    let _ = service.engine().send(Input::Events(scanned::events(&scan, "demo: shop/main.tf", clock::now())));
    let mail =
        console::Matter { name: "new-bank-account.eml".to_owned(), bytes: office::MAIL.into(), kind: console::MatterKind::Mail, asker: 0 };
    let _ = checking::checker(judging, service.engine())(&mail);
    let stage = story::Stage::new(gateway);
    shop_runtime.spawn(story::visitors(stage.clone(), args.seed));
    shop_runtime.spawn(story::attacks(stage, args.seed));
    if !args.no_browser && out::is_terminal() {
        open_browser(&link);
    }
    service.wait();
    shop_runtime.shutdown_background();
    let exit = service.stop();
    drop(temporary);
    Ok(exit)
}

/// Deleted when dropped.
struct Temporary(PathBuf);

impl Drop for Temporary {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn open_browser(link: &str) {
    let opened = std::process::Command::new("xdg-open")
        .arg(link)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
    // No desktop: the link stands on the screen.
    drop(opened);
}

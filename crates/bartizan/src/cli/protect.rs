//! `protect UPSTREAM`: a gateway in front of a web application. Records what it would block; `--enforce` blocks.

use std::net::{SocketAddr, ToSocketAddrs};
use std::path::PathBuf;
use std::sync::Arc;

use clap::Args;

use super::fail::{Exit, Fail};
use super::{Global, out};
use crate::knowledge::Content;
use crate::paths;
use crate::service::{GatewayWanted, Operation, Service, Wanted};
use crate::sources::{self, Sources};

/// Put a gateway in front of a web application
///
/// Attacks are recorded and nothing is blocked until `--enforce`.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  bartizan protect http://127.0.0.1:3000\n  bartizan protect http://127.0.0.1:3000 --listen 0.0.0.0:80 --enforce --log-ndjson requests.ndjson\n\nExit codes: 0 stopped by SIGINT or SIGTERM; 2 usage; 3 could not start."
)]
pub(super) struct Protect {
    /// http://HOST:PORT or https://HOST:PORT
    upstream: String,
    #[arg(long, default_value = "0.0.0.0:8080")]
    listen: SocketAddr,
    /// Refuse what is judged an attack, and block who attacks for a while
    #[arg(long)]
    enforce: bool,
    #[command(flatten)]
    filter: super::filter::Filter,
    /// Name of the site in incidents [default: the upstream's host]
    #[arg(long)]
    site: Option<String>,
    /// Append a JSON object for each request to a file
    #[arg(long, value_name = "FILE")]
    log_ndjson: Option<PathBuf>,
    #[arg(long)]
    no_console: bool,
    #[arg(long, value_name = "ADDR")]
    console_listen: Option<SocketAddr>,
    /// Certificate chain in PEM; with --key the gateway speaks TLS
    #[arg(long, requires = "key", value_name = "FILE")]
    cert: Option<PathBuf>,
    #[arg(long, requires = "cert", value_name = "FILE")]
    key: Option<PathBuf>,
    /// Whose X-Forwarded-For is believed: an address or a network, repeatable
    #[arg(long, value_name = "CIDR")]
    trusted_proxy: Vec<String>,
    /// How a sign-in of the application looks, repeatable; without it POSTs to login paths are recognised
    #[arg(long, value_name = "path=/login,user=email,success=302,cookie=sid")]
    login: Vec<detect::web::login::form::Form>,
    /// A proxy that looks at nothing, for measuring
    #[arg(long, hide = true)]
    no_inspect: bool,
    /// How often somebody looks whether the model still sees what it saw before
    #[arg(long, hide = true, default_value = "1h", value_parser = super::order::seconds)]
    drift_every: u32,
    /// Also follow these log files, repeatable
    #[arg(long, value_name = "SOURCE")]
    watch: Vec<PathBuf>,
}

pub(super) fn run(args: &Protect, global: &Global) -> Result<Exit, Fail> {
    let upstream: gateway::Upstream =
        args.upstream.parse().map_err(|e: gateway::UpstreamError| Fail::new("E0101", e.to_string()).exit(Exit::Usage))?;
    let content = Content::serving(global.content.as_deref(), &crate::paths::data_dir(global.data_dir.as_ref()))?;
    let (knowledge, mut said) = content.knowledge()?;
    let (forecaster, unforeseen) = content.forecaster();
    said.extend(unforeseen);
    said.iter().for_each(out::note);
    let mut config = gateway::Config::new(args.listen, upstream.clone());
    if let Some(site) = &args.site {
        config.site.clone_from(site);
    }
    for text in &args.trusted_proxy {
        let net = if text.contains('/') { text.clone() } else { format!("{text}/{}", if text.contains(':') { 128 } else { 32 }) };
        let net = net.parse().map_err(|_| Fail::new("E0102", format!("{text:?} is no address or network")).exit(Exit::Usage))?;
        config.trusted_proxies.push(net);
    }
    if let (Some(cert), Some(key)) = (&args.cert, &args.key) {
        config.tls = Some(Arc::new(tls(cert, key)?));
    }
    let mut never = incident::Never::default();
    let upstream_at = spare(&mut never, &upstream);
    let rules = knowledge.web_rules.rules().len();
    let model = knowledge.web_model.as_ref().map_or_else(|| "no model".to_owned(), |m| format!("{} {} (signed)", m.name(), m.version()));
    let console = (!args.no_console).then(|| console::Config {
        listen: args.console_listen.unwrap_or_else(|| console::Config::default().listen),
        port_may_move: args.console_listen.is_none(),
        ..console::Config::default()
    });
    let tls = if config.tls.is_some() { "https" } else { "http" };
    let data_dir = paths::data_dir(global.data_dir.as_ref());
    let (files, locators) = sources::split(&args.watch)?;
    let sources = (!args.watch.is_empty()).then(|| Sources::open(&files, &locators, &data_dir, &Arc::default())).transpose()?;
    let service = Service::start(Wanted {
        channels: None,
        operation: Operation { retention: Some(store::retain::Policy::default()), ..Operation::default() },
        content: global.content.clone(),
        data_dir,
        demo: false,
        enforce: args.enforce,
        console,
        nftables: args.filter.config(),
        gateway: Some(GatewayWanted {
            config,
            inspect: !args.no_inspect,
            logins: args.login.clone(),
            ndjson: args.log_ndjson.clone(),
            drift_every: std::time::Duration::from_secs(args.drift_every.into()),
        }),
        never,
        models: crate::served::models(&content),
        knowledge,
        forecaster,
    })?;
    let addr = service.gateway_addr.unwrap_or(args.listen);
    let answers = match std::net::TcpStream::connect_timeout(&first(&upstream_at)?, std::time::Duration::from_secs(2)) {
        Ok(_) => "answers",
        Err(_) => "does not answer yet: its clients get 502 until it does",
    };
    out::line(format!(" upstream  {upstream} {answers}"));
    out::line(format!(" gateway   {tls}://{addr} -> {upstream}      rules {rules}, model {model}"));
    let mode = if args.enforce {
        "ENFORCE: attacks are refused; who attacks is blocked for a while"
    } else {
        "MONITOR: attacks are recorded, nothing is blocked (--enforce blocks)"
    };
    out::line(format!(" mode      {mode}"));
    if let Some(link) = &service.console_link {
        out::line(format!(" console   {link}   one use, 15 minutes"));
    }
    out::line(format!(" try it    curl '{tls}://127.0.0.1:{}/?q=1%27%20OR%20%271%27=%271'", addr.port()));
    if let Some(sources) = sources {
        sources.start(&service, decode::Format::Auto)?;
    }
    service.wait();
    Ok(service.stop())
}

/// The application is never blocked. Gives `HOST:PORT` of it.
pub(super) fn spare(never: &mut incident::Never, upstream: &gateway::Upstream) -> String {
    let at = format!("{}:{}", upstream.host().trim_matches(['[', ']']), upstream.port());
    for addr in at.to_socket_addrs().into_iter().flatten().filter(|a| !a.ip().is_loopback()) {
        never.add_address(addr.ip(), "it is the protected application");
    }
    at
}

fn first(at: &str) -> Result<SocketAddr, Fail> {
    let found = at.to_socket_addrs().ok().and_then(|mut all| all.next());
    found.ok_or_else(|| Fail::new("E0103", format!("cannot resolve {at}")))
}

fn tls(cert: &std::path::Path, key: &std::path::Path) -> Result<rustls::ServerConfig, Fail> {
    crate::tls::config(Arc::new(crate::tls::Certificate::new(crate::tls::read(cert, key)?)))
}

//! Every listening socket of a service: opened, or taken over from the process before.

use std::net::TcpListener;
use std::os::fd::AsFd;

use tokio::runtime::Runtime;

use crate::cli::fail::Fail;
use crate::hand_over::{Socket, Taken};
use crate::metrics;
use crate::service::Wanted;

pub(crate) struct Listeners {
    pub(crate) gateway: Option<gateway::Bound>,
    pub(crate) console: Option<console::Bound>,
    pub(crate) metrics: Option<tokio::net::TcpListener>,
    /// All of them once more, for the process after this one.
    pub(crate) sockets: Vec<Socket>,
}

impl Listeners {
    /// A socket changes hands when it was asked for under the same name: another address than before is opened here.
    pub(crate) fn open(wanted: &Wanted, runtime: &Runtime, mut taken: Option<&mut Taken>) -> Result<Listeners, Fail> {
        let _entered = runtime.enter();
        let mut had = |name: &str| -> Option<TcpListener> { taken.as_mut().and_then(|taken| taken.socket(name)) };
        let mut sockets = Vec::new();
        let mut keep = |name: String, socket: std::io::Result<std::os::fd::OwnedFd>| {
            sockets.extend(socket.ok().map(|socket| Socket { name, socket }));
        };
        let mut gateway = None;
        if let Some(asked) = &wanted.gateway {
            let name = format!("gateway {}", asked.config.listen);
            let bound = match had(&name) {
                Some(socket) => gateway::adopt(&asked.config, socket),
                None => runtime.block_on(gateway::bind(&asked.config)),
            };
            let bound = bound.map_err(|e| Fail::new("E0202", e.to_string()).fix("choose another address with --listen"))?;
            keep(name, bound.socket());
            gateway = Some(bound);
        }
        let mut console = None;
        if let Some(config) = &wanted.console {
            let name = format!("console {}", config.listen);
            let bound = match had(&name) {
                Some(socket) => console::adopt(config, socket),
                None => runtime.block_on(console::bind(config)),
            };
            let bound = bound.map_err(|e| console_fail(&e))?;
            keep(name, bound.socket());
            console = Some(bound);
        }
        let mut figures = None;
        if let Some(asked) = &wanted.operation.metrics {
            let name = format!("metrics {}", asked.listen);
            let bound = match had(&name) {
                Some(socket) => metrics::adopt(socket),
                None => runtime.block_on(metrics::bind(asked.listen)),
            };
            let failed =
                |e| Fail::new("E0202", format!("cannot listen on {}: {e}", asked.listen)).fix("choose another address below [metrics]");
            let bound = bound.map_err(failed)?;
            keep(name, bound.as_fd().try_clone_to_owned());
            figures = Some(bound);
        }
        Ok(Listeners { gateway, console, metrics: figures, sockets })
    }
}

fn console_fail(error: &console::Error) -> Fail {
    match error {
        console::Error::NotLoopback(_) => Fail::new("E0201", error.to_string().trim_start_matches("E0201 ").to_owned()),
        _ => Fail::new("E0202", error.to_string()).fix("choose another address with --console-listen"),
    }
}

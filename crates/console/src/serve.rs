//! The console's own listener with its own limits: a flaw in the gateway does not expose it, and the gateway never routes to it.

use std::io;
use std::net::SocketAddr;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;

use crate::router::{self, App};
use crate::session::{OneTime, Sessions};
use crate::{Config, Error, Links};

const CONNECTIONS_MAX: usize = 100;
const HEADER_BYTES_MAX: usize = 16 * 1024;
const HEADER_TIME: Duration = Duration::from_secs(10);
/// For open requests when the program ends; live streams are ended at once.
const GRACE: Duration = Duration::from_secs(3);

/// A listener that is bound and not yet served: its address and login link are known before anything else starts.
pub struct Bound {
    listener: TcpListener,
    addr: SocketAddr,
    names: Vec<String>,
    one_time: OneTime,
}

/// Takes the port. Any address but loopback is refused: there is no TLS here yet.
pub async fn bind(config: &Config) -> Result<Bound, Error> {
    if !config.listen.ip().is_loopback() {
        return Err(Error::NotLoopback(config.listen));
    }
    let listener = match TcpListener::bind(config.listen).await {
        Err(e) if e.kind() == io::ErrorKind::AddrInUse && config.port_may_move => {
            TcpListener::bind(SocketAddr::new(config.listen.ip(), 0)).await
        }
        other => other,
    }
    .map_err(|cause| Error::Bind { listen: config.listen, cause })?;
    of(config, listener)
}

/// As [`bind`], with a listening socket that another process handed over.
pub fn adopt(config: &Config, listener: std::net::TcpListener) -> Result<Bound, Error> {
    let failed = |cause| Error::Bind { listen: config.listen, cause };
    listener.set_nonblocking(true).map_err(failed)?;
    of(config, TcpListener::from_std(listener).map_err(failed)?)
}

fn of(config: &Config, listener: TcpListener) -> Result<Bound, Error> {
    let addr = listener.local_addr().map_err(|cause| Error::Bind { listen: config.listen, cause })?;
    let one_time = OneTime::new(Arc::new(Sessions::new()?), addr);
    Ok(Bound { listener, addr, names: config.names.clone(), one_time })
}

impl Bound {
    pub fn local_addr(&self) -> SocketAddr {
        self.addr
    }

    /// The listening socket once more, for whom it is handed over to.
    pub fn socket(&self) -> io::Result<OwnedFd> {
        self.listener.as_fd().try_clone_to_owned()
    }

    /// `http://127.0.0.1:PORT/once/TOKEN`: one use, 15 minutes.
    pub fn link(&self) -> String {
        self.one_time.link()
    }

    /// For further links later.
    pub fn one_time(&self) -> OneTime {
        self.one_time.clone()
    }

    /// Serves until `stop` is done, then ends live streams and waits at most 3 s for what is under way.
    pub async fn serve(self, links: Links, stop: impl Future<Output = ()>) -> Result<(), Error> {
        let (ending, ended) = watch::channel(false);
        let app = Arc::new(App::new(links, self.one_time.sessions, self.addr.port(), self.names, ended));
        let service = TowerToHyperService::new(router::router(app));
        let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
        let mut open = JoinSet::new();
        let mut stop = std::pin::pin!(stop);
        loop {
            while open.try_join_next().is_some() {}
            let place = tokio::select! {
                () = &mut stop => break,
                place = places.clone().acquire_owned() => place,
            };
            let Ok(place) = place else { break };
            let stream = tokio::select! {
                () = &mut stop => break,
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) => stream,
                    // Out of file descriptors, or the client went away: neither ends the console.
                    Err(_) => {
                        tokio::time::sleep(Duration::from_millis(20)).await;
                        continue;
                    }
                },
            };
            let _ = stream.set_nodelay(true);
            let service = service.clone();
            let mut ending = ending.subscribe();
            open.spawn(async move {
                let _place = place;
                let mut connection = std::pin::pin!(
                    http1::Builder::new()
                        .timer(TokioTimer::new())
                        .header_read_timeout(HEADER_TIME)
                        .max_buf_size(HEADER_BYTES_MAX)
                        .serve_connection(TokioIo::new(stream), service)
                );
                tokio::select! {
                    _ = connection.as_mut() => return,
                    _ = ending.wait_for(|over| *over) => connection.as_mut().graceful_shutdown(),
                }
                let _ = connection.await;
            });
        }
        ending.send_replace(true);
        let _ = tokio::time::timeout(GRACE, async { while open.join_next().await.is_some() {} }).await;
        Ok(())
    }
}

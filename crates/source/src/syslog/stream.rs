//! Messages of a connection, with or without TLS. A connection waits while the engine is busy; its sender notices by a full window.

use std::io;
use std::sync::Arc;

use tokio::io::AsyncReadExt;
use tokio::sync::mpsc::Sender;

use super::frame::Frames;
use super::sender;
use crate::listen::{Listener, Wire};
use crate::{Batch, Counters};

const READ_BYTES: usize = 32 << 10;

pub(super) async fn serve(listener: &Listener, name: &Arc<str>, send: Sender<Batch>) -> io::Result<()> {
    let (name, counters, idle) = (Arc::clone(name), Arc::clone(&listener.counters), listener.limits.idle);
    listener
        .serve(move |wire, peer| {
            let (name, counters, send) = (sender(&name, peer.ip()), Arc::clone(&counters), send.clone());
            async move { connection(wire, &name, &counters, idle, &send).await }
        })
        .await
}

async fn connection(mut wire: Box<dyn Wire>, name: &Arc<str>, counters: &Counters, idle: std::time::Duration, send: &Sender<Batch>) {
    let mut frames = Frames::new();
    let mut buffer = vec![0; READ_BYTES];
    loop {
        let read = match tokio::time::timeout(idle, wire.read(&mut buffer)).await {
            Ok(Ok(read)) => read,
            // Reset, or silent for too long: what came before counts.
            Ok(Err(_)) | Err(_) => 0,
        };
        let mut chunk = Batch::of(Arc::clone(name));
        let mut message = |message: &[u8], cut: Option<u64>| chunk.push(message, cut, None);
        let broken = if read == 0 {
            frames.end(&mut message);
            false
        } else {
            frames.push(&buffer[..read], &mut message).is_err()
        };
        if chunk.line_count() > 0 && send.send(chunk).await.is_err() {
            return;
        }
        if broken {
            Counters::add(&counters.broken, 1);
        }
        if broken || read == 0 {
            return;
        }
    }
}

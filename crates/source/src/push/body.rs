//! The body of a request: within its size, its time, its ratio, and within what all requests together may hold.

use std::io::Read;
use std::time::Duration;

use http_body_util::BodyExt;
use hyper::body::{Body, Incoming};

use super::{BODY_BYTES_MAX, Held};
use crate::expand::{Bounds, Expanded};

/// Between two pieces of a body.
const PIECE: Duration = Duration::from_secs(15);
const STEP_BYTES: usize = 64 << 10;
/// What a body may become: logs reach a ratio of 40.
const BOUNDS: Bounds = Bounds { ratio_max: 100, free_bytes: 1 << 20, bytes_max: BODY_BYTES_MAX as u64 };

/// Status and words.
pub(super) type Refused = (u16, &'static str);

const TOO_LONG: Refused = (413, "too much in one request: send at most 16 MiB at once");
const FULL: Refused = (429, "busy: come again");

pub(super) async fn read(mut body: Incoming, encoding: Option<&str>, patience: Duration, held: &mut Held) -> Result<Vec<u8>, Refused> {
    let packed = match encoding.map(str::trim) {
        None | Some("" | "identity") => false,
        Some("gzip" | "x-gzip" | "zstd") => true,
        Some(_) => return Err((415, "unknown Content-Encoding: gzip, zstd or none")),
    };
    if body.size_hint().lower() > BODY_BYTES_MAX as u64 {
        return Err(TOO_LONG);
    }
    let whole = async {
        let mut bytes = Vec::new();
        loop {
            let frame = tokio::time::timeout(PIECE, body.frame()).await.map_err(|_| SLOW)?;
            let Some(frame) = frame else { return Ok(bytes) };
            let frame = frame.map_err(|_| (400, "the body ended early"))?;
            let Some(data) = frame.data_ref() else { continue };
            if bytes.len() + data.len() > BODY_BYTES_MAX {
                return Err(TOO_LONG);
            }
            if !held.grow(data.len()) {
                return Err(FULL);
            }
            bytes.extend_from_slice(data);
        }
    };
    let bytes = tokio::time::timeout(patience, whole).await.map_err(|_| SLOW)??;
    if packed { unpacked(&bytes, held) } else { Ok(bytes) }
}

const SLOW: Refused = (408, "the body came too slowly");

fn unpacked(bytes: &[u8], held: &mut Held) -> Result<Vec<u8>, Refused> {
    let damaged = (400, "the body is no whole gzip or zstd stream");
    let mut expanded = Expanded::new(bytes, BOUNDS).map_err(|_| damaged)?;
    if !expanded.is_archive() {
        return Err(damaged);
    }
    let mut out = Vec::new();
    let mut step = vec![0; STEP_BYTES];
    loop {
        match expanded.read(&mut step) {
            Ok(0) => return Ok(out),
            Ok(read) => {
                if !held.grow(read) {
                    return Err(FULL);
                }
                out.extend_from_slice(&step[..read]);
            }
            Err(_) if expanded.hit().is_some() => return Err((413, "the body unpacks to too much: send at most 16 MiB at once")),
            Err(_) => return Err(damaged),
        }
    }
}

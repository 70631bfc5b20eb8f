//! Handing over: a new process takes the listening sockets of the old one, so that a restart drops no connection.
//!
//! The new process asks through the control socket and gets the sockets (SCM_RIGHTS) with their names. When everything of it that can fail has not
//! failed it asks for the release: the old one stops accepting, brings its log to an end and says so; what connects meanwhile waits in the
//! sockets' queues. Then the new one opens the log, serves, and says so; the old one answers the requests that it has begun, hands their records to
//! the new one, and ends. Should the new one end before it asked for the release, the old one goes on.

use std::io::{BufRead, BufReader, Error, IoSlice, IoSliceMut, Read, Result, Write};
use std::mem::MaybeUninit;
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::Duration;

use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer, SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// Sockets of one process: gateway, console, metrics, sources that listen. The kernel takes 253 at once.
const SOCKETS_MAX: usize = 64;
const NAMES_BYTES_MAX: usize = 16_384;
/// For the log of the old process to come to its end.
pub const RELEASE: Duration = Duration::from_secs(30);
/// For the new process to open what it needs, or to read its log.
pub const READY: Duration = Duration::from_secs(120);

/// A listening socket and what it was asked for: `gateway 0.0.0.0:8080`.
pub struct Socket {
    pub name: String,
    pub socket: OwnedFd,
}

/// What the new process got.
pub struct Taken {
    stream: BufReader<UnixStream>,
    sockets: Vec<Socket>,
}

/// Sends the sockets with their names.
pub fn send(stream: &UnixStream, sockets: &[Socket]) -> Result<()> {
    let names: Vec<&str> = sockets.iter().map(|s| s.name.as_str()).collect();
    let line = format!("{}\n", names.join("\t"));
    let fds: Vec<_> = sockets.iter().map(|s| std::os::fd::AsFd::as_fd(&s.socket)).collect();
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS_MAX))];
    let mut ancillary = SendAncillaryBuffer::new(&mut space);
    if sockets.len() > SOCKETS_MAX
        || line.len() > NAMES_BYTES_MAX
        || !(fds.is_empty() || ancillary.push(SendAncillaryMessage::ScmRights(&fds)))
    {
        return Err(Error::other("too many listening sockets"));
    }
    let sent = sendmsg(stream, &[IoSlice::new(line.as_bytes())], &mut ancillary, SendFlags::NOSIGNAL)?;
    if sent == line.len() { Ok(()) } else { Err(Error::other("the listening sockets were not sent whole")) }
}

/// Asks who serves at `control` for its sockets, which it goes on serving.
pub fn take(control: &Path, ask: &[u8]) -> Result<Taken> {
    let mut stream = UnixStream::connect(control)?;
    stream.set_read_timeout(Some(RELEASE))?;
    stream.set_write_timeout(Some(RELEASE))?;
    stream.write_all(ask)?;
    let mut bytes = [0; NAMES_BYTES_MAX];
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(SOCKETS_MAX))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let got = recvmsg(&stream, &mut [IoSliceMut::new(&mut bytes)], &mut ancillary, RecvFlags::CMSG_CLOEXEC)?;
    let mut fds = Vec::new();
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(more) = message {
            fds.extend(more);
        }
    }
    let text = String::from_utf8_lossy(&bytes[..got.bytes]).into_owned();
    let first = text.strip_suffix('\n').ok_or_else(|| Error::other("the old process ended"))?;
    let names: Vec<&str> = first.split('\t').filter(|n| !n.is_empty()).collect();
    if first.starts_with('{') || names.len() != fds.len() {
        return Err(Error::other(format!("the old process refused: {first}")));
    }
    let sockets = names.into_iter().zip(fds).map(|(name, socket)| Socket { name: name.to_owned(), socket }).collect();
    Ok(Taken { stream: BufReader::new(stream), sockets })
}

impl Taken {
    /// The socket of that name: another address than before is another name.
    pub fn socket(&mut self, name: &str) -> Option<TcpListener> {
        let at = self.sockets.iter().position(|s| s.name == name)?;
        Some(self.sockets.remove(at).socket.into())
    }

    /// What nobody has asked for yet.
    pub fn rest(&mut self) -> Vec<Socket> {
        std::mem::take(&mut self.sockets)
    }

    /// Asks the old process to stop accepting and waits until its log is free.
    pub fn release(&mut self) -> Result<()> {
        self.stream.get_mut().write_all(b"release\n")?;
        let mut line = String::new();
        self.stream.by_ref().take(64).read_line(&mut line)?;
        if line.trim() == "released" { Ok(()) } else { Err(Error::other("the old process did not bring its log to an end")) }
    }

    /// Says that this process serves.
    pub fn ready(mut self) -> Result<()> {
        self.stream.get_mut().write_all(b"ready\n")
    }
}

/// Waits in the old process until the new one says `word`; false when it does not.
pub fn waits_for(stream: &UnixStream, word: &str) -> bool {
    let mut line = String::new();
    let waits = stream.set_read_timeout(Some(READY)).is_ok();
    waits && BufReader::new(stream).take(64).read_line(&mut line).is_ok() && line.trim() == word
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listening_socket_changes_hands_and_keeps_who_waits_in_it() {
        let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
        let addr = listener.local_addr().expect("an address");
        let dir = tempfile::tempdir().expect("a folder");
        let at = dir.path().join("control.sock");
        let control = std::os::unix::net::UnixListener::bind(&at).expect("a socket");
        let old = std::thread::spawn(move || {
            let (stream, _) = control.accept().expect("asked");
            let mut line = String::new();
            BufReader::new(&stream).read_line(&mut line).expect("a line");
            assert_eq!(line, "\"take_over\"\n");
            send(&stream, &[Socket { name: "gateway here".into(), socket: listener.into() }]).expect("sent");
            assert!(waits_for(&stream, "release"));
            (&stream).write_all(b"released\n").expect("written");
            assert!(waits_for(&stream, "ready"));
        });
        let mut taken = take(&at, b"\"take_over\"\n").expect("taken");
        assert!(taken.socket("console").is_none());
        let mut client = std::net::TcpStream::connect(addr).expect("it waits in the queue");
        client.write_all(b"x").expect("sent");
        let mine = taken.socket("gateway here").expect("the socket");
        taken.release().expect("released");
        taken.ready().expect("said");
        old.join().expect("the old one ended");
        let (mut stream, _) = mine.accept().expect("the client that waited");
        let mut byte = [0];
        stream.read_exact(&mut byte).expect("its byte");
        assert_eq!(&byte, b"x");
    }

    #[test]
    fn a_refusal_is_told() {
        let dir = tempfile::tempdir().expect("a folder");
        let at = dir.path().join("control.sock");
        let control = std::os::unix::net::UnixListener::bind(&at).expect("a socket");
        let old = std::thread::spawn(move || {
            let (mut stream, _) = control.accept().expect("asked");
            BufReader::new(&stream).read_line(&mut String::new()).expect("a line");
            stream.write_all(b"{\"error\":\"nobody asked for a restart\"}\n").expect("written");
        });
        let refused = take(&at, b"\"take_over\"\n").err().expect("refused").to_string();
        assert!(refused.contains("nobody asked"), "{refused}");
        old.join().expect("ended");
    }
}

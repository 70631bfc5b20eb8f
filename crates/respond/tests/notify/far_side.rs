//! Far sides on loopback: an HTTP server and an SMTP server that do what a test says and keep what came.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};

pub(crate) struct FarSide {
    pub(crate) address: SocketAddr,
    pub(crate) came: Receiver<String>,
}

/// Answers one request a connection with `answer(n)`, counted from 0.
pub(crate) fn http(answer: impl Fn(usize) -> String + Send + 'static) -> FarSide {
    serve(move |mut socket, n| {
        let request = read_request(&mut socket);
        let _ = socket.write_all(answer(n).as_bytes());
        request
    })
}

pub(crate) fn serve(one: impl Fn(TcpStream, usize) -> String + Send + 'static) -> FarSide {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let (send, came) = channel();
    std::thread::spawn(move || {
        for (n, socket) in listener.incoming().enumerate() {
            let Ok(socket) = socket else { return };
            if send.send(one(socket, n)).is_err() {
                return;
            }
        }
    });
    FarSide { address, came }
}

fn read_request(socket: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let mut buffer = [0_u8; 4096];
    loop {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = head.lines().find_map(|l| l.strip_prefix("Content-Length: ")).and_then(|n| n.parse::<usize>().ok()).unwrap_or(0);
            if body.len() >= length {
                return text;
            }
        }
        match socket.read(&mut buffer) {
            Ok(0) | Err(_) => return text,
            Ok(n) => bytes.extend_from_slice(&buffer[..n]),
        }
    }
}

/// Speaks SMTP with PLAIN; `refuses` is a recipient that it does not know. Gives the whole talk.
pub(crate) fn smtp(refuses: &'static str) -> FarSide {
    serve(move |socket, _| {
        let mut out = socket.try_clone().expect("a socket");
        let mut talk = String::new();
        let mut lines = BufReader::new(socket).lines();
        let _ = out.write_all(b"220 far side\r\n");
        let mut in_mail = false;
        while let Some(Ok(line)) = lines.next() {
            talk.push_str(&line);
            talk.push('\n');
            let answer: &[u8] = match line.as_str() {
                "." => {
                    in_mail = false;
                    b"250 2.0.0 queued as 4711\r\n"
                }
                _ if in_mail => continue,
                "DATA" => {
                    in_mail = true;
                    b"354 go on\r\n"
                }
                "QUIT" => b"221 bye\r\n",
                _ if line.starts_with("EHLO") => b"250-far side\r\n250-AUTH LOGIN PLAIN\r\n250 8BITMIME\r\n",
                _ if line.starts_with("AUTH") => b"235 in\r\n",
                _ if !refuses.is_empty() && line.contains(refuses) => b"550 5.1.1 nobody of that name\r\n",
                _ => b"250 fine\r\n",
            };
            let _ = out.write_all(answer);
        }
        talk
    })
}

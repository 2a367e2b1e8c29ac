//! The client of the measurements: connections that stay open, requests written by hand, one at a time.
//!
//! Why not the client that the rest of the program uses: it would take more of the two cores than the server does.

use std::{fmt::Write as _, net::SocketAddr};

use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};

/// Who asks, and from where: the lines of a request's head that stay the same.
#[derive(Clone, Debug)]
pub(super) struct Caller {
    head: String,
}

impl Caller {
    /// A gateway.
    pub(super) fn gateway(key: &str, address: &str) -> Caller {
        Caller {
            head: format!("authorization: Bearer {key}\r\nx-forwarded-for: {address}\r\n"),
        }
    }

    /// A member who has signed in.
    pub(super) fn member(secret: &str, address: &str) -> Caller {
        Caller {
            head: format!("cookie: potluck_session={secret}\r\nx-forwarded-for: {address}\r\n"),
        }
    }

    /// An operator who has signed in.
    pub(super) fn operator(secret: &str) -> Caller {
        Caller {
            head: format!("cookie: potluck_operator={secret}\r\n"),
        }
    }

    /// Nobody in particular.
    pub(super) fn nobody() -> Caller {
        Caller {
            head: String::new(),
        }
    }
}

/// An answer.
#[derive(Debug)]
pub(super) struct Answer<'a> {
    pub(super) status: u16,
    pub(super) body: &'a [u8],
}

impl Answer<'_> {
    pub(super) fn json(&self) -> Result<serde_json::Value, String> {
        serde_json::from_slice(self.body).map_err(|error| format!("{error}: {self}"))
    }
}

impl std::fmt::Display for Answer<'_> {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body = String::from_utf8_lossy(self.body);
        let shown: String = body.chars().take(300).collect();
        write!(out, "{} {shown}", self.status)
    }
}

/// One connection.
#[derive(Debug)]
pub(super) struct Connection {
    stream: TcpStream,
    out: String,
    inbox: Vec<u8>,
}

impl Connection {
    pub(super) async fn open(address: SocketAddr) -> Result<Connection, String> {
        let stream = TcpStream::connect(address)
            .await
            .map_err(|error| format!("{address}: {error}"))?;
        stream
            .set_nodelay(true)
            .map_err(|error| error.to_string())?;
        Ok(Connection {
            stream,
            out: String::new(),
            inbox: Vec::with_capacity(64 * 1024),
        })
    }

    /// Sends a write with this idempotency key and waits for its answer.
    pub(super) async fn post(
        &mut self,
        path: &str,
        caller: &Caller,
        key: u64,
        body: &str,
    ) -> Result<Answer<'_>, String> {
        self.out.clear();
        let written = write!(
            self.out,
            "POST {path} HTTP/1.1\r\nhost: bench\r\n{}idempotency-key: bench-{key}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            caller.head,
            body.len()
        );
        written.map_err(|error| error.to_string())?;
        self.exchange().await
    }

    /// Asks for something and waits for the answer.
    pub(super) async fn get(&mut self, path: &str, caller: &Caller) -> Result<Answer<'_>, String> {
        self.out.clear();
        let written = write!(
            self.out,
            "GET {path} HTTP/1.1\r\nhost: bench\r\n{}\r\n",
            caller.head
        );
        written.map_err(|error| error.to_string())?;
        self.exchange().await
    }

    async fn exchange(&mut self) -> Result<Answer<'_>, String> {
        self.stream
            .write_all(self.out.as_bytes())
            .await
            .map_err(|error| error.to_string())?;
        self.inbox.clear();
        let (status, head, length) = loop {
            self.more().await?;
            if let Some(head) = head_of(&self.inbox)? {
                break head;
            }
        };
        while self.inbox.len() < head + length {
            self.more().await?;
        }
        let body = self.inbox.get(head..).unwrap_or_default();
        Ok(Answer { status, body })
    }

    async fn more(&mut self) -> Result<(), String> {
        match self.stream.read_buf(&mut self.inbox).await {
            Ok(0) => Err("the server has closed the connection".to_owned()),
            Ok(_) => Ok(()),
            Err(error) => Err(error.to_string()),
        }
    }
}

/// Status, bytes of the head, and bytes of the body; none until the head is whole.
fn head_of(bytes: &[u8]) -> Result<Option<(u16, usize, usize)>, String> {
    let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = bytes.get(..end).unwrap_or_default();
    let head = std::str::from_utf8(head).map_err(|error| error.to_string())?;
    let status = head.get(9..12).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| format!("no answer of HTTP: {head}"))?;
    let length = head
        .split("\r\n")
        .find_map(|line| line.strip_prefix("content-length: "));
    let length = match length {
        Some(length) => length.parse().map_err(|_| format!("no length: {length}"))?,
        None if status == 204 => 0,
        None => return Err(format!("an answer without its length: {head}")),
    };
    Ok(Some((status, end + 4, length)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_is_read_when_it_is_whole() {
        let whole = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}";
        assert_eq!(head_of(&whole[..20]), Ok(None));
        assert_eq!(head_of(whole), Ok(Some((200, 38, 2))));
        assert_eq!(
            head_of(b"HTTP/1.1 204 No Content\r\n\r\n"),
            Ok(Some((204, 27, 0)))
        );
        assert!(head_of(b"HTTP/1.1 200 OK\r\n\r\n").is_err());
    }
}

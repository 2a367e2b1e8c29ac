//! As much of HTTP/1.1 as the targets need: whole messages over a blocking connection that is kept.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Longest wait for an answer; longer is a finding, too.
const PATIENCE: Duration = Duration::from_secs(20);

/// An answer.
#[derive(Clone, Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Names in lower case.
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    /// Whether it has no end; its body was not read.
    pub(crate) endless: bool,
}

impl Answer {
    /// A header's value; empty where there is none.
    pub(crate) fn header(&self, name: &str) -> &str {
        let found = self.headers.iter().find(|(found, _)| found == name);
        found.map_or("", |(_, value)| value)
    }

    /// Its body as JSON; null where it is none.
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap_or_default()
    }
}

/// A connection to one address, made anew when it has ended.
pub(crate) struct Line {
    to: SocketAddr,
    open: Option<BufReader<TcpStream>>,
}

impl Line {
    pub(crate) fn new(to: SocketAddr) -> Line {
        Line { to, open: None }
    }

    /// Sends a whole request and reads its answer. `head` is the first line and the headers, without the last empty
    /// line; the length of the body is added.
    pub(crate) fn ask(&mut self, head: &[u8], body: &[u8]) -> Answer {
        let mut message = head.to_vec();
        message.extend(
            format!(
                "host: {}\r\ncontent-length: {}\r\n\r\n",
                self.to,
                body.len()
            )
            .into_bytes(),
        );
        message.extend(body);
        // A kept connection may have ended meanwhile; a new one must answer.
        if let Some(open) = self.open.take()
            && let Ok(answer) = self.over(open, &message, head)
        {
            return answer;
        }
        let stream = TcpStream::connect(self.to).expect("the server listens");
        stream.set_nodelay(true).expect("a socket's option");
        stream
            .set_read_timeout(Some(PATIENCE))
            .expect("a socket's option");
        match self.over(BufReader::new(stream), &message, head) {
            Ok(answer) => answer,
            Err(error) => panic!(
                "no answer to {}: {error}",
                String::from_utf8_lossy(&message)
            ),
        }
    }

    fn over(
        &mut self,
        mut open: BufReader<TcpStream>,
        message: &[u8],
        head: &[u8],
    ) -> std::io::Result<Answer> {
        open.get_mut().write_all(message)?;
        let mut answer = read_head(&mut open)?;
        let has_none = head.starts_with(b"HEAD ") || matches!(answer.status, 204 | 304);
        let mut is_kept = !answer.header("connection").eq_ignore_ascii_case("close");
        if answer
            .header("content-type")
            .starts_with("text/event-stream")
        {
            (answer.endless, is_kept) = (true, false);
        } else if !has_none {
            answer.body = read_body(&mut open, &answer)?;
        }
        self.open = is_kept.then_some(open);
        Ok(answer)
    }
}

fn read_head(open: &mut BufReader<TcpStream>) -> std::io::Result<Answer> {
    let first = line(open)?;
    let status = first
        .split(' ')
        .nth(1)
        .and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| std::io::Error::other(format!("no status: {first:?}")))?;
    let mut headers = Vec::new();
    loop {
        let line = line(open)?;
        match line.split_once(": ") {
            Some((name, value)) => headers.push((name.to_ascii_lowercase(), value.to_owned())),
            None => break,
        }
    }
    Ok(Answer {
        status,
        headers,
        body: Vec::new(),
        endless: false,
    })
}

fn read_body(open: &mut BufReader<TcpStream>, answer: &Answer) -> std::io::Result<Vec<u8>> {
    let mut body = Vec::new();
    if answer.header("transfer-encoding") == "chunked" {
        loop {
            let length = line(open)?;
            let length = u64::from_str_radix(&length, 16).map_err(std::io::Error::other)?;
            open.take(length).read_to_end(&mut body)?;
            line(open)?;
            if length == 0 {
                return Ok(body);
            }
        }
    }
    let length = answer
        .header("content-length")
        .parse()
        .map_err(std::io::Error::other)?;
    open.take(length).read_to_end(&mut body)?;
    Ok(body)
}

fn line(open: &mut BufReader<TcpStream>) -> std::io::Result<String> {
    let mut line = Vec::new();
    if open.read_until(b'\n', &mut line)? == 0 {
        return Err(std::io::ErrorKind::UnexpectedEof.into());
    }
    Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
}

//! A payment provider whose book is arithmetic: the number of a payment says what it is, so that nothing is looked up.
//!
//! Why a stand-in: a real provider's work is done on its own machines. This one speaks the same interface over HTTP, for
//! the calls that gateways' joins and the opening of groups need, and costs as little as can be.

use std::{fmt::Write as _, net::SocketAddr};

use serde::Deserialize;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

use super::site::{GROUPS_EACH, MERCHANT, PRICE_FEN};

/// A payment's number: `group.member`.
pub(super) fn txn(out: &mut String, group: u64, member: u32) {
    // Writing to a string cannot fail.
    let _ = write!(out, "{group}.{member}");
}

/// Serves on a thread of its own until the process ends.
pub(super) fn spawn() -> Result<SocketAddr, String> {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").map_err(|error| error.to_string())?;
    let address = listener.local_addr().map_err(|error| error.to_string())?;
    listener
        .set_nonblocking(true)
        .map_err(|error| error.to_string())?;
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(|error| error.to_string())?;
    let serving = move || {
        runtime.block_on(async move {
            let listener = TcpListener::from_std(listener)?;
            loop {
                let (stream, _) = listener.accept().await?;
                stream.set_nodelay(true)?;
                tokio::spawn(async move { drop(answer(stream).await) });
            }
        })
    };
    std::thread::Builder::new()
        .name("provider".to_owned())
        .spawn(move || -> std::io::Result<()> { serving() })
        .map_err(|error| error.to_string())?;
    Ok(address)
}

async fn answer(mut stream: TcpStream) -> std::io::Result<()> {
    let mut inbox = Vec::with_capacity(64 * 1024);
    let mut out = String::new();
    loop {
        let end = loop {
            if let Some(end) = inbox.windows(4).position(|four| four == b"\r\n\r\n") {
                break end + 4;
            }
            if stream.read_buf(&mut inbox).await? == 0 {
                return Ok(());
            }
        };
        let head = String::from_utf8_lossy(&inbox[..end]).into_owned();
        let length = head
            .split("\r\n")
            .find_map(|line| line.strip_prefix("content-length: "))
            .and_then(|length| length.parse::<usize>().ok())
            .unwrap_or(0);
        while inbox.len() < end + length {
            if stream.read_buf(&mut inbox).await? == 0 {
                return Ok(());
            }
        }
        let target = head.split(' ').nth(1).unwrap_or_default();
        let body = reply(target, &inbox[end..end + length]);
        out.clear();
        let status = if body.is_some() {
            "200 OK"
        } else {
            "404 Not Found"
        };
        let body = body.unwrap_or_else(|| NOT_FOUND.to_owned());
        let _ = write!(
            out,
            "HTTP/1.1 {status}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        );
        stream.write_all(out.as_bytes()).await?;
        inbox.drain(..end + length);
    }
}

const NOT_FOUND: &str = r#"{"code":"not_found","message":"no such thing"}"#;

#[derive(Deserialize)]
struct Asked<'a> {
    #[serde(borrow)]
    txn_ids: Vec<&'a str>,
}

#[derive(Deserialize)]
struct Ordered<'a> {
    order_no: &'a str,
}

fn reply(target: &str, body: &[u8]) -> Option<String> {
    if target == "/v1/transactions/query" {
        let asked: Asked<'_> = serde_json::from_slice(body).ok()?;
        let mut out = String::with_capacity(asked.txn_ids.len() * 220);
        out.push_str("{\"transactions\":[");
        for (at, txn_id) in asked.txn_ids.iter().enumerate() {
            if 0 < at {
                out.push(',');
            }
            let (group, member) = txn_id.split_once('.')?;
            transaction(&mut out, txn_id, "g", (group, member));
        }
        out.push_str("]}");
        return Some(out);
    }
    if target == "/v1/orders" {
        let Ordered { order_no } = serde_json::from_slice(body).ok()?;
        let page = format!("{{\"order_no\":\"{order_no}\",\"page_url\":\"http://nowhere/\"}}");
        return Some(page);
    }
    // A group's leader has paid as soon as he is asked about.
    let order_no = target.strip_prefix("/v1/orders/")?;
    let (group, _) = order_no.split_once('-')?;
    let leader = group.parse::<usize>().ok()? / GROUPS_EACH;
    let mut out = String::from("{\"status\":\"paid\",\"transactions\":[");
    let attach = (group, &*leader.to_string());
    transaction(&mut out, &format!("L{order_no}"), order_no, attach);
    out.push_str("]}");
    Some(out)
}

fn transaction(out: &mut String, txn_id: &str, order_no: &str, (group, member): (&str, &str)) {
    let _ = write!(
        out,
        "{{\"txn_id\":\"{txn_id}\",\"order_no\":\"{order_no}\",\"merchant_id\":\"{MERCHANT}\",\
         \"amount_fen\":{PRICE_FEN},\"paid_at_ms\":1795366800000,\"refunded_fen\":0,\
         \"attach\":\"{{\\\"group\\\":\\\"{group}\\\",\\\"member\\\":\\\"{member}\\\"}}\"}}"
    );
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_is_paid_by_the_member_who_opened_it() {
        let last_of_first = GROUPS_EACH - 1;
        for (group, leader) in [(0, 0), (last_of_first, 0), (GROUPS_EACH, 1)] {
            let answer = reply(&format!("/v1/orders/{group}-0"), b"").unwrap();
            let answer: serde_json::Value = serde_json::from_str(&answer).unwrap();
            let attach = answer["transactions"][0]["attach"].as_str().unwrap();
            assert_eq!(
                attach,
                format!("{{\"group\":\"{group}\",\"member\":\"{leader}\"}}")
            );
        }
    }
}

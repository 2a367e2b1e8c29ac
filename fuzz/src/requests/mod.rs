//! Requests to the whole server: the real router behind real connections, with journal, views, directory and a
//! provider, all in this process.
//!
//! An input is up to [`MOST_REQUESTS`] requests with a zero byte between them, in a form of text of which little can be
//! wrong, so that much of what the fuzzer makes is a request:
//!
//! ```text
//! POST m /groups/$g/seats key
//! name: value
//!
//! {"via":null}
//! ```
//!
//! The first line is method, who asks (`m` and `n` members, `o` the operator, `g` a gateway, `s` a session that is over,
//! else nobody), address and idempotency key (`-` for none); then headers, and after an empty line the body. `$` with a
//! letter stands for something that an answer has named (see [`site::Site::learn`]), `$k` for a new key. `PAY - ORDER` pays at the provider,
//! `WAIT - SECONDS` moves the clock.
//!
//! Never a fault of ours, every refusal in the one shape of problems, and books that balance. The server lives on from
//! one input to the next, so that it gets somewhere; it is made anew after [`site::INPUTS_OF_A_SITE`].

mod site;
mod text;

use std::cell::RefCell;

use crate::corpus;
use crate::wire::Answer;
use site::Site;
use text::Asked;

/// Most requests of one input.
const MOST_REQUESTS: usize = 12;
/// How often, in inputs, the books are looked at.
const BOOKS_EVERY: u32 = 16;

thread_local! {
    static SITE: RefCell<Option<Site>> = const { RefCell::new(None) };
}

/// Plants requests to every address, and stories that get to a draw and to an order's end.
pub fn begin() {
    site::sweep();
    // What a fault of ours is stands in the log.
    tracing_subscriber::fmt()
        .with_max_level(tracing_subscriber::filter::LevelFilter::ERROR)
        .with_writer(std::io::stderr)
        .init();
    corpus::plant("requests", text::seeds());
}

/// Sends the requests, one after the other.
pub fn check(data: &[u8]) {
    SITE.with_borrow_mut(|place| {
        let site = place.get_or_insert_with(Site::open);
        for text in data.split(|byte| *byte == 0).take(MOST_REQUESTS) {
            // Read one by one: an answer may have named what the next request stands for.
            if let Some(asked) = site.read(text) {
                one(site, &asked);
            }
        }
        site.inputs += 1;
        if site.inputs.is_multiple_of(BOOKS_EVERY) {
            site.books_balance();
        }
        if site::INPUTS_OF_A_SITE <= site.inputs {
            site.books_balance();
            if let Some(site) = place.take() {
                site.close();
            }
        }
    });
}

fn one(site: &mut Site, asked: &Asked) {
    match asked.method.as_str() {
        "PAY" => site.pay(&asked.path),
        "WAIT" => site.wait(&asked.path),
        _ => {
            let answer = site.send(asked);
            well_answered(asked, &answer);
            site.learn(&answer.json());
        }
    }
}

/// The shape of every answer.
fn well_answered(asked: &Asked, answer: &Answer) {
    let told = || {
        let said = String::from_utf8_lossy(&answer.body);
        format!(
            "{asked}\nis answered {} {:?}\n{said}",
            answer.status, answer.headers
        )
    };
    let kind = answer.header("content-type");
    let is_readable = asked.method != "HEAD" && answer.header("content-encoding").is_empty();
    // What is no HTTP is refused before it reaches the router.
    let is_no_http =
        matches!(answer.status, 400 | 414 | 431) && kind.is_empty() && answer.body.is_empty();
    if answer.status < 400 || is_no_http {
        let is_json = kind.starts_with("application/json") && is_readable;
        assert!(
            !is_json || answer.json().is_object() || answer.json().is_array(),
            "{}",
            told()
        );
        return;
    }
    assert!(answer.status < 500 || answer.status == 503, "{}", told());
    assert_eq!(kind, "application/problem+json", "{}", told());
    if !is_readable {
        return;
    }
    let problem = answer.json();
    let code = problem["code"].as_str().unwrap_or_default();
    assert!(!code.is_empty() && code != "stopped", "{}", told());
    assert_eq!(problem["status"], answer.status, "{}", told());
    assert_eq!(
        problem["type"],
        format!("urn:potluck:problem:{code}"),
        "{}",
        told()
    );
    assert!(
        problem["title"].is_string() && problem["detail"].is_string(),
        "{}",
        told()
    );
}

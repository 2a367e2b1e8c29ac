//! The text form of requests, and the seeds in it.

use std::collections::BTreeMap;
use std::fmt::{Display, Formatter};

/// Headers that say how a message is framed: with them an input could be taken for several requests.
const FRAMING: [&str; 8] = [
    "connection",
    "content-length",
    "expect",
    "host",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];
/// Most headers of a request.
const MOST_HEADERS: usize = 20;

/// One request, as it is to be sent.
#[derive(Clone, Debug)]
pub(crate) struct Asked {
    pub(crate) method: String,
    pub(crate) who: u8,
    pub(crate) path: String,
    pub(crate) key: Option<Vec<u8>>,
    pub(crate) headers: Vec<(String, Vec<u8>)>,
    pub(crate) body: Vec<u8>,
}

impl Asked {
    /// Reads one request; what stands for something is replaced by what was last named so.
    pub(crate) fn read(text: &[u8], named: &BTreeMap<u8, String>) -> Option<Asked> {
        let text = fill_in(text, named);
        let mut rest = text.as_slice();
        let first = cut(&mut rest);
        let mut words = first.split(|byte| *byte == b' ');
        let method = String::from_utf8_lossy(words.next()?).into_owned();
        let is_method = (1..=10).contains(&method.len())
            && method.bytes().all(|byte| byte.is_ascii_uppercase())
            && method != "CONNECT";
        let who = words.next()?.first().copied().unwrap_or(b'-');
        let path = escaped(words.next()?);
        let key = words.next().filter(|key| *key != b"-").map(visible);
        let mut headers = Vec::new();
        while !rest.is_empty() {
            let line = cut(&mut rest);
            if line.is_empty() {
                break;
            }
            headers.extend(header(line));
        }
        headers.truncate(MOST_HEADERS);
        Some(Asked {
            method: if is_method { method } else { "POST".to_owned() },
            who,
            path,
            key,
            headers,
            body: rest.to_vec(),
        })
    }

    /// Whether it has a header of this name.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.headers
            .iter()
            .any(|(found, _)| found.eq_ignore_ascii_case(name))
    }
}

impl Display for Asked {
    fn fmt(&self, out: &mut Formatter<'_>) -> std::fmt::Result {
        let shown = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let key = self.key.as_deref().map(shown);
        writeln!(
            out,
            "{} by {:?} {} key {key:?}",
            self.method,
            char::from(self.who),
            self.path
        )?;
        for (name, value) in &self.headers {
            writeln!(out, "{name}: {}", shown(value))?;
        }
        write!(out, "{}", shown(&self.body))
    }
}

fn fill_in(text: &[u8], named: &BTreeMap<u8, String>) -> Vec<u8> {
    let mut filled = Vec::with_capacity(text.len());
    let mut bytes = text.iter().copied().peekable();
    while let Some(byte) = bytes.next() {
        match bytes.peek().and_then(|next| named.get(next)) {
            Some(name) if byte == b'$' => {
                filled.extend(name.bytes());
                bytes.next();
            }
            Some(_) | None => filled.push(byte),
        }
    }
    filled
}

/// Takes the next line off the front.
fn cut<'a>(rest: &mut &'a [u8]) -> &'a [u8] {
    let (line, left) = match rest.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&rest[..end], &rest[end + 1..]),
        None => (*rest, &rest[rest.len()..]),
    };
    *rest = left;
    line
}

/// An address that ends where it should: what is not visible is escaped.
fn escaped(path: &[u8]) -> String {
    let byte = |byte: &u8| match byte {
        0x21..=0x7e => char::from(*byte).to_string(),
        other => format!("%{other:02X}"),
    };
    path.iter().map(byte).collect()
}

/// A header's value that ends where it should.
fn visible(value: &[u8]) -> Vec<u8> {
    value
        .iter()
        .copied()
        .filter(|byte| b' ' <= *byte && *byte != 0x7f)
        .collect()
}

fn header(line: &[u8]) -> Option<(String, Vec<u8>)> {
    let colon = line.iter().position(|byte| *byte == b':')?;
    let name = std::str::from_utf8(&line[..colon]).ok()?;
    let is_name = !name.is_empty()
        && name
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
    let is_framing = FRAMING.contains(&name.to_ascii_lowercase().as_str());
    (is_name && !is_framing).then(|| {
        (
            name.to_owned(),
            visible(line[colon + 1..].trim_ascii_start()),
        )
    })
}

/// A campaign of two seats.
pub(crate) const CAMPAIGN: &str = r#"{"name":{"zh":"小团","en":"Small"},"kind":"draw","profile":"seed","product":{"title":{"zh":"茶","en":"Tea"},"cost":"2.00"},"group":{"price":"10.00","seats":2,"winners":1,"fill_within":"24h","payment_window":"5m"},"reward":[{"program":"consolation","cash":"1.00","coins":"1.00"}]}"#;

/// A whole group, from its opening to the end of the winner's order.
const STORY: [&str; 11] = [
    "POST m /campaigns/$c/groups $k\n\n{}",
    "PAY - $p",
    "GET m /payments/$p -",
    "POST n /groups/$g/seats $k\n\n{}",
    "PAY - $p",
    "GET n /payments/$p -",
    "WAIT - 20",
    "GET - /groups/$g/draw -",
    "GET o /console/orders -",
    "POST o /orders/$o/ship $k\n\n{\"carrier\":\"a\",\"number\":\"b\"}",
    "POST m /orders/$o/receive $k\n\n{}",
];

/// What else can be asked.
const ALONE: [&str; 47] = [
    "POST - /sign-in/codes $k\n\n{\"phone\":\"13800009999\"}",
    "POST - /sign-in $k\n\n{\"phone\":\"13800009999\",\"code\":\"000000\",\"invite\":\"$i\"}",
    "POST s /sign-out $k\n\n{}",
    "GET m /me -",
    "GET m /me/groups?limit=3&cursor=$n -",
    "GET m /me/wallet/lines?account=available&limit=2 -",
    "GET m /me/orders?limit=1 -",
    "POST m /groups/$g/leave $k\n\n{}",
    "POST m /groups/$g/seats $k\norigin: http://elsewhere.example\n\n{\"via\":\"$i\"}",
    "GET - /campaigns?limit=2&at_least=$q -",
    "GET - /campaigns/$c -",
    "GET - /campaigns/$c/published -",
    "GET - /campaigns/$c/groups?state=open&limit=5 -",
    "GET - /groups/$g -",
    "GET n /groups/$g -",
    "GET - /groups/$g/events -\naccept: text/event-stream\n",
    "GET m /payments/$p -",
    "GET - /groups/$g/draw/open -",
    "GET - /groups/$g/draw/seats -",
    "GET - /groups/$g/draw/freeze -",
    "GET - /groups/$g/draw/result -",
    "GET - /groups/$g/draw/void -",
    "POST - /draws/1/signature $k\n\n{\"source\":\"local\",\"signature\":\"00\"}",
    "POST - /operator/sign-in $k\n\n{\"name\":\"boss\",\"password\":\"x\"}",
    "POST s /operator/sign-out $k\n\n{}",
    "GET o /operator/me -",
    "GET o /console/groups?state=open -",
    "GET o /books -",
    "POST o /capital $k\n\n{\"amount\":\"1.00\",\"reason\":\"b\"}",
    "GET o /ledger?account=escrow&holder=0&limit=9 -",
    "GET o /console/members?limit=2 -",
    "POST o /groups/$g/cancel $k\n\n{\"reason\":\"b\"}",
    "POST g /joins -\n\n{\"items\":[{\"group\":\"$g\",\"member\":\"2\",\"via\":\"0\",\"txn\":\"$t\"}]}",
    "POST g /joins $k\n\n{\"items\":[{\"group\":\"$g\",\"member\":\"2\",\"txn\":\"$t\"}]}",
    "POST g /gateway/members $k\n\n{\"items\":[{\"token\":\"00000000000000000000000000000000\",\"inviter\":\"0\"}]}",
    "POST - /channels/notify -\npay-timestamp: 1700000000\npay-nonce: n\npay-signature: 00\n\n{\"event\":\"transaction.success\",\"merchant_id\":\"m1\",\"order_no\":\"$p\",\"txn_id\":\"$t\",\"amount_fen\":1000,\"attach\":\"\",\"paid_at_ms\":1}",
    "GET - /beacon/info -",
    "GET - /beacon/file -",
    "GET - /beacon/public/latest -",
    "GET - /beacon/public/7 -",
    "GET - /demo/inbox?phone=13800009999 -",
    "GET - /demo -",
    "GET - /platform -",
    "GET - !/healthz -",
    "GET - !/readyz -",
    "GET - !/metrics -",
    "GET - !/assets/../index.html -\nif-none-match: \"00\"\naccept-encoding: gzip\n",
];

/// Every request alone, with the campaign's files, and the story whole and in two halves.
pub(crate) fn seeds() -> Vec<Vec<u8>> {
    let mut seeds: Vec<String> = ALONE.map(str::to_owned).to_vec();
    seeds.extend(
        ["/campaigns/check", "/campaigns?reason=b"]
            .map(|path| format!("POST o {path} $k\n\n{CAMPAIGN}")),
    );
    let (first, second) = STORY.split_at(6);
    seeds.extend([STORY.join("\0"), first.join("\0"), second.join("\0")]);
    seeds.push([STORY[0], ALONE[7], ALONE[31]].join("\0"));
    seeds.into_iter().map(String::into_bytes).collect()
}

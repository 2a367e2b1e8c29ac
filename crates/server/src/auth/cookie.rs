//! Session cookies.

use axum::http::{HeaderMap, HeaderValue, header};

use crate::http::{Problem, Result};

/// The cookie of a member's session.
pub(crate) const MEMBER_COOKIE: &str = "potluck_session";
/// The cookie of an operator's session.
pub(crate) const OPERATOR_COOKIE: &str = "potluck_operator";

/// A cookie to set or clear.
pub(crate) struct Cookie {
    pub(crate) name: &'static str,
    /// The secret in hex; none clears it.
    pub(crate) secret: Option<String>,
    pub(crate) lifetime_s: i64,
}

impl Cookie {
    /// The `Set-Cookie` header: not readable by scripts, not sent from other sites' forms, over TLS only where the
    /// platform is reached by TLS.
    pub(crate) fn header(&self, base_url: &str) -> HeaderValue {
        let secure = if base_url.starts_with("https:") {
            "; Secure"
        } else {
            ""
        };
        let (secret, age) = match &self.secret {
            Some(secret) => (secret.as_str(), self.lifetime_s),
            None => ("", 0),
        };
        let text = format!(
            "{}={secret}; Path=/; Max-Age={age}; HttpOnly; SameSite=Lax{secure}",
            self.name
        );
        HeaderValue::from_str(&text).unwrap_or(HeaderValue::from_static(""))
    }
}

/// The value of a cookie, if it looks like one of ours: 64 hex digits.
pub(crate) fn cookie_of<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let pairs = headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok());
    pairs.flat_map(|line| line.split(';')).find_map(|pair| {
        let (found, value) = pair.trim().split_once('=')?;
        let ours = value.len() == 64 && value.bytes().all(|byte| byte.is_ascii_hexdigit());
        (found == name && ours).then_some(value)
    })
}

/// Refuses a write that another site's page makes a browser send: 403 where `Origin` is there and not ours.
pub(crate) fn own_origin(headers: &HeaderMap, base_url: &str) -> Result<()> {
    let Some(origin) = headers.get(header::ORIGIN) else {
        return Ok(());
    };
    let origin = origin.to_str().unwrap_or_default();
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok())
        .unwrap_or_default();
    let same_host = origin
        .split_once("://")
        .is_some_and(|(_, authority)| !host.is_empty() && authority == host);
    if same_host || origin == base_url {
        return Ok(());
    }
    let detail = "this write comes from a page of another site";
    Err(Problem::new(
        axum::http::StatusCode::FORBIDDEN,
        "origin_foreign",
        detail,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cookies_are_hidden_and_bound() {
        let cookie = Cookie {
            name: MEMBER_COOKIE,
            secret: Some("ab".repeat(32)),
            lifetime_s: 60,
        };
        let text = cookie.header("https://buy.example");
        let text = text.to_str().unwrap();
        for part in ["HttpOnly", "SameSite=Lax", "Secure", "Path=/", "Max-Age=60"] {
            assert!(text.contains(part), "{text}");
        }
        assert!(
            !cookie
                .header("http://127.0.0.1:8080")
                .to_str()
                .unwrap()
                .contains("Secure")
        );
    }

    #[test]
    fn cookies_are_found_by_name_and_form() {
        let mut headers = HeaderMap::new();
        let secret = "0f".repeat(32);
        headers.insert(
            header::COOKIE,
            format!("a=1; potluck_session={secret}; b").parse().unwrap(),
        );
        assert_eq!(cookie_of(&headers, MEMBER_COOKIE), Some(secret.as_str()));
        assert_eq!(cookie_of(&headers, OPERATOR_COOKIE), None);
        headers.insert(header::COOKIE, "potluck_session=short".parse().unwrap());
        assert_eq!(cookie_of(&headers, MEMBER_COOKIE), None);
    }

    #[test]
    fn origins() {
        for (origin, host, good) in [
            (None, "buy.example", true),
            (Some("https://buy.example"), "10.0.0.1:8080", true),
            (Some("http://localhost:8080"), "localhost:8080", true),
            (Some("https://evil.example"), "buy.example", false),
            (Some("null"), "buy.example", false),
            (Some("https://buy.example.evil"), "buy.example", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            if let Some(origin) = origin {
                headers.insert(header::ORIGIN, origin.parse().unwrap());
            }
            assert_eq!(
                own_origin(&headers, "https://buy.example").is_ok(),
                good,
                "{origin:?}"
            );
        }
    }
}

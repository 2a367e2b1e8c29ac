//! Signatures in both directions.
//!
//! A request carries an HMAC-SHA256 under the merchant's API secret over method, path with query,
//! timestamp, nonce and body. A callback carries the provider's Ed25519 signature over timestamp,
//! nonce and body, so that whoever steals the merchant's configuration cannot forge a payment.

use ring::rand::{SecureRandom, SystemRandom};
use ring::signature::{ED25519, Ed25519KeyPair, UnparsedPublicKey};
use ring::{hmac, signature::KeyPair};

use crate::error::KeyError;

/// Callback header: seconds since 1970 at which the callback was signed.
pub const HEADER_TIMESTAMP: &str = "pay-timestamp";
/// Callback header: a random text, different in each callback.
pub const HEADER_NONCE: &str = "pay-nonce";
/// Callback header: the signature, hexadecimal.
pub const HEADER_SIGNATURE: &str = "pay-signature";

const SCHEME: &str = "PAY-HMAC-SHA256";

/// The secret that a merchant and the provider share; signs requests. Never printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ApiSecret(String);

impl ApiSecret {
    /// Takes the secret as the provider gave it.
    #[must_use]
    pub fn new(secret: impl Into<String>) -> ApiSecret {
        ApiSecret(secret.into())
    }

    fn key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.0.as_bytes())
    }
}

impl std::fmt::Debug for ApiSecret {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ApiSecret(…)")
    }
}

/// The provider's public key, which callbacks are checked with (Ed25519).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CallbackKey(pub [u8; 32]);

impl CallbackKey {
    /// Reads 64 hexadecimal digits.
    pub fn from_hex(text: &str) -> Result<CallbackKey, KeyError> {
        let bytes = unhex(text).ok_or(KeyError)?;
        Ok(CallbackKey(bytes.try_into().map_err(|_| KeyError)?))
    }

    /// The key as 64 hexadecimal digits.
    #[must_use]
    pub fn to_hex(&self) -> String {
        hex(&self.0)
    }

    pub(crate) fn verifies(&self, timestamp: &str, nonce: &str, body: &[u8], given: &str) -> bool {
        let Some(given) = unhex(given) else {
            return false;
        };
        let message = callback_message(timestamp, nonce, body);
        UnparsedPublicKey::new(&ED25519, self.0)
            .verify(&message, &given)
            .is_ok()
    }
}

/// The provider's key pair.
pub(crate) struct CallbackSigner(Ed25519KeyPair);

impl CallbackSigner {
    /// Makes a key pair from 32 secret bytes; `None` if ring does not take them.
    pub(crate) fn from_seed(seed: &[u8]) -> Option<CallbackSigner> {
        Ed25519KeyPair::from_seed_unchecked(seed)
            .ok()
            .map(CallbackSigner)
    }

    pub(crate) fn key(&self) -> CallbackKey {
        let mut key = [0; 32];
        key.copy_from_slice(self.0.public_key().as_ref());
        CallbackKey(key)
    }

    pub(crate) fn sign(&self, timestamp: &str, nonce: &str, body: &[u8]) -> String {
        hex(self
            .0
            .sign(&callback_message(timestamp, nonce, body))
            .as_ref())
    }
}

fn callback_message(timestamp: &str, nonce: &str, body: &[u8]) -> Vec<u8> {
    let mut message = format!("{timestamp}\n{nonce}\n").into_bytes();
    message.extend_from_slice(body);
    message.push(b'\n');
    message
}

/// What a request's signature covers beside merchant, time and nonce.
pub(crate) struct Signed<'a> {
    pub(crate) method: &'a str,
    /// Path with query, as sent.
    pub(crate) target: &'a str,
    pub(crate) body: &'a [u8],
}

impl Signed<'_> {
    fn message(&self, timestamp: &str, nonce: &str) -> Vec<u8> {
        let Signed {
            method,
            target,
            body,
        } = self;
        let mut message = format!("{method}\n{target}\n{timestamp}\n{nonce}\n").into_bytes();
        message.extend_from_slice(body);
        message.push(b'\n');
        message
    }

    /// The `Authorization` header of this request.
    pub(crate) fn authorization(&self, merchant: &str, secret: &ApiSecret, now_ms: i64) -> String {
        let (timestamp, nonce) = ((now_ms / 1000).to_string(), random_hex());
        let tag = hmac::sign(&secret.key(), &self.message(&timestamp, &nonce));
        let signature = hex(tag.as_ref());
        format!(
            "{SCHEME} merchant_id=\"{merchant}\",timestamp=\"{timestamp}\",nonce=\"{nonce}\",\
             signature=\"{signature}\""
        )
    }

    /// Whether `authorization` was made over this request with `secret`.
    pub(crate) fn verifies(&self, authorization: &Authorization<'_>, secret: &ApiSecret) -> bool {
        let Some(given) = unhex(authorization.signature) else {
            return false;
        };
        let message = self.message(authorization.timestamp, authorization.nonce);
        hmac::verify(&secret.key(), &message, &given).is_ok()
    }
}

/// The parts of an `Authorization` header.
#[derive(Debug)]
pub(crate) struct Authorization<'a> {
    pub(crate) merchant_id: &'a str,
    pub(crate) timestamp: &'a str,
    nonce: &'a str,
    signature: &'a str,
}

impl<'a> Authorization<'a> {
    /// `None` if the header is not of our scheme or a part is absent.
    pub(crate) fn parse(header: &'a str) -> Option<Authorization<'a>> {
        let parts = header.strip_prefix(SCHEME)?.strip_prefix(' ')?;
        let part = |name: &str| {
            parts.split(',').find_map(|part| {
                let value = part.trim().strip_prefix(name)?.strip_prefix("=\"")?;
                value.strip_suffix('"')
            })
        };
        Some(Authorization {
            merchant_id: part("merchant_id")?,
            timestamp: part("timestamp")?,
            nonce: part("nonce")?,
            signature: part("signature")?,
        })
    }
}

/// 16 random bytes as 32 hexadecimal digits.
pub(crate) fn random_hex() -> String {
    hex(&random::<16>())
}

pub(crate) fn random<const N: usize>() -> [u8; N] {
    let mut bytes = [0; N];
    SystemRandom::new()
        .fill(&mut bytes)
        .expect("the operating system always has random bytes");
    bytes
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |nibble: u8| char::from(DIGITS[usize::from(nibble)]);
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 15)])
        .collect()
}

/// `None` if the text is not an even number of hexadecimal digits.
pub(crate) fn unhex(text: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    let (pairs, rest) = text.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    pairs
        .iter()
        .map(|&[high, low]| Some((digit(high)? << 4) | digit(low)?))
        .collect()
}

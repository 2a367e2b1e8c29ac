//! Pseudonyms of members in seat lists (draw 3).
//!
//! Why a salt of the member's own secret: others cannot try out ids against a tag, the member can
//! prove which tag is his, and deleting the secret erases the link for good.

use hmac::Mac;
use sha2::{Digest, Sha256};

use crate::hash::Hash;
use crate::name::Ident;
use crate::select::keyed;

/// `HMAC-SHA256(member_secret, ident)`, with the circle's ident where there is one, else the
/// group's: inside a circle a member keeps his tag, elsewhere his groups cannot be linked.
pub fn salt(member_secret: &[u8; 32], ident: &Ident) -> [u8; 32] {
    let mut mac = keyed(member_secret);
    mac.update(ident.as_str().as_bytes());
    mac.finalize().into_bytes().into()
}

/// `H("potluck-draw/v1/member\n" || salt || member_id)`.
pub fn member_tag(salt: &[u8; 32], member_id: &str) -> Hash {
    let mut sha = Sha256::new();
    sha.update(b"potluck-draw/v1/member\n");
    sha.update(salt);
    sha.update(member_id.as_bytes());
    Hash(sha.finalize().into())
}

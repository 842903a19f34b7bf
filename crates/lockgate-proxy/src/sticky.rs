//! The cookie that keeps a client with one slot: `lockgate-<service>=<release>.<epoch>.<mac>`.
//!
//! The value is the same for all clients of a slot, so it is made once per change of weights.
//! The code at its end keeps clients from choosing a slot; the epoch lets a shrinking slot call them back.

use std::fmt::Write as _;

use hmac::{Hmac, KeyInit as _, Mac as _};
use http::{HeaderMap, header};
use lockgate_model::{ReleaseId, ServiceName};
use sha2::Sha256;

/// Bytes of the code that are kept: 128 bits cannot be guessed.
const MAC_LEN: usize = 16;

pub(crate) fn name(service: &ServiceName) -> String {
    format!("lockgate-{service}")
}

pub(crate) fn value(key: &[u8; 32], service: &ServiceName, release: ReleaseId, epoch: u64) -> String {
    let mut value = format!("{release}.{epoch}");
    let mut mac = Hmac::<Sha256>::new_from_slice(key).expect("HMAC takes keys of any length");
    mac.update(format!("{service}={value}").as_bytes());
    value.push('.');
    for byte in &mac.finalize().into_bytes()[..MAC_LEN] {
        write!(value, "{byte:02x}").expect("a String takes all that is written");
    }
    value
}

/// The cookie of this name, if the client sent one.
pub(crate) fn find<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|it| it.to_str().ok());
    lines
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|pair| pair.0 == name)
        .map(|pair| pair.1)
}

/// Compares without telling by its time how much was right.
pub(crate) fn same(left: &str, right: &str) -> bool {
    left.len() == right.len() && left.bytes().zip(right.bytes()).fold(0, |sum, (l, r)| sum | (l ^ r)) == 0
}

pub(crate) fn set_cookie(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; HttpOnly; SameSite=Lax")
}

//! Ports for instances.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, TcpListener};
use std::ops::Range;

use crate::protocol::Failure;

/// Below the range that the kernel gives to outgoing connections (from 32768), which could take a port between
/// the look and the instance's bind.
const RANGE: Range<u16> = 20_000..30_000;

/// A port that no instance has and that nobody listens on. The search starts at `from`, so that a port that
/// was just left is not the next one given.
pub(crate) fn free(taken: &BTreeSet<u16>, from: u16) -> Result<u16, Failure> {
    let start = RANGE.start + from % (RANGE.end - RANGE.start);
    let order = (start..RANGE.end).chain(RANGE.start..start);
    let mut candidates = order.filter(|it| !taken.contains(it));
    candidates.find(|&it| is_free(it)).ok_or_else(|| {
        let text = format!("no free port for an instance between {} and {}", RANGE.start, RANGE.end - 1);
        Failure::transient(text).hint("ss -ltnp")
    })
}

pub(crate) fn is_free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, port)).is_ok()
}

//! Lints of which services there are, and how they reach one another.

mod extends;
mod ports;
mod removed;

use std::collections::BTreeMap;

use lockgate_model::{Diagnostic, Span};

use crate::layers::Value;
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    extends::check(seen, report);
    removed::check(seen, report);
    ports::check(seen, report);
}

/// The service at the end of `extends`, `None` for one that extends nothing.
pub(super) fn last_base<'a>(tree: &'a Value, service: &'a str) -> Option<&'a str> {
    extends::chain(tree, service).last().map(|it| it.0)
}

/// The services that the environment removes, with the place that does.
pub(super) fn removed<'a>(seen: &Seen<'a>) -> BTreeMap<&'a str, Span> {
    removed::removed(seen)
}

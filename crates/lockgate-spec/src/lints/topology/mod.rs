//! Lints of which services there are, and how they reach one another.

mod extends;
mod ports;
mod removed;

use lockgate_model::Diagnostic;

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

//! Lints of which services there are, and how they reach one another.

mod extends;
mod removed;

use lockgate_model::Diagnostic;

use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    extends::check(seen, report);
    removed::check(seen, report);
}

//! Lints of configuration: variables, secrets, and what they are made of.

mod browser;

use lockgate_model::Diagnostic;

use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    browser::check(seen, report);
}

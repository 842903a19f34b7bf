//! Lints of configuration: variables, secrets, and what they are made of.

mod addresses;
mod browser;
mod declared;
mod equal;
mod hosts;
mod in_commands;
mod plain;
mod secrets;

use lockgate_model::Diagnostic;

use crate::levels;
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    browser::check(seen, report);
    plain::check(seen, report);
    secrets::check(seen, report);
    in_commands::check(seen, report);
    addresses::check(seen, report);
    hosts::check(seen, report);
    declared::check(seen, report);
}

pub(super) fn across(all: &[Seen<'_>], report: &mut Vec<Diagnostic>) {
    let mut found = vec![];
    equal::across(all, &mut found);
    levels::apply(all.first().and_then(|it| it.tree.get("checks")), &mut found);
    report.append(&mut found);
}

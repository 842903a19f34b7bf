//! Lints of objectives and alerts, and of who is told.

mod dependencies;
mod receivers;
mod secrets;
mod severity;
mod thresholds;

use lockgate_model::{Diagnostic, TargetKind};

use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    thresholds::check(seen, report);
    severity::check(seen, report);
    dependencies::check(seen, report);
    receivers::check(seen, report);
    secrets::check(seen, report);
}

pub(super) fn across(all: &[Seen<'_>], report: &mut Vec<Diagnostic>) {
    receivers::across(all, report);
}

/// Processes of one machine are watched by whoever started them; nothing scrapes them and nobody is woken.
fn is_watched(seen: &Seen<'_>) -> bool {
    !matches!(seen.system.target, TargetKind::Local(_))
}

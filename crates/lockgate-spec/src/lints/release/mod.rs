//! Lints of what a release runs beside its services.

mod migrations;
mod retry;
mod storage;

use lockgate_diagnostics::{codes, shown};
use lockgate_model::Diagnostic;

use super::Beside;
use crate::layers::Value;
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, beside: &Beside, report: &mut Vec<Diagnostic>) {
    missing_files(seen, beside, report);
    migrations::check(seen, report);
    retry::check(seen, report);
    storage::check(seen, report);
}

/// Paths that a release needs, and that are not there.
fn missing_files(seen: &Seen<'_>, beside: &Beside, report: &mut Vec<Diagnostic>) {
    let services = seen.tree.get("services").into_iter().flat_map(Value::entries);
    let dockerfiles = services.filter_map(|it| it.1.at(&["build", "dockerfile"]));
    let others = [&["migrations", "source"][..], &["release", "notes"][..]];
    for value in dockerfiles.chain(others.into_iter().filter_map(|it| seen.tree.at(it))) {
        let Some(path) = value.text().filter(|it| beside.lacks(it)) else { continue };
        let message = format!("there is no `{}` beside the spec", shown(path));
        report.push(
            Diagnostic::warning(codes::MISSING_FILE, message)
                .label(value.place(), "named here")
                .help("paths are relative to the folder of the spec"),
        );
    }
}

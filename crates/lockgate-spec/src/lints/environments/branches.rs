//! Branches that are checked and never released, or released and never checked.

use lockgate_diagnostics::{codes, shown, suggest};
use lockgate_model::{Ci, Diagnostic};

use super::meet;
use crate::layers::Value;
use crate::lints::shared::info;
use crate::spec::Seen;

fn has_steps(ci: &Ci) -> bool {
    let steps = [
        &ci.install,
        &ci.format,
        &ci.lint,
        &ci.types,
        &ci.unit,
        &ci.integration,
        &ci.coverage,
        &ci.security,
        &ci.e2e,
        &ci.build,
        &ci.benchmark,
    ];
    steps.iter().any(|it| it.is_some())
}

/// The branch of this environment is not among those that are checked.
pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let (ci, Some(branch)) = (&seen.system.ci, &seen.system.policy.branch) else { return };
    if !has_steps(ci) || ci.branches.iter().any(|it| meet(it, branch)) {
        return;
    }
    let (Some(written), Some(checked)) = (seen.tree.get("branch"), seen.tree.get("ci")) else { return };
    let message = format!("`{}` is released, and `ci` does not check it", shown(branch));
    let diagnostic =
        Diagnostic::warning(codes::BRANCH_UNCHECKED, message).label(written.place(), "released unchecked");
    let diagnostic = match checked.get("branches") {
        Some(branches) => diagnostic.label(branches.place(), "not among them"),
        None => diagnostic.label(checked.key_span, "checks `main` unless `branches` are said"),
    };
    report.push(diagnostic.help(format!("add it: `ci: {{branches: [..., {}]}}`", shown(branch))));
}

/// One of three or more branches that are checked goes nowhere, while all others do.
pub(super) fn of_the_file(seen: &Seen<'_>, all: &[Seen<'_>], report: &mut Vec<Diagnostic>) {
    let written = seen.tree.at(&["ci", "branches"]).map_or(&[][..], Value::items);
    let released = |branch: &str| {
        all.iter().any(|it| it.system.policy.branch.as_deref().is_some_and(|it| meet(it, branch)))
    };
    let nowhere: Vec<&Value> =
        written.iter().filter(|it| it.text().is_some_and(|it| !released(it))).collect();
    let ([only], 3..) = (&nowhere[..], written.len()) else { return };
    let name = only.written();
    let message = format!("`{}` is checked and released nowhere", shown(&name));
    let diagnostic = info(codes::BRANCH_WITHOUT_ENVIRONMENT, message);
    let checked = |it: &str| written.iter().any(|other| other.text() == Some(it));
    let unchecked = all.iter().filter_map(|it| it.system.policy.branch.as_deref()).filter(|it| !checked(it));
    report.push(match suggest::nearest(&name, unchecked) {
        Some(nearest) => diagnostic.label(only.place(), format!("did you mean `{nearest}`?")),
        None => diagnostic
            .label(only.place(), "no environment has this branch, and each of the others has one")
            .help("give it an environment, or leave it out"),
    });
}

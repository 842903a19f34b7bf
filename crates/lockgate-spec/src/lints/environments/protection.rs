//! Who must agree, and from where a release may come.

use lockgate_diagnostics::{codes, shown};
use lockgate_model::{Diagnostic, Enforcer, Fix, Policy, Protection};

use super::meet;
use crate::layers::Value;
use crate::lints::shared::label;
use crate::spec::Seen;

/// People and teams that an environment of GitHub takes as reviewers, at most.
const GITHUB_REVIEWERS_MAX: usize = 6;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let policy = &seen.system.policy;
    let (Some(protection), Some(value)) = (&policy.protection, seen.tree.get("protection")) else { return };
    report.extend(not_enforced(protection, value));
    report.extend(too_many_names(protection, value));
    report.extend(too_few(protection, value));
    without_effect(protection, value, report);
    report.extend(anybody(protection, value));
    never_matches(seen, policy, protection, value, report);
}

fn not_enforced(protection: &Protection, value: &Value) -> Option<Diagnostic> {
    if protection.enforced_by != Enforcer::Github || protection.reviewers < 2 {
        return None;
    }
    let (enforcer, reviewers) = (value.get("enforced_by")?, value.get("reviewers")?);
    let message =
        format!("GitHub lets a release go on after one approval, and not after {}", protection.reviewers);
    let edits = vec![lockgate_model::Edit { span: enforcer.place(), text: "lockgate".to_owned() }];
    let fix = Fix { title: "write `lockgate`".to_owned(), edits, safe: false };
    Some(
        Diagnostic::warning(codes::NOT_ENFORCED, message)
            .label(reviewers.place(), "so many are wanted")
            .label(enforcer.place(), "counts one of them")
            .help("`enforced_by: lockgate` counts all of them")
            .fix(fix),
    )
}

fn too_many_names(protection: &Protection, value: &Value) -> Option<Diagnostic> {
    let from = value.get("from")?;
    if protection.enforced_by != Enforcer::Github || protection.from.len() <= GITHUB_REVIEWERS_MAX {
        return None;
    }
    let message = format!(
        "GitHub takes at most {GITHUB_REVIEWERS_MAX} people and teams as reviewers, and there are {}",
        protection.from.len()
    );
    let diagnostic =
        Diagnostic::warning(codes::NOT_ENFORCED, message).label(from.place(), "too many for GitHub");
    let diagnostic = label(diagnostic, value.get("enforced_by"), "asked of GitHub");
    Some(diagnostic.help("name a team instead of its people"))
}

/// A team has any number of people; its name has a `/`.
fn too_few(protection: &Protection, value: &Value) -> Option<Diagnostic> {
    let people = protection.from.len();
    let named = people != 0 && protection.from.iter().all(|it| !it.contains('/'));
    let github = protection.enforced_by == Enforcer::Github;
    if !named || github || usize::from(protection.reviewers) <= people {
        return None;
    }
    let (from, reviewers) = (value.get("from")?, value.get("reviewers")?);
    let message = format!("{} approvals are wanted, and only {people} may approve", protection.reviewers);
    Some(
        Diagnostic::error(codes::TOO_FEW_APPROVERS, message)
            .label(reviewers.place(), "never reached")
            .label(
                from.place(),
                if people == 1 { "one person".to_owned() } else { format!("{people} people") },
            )
            .help("name more people, or a team such as `team/sre`"),
    )
}

fn without_effect(protection: &Protection, value: &Value, report: &mut Vec<Diagnostic>) {
    if protection.reviewers != 0 {
        return;
    }
    let said =
        [("from", !protection.from.is_empty()), ("prevent_self_review", protection.prevent_self_review)];
    for key in said.into_iter().filter(|it| it.1).map(|it| it.0) {
        let Some(written) = value.get(key) else { continue };
        let message = format!("`{key}` has no effect: no approval is wanted");
        let diagnostic = Diagnostic::warning(codes::PROTECTION_WITHOUT_EFFECT, message)
            .label(written.key_span, "of approvals");
        let diagnostic = label(diagnostic, value.get("reviewers"), "none are wanted");
        report.push(diagnostic.help("say how many: `reviewers: 1`"));
    }
}

fn anybody(protection: &Protection, value: &Value) -> Option<Diagnostic> {
    if protection.reviewers == 0 || !protection.from.is_empty() {
        return None;
    }
    let message = "it is not said who may approve, so anybody may";
    Some(
        Diagnostic::warning(codes::ANYBODY_APPROVES, message)
            .label(value.get("reviewers")?.place(), "approvals of anybody")
            .help("name people or teams, such as `from: [team/sre]`"),
    )
}

/// Where branches or tags are listed, nothing else may be released.
fn never_matches(
    seen: &Seen<'_>,
    policy: &Policy,
    protection: &Protection,
    value: &Value,
    report: &mut Vec<Diagnostic>,
) {
    if protection.branches.is_empty() && protection.tags.is_empty() {
        return;
    }
    let triggers = [
        ("branch", "branches", &policy.branch, &protection.branches),
        ("tag", "tags", &policy.tag, &protection.tags),
    ];
    for (key, list, trigger, allowed) in triggers {
        let Some(trigger) = trigger.as_deref().filter(|it| !allowed.iter().any(|allowed| meet(it, allowed)))
        else {
            continue;
        };
        let Some(written) = seen.tree.get(key) else { continue };
        let message = format!("`{}` is released here and never allowed here", shown(trigger));
        let diagnostic = Diagnostic::error(codes::PROTECTION_NEVER_MATCHES, message)
            .label(written.place(), format!("the {key} that is released"));
        let other = if key == "branch" { "tags" } else { "branches" };
        let (place, text) = match value.get(list) {
            Some(list) => (Some(list), format!("no {key} of these")),
            None => (value.get(other), format!("only {other} are allowed")),
        };
        report.push(label(diagnostic, place, text).help(format!("add it: `{list}: [{}]`", shown(trigger))));
    }
}

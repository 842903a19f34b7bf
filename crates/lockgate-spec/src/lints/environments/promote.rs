//! Images that come from another environment.

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, Policy, TargetKind};

use super::meet;
use crate::lints::shared::{info, label};
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, all: &[Seen<'_>], report: &mut Vec<Diagnostic>) {
    let Some(name) = &seen.system.policy.promote else { return };
    let Some(source) = all.iter().find(|it| it.system.environment == *name) else { return };
    if source.system.environment == seen.system.environment {
        return;
    }
    let pair = Pair { seen, source };
    report.extend(pair.elsewhere());
    report.extend(pair.never_built());
    report.extend(pair.gate_bypassed());
}

struct Pair<'a> {
    seen: &'a Seen<'a>,
    source: &'a Seen<'a>,
}

impl Pair<'_> {
    fn elsewhere(&self) -> Option<Diagnostic> {
        let promote = self.seen.tree.get("promote")?;
        let (here, there) = (&self.seen.system, &self.source.system);
        let local = [here, there].map(|it| !it.target.runs_images());
        if local[0] != local[1] {
            let programs = if local[0] { here } else { there };
            let message =
                format!("images are promoted, and `{}` runs programs of a machine", programs.environment);
            let of = if local[0] { self.seen } else { self.source };
            let diagnostic = Diagnostic::warning(codes::PROMOTE_FROM_ELSEWHERE, message)
                .label(promote.place(), "the images come from there");
            let diagnostic = match of.tree.get("target") {
                Some(target) => diagnostic.label(target.key_span, "has no images"),
                None => diagnostic,
            };
            return Some(diagnostic.help("promote from an environment that builds images"));
        }
        let (own, other) = (registry(&here.target)?, registry(&there.target)?);
        if own == other {
            return None;
        }
        let message = format!(
            "the images of `{}` are in another registry than those of `{}`",
            there.environment, here.environment
        );
        let mut diagnostic = info(codes::PROMOTE_FROM_ELSEWHERE, message)
            .label(promote.place(), "copied from one to the other");
        for of in [self.seen, self.source] {
            let registry = of.tree.at(&["target", of.system.target.as_str(), "registry"]);
            diagnostic = label(diagnostic, registry, format!("of `{}`", of.system.environment));
        }
        Some(diagnostic.help("the pipeline needs access to both; with one registry nothing is copied"))
    }

    /// A push to a branch has no tag yet.
    fn never_built(&self) -> Option<Diagnostic> {
        let (here, there) = (&self.seen.system.policy, &self.source.system.policy);
        if here.branch.is_none() || here.tag.is_some() || there.branch.is_some() || there.tag.is_none() {
            return None;
        }
        let name = &self.source.system.environment;
        let message = format!("what is pushed to a branch was never in `{name}`, which takes tags only");
        let diagnostic = Diagnostic::warning(codes::NEVER_BUILT, message)
            .label(self.seen.tree.get("branch")?.place(), "released on a push")
            .label(self.seen.tree.get("promote")?.place(), "with images of there");
        let diagnostic = label(diagnostic, self.source.tree.get("tag"), "which are built for tags");
        Some(diagnostic.help("release tags here as well, or branches there"))
    }

    /// One push, held for approval there and released at once here.
    fn gate_bypassed(&self) -> Option<Diagnostic> {
        let (here, there) = (&self.seen.system.policy, &self.source.system.policy);
        let reviewers = |it: &Policy| it.protection.as_ref().map_or(0, |it| it.reviewers);
        let both = |a: &Option<String>, b: &Option<String>| {
            a.as_deref().zip(b.as_deref()).is_some_and(|(a, b)| meet(a, b))
        };
        let one_push = both(&here.branch, &there.branch) || both(&here.tag, &there.tag);
        if reviewers(there) == 0 || reviewers(here) != 0 || !one_push {
            return None;
        }
        let (own, other) = (&self.seen.system.environment, &self.source.system.environment);
        let message =
            format!("a push waits for approval in `{other}`, and is released in `{own}` without any");
        let diagnostic = Diagnostic::warning(codes::GATE_BYPASSED, message)
            .label(self.seen.tree.get("promote")?.place(), "the same images, on the same push");
        let held = self.source.tree.at(&["protection", "reviewers"]);
        let diagnostic = label(diagnostic, held, "held until somebody agrees");
        let trigger = self.seen.tree.get("branch").or(self.seen.tree.get("tag"));
        Some(
            label(diagnostic, trigger, "released at once")
                .help(format!("give `{own}` a trigger of its own, such as `tag: v*`, or reviewers as well")),
        )
    }
}

fn registry(target: &TargetKind) -> Option<&str> {
    match target {
        TargetKind::Local(_) => None,
        TargetKind::Docker(it) => it.registry.as_deref(),
        TargetKind::Kubernetes(it) => it.registry.as_deref(),
        TargetKind::Ecs(it) => it.registry.as_deref(),
        TargetKind::EcsExpress(it) => it.registry.as_deref(),
        TargetKind::AppRunner(it) => it.registry.as_deref(),
    }
}

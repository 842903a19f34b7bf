//! Lints: facts that a spec states correctly and that do not go together, or will not do what they seem to say.
//!
//! A lint looks at one resolved environment, or at all of them at once. It reports at the user's own words, names both
//! places where two facts disagree, and stays silent when it is not sure.

mod commands;
mod config;
mod decisions;
mod environments;
mod images;
mod lifecycle;
mod observability;
mod release;
mod replicas;
mod rollout;
mod shared;
mod target;
mod topology;
mod url;
mod variables;

use std::collections::BTreeSet;

pub(crate) use decisions::{check_decisions, has_decisions, undecided};

use lockgate_model::Diagnostic;
use lockgate_yaml::Node;

use crate::spec::Seen;

/// The files beside the spec, as far as somebody looked.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Of the paths that [`Spec::paths`](crate::Spec::paths) names, those at which there is nothing.
    pub missing: BTreeSet<String>,
}

impl Beside {
    /// Is it known that there is nothing at this path?
    pub(crate) fn lacks(&self, path: &str) -> bool {
        self.missing.contains(path)
    }
}

/// Lints of one environment.
pub(crate) fn environment(seen: &Seen<'_>, beside: &Beside, report: &mut Vec<Diagnostic>) {
    release::check(seen, beside, report);
    topology::check(seen, report);
    images::check(seen, report);
    config::check(seen, report);
    lifecycle::check(seen, report);
    rollout::check(seen, report);
    observability::check(seen, report);
    environments::check(seen, report);
}

/// Lints that compare environments, or look at what is written rather than at what results.
pub(crate) fn across(root: &Node, all: &[Seen<'_>], report: &mut Vec<Diagnostic>) {
    images::across(root, all, report);
    config::across(all, report);
    observability::across(all, report);
    environments::across(all, report);
}

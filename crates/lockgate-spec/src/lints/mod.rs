//! Lints: facts that a spec states correctly and that do not go together, or will not do what they seem to say.
//!
//! A lint looks at one resolved environment, or at all of them at once. It reports at the user's own words, names both
//! places where two facts disagree, and stays silent when it is not sure.

mod release;

use std::collections::BTreeSet;

use lockgate_model::Diagnostic;
use lockgate_yaml::Node;

use crate::spec::Seen;

/// The files beside the spec, as far as somebody looked.
#[derive(Clone, Debug, Default)]
pub struct Beside {
    /// Paths relative to the spec's folder; `None` when nobody looked.
    pub paths: Option<BTreeSet<String>>,
}

impl Beside {
    /// Is it known that there is nothing at this path? A folder is there when something is in it.
    pub(crate) fn lacks(&self, path: &str) -> bool {
        let Some(paths) = &self.paths else { return false };
        let path = path.trim_start_matches("./").trim_end_matches('/');
        let folder = format!("{path}/");
        !paths.contains(path)
            && !paths.range(folder.clone()..).next().is_some_and(|it| it.starts_with(&folder))
    }
}

/// Lints of one environment.
pub(crate) fn environment(seen: &Seen<'_>, beside: &Beside, report: &mut Vec<Diagnostic>) {
    release::check(seen, beside, report);
}

/// Lints that compare environments, or look at what is written rather than at what results.
pub(crate) fn across(root: &Node, all: &[Seen<'_>], report: &mut Vec<Diagnostic>) {
    let _ = (root, all, report);
}

//! Lints of environments: what each demands of a release, and what they share that each should have for itself.

mod base;
mod branches;
mod credentials;
mod overrides;
mod places;
mod promote;
mod protection;
mod shadowed;
mod versions;

use lockgate_model::Diagnostic;

use crate::levels;
use crate::platform;
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    protection::check(seen, report);
    versions::check(seen, report);
    overrides::check(seen, report);
    shadowed::check(seen, report);
}

/// What is found of an environment beside the others is seen as it has decided.
pub(super) fn across(all: &[Seen<'_>], report: &mut Vec<Diagnostic>) {
    for (at, seen) in all.iter().enumerate() {
        let mut found = vec![];
        promote::check(seen, all, &mut found);
        base::check(seen, all, &mut found);
        branches::check(seen, &mut found);
        credentials::check(seen, &all[..at], &mut found);
        places::check(seen, &all[..at], &mut found);
        if at == 0 {
            branches::of_the_file(seen, all, &mut found);
        }
        levels::apply(seen.tree.get("checks"), &mut found);
        report.append(&mut found);
    }
}

/// Is there a branch or tag that both patterns match?
fn meet(a: &str, b: &str) -> bool {
    // What is longer is no name of git, and is reported as such.
    const REF_MAX: usize = 255;
    REF_MAX < a.len().max(b.len()) || platform::overlap(a, b)
}

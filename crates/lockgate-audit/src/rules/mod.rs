//! Which facts cannot all be true. One module per family; each rule is a function over the facts.

mod counts;
mod limits;
mod members;
mod reading;
mod retries;

use lockgate_diagnostics::Source;
use lockgate_model::Diagnostic;

use crate::fact::Facts;
use crate::listing::Listing;

/// What every rule looks at.
pub(crate) struct Context<'a> {
    pub(crate) facts: &'a Facts,
    pub(crate) sources: &'a [Source],
    pub(crate) listing: &'a Listing,
}

type Rule = fn(&Context<'_>, &mut Vec<Diagnostic>);

const RULES: &[Rule] = &[
    reading::unreadable,
    reading::keys_given_twice,
    reading::wrong_characters,
    limits::several_values,
    limits::alert_inside_target,
    retries::do_not_fit,
    retries::waits_and_attempts,
    counts::differ,
    members::left_out,
    members::restarted_in_part,
];

pub(crate) fn all(facts: &Facts, sources: &[Source], listing: &Listing) -> Vec<Diagnostic> {
    let context = Context { facts, sources, listing };
    let mut report = vec![];
    for rule in RULES {
        rule(&context, &mut report);
    }
    report
}

/// `1 thing`, `2 things`.
fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

//! Variables that are written twice: two names of one address, wherever the system runs.

use std::collections::BTreeMap;

use lockgate_diagnostics::codes;
use lockgate_model::Diagnostic;

use crate::lints::shared::info;
use crate::lints::variables::{self, Variable};
use crate::spec::Seen;

/// The values of one variable, environment by environment.
type Values<'a> = Vec<Option<Variable<'a>>>;

pub(super) fn across(all: &[Seen<'_>], report: &mut Vec<Diagnostic>) {
    let mut variables: BTreeMap<(&str, &str), Values<'_>> = BTreeMap::new();
    for (idx, seen) in all.iter().enumerate() {
        for variable in variables::all(seen) {
            let values =
                variables.entry((variable.service, variable.name)).or_insert_with(|| vec![None; all.len()]);
            values[idx] = Some(variable);
        }
    }
    let mut first: BTreeMap<(&str, Vec<Option<&str>>), &Values<'_>> = BTreeMap::new();
    for ((service, _), values) in &variables {
        if !values.iter().flatten().all(|it| it.is_literal() && is_address(it.text)) {
            continue;
        }
        let texts = values.iter().map(|it| it.map(|it| it.text)).collect();
        match first.entry((service, texts)) {
            std::collections::btree_map::Entry::Vacant(entry) => drop(entry.insert(values)),
            std::collections::btree_map::Entry::Occupied(entry) => report.extend(twice(values, entry.get())),
        }
    }
}

/// Something that will change one day: an address of a service, a host or a person.
fn is_address(text: &str) -> bool {
    const LEN_MIN: usize = 8;
    let host = text.split('.').count() > 2 && text.bytes().any(|it| it.is_ascii_alphabetic());
    let word = !text.contains(char::is_whitespace) && !text.starts_with('/');
    word && LEN_MIN <= text.len() && (text.contains("://") || text.contains('@') || host)
}

fn twice(values: &Values<'_>, others: &Values<'_>) -> Option<Diagnostic> {
    let [this, other] = [values, others].map(|it| it.iter().flatten().next());
    let (this, other) = this.zip(other)?;
    let message = format!("`{}` and `{}` always have the same value", other.name, this.name);
    Some(
        info(codes::ALWAYS_EQUAL, message)
            .label(this.value.place(), "written again")
            .label(other.value.place(), "written here")
            .help("where the service needs one of them, remove the other; a change of one alone would go unseen"),
    )
}

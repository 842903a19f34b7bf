//! Plain variables: what is written of each, and what it comes to.

use crate::layers::Value;
use crate::spec::Seen;

#[derive(Clone, Copy)]
pub(super) struct Variable<'a> {
    pub(super) service: &'a str,
    pub(super) name: &'a str,
    /// What is said of it: the value, and perhaps more.
    pub(super) entry: &'a Value,
    pub(super) value: &'a Value,
    pub(super) written: &'a str,
    /// With references replaced.
    pub(super) text: &'a str,
}

impl Variable<'_> {
    /// Is it said here and not taken from elsewhere?
    pub(super) fn is_literal(&self) -> bool {
        !self.written.contains("${")
    }
}

/// The variables with values, service by service.
pub(super) fn all<'a>(seen: &'a Seen<'_>) -> impl Iterator<Item = Variable<'a>> {
    seen.system.services.iter().flat_map(move |(service, typed)| {
        let service = service.as_str();
        let written = seen.tree.at(&["services", service, "env"]).into_iter().flat_map(Value::entries);
        written.filter_map(move |(name, entry)| {
            let value = entry.get("value")?;
            let text = typed.env.get(name)?;
            Some(Variable { service, name, entry, value, written: value.text()?, text })
        })
    })
}

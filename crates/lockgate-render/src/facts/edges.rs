//! Who calls whom: start order, network policies and security groups follow from it.

use std::collections::BTreeSet;

use lockgate_model::{DependencyName, ServiceName, System};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Peer<'a> {
    Service(&'a ServiceName),
    Dependency(&'a DependencyName),
}

pub(crate) struct Edges<'a> {
    /// What the service needs, sorted.
    pub(crate) calls: BTreeSet<Peer<'a>>,
    /// Services that need it.
    pub(crate) called_by: BTreeSet<&'a ServiceName>,
}

pub(super) fn of<'a>(system: &'a System, name: &'a ServiceName) -> Edges<'a> {
    let needs = system.services.get(name).into_iter().flat_map(|it| it.depends_on.keys());
    let calls = needs.filter_map(|it| peer(system, it)).collect();
    let callers = system.services.iter().filter(|it| it.1.depends_on.contains_key(name.as_str()));
    Edges { calls, called_by: callers.map(|it| it.0).collect() }
}

fn peer<'a>(system: &'a System, name: &str) -> Option<Peer<'a>> {
    let service = system.services.get_key_value(name).map(|it| Peer::Service(it.0));
    service.or_else(|| system.dependencies.get_key_value(name).map(|it| Peer::Dependency(it.0)))
}

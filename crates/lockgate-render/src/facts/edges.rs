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
}

pub(super) fn of<'a>(system: &'a System, name: &'a ServiceName) -> Edges<'a> {
    let needs = system.services.get(name).into_iter().flat_map(|it| it.depends_on.keys());
    Edges { calls: needs.filter_map(|it| peer(system, it)).collect() }
}

fn peer<'a>(system: &'a System, name: &str) -> Option<Peer<'a>> {
    let service = system.services.get_key_value(name).map(|it| Peer::Service(it.0));
    service.or_else(|| system.dependencies.get_key_value(name).map(|it| Peer::Dependency(it.0)))
}

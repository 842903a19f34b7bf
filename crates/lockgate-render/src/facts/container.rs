//! What surrounds a container on one machine: its networks, its volumes, what it may use.

use lockgate_model::{Dependency, Quantities, VolumeAccess};

use super::{Bundled, Peer, ServiceFact, quantity};

/// Services, and the dependencies that are not cut off.
pub(crate) const OPEN: &str = "default";
/// Dependencies and who calls them: nothing here reaches the world, or is reached by it.
pub(crate) const INNER: &str = "data";

pub(crate) fn networks(fact: &ServiceFact<'_>) -> Vec<&'static str> {
    let calls_dependency = fact.edges.calls.iter().any(|it| matches!(it, Peer::Dependency(_)));
    if calls_dependency { vec![OPEN, INNER] } else { vec![OPEN] }
}

/// A port can be published from a network that is not cut off only.
pub(crate) fn networks_of_dependency(dependency: &Dependency, bundled: &Bundled) -> Vec<&'static str> {
    let is_published = dependency.publish.is_some() || bundled.page.is_some();
    if is_published { vec![INNER, OPEN] } else { vec![INNER] }
}

/// Name and path of each volume that outlives the containers.
pub(crate) fn volumes<'a>(fact: &ServiceFact<'a>) -> impl Iterator<Item = (String, &'a str)> {
    let kept = fact.service.volumes.iter().filter(|it| it.1.access != VolumeAccess::Scratch);
    kept.map(|(name, it)| (format!("{}-{name}", fact.name), it.path.as_str()))
}

pub(crate) fn volume_of_dependency(name: &str) -> String {
    format!("{name}-data")
}

/// Folders of a container's own that go with it.
pub(crate) fn scratch<'a>(fact: &ServiceFact<'a>) -> impl Iterator<Item = &'a str> {
    let volumes = fact.service.volumes.values();
    let own = volumes.filter(|it| it.access == VolumeAccess::Scratch).map(|it| it.path.as_str());
    std::iter::once("/tmp").chain(own)
}

/// Thousandths of a CPU, and bytes.
pub(crate) fn amounts(quantities: &Quantities) -> (Option<u64>, Option<u64>) {
    let cpu = quantities.cpu.as_deref().and_then(quantity::millicpu);
    let memory = quantities.memory.as_deref().and_then(quantity::bytes);
    (cpu, memory)
}

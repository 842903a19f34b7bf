//! The Services that lead to one slot each, by the names that gateways know them by.

use lockgate_model::{ReleaseId, ServiceName};

use super::super::Cluster;
use super::find::Found;
use super::{ingress, selector};
use crate::TargetError;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Backend {
    pub(crate) release: ReleaseId,
    pub(crate) service: String,
    /// Names and numbers.
    pub(crate) ports: Vec<String>,
    /// Ingresses that lead to the service.
    pub(crate) ingresses: Vec<String>,
    pub(crate) is_canary: bool,
}

/// None where a Service leads to both slots.
pub(crate) async fn backends(cluster: &Cluster, service: &ServiceName) -> Result<Vec<Backend>, TargetError> {
    let found = Found::read(cluster, Some(service)).await?;
    let pair = found.pair(service);
    let slots = found.slots_of(service).into_iter().map(|it| (it.0, it.1.pod_labels())).collect();
    let leading = found.ingresses.iter().filter(|it| ingress::names(it, service.as_str()));
    let ingresses: Vec<String> =
        leading.filter_map(|it| it["metadata"]["name"].as_str().map(str::to_owned)).collect();
    let backend = |name: &String, is_canary| {
        let release = selector::only(&found.selector(name), &slots)?;
        let ports = found.services.get(name)?.data["spec"]["ports"].as_array()?;
        let names = ports.iter().filter_map(|it| it["name"].as_str().map(str::to_owned));
        let numbers = ports.iter().filter_map(|it| it["port"].as_u64().map(|it| it.to_string()));
        let ports = names.chain(numbers).collect();
        Some(Backend { release, service: name.clone(), ports, ingresses: ingresses.clone(), is_canary })
    };
    Ok([backend(&pair.stable, false), backend(&pair.canary, true)].into_iter().flatten().collect())
}

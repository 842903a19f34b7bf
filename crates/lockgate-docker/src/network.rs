//! Networks and volumes, made when they are not there.

use std::collections::BTreeMap;
use std::net::IpAddr;

use bollard::errors::Error;
use bollard::models::{NetworkCreateRequest, NetworkInspect, VolumeCreateRequest};

use crate::{Engine, EngineError};

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NetworkState {
    pub id: String,
    pub labels: BTreeMap<String, String>,
    /// The machine's own address on it.
    pub gateway: Option<IpAddr>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    World,
    /// No way to the world.
    Internal,
}

impl Engine {
    pub async fn network(&self, name: &str) -> Result<Option<NetworkState>, EngineError> {
        let thing = format!("network {name}");
        match self.client().await?.inspect_network(name, None).await {
            Ok(found) => Ok(Some(state(found))),
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => Err(self.asked("inspect", &thing).failed(error)),
        }
    }

    /// The bridge network of this name, made if there is none; nothing leaves one that is internal.
    pub async fn ensure_network(
        &self,
        name: &str,
        labels: &BTreeMap<String, String>,
        reach: Reach,
    ) -> Result<NetworkState, EngineError> {
        let thing = format!("network {name}");
        if let Some(found) = self.network(name).await? {
            return Ok(found);
        }
        let request = NetworkCreateRequest {
            name: name.to_owned(),
            driver: Some("bridge".to_owned()),
            internal: Some(reach == Reach::Internal),
            labels: Some(labels.clone().into_iter().collect()),
            ..NetworkCreateRequest::default()
        };
        match self.client().await?.create_network(request).await {
            // Somebody else made it in between.
            Ok(_) | Err(Error::DockerResponseServerError { status_code: 409, .. }) => (),
            Err(error) => return Err(self.asked("create", &thing).failed(error)),
        }
        self.network(name).await?.ok_or(EngineError::Missing { thing })
    }

    pub async fn ensure_volume(
        &self,
        name: &str,
        labels: &BTreeMap<String, String>,
    ) -> Result<(), EngineError> {
        let thing = format!("volume {name}");
        // Creating one that is there answers it as it is.
        let request = VolumeCreateRequest {
            name: Some(name.to_owned()),
            labels: Some(labels.clone().into_iter().collect()),
            ..VolumeCreateRequest::default()
        };
        let made = self.client().await?.create_volume(request).await;
        made.map(drop).map_err(|it| self.asked("create", &thing).failed(it))
    }
}

fn state(found: NetworkInspect) -> NetworkState {
    let configs = found.ipam.and_then(|it| it.config).unwrap_or_default();
    let gateways = configs.into_iter().filter_map(|it| it.gateway);
    NetworkState {
        id: found.id.unwrap_or_default(),
        labels: found.labels.unwrap_or_default().into_iter().collect(),
        gateway: gateways.filter_map(|it| it.parse().ok()).find(IpAddr::is_ipv4),
    }
}

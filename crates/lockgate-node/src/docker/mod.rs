//! The node's containers: made and found by names and labels, watched through the engine, which may come and go.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Duration;

use lockgate_docker::{Engine, EngineClass, EngineError, NetworkState, NewContainer, Phase, Reach};
use lockgate_model::{DockerFixtures, Scope, with_causes};

use crate::protocol::{Failure, FailureClass};
use crate::{Place, Vault};

pub(crate) mod describe;
mod engines;
pub(crate) mod files;
mod fixtures;
pub(crate) mod naming;
mod prune;
mod running;

pub(crate) use engines::Engines;
pub(crate) use running::{RunningContainer, until_ended, write_lines};

/// Between questions to an engine that does not answer; the later ones are as far apart as a person is patient.
const AGAIN_FIRST: Duration = Duration::from_millis(100);
const AGAIN_MAX: Duration = Duration::from_secs(5);

/// An engine of this machine and what is needed to describe containers to it.
#[derive(Clone, Debug)]
pub(crate) struct Docker {
    pub(crate) engine: Engine,
    pub(crate) place: Place,
    pub(crate) node_id: String,
    pub(crate) vault: Vault,
}

impl Docker {
    /// The networks of an environment, with the default one and those that a container is on.
    pub(crate) async fn networks(
        &self,
        scope: &Scope,
        fixtures: Option<&DockerFixtures>,
        asked: &[String],
    ) -> Result<IpAddr, Failure> {
        let internal = fixtures.map(|it| it.internal.as_slice()).unwrap_or_default();
        for name in describe::networks(asked).into_iter().skip(1) {
            self.network(
                scope,
                name,
                if internal.iter().any(|it| it == name) { Reach::Internal } else { Reach::World },
            )
            .await?;
        }
        let default = self.network(scope, naming::DEFAULT_NETWORK, Reach::World).await?;
        default.gateway.ok_or_else(|| {
            let name = naming::in_scope(scope, naming::DEFAULT_NETWORK);
            Failure::fatal(format!("network {name} gives this machine no address of its own"))
                .hint(format!("docker network inspect {name}, and remove it if nothing else needs it"))
        })
    }

    async fn network(&self, scope: &Scope, name: &str, reach: Reach) -> Result<NetworkState, Failure> {
        let (name, labels) = (naming::in_scope(scope, name), naming::scope_labels(scope));
        self.engine.ensure_network(&name, &labels, reach).await.map_err(|it| failure(&it))
    }

    /// Makes a container under a name that may be taken: by a left-over of ours, which goes, or by a stranger.
    pub(crate) async fn create(&self, container: &NewContainer) -> Result<String, Failure> {
        match self.engine.create(container).await {
            Err(EngineError::NameTaken { .. }) => self.clear_name(container).await?,
            other => return other.map_err(|it| failure(&it)),
        }
        self.engine.create(container).await.map_err(|it| failure(&it))
    }

    async fn clear_name(&self, container: &NewContainer) -> Result<(), Failure> {
        let name = &container.name;
        let Some(holder) = self.engine.container(name).await.map_err(|it| failure(&it))? else {
            return Ok(());
        };
        let same = |label: &str| holder.labels.get(label) == container.labels.get(label);
        let ours = [naming::NODE, naming::SYSTEM, naming::ENVIRONMENT, naming::SERVICE, naming::JOB];
        if !ours.into_iter().all(same) || !holder.labels.contains_key(naming::NODE) {
            let id: String = holder.id.chars().take(12).collect();
            let text = format!(
                "the name {name} is in use by a container that this node did not make ({id}, image {})",
                holder.image
            );
            return Err(Failure::fatal(text)
                .hint(format!("docker rename {name} something-else, or: docker rm {name}")));
        }
        tracing::info!(%name, id = %holder.id, "a left-over container is replaced");
        self.engine.remove(&holder.id).await.map_err(|it| failure(&it))
    }

    /// Pulls an image that is not here; answers whether it did.
    pub(crate) async fn pull(&self, image: &str) -> Result<Pulled, Failure> {
        if self.engine.has_image(image).await.map_err(|it| failure(&it))? {
            return Ok(Pulled::WasHere);
        }
        tracing::info!(%image, "pulling");
        self.engine.ensure_image(image).await.map_err(|it| failure(&it))?;
        Ok(Pulled::Now)
    }

    /// The container's address on the default network, if it runs.
    pub(crate) async fn address(&self, scope: &Scope, id: &str) -> Result<Option<IpAddr>, Failure> {
        let network = naming::in_scope(scope, naming::DEFAULT_NETWORK);
        let state = self.engine.container(id).await.map_err(|it| failure(&it))?;
        let running = state.filter(|it| it.phase == Phase::Running);
        Ok(running.and_then(|it| it.addresses.get(&network).copied()))
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Pulled {
    WasHere,
    Now,
}

/// Names that lead to the router.
pub(crate) fn hosts(names: impl IntoIterator<Item = String>, gateway: IpAddr) -> BTreeMap<String, IpAddr> {
    names.into_iter().map(|it| (it, gateway)).collect()
}

pub(crate) fn failure(error: &EngineError) -> Failure {
    let text = with_causes(error);
    let failure = match error.class() {
        EngineClass::Away => Failure::new(FailureClass::Away, text),
        EngineClass::Transient => Failure::transient(text),
        EngineClass::Fatal => Failure::fatal(text),
    };
    match error.hint() {
        Some(hint) => failure.hint(hint),
        None => failure,
    }
}

/// Growing waits between questions to an engine that is away.
pub(crate) struct Patience(Duration);

impl Patience {
    pub(crate) fn new() -> Patience {
        Patience(AGAIN_FIRST)
    }

    pub(crate) async fn wait(&mut self) {
        tokio::time::sleep(self.0).await;
        self.0 = (self.0 * 2).min(AGAIN_MAX);
    }
}

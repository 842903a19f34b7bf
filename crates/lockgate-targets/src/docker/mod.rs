//! The `docker` target: containers of one or several machines' Docker engines, each run by a node beside its engine.
//!
//! The node is the same as of the `local` target, with containers instead of processes: it keeps them up, routes to
//! them by their addresses on the environment's network, and runs the jobs. Of several hosts each has its node and its
//! router; what is asked of all counts as done when all have done it.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use futures_util::future::join_all;
use lockgate_model::{
    EffectKey, Fence, Fixtures, JobSpec, Keep, Millis, Observed, Samples, Scope, ServiceName, SlotRef,
    SlotSpec, SmokeSpec, Weights,
};

use crate::ssh::{Program, Ssh};
use crate::{Class, JobReport, Local, LogLine, Sighting, Target, TargetError};

mod address;
mod ledger;
mod merge;
mod spread;

pub use address::{HostAddress, SshAddress};
use ledger::Ledger;
use spread::Place;

#[derive(Clone, Debug)]
pub struct DockerConfig {
    /// Of this machine's node; values of secrets are in its vault.
    pub state_dir: PathBuf,
    /// The `lockgate` binary, which is the node too.
    pub program: PathBuf,
    pub scope: Scope,
    /// Where published ports are opened; the others are open on the network of the containers only.
    pub bind: IpAddr,
    /// At least one. Jobs and dependencies are on the first.
    pub hosts: Vec<HostAddress>,
    /// OpenSSH's client: `ssh`, found on the path, or another one.
    pub ssh: PathBuf,
}

/// A client of the nodes beside the Docker engines, for one system and environment.
#[derive(Clone, Debug)]
pub struct Docker {
    hosts: Vec<Host>,
    counted: Arc<Mutex<Ledger>>,
}

#[derive(Clone, Debug)]
struct Host {
    name: String,
    node: Local,
}

impl Docker {
    pub fn new(config: DockerConfig) -> Docker {
        let DockerConfig { state_dir, program, scope, bind, hosts, ssh } = config;
        assert!(!hosts.is_empty(), "containers run somewhere");
        let copied = Arc::new(Program::at(program.clone()));
        let hosts = hosts.into_iter().map(|address| {
            let name = address.to_string();
            let (state_dir, scope) = (state_dir.clone(), scope.clone());
            let node = match address {
                HostAddress::Here { socket } => {
                    Local::new(state_dir, program.clone(), scope, bind).with_engine(socket)
                }
                HostAddress::Ssh(address) => {
                    let host = Ssh::new(address, ssh.clone(), scope.clone(), Arc::clone(&copied));
                    Local::on(Arc::new(host), state_dir, scope, bind)
                }
            };
            Host { name, node }
        });
        Docker { hosts: hosts.collect(), counted: Arc::default() }
    }

    /// The one host, if there is one: its answers need no merging.
    fn only(&self) -> Option<&Local> {
        if let [host] = self.hosts.as_slice() { Some(&host.node) } else { None }
    }

    /// Where jobs and dependencies are.
    fn first(&self) -> &Local {
        &self.hosts[0].node
    }

    /// Asks all hosts at once; fails if one does, and then says which.
    async fn on_all<'a, T, F>(
        &'a self,
        ask: impl Fn(&'a Local, Place) -> F,
    ) -> Result<Vec<(&'a str, T)>, TargetError>
    where
        F: Future<Output = Result<T, TargetError>> + Send,
    {
        let place = |idx| Place { idx, hosts: self.hosts.len() };
        let asked = self.hosts.iter().enumerate().map(|(idx, it)| ask(&it.node, place(idx)));
        let answers = join_all(asked).await;
        merge::all(self.hosts.iter().map(|it| it.name.as_str()).zip(answers).collect())
    }

    async fn done<'a, F>(&'a self, ask: impl Fn(&'a Local, Place) -> F) -> Result<(), TargetError>
    where
        F: Future<Output = Result<(), TargetError>> + Send,
    {
        self.on_all(ask).await.map(drop)
    }
}

impl Target for Docker {
    async fn observe(&self) -> Result<Observed, TargetError> {
        if let Some(only) = self.only() {
            return only.observe().await;
        }
        let seen = self.on_all(|host, _| host.observe()).await?;
        Ok(merge::observed(&seen))
    }

    async fn prepare(&self, fence: &Fence, key: &EffectKey, fixtures: &Fixtures) -> Result<(), TargetError> {
        let part = |place| spread::fixtures(fixtures, place);
        self.done(|host, place| async move { host.prepare(fence, key, &part(place)).await }).await
    }

    async fn prune(&self, fence: &Fence, key: &EffectKey, keep: &Keep) -> Result<(), TargetError> {
        self.done(|host, place| async move { host.prune(fence, key, &spread::keep(keep, place)).await }).await
    }

    async fn ensure_slot(
        &self,
        fence: &Fence,
        key: &EffectKey,
        slot: &SlotSpec,
        instances: u16,
    ) -> Result<(), TargetError> {
        let part = |place| spread::instances(slot, instances, place);
        self.done(|host, place| host.ensure_slot(fence, key, slot, part(place))).await
    }

    async fn set_weights(
        &self,
        fence: &Fence,
        key: &EffectKey,
        service: &ServiceName,
        weights: &Weights,
    ) -> Result<(), TargetError> {
        if let Some(only) = self.only() {
            return only.set_weights(fence, key, service, weights).await;
        }
        let seen = self.on_all(|host, _| host.observe()).await?;
        let there = merge::releases(&merge::observed(&seen), service);
        let mut served = weights.iter().filter(|it| 0 < it.1.basis_points());
        if let Some((missing, weight)) = served.find(|it| !there.contains(&it.0)) {
            let text = format!("{service}@{missing} is to take {weight} of the traffic and is on no host");
            return Err(TargetError::new(Class::Fatal, text));
        }
        let parts = seen.iter().map(|it| spread::weights(weights, &merge::releases(&it.1, service)));
        let parts = &parts.collect::<Vec<_>>();
        self.done(|host, place| async move {
            match &parts[place.idx] {
                Some(weights) => host.set_weights(fence, key, service, weights).await,
                None => Ok(()),
            }
        })
        .await
    }

    async fn drain(
        &self,
        fence: &Fence,
        key: &EffectKey,
        slot: &SlotRef,
        within: Millis,
    ) -> Result<(), TargetError> {
        if let Some(only) = self.only() {
            return only.drain(fence, key, slot, within).await;
        }
        self.done(|host, _| async move {
            let there = merge::releases(&host.observe().await?, &slot.service);
            // A host that has nothing else serves it to the end.
            if there.len() == 1 && there.contains(&slot.release) {
                return Ok(());
            }
            host.drain(fence, key, slot, within).await
        })
        .await
    }

    async fn remove_slot(&self, fence: &Fence, key: &EffectKey, slot: &SlotRef) -> Result<(), TargetError> {
        self.done(|host, _| host.remove_slot(fence, key, slot)).await
    }

    async fn run_job(&self, fence: &Fence, key: &EffectKey, job: &JobSpec) -> Result<JobReport, TargetError> {
        self.first().run_job(fence, key, job).await
    }

    async fn smoke(&self, check: &SmokeSpec) -> Result<(), TargetError> {
        self.done(|host, _| host.smoke(check)).await
    }

    async fn look(&self, fence: &Fence, key: &EffectKey) -> Result<Sighting, TargetError> {
        self.first().look(fence, key).await
    }

    async fn logs(&self, slot: &SlotRef, lines: u16) -> Result<Vec<LogLine>, TargetError> {
        if let Some(only) = self.only() {
            return only.logs(slot, lines).await;
        }
        Ok(merge::logs(self.on_all(|host, _| host.logs(slot, lines)).await?))
    }

    async fn samples(&self, services: &[ServiceName]) -> Result<Samples, TargetError> {
        if let Some(only) = self.only() {
            return only.samples(services).await;
        }
        let readings = self.on_all(|host, _| host.samples(services)).await?;
        Ok(self.counted.lock().unwrap_or_else(PoisonError::into_inner).add(readings))
    }
}

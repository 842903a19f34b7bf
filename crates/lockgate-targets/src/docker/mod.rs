//! The `docker` target: containers of a machine's Docker engine, run by the node of a state folder beside the engine.
//!
//! The node is the same as of the `local` target, with containers instead of processes: it keeps them up, routes to
//! them by their addresses on the environment's network, and runs the jobs.

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use lockgate_model::{
    EffectKey, Fence, Fixtures, JobSpec, Keep, Millis, Observed, Samples, Scope, ServiceName, SlotRef,
    SlotSpec, SmokeSpec, Weights,
};

mod address;

pub use address::{HostAddress, SshAddress};

use crate::ssh::{Program, Ssh};
use crate::{JobReport, Local, LogLine, Sighting, Target, TargetError};

#[derive(Clone, Debug)]
pub struct DockerConfig {
    /// Of this machine's node.
    pub state_dir: PathBuf,
    /// The `lockgate` binary, which is the node too.
    pub program: PathBuf,
    pub scope: Scope,
    /// Where published ports are opened; the others are open on the network of the containers only.
    pub bind: IpAddr,
    pub host: HostAddress,
    /// OpenSSH's client: `ssh`, found on the path, or another one.
    pub ssh: PathBuf,
}

/// A client of the node beside a Docker engine, for one system and environment.
#[derive(Clone, Debug)]
pub struct Docker {
    host: Local,
}

impl Docker {
    pub fn new(config: DockerConfig) -> Docker {
        let DockerConfig { state_dir, program, scope, bind, host, ssh } = config;
        let node = match host {
            HostAddress::Here { socket } => Local::new(state_dir, program, scope, bind).with_engine(socket),
            HostAddress::Ssh(address) => {
                let host = Ssh::new(address, ssh, scope.clone(), Arc::new(Program::at(program)));
                Local::on(Arc::new(host), state_dir, scope, bind)
            }
        };
        Docker { host: node }
    }
}

impl Target for Docker {
    async fn observe(&self) -> Result<Observed, TargetError> {
        self.host.observe().await
    }

    async fn prepare(&self, fence: &Fence, key: &EffectKey, fixtures: &Fixtures) -> Result<(), TargetError> {
        self.host.prepare(fence, key, fixtures).await
    }

    async fn prune(&self, fence: &Fence, key: &EffectKey, keep: &Keep) -> Result<(), TargetError> {
        self.host.prune(fence, key, keep).await
    }

    async fn ensure_slot(
        &self,
        fence: &Fence,
        key: &EffectKey,
        slot: &SlotSpec,
        instances: u16,
    ) -> Result<(), TargetError> {
        self.host.ensure_slot(fence, key, slot, instances).await
    }

    async fn set_weights(
        &self,
        fence: &Fence,
        key: &EffectKey,
        service: &ServiceName,
        weights: &Weights,
    ) -> Result<(), TargetError> {
        self.host.set_weights(fence, key, service, weights).await
    }

    async fn drain(
        &self,
        fence: &Fence,
        key: &EffectKey,
        slot: &SlotRef,
        within: Millis,
    ) -> Result<(), TargetError> {
        self.host.drain(fence, key, slot, within).await
    }

    async fn remove_slot(&self, fence: &Fence, key: &EffectKey, slot: &SlotRef) -> Result<(), TargetError> {
        self.host.remove_slot(fence, key, slot).await
    }

    async fn run_job(&self, fence: &Fence, key: &EffectKey, job: &JobSpec) -> Result<JobReport, TargetError> {
        self.host.run_job(fence, key, job).await
    }

    async fn smoke(&self, check: &SmokeSpec) -> Result<(), TargetError> {
        self.host.smoke(check).await
    }

    async fn look(&self, fence: &Fence, key: &EffectKey) -> Result<Sighting, TargetError> {
        self.host.look(fence, key).await
    }

    async fn logs(&self, slot: &SlotRef, lines: u16) -> Result<Vec<LogLine>, TargetError> {
        self.host.logs(slot, lines).await
    }

    async fn samples(&self, services: &[ServiceName]) -> Result<Samples, TargetError> {
        self.host.samples(services).await
    }
}

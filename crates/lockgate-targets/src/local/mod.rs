//! The `local` target: processes of this machine, run by the node of a state folder.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use lockgate_model::{
    EffectKey, Fence, Fixtures, JobSpec, Keep, Millis, Observed, Samples, Scope, Secret, SecretRef,
    ServiceName, SlotRef, SlotSpec, SmokeSpec, Weights, with_causes,
};
use lockgate_node::{
    CallError, Failure, FailureClass, JobAnswer, JobSighting, NodeClient, NodeError, Place, Request,
    Response, Vault, start_node,
};

use crate::{Class, JobReport, LogLine, Sighting, Target, TargetError};

mod smoke;

/// Times that one request is repeated after the node went away. A node that dies on every request is broken;
/// the caller's own retries are for the rest.
const REPEATS_MAX: u16 = 5;

/// A client of the node that serves one state folder, for one system and environment.
/// A node that is not there is started; one that dies during a request is started again and asked again.
#[derive(Clone, Debug)]
pub struct Local {
    state_dir: PathBuf,
    program: PathBuf,
    scope: Scope,
    bind: IpAddr,
    /// Of containers, if not in its usual place.
    engine: Option<String>,
}

impl Local {
    /// `program` is the `lockgate` binary, which is the node too; `bind` is where services' ports are opened.
    pub fn new(
        state_dir: impl Into<PathBuf>,
        program: impl Into<PathBuf>,
        scope: Scope,
        bind: IpAddr,
    ) -> Local {
        Local { state_dir: state_dir.into(), program: program.into(), scope, bind, engine: None }
    }

    /// Containers run on the engine of this socket.
    #[must_use]
    pub(crate) fn with_engine(self, engine: Option<String>) -> Local {
        Local { engine, ..self }
    }

    pub fn state_dir(&self) -> &Path {
        &self.state_dir
    }

    fn reveal(&self, secret: &SecretRef) -> Result<Secret<String>, TargetError> {
        let vault = Place::of(&self.state_dir).and_then(|it| Vault::open(&it));
        vault.and_then(|it| it.reveal(secret)).map_err(|it| TargetError::new(Class::Fatal, with_causes(&it)))
    }

    /// Where the router takes requests for the port of a check.
    async fn address(&self, check: &SmokeSpec) -> Result<SocketAddr, TargetError> {
        let (scope, service, port) = (self.scope.clone(), check.service.clone(), check.port);
        match self.ask(&Request::Address { scope, service, port }).await? {
            Response::Address(Some(address)) => Ok(address),
            // The check itself says that nobody listens.
            Response::Address(None) => Ok(SocketAddr::new(self.bind, check.port)),
            other => Err(unexpected(&other)),
        }
    }

    async fn done(&self, request: &Request) -> Result<(), TargetError> {
        match self.ask(request).await? {
            Response::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    /// The node, started if there is none.
    async fn node(&self) -> Result<NodeClient, TargetError> {
        start_node(&self.state_dir, &self.program).await.map_err(|it| unreachable_node(&it))
    }

    /// Asks the node, however often it has to be started for it.
    async fn ask(&self, request: &Request) -> Result<Response, TargetError> {
        let mut repeats = 0;
        loop {
            match self.node().await?.call(request).await {
                Ok(answer) => return Ok(answer),
                Err(CallError::Failed(failure)) => return Err(failed(failure)),
                Err(CallError::Protocol(error)) => return Err(unreachable_node(&error)),
                Err(CallError::Lost { .. }) if repeats < REPEATS_MAX => repeats += 1,
                Err(lost @ CallError::Lost { .. }) => {
                    return Err(TargetError::new(Class::Transient, with_causes(&lost))
                        .hint("see node/node.log in the state folder"));
                }
            }
        }
    }
}

impl Target for Local {
    async fn observe(&self) -> Result<Observed, TargetError> {
        match self.ask(&Request::Observe { scope: self.scope.clone() }).await? {
            Response::Observed(it) => Ok(it),
            other => Err(unexpected(&other)),
        }
    }

    async fn prepare(&self, fence: &Fence, key: &EffectKey, fixtures: &Fixtures) -> Result<(), TargetError> {
        let (fixtures, engine) = (fixtures.clone(), self.engine.clone());
        self.done(&Request::Prepare { fence: fence.clone(), key: key.clone(), fixtures, engine }).await
    }

    async fn prune(&self, fence: &Fence, key: &EffectKey, keep: &Keep) -> Result<(), TargetError> {
        self.done(&Request::Prune { fence: fence.clone(), key: key.clone(), keep: keep.clone() }).await
    }

    async fn ensure_slot(
        &self,
        fence: &Fence,
        key: &EffectKey,
        slot: &SlotSpec,
        instances: u16,
    ) -> Result<(), TargetError> {
        let (slot, bind, engine) = (Box::new(slot.clone()), self.bind, self.engine.clone());
        let (fence, key) = (fence.clone(), key.clone());
        self.done(&Request::EnsureSlot { fence, key, slot, instances, bind, engine }).await
    }

    async fn set_weights(
        &self,
        fence: &Fence,
        key: &EffectKey,
        service: &ServiceName,
        weights: &Weights,
    ) -> Result<(), TargetError> {
        let (service, weights) = (service.clone(), weights.clone());
        self.done(&Request::SetWeights { fence: fence.clone(), key: key.clone(), service, weights }).await
    }

    async fn drain(
        &self,
        fence: &Fence,
        key: &EffectKey,
        slot: &SlotRef,
        within: Millis,
    ) -> Result<(), TargetError> {
        self.done(&Request::Drain { fence: fence.clone(), key: key.clone(), slot: slot.clone(), within })
            .await
    }

    async fn remove_slot(&self, fence: &Fence, key: &EffectKey, slot: &SlotRef) -> Result<(), TargetError> {
        self.done(&Request::RemoveSlot { fence: fence.clone(), key: key.clone(), slot: slot.clone() }).await
    }

    async fn run_job(&self, fence: &Fence, key: &EffectKey, job: &JobSpec) -> Result<JobReport, TargetError> {
        let engine = self.engine.clone();
        let request = Request::RunJob { fence: fence.clone(), key: key.clone(), job: job.clone(), engine };
        match self.ask(&request).await? {
            Response::Job(answer) => Ok(report(answer)),
            other => Err(unexpected(&other)),
        }
    }

    async fn smoke(&self, check: &SmokeSpec) -> Result<(), TargetError> {
        let bearer = check.bearer.as_ref().map(|it| self.reveal(it)).transpose()?;
        let mut repeats = 0;
        loop {
            let address = self.address(check).await?;
            match smoke::check(address, check, bearer.as_ref()).await {
                Err(smoke::Failure::Lost(_)) if repeats < REPEATS_MAX => repeats += 1,
                Err(smoke::Failure::Lost(error) | smoke::Failure::Answered(error)) => return Err(error),
                Ok(()) => return Ok(()),
            }
        }
    }

    async fn look(&self, fence: &Fence, key: &EffectKey) -> Result<Sighting, TargetError> {
        match self.ask(&Request::Look { fence: fence.clone(), key: key.clone() }).await? {
            Response::Sighting(JobSighting::Done(answer)) => Ok(Sighting::Done(report(answer))),
            Response::Sighting(JobSighting::Running) => Ok(Sighting::Running),
            Response::Sighting(JobSighting::NeverRan) => Ok(Sighting::NeverRan),
            Response::Sighting(JobSighting::Unknown) => Ok(Sighting::Unknown),
            other => Err(unexpected(&other)),
        }
    }

    async fn logs(&self, slot: &SlotRef, lines: u16) -> Result<Vec<LogLine>, TargetError> {
        match self.ask(&Request::Logs { slot: slot.clone(), lines }).await? {
            Response::Logs(lines) => Ok(lines),
            other => Err(unexpected(&other)),
        }
    }

    async fn samples(&self, services: &[ServiceName]) -> Result<Samples, TargetError> {
        let request = Request::Samples { scope: self.scope.clone(), services: services.to_vec() };
        match self.ask(&request).await? {
            Response::Samples(it) => Ok(it),
            other => Err(unexpected(&other)),
        }
    }
}

fn unexpected(answer: &Response) -> TargetError {
    TargetError::new(Class::Fatal, format!("the node gave an answer that fits no question: {answer:?}"))
}

fn report(answer: JobAnswer) -> JobReport {
    JobReport { exit_code: answer.exit_code, tail: answer.tail }
}

fn failed(failure: Failure) -> TargetError {
    let class = match failure.class {
        FailureClass::Transient => Class::Transient,
        FailureClass::Fatal => Class::Fatal,
        FailureClass::Fenced => Class::Fenced,
        FailureClass::Ambiguous => Class::Ambiguous,
    };
    TargetError { class, message: failure.message, hint: failure.hint }
}

fn unreachable_node(error: &NodeError) -> TargetError {
    let class = match error {
        NodeError::NotUp { .. } | NodeError::NotRunning { .. } | NodeError::Taken { .. } => Class::Transient,
        NodeError::File { .. }
        | NodeError::Metrics { .. }
        | NodeError::Damaged { .. }
        | NodeError::Spawn { .. }
        | NodeError::UnsafeSocketFolder { .. }
        | NodeError::Protocol { .. }
        | NodeError::Files(_) => Class::Fatal,
    };
    TargetError::new(class, with_causes(error)).hint("lockgate node status")
}

//! The `local` target: processes of this machine, run by the node of a state folder. The same client asks the node of
//! each host of the `docker` target.

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use lockgate_model::{
    EffectKey, Fence, Fixtures, JobSpec, Keep, Millis, Observed, Samples, Scope, Secret, SecretRef,
    ServiceName, SlotRef, SlotSpec, SmokeSpec, Weights, with_causes,
};
use lockgate_node::{
    CallError, Failure, FailureClass, JobAnswer, JobSighting, NodeClient, NodeError, Place, Request,
    Response, Vault, start_node,
};
use tokio::net::UnixStream;

use crate::ssh::Ssh;
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
    at: At,
    scope: Scope,
    bind: IpAddr,
    /// Of containers, if not in its usual place.
    engine: Option<String>,
}

/// Where the node is.
#[derive(Clone, Debug)]
enum At {
    /// On this machine, started by this program.
    Here(PathBuf),
    Host(Arc<Ssh>),
}

impl Local {
    /// `program` is the `lockgate` binary, which is the node too; `bind` is where services' ports are opened.
    pub fn new(
        state_dir: impl Into<PathBuf>,
        program: impl Into<PathBuf>,
        scope: Scope,
        bind: IpAddr,
    ) -> Local {
        Local { state_dir: state_dir.into(), at: At::Here(program.into()), scope, bind, engine: None }
    }

    /// Containers run on the engine of this socket.
    #[must_use]
    pub(crate) fn with_engine(self, engine: Option<String>) -> Local {
        Local { engine, ..self }
    }

    /// The node of a host; values of secrets are in the vault of this machine's `state_dir`.
    pub(crate) fn on(host: Arc<Ssh>, state_dir: PathBuf, scope: Scope, bind: IpAddr) -> Local {
        let engine = host.address().socket.clone();
        Local { state_dir, at: At::Host(host), scope, bind, engine }
    }

    fn reveal(&self, secret: &SecretRef) -> Result<Secret<String>, TargetError> {
        let vault = Place::of(&self.state_dir).and_then(|it| Vault::open(&it));
        vault.and_then(|it| it.reveal(secret)).map_err(|it| TargetError::new(Class::Fatal, with_causes(&it)))
    }

    /// Gives a node on another machine the values that a request refers to.
    async fn lend(&self, secrets: impl Iterator<Item = &SecretRef>) -> Result<(), TargetError> {
        let At::Host(_) = self.at else { return Ok(()) };
        let values: Vec<(SecretRef, Secret<String>)> =
            secrets.map(|it| Ok((it.clone(), self.reveal(it)?))).collect::<Result<_, TargetError>>()?;
        if values.is_empty() {
            return Ok(());
        }
        self.done(&Request::Keep { values }).await
    }

    /// A connection to the router's port that a check asks.
    async fn router(&self, check: &SmokeSpec) -> Result<(UnixStream, SocketAddr), TargetError> {
        let program = match &self.at {
            At::Here(program) => program,
            At::Host(host) => return host.reach(&check.service, check.port).await,
        };
        self.repeat(program, |node| async move { node.reach(&self.scope, &check.service, check.port).await })
            .await
    }

    async fn done(&self, request: &Request) -> Result<(), TargetError> {
        match self.ask(request).await? {
            Response::Done => Ok(()),
            other => Err(unexpected(&other)),
        }
    }

    async fn ask(&self, request: &Request) -> Result<Response, TargetError> {
        match &self.at {
            At::Here(program) => self.repeat(program, |node| async move { node.call(request).await }).await,
            At::Host(host) => host.ask(request).await,
        }
    }

    /// Asks the node of this machine, however often it has to be started for it.
    async fn repeat<T, F>(&self, program: &Path, ask: impl Fn(NodeClient) -> F) -> Result<T, TargetError>
    where
        F: Future<Output = Result<T, CallError>> + Send,
    {
        let mut repeats = 0;
        loop {
            let node = start_node(&self.state_dir, program).await.map_err(|it| unreachable_node(&it))?;
            match ask(node).await {
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
        if let Fixtures::Docker(it) = fixtures {
            self.lend(it.dependencies.values().flat_map(|it| it.secrets.values())).await?;
        }
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
        if 0 < instances {
            self.lend(slot.secrets.values()).await?;
        }
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
        self.lend(job.secrets.values()).await?;
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
            let (router, address) = self.router(check).await?;
            match smoke::check(router, address, check, bearer.as_ref()).await {
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

pub(crate) fn failed(failure: Failure) -> TargetError {
    let class = match failure.class {
        FailureClass::Away => Class::Away,
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

//! The node of a host that is reached by ssh: with the user's own client and configuration, and nothing installed
//! there beforehand but a Docker engine.
//!
//! The node's socket is forwarded, rather than each request being a command of its own: servers bound the sessions of
//! a connection (to ten, as they come) and not what is forwarded, and a release asks for all its services at once.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use lockgate_model::{Scope, ServiceName};
use lockgate_node::{CallError, NodeClient, Request, Response};
use tokio::net::UnixStream;
use tokio::time::Instant;

use crate::docker::SshAddress;
use crate::{Class, TargetError};

mod folder;
mod link;
mod program;
mod words;

use link::Link;
pub(crate) use program::Program;

/// A change waits this long for a host that went away, such as for its restart; then the caller's own retries follow.
const BACK_WITHIN: Duration = Duration::from_mins(2);
/// Who only looks is told sooner; a connection that broke is made again in this time.
const LOOK_WITHIN: Duration = Duration::from_secs(3);
/// Between attempts, growing.
const AGAIN_FIRST: Duration = Duration::from_millis(100);
const AGAIN_MAX: Duration = Duration::from_secs(5);

/// One host, for one system and environment. The connection is made when it is first needed, and again when it is lost.
pub(crate) struct Ssh {
    address: SshAddress,
    /// The client that is run.
    client: PathBuf,
    scope: Scope,
    program: Arc<Program>,
    link: tokio::sync::Mutex<Option<Link>>,
    /// When it was first not reached, until it is again.
    away: std::sync::Mutex<Option<SystemTime>>,
}

impl Ssh {
    pub(crate) fn new(address: SshAddress, client: PathBuf, scope: Scope, program: Arc<Program>) -> Ssh {
        Ssh {
            address,
            client,
            scope,
            program,
            link: tokio::sync::Mutex::default(),
            away: std::sync::Mutex::default(),
        }
    }

    pub(crate) fn address(&self) -> &SshAddress {
        &self.address
    }

    /// The node's answer, over as many connections as it takes.
    pub(crate) async fn ask(&self, request: &Request) -> Result<Response, TargetError> {
        let within = if changes(request) { BACK_WITHIN } else { LOOK_WITHIN };
        self.repeat(within, |node| async move { node.call(request).await }).await
    }

    /// A connection to the host's router, and where that is.
    pub(crate) async fn reach(
        &self,
        service: &ServiceName,
        port: u16,
    ) -> Result<(UnixStream, SocketAddr), TargetError> {
        let scope = &self.scope;
        self.repeat(LOOK_WITHIN, |node| async move { node.reach(scope, service, port).await }).await
    }

    async fn repeat<T, F>(&self, within: Duration, ask: impl Fn(NodeClient) -> F) -> Result<T, TargetError>
    where
        F: Future<Output = Result<T, CallError>> + Send,
    {
        let (begun, mut wait) = (Instant::now(), AGAIN_FIRST);
        loop {
            let error = match self.node().await {
                Ok(node) => match ask(node).await {
                    Ok(answer) => return Ok(answer),
                    Err(CallError::Failed(failure)) => return Err(self.named(crate::local::failed(failure))),
                    Err(CallError::Protocol(error)) => {
                        return Err(self.named(TargetError::new(Class::Fatal, error.to_string())));
                    }
                    Err(CallError::Lost { .. }) => {
                        let text = format!("the connection to {} was lost", self.address);
                        TargetError::new(Class::Transient, text)
                    }
                },
                Err(error) => error,
            };
            if error.class != Class::Transient || within <= begun.elapsed() {
                return Err(error);
            }
            tracing::warn!(%error, "the host is asked again");
            tokio::time::sleep(wait).await;
            wait = (wait * 2).min(AGAIN_MAX);
        }
    }

    /// Says whose words they are.
    fn named(&self, error: TargetError) -> TargetError {
        let TargetError { class, message, hint } = error;
        let hint = hint.map(|it| format!("on {}: {it}", self.address));
        TargetError { class, message: format!("{}: {message}", self.address), hint }
    }

    async fn node(&self) -> Result<NodeClient, TargetError> {
        let mut link = self.link.lock().await;
        let node = self.connected(&mut link).await;
        let mut away = self.away.lock().unwrap_or_else(PoisonError::into_inner);
        let error = match node {
            Ok(node) => {
                *away = None;
                return Ok(node);
            }
            Err(error) => error,
        };
        if error.class != Class::Transient {
            return Err(error);
        }
        let now = SystemTime::now();
        let since = *away.get_or_insert(now);
        let for_s = now.duration_since(since).unwrap_or_default().as_secs();
        let message = format!("{} (away since {} UTC, for {for_s} s)", error.message, clock(since));
        Err(TargetError { message, ..error })
    }

    async fn connected(&self, held: &mut Option<Link>) -> Result<NodeClient, TargetError> {
        if let Some(link) = held {
            if link.lives()
                && let Some(node) = link.node().await
            {
                return Ok(node);
            }
            if link.lives() {
                match link.start_node().await {
                    Err(error) if link.lives() => return Err(error),
                    Err(_) => (),
                    started => return started,
                }
            }
            tracing::warn!(error = %link.lost(), "the host is connected to again");
            *held = None;
        }
        let mut link = Link::open(&self.address, &self.client, &self.scope, &self.program).await?;
        let node = link.start_node().await;
        *held = Some(link);
        node
    }
}

impl std::fmt::Debug for Ssh {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Ssh({})", self.address)
    }
}

/// Whether it is worth waiting for the host: what only looks is asked again anyway.
fn changes(request: &Request) -> bool {
    match request {
        Request::Prepare { .. }
        | Request::Prune { .. }
        | Request::EnsureSlot { .. }
        | Request::SetWeights { .. }
        | Request::Drain { .. }
        | Request::RemoveSlot { .. }
        | Request::RunJob { .. }
        | Request::Look { .. }
        | Request::Keep { .. }
        | Request::Stop { .. } => true,
        Request::Observe { .. }
        | Request::Samples { .. }
        | Request::Logs { .. }
        | Request::Reach { .. }
        | Request::JobLogs { .. }
        | Request::Status => false,
    }
}

/// Hours, minutes and seconds of the day.
fn clock(at: SystemTime) -> String {
    let of_day = at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() % 86_400;
    format!("{:02}:{:02}:{:02}", of_day / 3_600, of_day / 60 % 60, of_day % 60)
}

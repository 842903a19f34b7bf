//! Talks to a running node. A connection per request: nothing is shared that a dead node could leave broken.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use lockgate_model::{EffectKey, Scope, ServiceName, SlotRef};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::UnixStream;

use crate::protocol::{Envelope, MESSAGE_LEN_MAX};
use crate::{Failure, KeepInstances, LogLine, NodeError, NodeStatus, PROTOCOL, Place, Request, Response};

/// Why a call has no good answer.
#[derive(Debug, thiserror::Error)]
pub enum CallError {
    /// The node refused or failed, and said why.
    #[error(transparent)]
    Failed(#[from] Failure),
    /// The node could not be reached or went away before it answered. Asking again is safe.
    #[error("the node at {} went away", socket.display())]
    Lost {
        socket: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error(transparent)]
    Protocol(NodeError),
}

/// A client of the node of one state folder.
#[derive(Clone, Debug)]
pub struct NodeClient {
    socket: PathBuf,
}

impl NodeClient {
    /// Finds the node that serves `state_dir` and sees that it answers.
    pub async fn connect(state_dir: &Path) -> Result<NodeClient, NodeError> {
        let place = Place::of(state_dir)?;
        let client = NodeClient { socket: place.socket()? };
        match client.status().await {
            Ok(_) | Err(CallError::Failed(_)) => Ok(client),
            Err(CallError::Lost { .. }) => {
                Err(NodeError::NotRunning { state_dir: place.state_dir().to_owned() })
            }
            Err(CallError::Protocol(it)) => Err(it),
        }
    }

    /// The node behind a socket that leads to another machine.
    pub fn at(socket: impl Into<PathBuf>) -> NodeClient {
        NodeClient { socket: socket.into() }
    }

    /// Last lines that a slot's instances printed.
    pub async fn logs(&self, slot: &SlotRef, lines: u16) -> Result<Vec<LogLine>, CallError> {
        self.log_lines(&Request::Logs { slot: slot.clone(), lines }).await
    }

    pub async fn job_logs(&self, key: &EffectKey, lines: u16) -> Result<Vec<LogLine>, CallError> {
        self.log_lines(&Request::JobLogs { key: key.clone(), lines }).await
    }

    async fn log_lines(&self, request: &Request) -> Result<Vec<LogLine>, CallError> {
        match self.call(request).await? {
            Response::Logs(it) => Ok(it),
            other => Err(self.unexpected(&other)),
        }
    }

    pub async fn status(&self) -> Result<NodeStatus, CallError> {
        match self.call(&Request::Status).await? {
            Response::Status(it) => Ok(it),
            other => Err(self.unexpected(&other)),
        }
    }

    /// Stops the node; answers when the instances are stopped too, if they are to be.
    pub async fn stop(&self, instances: KeepInstances) -> Result<(), CallError> {
        self.done(&Request::Stop { instances }).await
    }

    async fn done(&self, request: &Request) -> Result<(), CallError> {
        match self.call(request).await? {
            Response::Done => Ok(()),
            other => Err(self.unexpected(&other)),
        }
    }

    /// The node's answer; a refusal is an error. Every request may be repeated.
    pub async fn call(&self, request: &Request) -> Result<Response, CallError> {
        self.call_watched(request, |_| ()).await
    }

    /// As [`NodeClient::call`], with each line of progress handed to `progress` as it comes.
    pub async fn call_watched(
        &self,
        request: &Request,
        mut progress: impl FnMut(&str) + Send,
    ) -> Result<Response, CallError> {
        self.exchange(request, &mut progress).await.map(|it| it.0)
    }

    /// A connection to the router's port of a service, as from the node's own machine, and where that is.
    pub async fn reach(
        &self,
        scope: &Scope,
        service: &ServiceName,
        port: u16,
    ) -> Result<(UnixStream, SocketAddr), CallError> {
        let request = Request::Reach { scope: scope.clone(), service: service.clone(), port };
        match self.exchange(&request, &mut |_| ()).await? {
            (Response::Reached(address), stream) => Ok((stream, address)),
            (other, _) => Err(self.unexpected(&other)),
        }
    }

    /// The answer, and the connection that it came by.
    async fn exchange(
        &self,
        request: &Request,
        progress: &mut (dyn FnMut(&str) + Send),
    ) -> Result<(Response, UnixStream), CallError> {
        let lost = |source| CallError::Lost { socket: self.socket.clone(), source };
        let mut stream = UnixStream::connect(&self.socket).await.map_err(lost)?;
        stream.write_all(&encode(request)).await.map_err(lost)?;
        let mut reader = BufReader::new(stream);
        loop {
            match self.read(&mut reader).await.map_err(lost)? {
                Response::Progress(text) => progress(&text),
                Response::Failed(failure) => return Err(CallError::Failed(failure)),
                Response::Protocol(theirs) => {
                    return Err(CallError::Protocol(NodeError::Protocol { ours: PROTOCOL, theirs }));
                }
                // After its answer the node says nothing unasked, so nothing is left in the buffer.
                answer => return Ok((answer, reader.into_inner())),
            }
        }
    }

    async fn read(&self, reader: &mut BufReader<UnixStream>) -> io::Result<Response> {
        let mut line = Vec::new();
        let length = reader.take(MESSAGE_LEN_MAX as u64).read_until(b'\n', &mut line).await?;
        if length == 0 || !line.ends_with(b"\n") {
            return Err(io::Error::new(io::ErrorKind::UnexpectedEof, "it closed before it answered"));
        }
        serde_json::from_slice(&line).map_err(|it| io::Error::new(io::ErrorKind::InvalidData, it))
    }

    fn unexpected(&self, answer: &Response) -> CallError {
        let text = format!("an answer that fits no question: {answer:?}");
        CallError::Lost {
            socket: self.socket.clone(),
            source: io::Error::new(io::ErrorKind::InvalidData, text),
        }
    }
}

fn encode(request: &Request) -> Vec<u8> {
    let request = serde_json::to_value(request).expect("requests are plain data with text keys");
    let envelope = Envelope { protocol: PROTOCOL, request };
    let mut line = serde_json::to_vec(&envelope).expect("an envelope holds JSON");
    line.push(b'\n');
    line
}

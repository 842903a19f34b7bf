//! The node's socket: who may talk, reading requests, writing answers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{UnixListener, UnixStream};
use tokio::sync::Semaphore;

use crate::node::Node;
use crate::protocol::{Envelope, Failure, MESSAGE_LEN_MAX, PROTOCOL, Request, Response};
use crate::{NodeError, reach};

/// Requests at a time. A release of a hundred services asks for each of them at once.
const CONNECTIONS_MAX: usize = 512;
/// A client writes its request at once; one that does not is not a client.
const REQUEST_WITHIN: Duration = Duration::from_secs(10);
/// Between signs of life to a client that waits.
const PROGRESS_EVERY: Duration = Duration::from_secs(5);

pub(crate) fn listen(socket: &Path) -> Result<UnixListener, NodeError> {
    // The lock is held, so a socket that is there belongs to a dead node.
    if let Err(source) = fs::remove_file(socket)
        && source.kind() != std::io::ErrorKind::NotFound
    {
        return Err(NodeError::File { action: "remove the old socket", path: socket.to_owned(), source });
    }
    let listener = UnixListener::bind(socket).map_err(NodeError::file("listen on", socket))?;
    fs::set_permissions(socket, fs::Permissions::from_mode(0o600))
        .map_err(NodeError::file("close to others", socket))?;
    Ok(listener)
}

/// Serves until the node is told to stop.
pub(crate) async fn serve(node: Arc<Node>, listener: UnixListener) {
    let places = Arc::new(Semaphore::new(CONNECTIONS_MAX));
    loop {
        let place = tokio::select! {
            place = Arc::clone(&places).acquire_owned() => place,
            () = node.ended.cancelled() => return,
        };
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = node.ended.cancelled() => return,
        };
        match accepted {
            Ok((stream, _)) => {
                let node = Arc::clone(&node);
                tokio::spawn(async move {
                    converse(node, stream).await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::error!(%error, "the socket accepts nobody");
                // Out of file descriptors, most likely: the connections that end will free some.
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
    }
}

async fn converse(node: Arc<Node>, stream: UnixStream) {
    if !allowed(&stream) {
        tracing::warn!("a process of another user was refused");
        return;
    }
    let (mut reading, mut writing) = stream.into_split();
    let Ok(Some(request)) = tokio::time::timeout(REQUEST_WITHIN, read(&mut reading)).await else { return };
    if let Ok(Request::Reach { scope, service, port }) = request {
        match reach::router(&node, &scope, &service, port).await {
            Ok((router, address)) => {
                if write(&mut writing, &Response::Reached(address)).await {
                    reach::join(reading, writing, router).await;
                }
            }
            Err(failure) => drop(write(&mut writing, &Response::Failed(failure)).await),
        }
        return;
    }
    let ends_node = matches!(request, Ok(Request::Stop { .. }));
    let answering = async {
        match request {
            Ok(request) => crate::requests::answer(&node, request).await,
            Err(refusal) => refusal,
        }
    };
    tokio::pin!(answering);
    let mut listening = true;
    let answer = loop {
        tokio::select! {
            answer = &mut answering => break answer,
            // A request goes on when its client has gone.
            () = tokio::time::sleep(PROGRESS_EVERY), if listening => {
                listening = write(&mut writing, &Response::Progress("under way".to_owned())).await;
            }
        }
    };
    if !write(&mut writing, &answer).await {
        tracing::debug!("a client left before its answer");
    }
    if ends_node {
        node.ended.cancel();
    }
}

/// The folder is closed to others already; this holds where the socket is in a shared temporary folder.
fn allowed(stream: &UnixStream) -> bool {
    let own = rustix::process::getuid().as_raw();
    stream.peer_cred().is_ok_and(|it| it.uid() == own || it.uid() == 0)
}

/// `None` when nobody spoke; an error is the answer to what is not a request.
async fn read(reading: &mut OwnedReadHalf) -> Option<Result<Request, Response>> {
    let mut line = Vec::new();
    let mut reading = BufReader::new(reading).take(MESSAGE_LEN_MAX as u64);
    reading.read_until(b'\n', &mut line).await.ok()?;
    if line.is_empty() {
        return None;
    }
    if line.len() == MESSAGE_LEN_MAX && !line.ends_with(b"\n") {
        let text = format!("the request is longer than {MESSAGE_LEN_MAX} bytes");
        return Some(Err(Response::Failed(Failure::fatal(text))));
    }
    let unreadable =
        |it: serde_json::Error| Response::Failed(Failure::fatal(format!("the request does not read: {it}")));
    let envelope: Envelope = match serde_json::from_slice(&line) {
        Ok(envelope) => envelope,
        Err(error) => return Some(Err(unreadable(error))),
    };
    if envelope.protocol != PROTOCOL {
        return Some(Err(Response::Protocol(PROTOCOL)));
    }
    Some(serde_json::from_value(envelope.request).map_err(unreadable))
}

async fn write(writing: &mut OwnedWriteHalf, answer: &Response) -> bool {
    let mut line = serde_json::to_vec(answer).expect("answers are plain data with text keys");
    line.push(b'\n');
    writing.write_all(&line).await.is_ok()
}

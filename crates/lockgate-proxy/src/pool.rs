//! Connections to one address of one instance. Dropped with the instance.
//!
//! **Invariant:** a connection is in the pool only while nothing is under way on it (HTTP/1.1), and at most
//! one connection is shared by all requests (HTTP/2).

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::{Request, Response};
use hyper::body::Incoming;
use hyper::client::conn::{TrySendError, http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout};
use tokio_util::sync::CancellationToken;

use crate::body::Upload;
use crate::config::Limits;

/// More idle connections than this are not worth their file descriptors.
const IDLE_MAX: usize = 256;
/// A request that cannot be repeated takes only a connection that was in use this recently.
const FRESH_ENOUGH: Duration = Duration::from_millis(500);
/// A dead HTTP/2 connection is found by a ping after this much silence, and this long without an answer.
const PING_AFTER: Duration = Duration::from_secs(10);
const PING_TIMEOUT: Duration = Duration::from_secs(5);

/// Whether a request may be sent again if its connection turns out to be closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Replay {
    Possible,
    Never,
}

pub(crate) struct Pool {
    address: SocketAddr,
    idle: Mutex<Vec<Idle>>,
    shared: tokio::sync::Mutex<Option<http2::SendRequest<Upload>>>,
    open: Arc<AtomicUsize>,
    gone: CancellationToken,
}

struct Idle {
    sender: http1::SendRequest<Upload>,
    since: Instant,
}

/// A connection that one request may use.
pub(crate) enum Link {
    One(http1::SendRequest<Upload>),
    Shared(http2::SendRequest<Upload>),
}

impl Link {
    pub(crate) async fn send(
        &mut self,
        request: Request<Upload>,
    ) -> Result<Response<Incoming>, TrySendError<Request<Upload>>> {
        match self {
            Link::One(sender) => sender.try_send_request(request).await,
            Link::Shared(sender) => sender.try_send_request(request).await,
        }
    }
}

/// Decrements the number of open connections when the connection's task ends.
struct Open(Arc<AtomicUsize>);

impl Drop for Open {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Pool {
    pub(crate) fn new(address: SocketAddr, gone: CancellationToken) -> Pool {
        let (idle, shared) = (Mutex::default(), tokio::sync::Mutex::default());
        Pool { address, idle, shared, open: Arc::default(), gone }
    }

    pub(crate) fn open(&self) -> usize {
        self.open.load(Ordering::Relaxed)
    }

    /// An idle connection that is still good, the one used last first.
    pub(crate) fn reuse(&self, replay: Replay, limits: &Limits) -> Option<Link> {
        let age_max = match replay {
            Replay::Possible => limits.upstream_idle,
            Replay::Never => FRESH_ENOUGH.min(limits.upstream_idle),
        };
        let mut idle = self.idle();
        while let Some(last) = idle.pop() {
            if last.sender.is_closed() {
                continue;
            }
            if age_max < last.since.elapsed() {
                // Those below it are older still.
                idle.push(last);
                return None;
            }
            if last.sender.is_ready() {
                return Some(Link::One(last.sender));
            }
        }
        None
    }

    pub(crate) async fn connect(&self, limits: &Limits) -> std::io::Result<Link> {
        let stream = self.dial(limits).await?;
        let mut builder = http1::Builder::new();
        builder.max_header_size(limits.header_bytes as usize);
        let (sender, connection) =
            builder.handshake(TokioIo::new(stream)).await.map_err(std::io::Error::other)?;
        self.drive(connection.with_upgrades());
        Ok(Link::One(sender))
    }

    /// The one HTTP/2 connection. The second value says whether it was there before.
    pub(crate) async fn share(&self, limits: &Limits) -> std::io::Result<(Link, bool)> {
        let mut shared = self.shared.lock().await;
        if let Some(sender) = shared.as_ref().filter(|it| !it.is_closed()) {
            return Ok((Link::Shared(sender.clone()), true));
        }
        let stream = self.dial(limits).await?;
        let mut builder = http2::Builder::new(TokioExecutor::new());
        builder.timer(TokioTimer::new()).keep_alive_interval(PING_AFTER).keep_alive_timeout(PING_TIMEOUT);
        builder.adaptive_window(true).max_header_list_size(limits.header_bytes);
        let (sender, connection) =
            builder.handshake(TokioIo::new(stream)).await.map_err(std::io::Error::other)?;
        self.drive(connection);
        *shared = Some(sender.clone());
        Ok((Link::Shared(sender), false))
    }

    /// Takes back a connection whose answer has been read to its end.
    pub(crate) fn put(&self, sender: http1::SendRequest<Upload>) {
        if self.gone.is_cancelled() || sender.is_closed() {
            return;
        }
        let mut idle = self.idle();
        if idle.len() < IDLE_MAX {
            idle.push(Idle { sender, since: Instant::now() });
        }
    }

    /// Closes what has been idle for too long.
    pub(crate) fn sweep(&self, limits: &Limits) {
        self.idle().retain(|it| !it.sender.is_closed() && it.since.elapsed() < limits.upstream_idle);
    }

    /// Closes all that is idle.
    pub(crate) fn close(&self) {
        self.idle().clear();
    }

    async fn dial(&self, limits: &Limits) -> std::io::Result<TcpStream> {
        let stream = timeout(limits.connect, TcpStream::connect(self.address)).await??;
        stream.set_nodelay(true)?;
        Ok(stream)
    }

    fn drive(&self, connection: impl Future<Output = hyper::Result<()>> + Send + 'static) {
        self.open.fetch_add(1, Ordering::Relaxed);
        let open = Open(Arc::clone(&self.open));
        let gone = self.gone.clone();
        tokio::spawn(async move {
            if let Some(Err(error)) = gone.run_until_cancelled(connection).await {
                tracing::debug!(%error, "connection to an instance ended");
            }
            drop(open);
        });
    }

    fn idle(&self) -> MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! One open port: accepts connections and serves them until told to stop.

use std::convert::Infallible;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use hyper::server::conn::{http1, http2};
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use lockgate_model::Protocol;
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Semaphore;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::flight::Flight;
use crate::forward::{self, Caller, Entry};
use crate::heads::{Heads, Seen};

/// Connections that wait in the kernel to be accepted.
const BACKLOG: u32 = 1_024;
/// Pause after an accept that failed for want of file descriptors.
const ACCEPT_PAUSE: Duration = Duration::from_millis(20);
/// A client that has gone without a word is found by a ping after this much silence.
const PING_AFTER: Duration = Duration::from_secs(20);

pub(crate) struct Listener {
    /// As it was asked for: the port may be 0.
    pub(crate) asked: SocketAddr,
    pub(crate) addr: SocketAddr,
    pub(crate) protocol: Protocol,
    stop: CancellationToken,
    accepting: JoinHandle<()>,
    open: Arc<Flight>,
}

impl Listener {
    pub(crate) fn open(asked: SocketAddr, entry: Entry) -> io::Result<Listener> {
        let socket = if asked.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        socket.set_reuseaddr(true)?;
        socket.bind(asked)?;
        let listener = socket.listen(BACKLOG)?;
        let addr = listener.local_addr()?;
        let (stop, open, protocol) = (CancellationToken::new(), Arc::<Flight>::default(), entry.protocol);
        let accepting = tokio::spawn(accept(listener, Arc::new(entry), stop.clone(), Arc::clone(&open)));
        Ok(Listener { asked, addr, protocol, stop, accepting, open })
    }

    pub(crate) fn connections(&self) -> u64 {
        self.open.count()
    }

    /// Closes the port at once. Connections end after the request that is under way on them; answers when all
    /// have, or after `within`.
    pub(crate) async fn close(self, within: Duration) {
        self.stop.cancel();
        // A panic of the accept loop has closed the port too.
        self.accepting.await.unwrap_or_default();
        // Whoever is left keeps its connection; nothing waits for it.
        tokio::time::timeout(within, self.open.idle()).await.unwrap_or_default();
    }
}

async fn accept(listener: TcpListener, entry: Arc<Entry>, stop: CancellationToken, open: Arc<Flight>) {
    let places = Arc::new(Semaphore::new(entry.limits.connections));
    loop {
        let place = Arc::clone(&places).acquire_owned();
        let Some(Ok(place)) = stop.run_until_cancelled(place).await else { return };
        let Some(accepted) = stop.run_until_cancelled(listener.accept()).await else { return };
        let (stream, peer) = match accepted {
            Ok(accepted) => accepted,
            Err(error) => {
                tracing::warn!(%error, service = %entry.service.name, "cannot accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
                continue;
            }
        };
        let (entry, stop, open) = (Arc::clone(&entry), stop.clone(), Arc::clone(&open));
        open.enter();
        tokio::spawn(async move {
            if let Err(error) = serve(stream, peer, entry, stop).await {
                tracing::debug!(%error, %peer, "client connection ended");
            }
            open.leave();
            drop(place);
        });
    }
}

async fn serve(
    stream: TcpStream,
    peer: SocketAddr,
    entry: Arc<Entry>,
    stop: CancellationToken,
) -> hyper::Result<()> {
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, %peer, "client left at once");
        return Ok(());
    }
    let limits = Arc::clone(&entry.limits);
    let protocol = entry.protocol;
    let seen = Arc::<Seen>::default();
    let caller = Arc::new(Caller { peer, seen: Arc::clone(&seen) });
    let service = service_fn(move |request| {
        let (entry, caller) = (Arc::clone(&entry), Arc::clone(&caller));
        async move { Ok::<_, Infallible>(forward::handle(&entry, &caller, request).await) }
    });
    match protocol {
        Protocol::Http => {
            let stream = Heads::new(stream, seen, limits.header_read, limits.header_bytes);
            let mut builder = http1::Builder::new();
            builder.timer(TokioTimer::new()).header_read_timeout(limits.client_idle);
            builder.max_headers(limits.headers.into()).max_header_size(limits.header_bytes as usize);
            let mut connection =
                pin!(builder.serve_connection(TokioIo::new(stream), service).with_upgrades());
            tokio::select! {
                ended = connection.as_mut() => return ended,
                () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
            }
            connection.await
        }
        Protocol::Grpc => {
            let mut builder = http2::Builder::new(TokioExecutor::new());
            builder.timer(TokioTimer::new()).keep_alive_interval(PING_AFTER).adaptive_window(true);
            builder.max_concurrent_streams(limits.streams).max_header_list_size(limits.header_bytes);
            let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
            tokio::select! {
                ended = connection.as_mut() => return ended,
                () = stop.cancelled() => connection.as_mut().graceful_shutdown(),
            }
            connection.await
        }
    }
}

//! Checks one instance for as long as it is there.

use std::net::SocketAddr;
use std::sync::{Arc, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::{Method, Request, Response, header};
use http_body_util::Empty;
use hyper::body::Incoming;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use lockgate_model::{Health, PortName, Protocol};
use tokio::net::TcpStream;
use tokio::time::{Instant, interval, sleep_until, timeout};
use tokio_util::task::AbortOnDropHandle;

use crate::config::Limits;
use crate::instance::Instance;
use crate::pool::Pool;
use crate::route::Service;
use crate::slot::Slot;

/// An instance that has not passed yet, or could not be connected to, is asked more often than its interval says.
const EAGER: Duration = Duration::from_millis(200);
/// Idle connections are looked through this often.
const SWEEP: Duration = Duration::from_secs(1);
/// A process without checks that could not be connected to is tried again after this.
const PARDON_AFTER: Duration = Duration::from_secs(1);
/// "Never" for a timer.
const FAR: Duration = Duration::from_hours(24);

pub(crate) async fn watch(
    service: Arc<Service>,
    slot: Arc<Slot>,
    instance: Arc<Instance>,
    limits: Arc<Limits>,
) {
    let since = Instant::now();
    let mut next = since;
    let mut sweep = interval(SWEEP);
    loop {
        tokio::select! {
            () = instance.gone.cancelled() => break,
            () = instance.recheck.notified() => {}
            () = sleep_until(next) => {}
            _ = sweep.tick() => {
                instance.pools.values().for_each(|it| it.sweep(&limits));
                continue;
            }
        }
        let check = check(&service, &slot.config.health, &instance, since);
        let Some(pause) = instance.gone.run_until_cancelled(check).await else { break };
        next = Instant::now() + pause;
    }
    instance.pools.values().for_each(Pool::close);
}

/// One check; answers how long to wait for the next.
async fn check(service: &Service, health: &Health, instance: &Instance, since: Instant) -> Duration {
    match health {
        Health::Uptime { ready_after } => {
            let ready_at = since + ready_after.to_std();
            if instance.is_suspect() {
                tokio::time::sleep(PARDON_AFTER).await;
            }
            let left = ready_at.saturating_duration_since(Instant::now());
            if !left.is_zero() {
                return left;
            }
            instance.passed(health);
            FAR
        }
        Health::Http { path, port, interval, timeout, .. } => {
            match ask(service, instance, path, port, timeout.to_std()).await {
                Ok(()) => {
                    instance.passed(health);
                    interval.to_std()
                }
                Err(reason) => {
                    let eager = !instance.is_healthy() || instance.is_suspect();
                    instance.failed(health, reason);
                    if eager { interval.to_std().min(EAGER) } else { interval.to_std() }
                }
            }
        }
    }
}

async fn ask(
    service: &Service,
    instance: &Instance,
    path: &str,
    port: &PortName,
    within: Duration,
) -> Result<(), String> {
    let Some(&addr) = instance.addresses.get(port) else { return Err(format!("it has no port `{port}`")) };
    let protocol = service.ports.lock().unwrap_or_else(PoisonError::into_inner).get(port).copied();
    let answer = timeout(within, get(addr, path, protocol.unwrap_or(Protocol::Http))).await;
    let answer = answer.map_err(|_| format!("GET {path} on {addr} did not answer within {within:?}"))?;
    let status = answer.map_err(|it| format!("GET {path} on {addr} failed: {it}"))?.status();
    if status.is_success() { Ok(()) } else { Err(format!("GET {path} on {addr} answered {status}")) }
}

/// Over a connection of its own, as a new client would come. Redirects are answers like any other.
async fn get(addr: SocketAddr, path: &str, protocol: Protocol) -> Result<Response<Incoming>, Box<Error>> {
    let request = Request::builder().method(Method::GET).header(header::USER_AGENT, "lockgate-health");
    let stream = TokioIo::new(TcpStream::connect(addr).await?);
    match protocol {
        Protocol::Http => {
            let request = request.uri(path).header(header::HOST, addr.to_string());
            let request = request.header(header::CONNECTION, "close").body(Empty::<Bytes>::new())?;
            let (mut sender, connection) = http1::handshake(stream).await?;
            let _connection = AbortOnDropHandle::new(tokio::spawn(connection));
            Ok(sender.send_request(request).await?)
        }
        Protocol::Grpc => {
            let request = request.uri(format!("http://{addr}{path}")).body(Empty::<Bytes>::new())?;
            let (mut sender, connection) = http2::handshake(TokioExecutor::new(), stream).await?;
            let _connection = AbortOnDropHandle::new(tokio::spawn(connection));
            Ok(sender.send_request(request).await?)
        }
    }
}

type Error = dyn std::error::Error + Send + Sync;

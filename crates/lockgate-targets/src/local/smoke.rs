//! One request to a running version, through the node's router.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::Bytes;
use http_body_util::Empty;
use hyper::Request;
use hyper_util::rt::TokioIo;
use lockgate_model::{SmokeSpec, SmokeVia};
use tokio::net::TcpStream;

use crate::{Class, TargetError};

/// Picks the slot whatever its weight; the router takes it from this machine only.
const RELEASE_HEADER: &str = "x-lockgate-release";

pub(super) enum Failure {
    /// The router did not answer: it says nothing of the version.
    Lost(TargetError),
    Answered(TargetError),
}

pub(super) async fn check(bind: IpAddr, check: &SmokeSpec) -> Result<(), Failure> {
    let address = SocketAddr::new(reachable(bind), check.port);
    let what = format!("GET http://{address}{} of {}", check.path, check.service);
    let Ok(status) = tokio::time::timeout(check.timeout.to_std(), get(address, check)).await else {
        let text = format!("{what} had no answer within {}", check.timeout);
        return Err(Failure::Answered(TargetError::new(Class::Transient, text)));
    };
    let lost = |it| Failure::Lost(TargetError::new(Class::Transient, format!("{what} failed: {it}")));
    let status = status.map_err(lost)?;
    if status == check.status {
        return Ok(());
    }
    // A gateway's own answers pass; an instance's answer is what the version says.
    let class = if matches!(status, 502..=504) { Class::Transient } else { Class::Fatal };
    let text = format!("{what} answered {status}, expected {}", check.status);
    Err(Failure::Answered(TargetError::new(class, text)))
}

async fn get(
    address: SocketAddr,
    check: &SmokeSpec,
) -> Result<u16, Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut request = Request::get(check.path.as_str()).header("host", address.to_string());
    match &check.via {
        SmokeVia::Slot(slot) => request = request.header(RELEASE_HEADER, slot.release.to_string()),
        SmokeVia::Route => (),
    }
    let answer = sender.send_request(request.body(Empty::<Bytes>::new())?).await;
    connection.abort();
    Ok(answer?.status().as_u16())
}

/// A wildcard address is for listening; this machine reaches it by loopback.
fn reachable(bind: IpAddr) -> IpAddr {
    match bind {
        IpAddr::V4(it) if it.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(it) if it.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}

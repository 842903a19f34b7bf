//! One request to a running version, through the node's router.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::body::Incoming;
use hyper::{Request, Response};
use hyper_util::rt::TokioIo;
use lockgate_model::{Secret, SmokeSpec, SmokeVia};
use tokio::net::TcpStream;

use crate::{Class, TargetError, expect};

/// Picks the slot whatever its weight; the router takes it from this machine only.
const RELEASE_HEADER: &str = "x-lockgate-release";

pub(super) enum Failure {
    /// The router did not answer: it says nothing of the version.
    Lost(TargetError),
    Answered(TargetError),
}

pub(super) async fn check(
    bind: IpAddr,
    check: &SmokeSpec,
    bearer: Option<&Secret<String>>,
) -> Result<(), Failure> {
    let address = SocketAddr::new(reachable(bind), check.port);
    let what = format!("GET http://{address}{} of {}", check.path, check.service);
    let answer = tokio::time::timeout(check.timeout.to_std(), get(address, check, bearer)).await;
    let Ok(answer) = answer else {
        let text = format!("{what} had no answer within {}", check.timeout);
        return Err(Failure::Answered(TargetError::new(Class::Transient, text)));
    };
    let lost = |it| Failure::Lost(TargetError::new(Class::Transient, format!("{what} failed: {it}")));
    let (status, body) = answer.map_err(lost)?;
    expect::judge(check, &what, status, &body).map_err(Failure::Answered)
}

async fn get(
    address: SocketAddr,
    check: &SmokeSpec,
    bearer: Option<&Secret<String>>,
) -> Result<(u16, Bytes), Box<dyn std::error::Error + Send + Sync>> {
    let stream = TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let connection = tokio::spawn(connection);
    let mut request = Request::get(check.path.as_str()).header("host", address.to_string());
    for (name, value) in expect::headers(check, bearer) {
        request = request.header(name, value);
    }
    match &check.via {
        SmokeVia::Slot(slot) => request = request.header(RELEASE_HEADER, slot.release.to_string()),
        SmokeVia::Route => (),
    }
    let answer = sender.send_request(request.body(Empty::<Bytes>::new())?).await;
    let answer = match answer {
        Ok(answer) => read(answer).await,
        Err(error) => Err(error.into()),
    };
    connection.abort();
    answer
}

async fn read(answer: Response<Incoming>) -> Result<(u16, Bytes), Box<dyn std::error::Error + Send + Sync>> {
    let status = answer.status().as_u16();
    let body = Limited::new(answer.into_body(), expect::BODY_LEN_MAX).collect().await?.to_bytes();
    Ok((status, body))
}

/// A wildcard address is for listening; this machine reaches it by loopback.
fn reachable(bind: IpAddr) -> IpAddr {
    match bind {
        IpAddr::V4(it) if it.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(it) if it.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}

//! One request to a running version, through the node's router.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use bytes::Bytes;
use lockgate_model::{Secret, SmokeSpec, SmokeVia};
use tokio::net::{TcpSocket, TcpStream};

use crate::{Class, TargetError, exchange, expect};

/// Picks the slot whatever its weight; the router takes it from this machine only.
const RELEASE_HEADER: &str = "x-lockgate-release";

pub(super) enum Failure {
    /// The router did not answer: it says nothing of the version.
    Lost(TargetError),
    Answered(TargetError),
}

pub(super) async fn check(
    address: SocketAddr,
    check: &SmokeSpec,
    bearer: Option<&Secret<String>>,
) -> Result<(), Failure> {
    let address = SocketAddr::new(reachable(address.ip()), address.port());
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
) -> Result<(u16, Bytes), exchange::Failure> {
    let stream = connect(address).await?;
    let mut headers = expect::headers(check, bearer);
    match &check.via {
        SmokeVia::Slot(slot) => headers.push((RELEASE_HEADER.to_owned(), slot.release.to_string())),
        SmokeVia::Route => (),
    }
    exchange::get(stream, &address.to_string(), &check.path, &headers).await
}

/// From loopback also to this machine's other addresses: so the router sees that it is this machine that asks.
async fn connect(address: SocketAddr) -> io::Result<TcpStream> {
    match address {
        SocketAddr::V4(_) => {
            let socket = TcpSocket::new_v4()?;
            socket.bind((Ipv4Addr::LOCALHOST, 0).into())?;
            socket.connect(address).await
        }
        SocketAddr::V6(_) => TcpStream::connect(address).await,
    }
}

/// A wildcard address is for listening; this machine reaches it by loopback.
fn reachable(bind: IpAddr) -> IpAddr {
    match bind {
        IpAddr::V4(it) if it.is_unspecified() => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(it) if it.is_unspecified() => Ipv6Addr::LOCALHOST.into(),
        other => other,
    }
}

//! Leads a client to the router: whoever may talk to the node may ask as this machine does, from wherever it is.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use lockgate_model::{Scope, ServiceName};
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpSocket, TcpStream};

use crate::node::Node;
use crate::protocol::Failure;

/// A connection to the router's port of a service.
pub(crate) async fn router(
    node: &Node,
    scope: &Scope,
    service: &ServiceName,
    port: u16,
) -> Result<(TcpStream, SocketAddr), Failure> {
    let Some(address) = node.address(scope, service, port) else {
        return Err(Failure::transient(format!("nothing serves port {port} of {service} here")));
    };
    let address = SocketAddr::new(reachable(address.ip()), address.port());
    let stream = connect(address).await;
    let stream = stream.map_err(|it| {
        Failure::transient(format!("the router does not answer at {address} for {service}: {it}"))
    })?;
    Ok((stream, address))
}

/// Until both have ended.
pub(crate) async fn join(reading: OwnedReadHalf, writing: OwnedWriteHalf, mut router: TcpStream) {
    let Ok(mut client) = reading.reunite(writing) else { return };
    if let Err(error) = tokio::io::copy_bidirectional(&mut client, &mut router).await {
        tracing::debug!(%error, "a client of the router left");
    }
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

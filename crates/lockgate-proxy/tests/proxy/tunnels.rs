//! WebSockets through the proxy, and their end.

use std::time::Duration;

use lockgate_model::{Protocol, Weights};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Backend, Bench, PATIENCE, eventually, r, read_frame, web};

const HELLO: &str = "GET /ws HTTP/1.1\r\nHost: a.test\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\
    Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

async fn open(bench: &Bench) -> TcpStream {
    let mut stream = TcpStream::connect(bench.addr).await.unwrap();
    stream.write_all(HELLO.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap().to_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    assert!(head.contains("upgrade: websocket\r\n"), "{head}");
    stream
}

/// A masked frame, as clients send them; the mask is zero.
async fn say(stream: &mut TcpStream, opcode: u8, payload: &[u8]) {
    let mut frame = vec![0x80 | opcode, 0x80 | u8::try_from(payload.len()).unwrap(), 0, 0, 0, 0];
    frame.extend(payload);
    stream.write_all(&frame).await.unwrap();
}

#[tokio::test]
async fn websockets_echo_through_a_drain_and_are_told_to_go_away() {
    let bench = Bench::with(Protocol::Http, |it| it.tunnel_grace = Duration::from_millis(30));
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    bench.add(1, &old).await;
    bench.add(2, &new).await;
    bench.weigh(&Weights::all_to(r(1)));
    let mut sockets = Vec::new();
    for _ in 0..3 {
        sockets.push(open(&bench).await);
    }
    assert_eq!(bench.proxy.in_flight(&web(), r(1)), 3);
    bench.weigh(&Weights::all_to(r(2)));
    let proxy = bench.proxy.clone();
    let drain = tokio::spawn(async move { proxy.drain_slot(&web(), r(1), Duration::from_secs(5)).await });
    for (number, socket) in sockets.iter_mut().enumerate() {
        let text = format!("hello {number}");
        say(socket, 1, text.as_bytes()).await;
        assert_eq!(read_frame(socket).await, Some((1, text.into_bytes())));
    }
    for socket in &mut sockets {
        assert_eq!(read_frame(socket).await, Some((8, vec![0x03, 0xE9])), "1001, going away");
        say(socket, 8, &[0x03, 0xE9]).await;
        assert_eq!(read_frame(socket).await, None, "the connection ends");
    }
    let report = drain.await.unwrap().unwrap();
    assert_eq!((report.clean, report.cut_tunnels, report.left), (true, 0, 0));
    assert_eq!((bench.counts(1).requests, bench.counts(1).errors), (3, 0));
}

#[tokio::test]
async fn a_websocket_that_does_not_leave_is_cut_at_the_deadline() {
    let bench = Bench::with(Protocol::Http, |it| it.tunnel_grace = Duration::from_millis(1));
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    bench.add(1, &old).await;
    bench.add(2, &new).await;
    bench.weigh(&Weights::all_to(r(1)));
    let mut socket = open(&bench).await;
    bench.weigh(&Weights::all_to(r(2)));
    let report = bench.proxy.drain_slot(&web(), r(1), Duration::from_millis(100)).await.unwrap();
    assert_eq!((report.clean, report.cut_tunnels, report.left), (false, 1, 0));
    assert_eq!(read_frame(&mut socket).await.unwrap().0, 8);
    let ended = tokio::time::timeout(PATIENCE, socket.read_u8()).await.unwrap();
    ended.unwrap_err();
    eventually(|| bench.proxy.in_flight(&web(), r(1)) == 0).await;
}

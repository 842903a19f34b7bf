//! A running service and small clients for it.

#![allow(dead_code, reason = "each test file uses its part")]
#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Full};
use hyper_util::rt::{TokioExecutor, TokioIo};
use lockgate_sample::{Sample, SampleConfig};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// Everything in these tests takes milliseconds; a busy machine may take longer.
pub(crate) const WITHIN: Duration = Duration::from_secs(20);

pub(crate) struct Running {
    pub(crate) http: SocketAddr,
    pub(crate) grpc: Option<SocketAddr>,
    stop: oneshot::Sender<()>,
    served: JoinHandle<io::Result<()>>,
}

impl Running {
    pub(crate) async fn start(config: SampleConfig) -> Running {
        let sample = Sample::bind(config).await.unwrap();
        let (http, grpc) = (sample.http_addr().unwrap(), sample.grpc_addr());
        let (stop, stopped) = oneshot::channel::<()>();
        let served = tokio::spawn(sample.serve(async {
            if stopped.await.is_err() {
                std::future::pending::<()>().await;
            }
        }));
        Running { http, grpc, stop, served }
    }

    /// Asks it to end and waits until it has.
    pub(crate) async fn end(self) -> io::Result<()> {
        self.stop.send(()).unwrap();
        tokio::time::timeout(WITHIN, self.served).await.unwrap().unwrap()
    }

    /// Waits until it ends by itself.
    pub(crate) async fn ended(self) -> io::Result<()> {
        tokio::time::timeout(WITHIN, self.served).await.unwrap().unwrap()
    }
}

pub(crate) async fn get(address: SocketAddr, path: &str) -> (u16, String) {
    request(address, &format!("GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")).await
}

pub(crate) async fn request(address: SocketAddr, text: &str) -> (u16, String) {
    let mut stream = TcpStream::connect(address).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    let mut answer = String::new();
    tokio::time::timeout(WITHIN, stream.read_to_string(&mut answer)).await.unwrap().unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

/// A port that nobody listens on.
pub(crate) async fn closed_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

/// Shakes hands, sends one masked text and checks that it comes back.
pub(crate) async fn websocket_echo(address: SocketAddr, text: &[u8]) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.unwrap();
    // The key and the answer to it are the example of RFC 6455.
    let hello = "GET /ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
                 Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";
    stream.write_all(hello.as_bytes()).await.unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await.unwrap());
    }
    let head = String::from_utf8(head).unwrap();
    assert!(head.starts_with("HTTP/1.1 101") && head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    let mask = [1, 2, 3, 4];
    let mut frame = vec![0x81, 0x80 | u8::try_from(text.len()).unwrap()];
    frame.extend(mask);
    frame.extend(text.iter().zip(mask.iter().cycle()).map(|it| it.0 ^ it.1));
    stream.write_all(&frame).await.unwrap();
    let mut back = vec![0; 2 + text.len()];
    stream.read_exact(&mut back).await.unwrap();
    assert_eq!(&back[2..], text);
    stream
}

/// The framed message and the status of the trailers.
pub(crate) async fn grpc_check(address: SocketAddr, path: &str) -> (Vec<u8>, String) {
    let stream = TokioIo::new(TcpStream::connect(address).await.unwrap());
    let (mut sender, connection) =
        hyper::client::conn::http2::handshake(TokioExecutor::new(), stream).await.unwrap();
    tokio::spawn(connection);
    let request = http::Request::post(format!("http://{address}{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(Full::new(Bytes::from_static(&[0; 5])))
        .unwrap();
    let collected = sender.send_request(request).await.unwrap().into_body().collect().await.unwrap();
    let status = collected.trailers().unwrap()["grpc-status"].to_str().unwrap().to_owned();
    (collected.to_bytes().to_vec(), status)
}

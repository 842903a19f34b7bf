//! HTTP/2 without TLS, with streams and trailers.

use bytes::Bytes;
use http::{Request, Version};
use http_body_util::BodyExt;
use hyper::body::Frame;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use lockgate_model::{Protocol, Weights};
use tokio::net::TcpStream;

use crate::support::{Backend, Bench, Body, channel_body, r, split};

async fn connect(bench: &Bench) -> http2::SendRequest<Body> {
    let stream = TcpStream::connect(bench.addr).await.unwrap();
    let (sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    sender
}

fn call(path: &str, body: Body) -> Request<Body> {
    let request = Request::post(format!("http://a.test{path}")).version(Version::HTTP_2);
    request.header("te", "trailers").header("content-type", "application/grpc").body(body).unwrap()
}

#[tokio::test]
async fn messages_stream_both_ways_and_trailers_arrive() {
    let bench = Bench::with(Protocol::Grpc, |_| {});
    let backend = Backend::start_with("a", Protocol::Grpc, None).await;
    bench.add(1, &backend).await;
    bench.weigh(&Weights::all_to(r(1)));
    let mut sender = connect(&bench).await;
    let (send, receive) = tokio::sync::mpsc::channel(1);
    let mut response = sender.send_request(call("/grpc", channel_body(receive))).await.unwrap();
    assert_eq!((response.status().as_u16(), response.version()), (200, Version::HTTP_2));
    for message in ["one", "two", "three"] {
        send.send(Frame::data(Bytes::from(message))).await.unwrap();
        let frame = response.body_mut().frame().await.unwrap().unwrap();
        assert_eq!(frame.into_data().unwrap(), message, "each message comes before the next is sent");
    }
    drop(send);
    let trailers = response.body_mut().frame().await.unwrap().unwrap().into_trailers().unwrap();
    assert_eq!(trailers["grpc-status"], "0");
    assert_eq!(backend.state.last_headers.lock().unwrap()["te"], "trailers");
    bench.settled(1).await;
    assert_eq!((bench.counts(1).requests, bench.counts(1).errors), (1, 0));
}

#[tokio::test]
async fn calls_are_split_without_cookies_and_faults_in_trailers_count_as_errors() {
    let bench = Bench::with(Protocol::Grpc, |_| {});
    let stable = Backend::start_with("stable", Protocol::Grpc, None).await;
    let canary = Backend::start_with("canary", Protocol::Grpc, None).await;
    bench.add(1, &stable).await;
    bench.add(2, &canary).await;
    bench.weigh(&split(1, 2, 5_000));
    let mut sender = connect(&bench).await;
    for _ in 0..20 {
        let (send, receive) = tokio::sync::mpsc::channel(1);
        drop(send);
        let response = sender.send_request(call("/grpc-fault", channel_body(receive))).await.unwrap();
        assert!(!response.headers().contains_key("set-cookie"));
        response.into_body().collect().await.unwrap();
    }
    bench.settled(1).await;
    bench.settled(2).await;
    assert_eq!((stable.requests(), canary.requests()), (10, 10));
    let counts = bench.counts(2);
    assert_eq!((counts.requests, counts.errors, counts.connect_failures), (10, 10, 0));
}

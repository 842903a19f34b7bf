//! Forms of HTTP/1.1 that are easily lost on the way.

use bytes::Bytes;
use http::Method;
use http_body_util::{BodyExt, Empty};
use hyper::body::Frame;
use lockgate_model::Weights;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Backend, Bench, PATIENCE, channel_body, eventually, r, web};

async fn bench() -> (Bench, Backend) {
    let bench = Bench::new();
    let backend = Backend::start("a").await;
    bench.add(1, &backend).await;
    bench.weigh(&Weights::all_to(r(1)));
    (bench, backend)
}

#[tokio::test]
async fn answers_without_a_body_keep_the_connection() {
    let (bench, backend) = bench().await;
    let mut client = bench.client().await;
    let head = client.try_send(Method::HEAD, "/", &[], Empty::new().boxed()).await.unwrap();
    assert_eq!(
        (head.status, &head.headers["content-length"], head.body.as_str()),
        (200, &"1".parse().unwrap(), "")
    );
    assert_eq!(client.get("/empty").await.status, 204);
    assert_eq!(client.get("/").await.body, "a");
    assert_eq!(backend.requests(), 3);
}

#[tokio::test]
async fn a_client_that_expects_to_be_told_to_continue_is() {
    let (bench, _backend) = bench().await;
    let mut stream = TcpStream::connect(bench.addr).await.unwrap();
    let head = "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut interim = vec![0; 25];
    tokio::time::timeout(PATIENCE, stream.read_exact(&mut interim)).await.unwrap().unwrap();
    assert_eq!(interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    stream.write_all(b"hello").await.unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert!(rest.starts_with("HTTP/1.1 200") && rest.ends_with("\r\n5"), "{rest}");
}

#[tokio::test]
async fn a_streamed_answer_arrives_piece_by_piece() {
    let (bench, backend) = bench().await;
    let mut client = bench.client().await;
    let mut response = client.open(Method::GET, "/drip", &[], Empty::new().boxed()).await.unwrap();
    for _ in 0..10 {
        backend.state.gate.add_permits(1);
        let frame = tokio::time::timeout(PATIENCE, response.body_mut().frame()).await.unwrap();
        assert_eq!(frame.unwrap().unwrap().into_data().unwrap(), "drop;");
    }
    assert!(response.body_mut().frame().await.is_none());
}

#[tokio::test]
async fn an_answer_that_breaks_off_is_an_error_of_its_slot() {
    let (bench, backend) = bench().await;
    let mut client = bench.client().await;
    let response = client.open(Method::GET, "/drip", &[], Empty::new().boxed()).await.unwrap();
    backend.kill().await;
    response.into_body().collect().await.unwrap_err();
    bench.settled(1).await;
    assert_eq!((bench.counts(1).requests, bench.counts(1).errors), (1, 1));
}

#[tokio::test]
async fn an_instance_that_is_removed_during_an_upload_is_at_fault_and_not_the_client() {
    let (bench, _backend) = bench().await;
    let (send, receive) = tokio::sync::mpsc::channel(1);
    let mut client = bench.client().await;
    let upload = tokio::spawn(async move { client.post("/upload", channel_body(receive)).await });
    send.send(Frame::data(Bytes::from_static(b"half"))).await.unwrap();
    eventually(|| bench.proxy.in_flight(&web(), r(1)) == 1).await;
    bench.proxy.remove_instance(&web(), r(1), 1);
    assert_eq!(upload.await.unwrap().status, 502);
    bench.settled(1).await;
    assert_eq!((bench.counts(1).requests, bench.counts(1).errors), (1, 1));
}

#[tokio::test]
async fn a_client_that_breaks_off_its_upload_is_not_an_error_of_the_slot() {
    let (bench, backend) = bench().await;
    let mut stream = TcpStream::connect(bench.addr).await.unwrap();
    stream.write_all(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhe").await.unwrap();
    eventually(|| backend.requests() == 1).await;
    drop(stream);
    bench.settled(1).await;
    assert_eq!((bench.counts(1).requests, bench.counts(1).errors), (1, 0));
}

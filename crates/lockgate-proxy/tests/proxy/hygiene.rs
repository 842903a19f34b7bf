//! What must not pass, over raw sockets.

use std::time::Duration;

use lockgate_model::{Protocol, Weights};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Backend, Bench, PATIENCE, r};

async fn bench() -> (Bench, Backend) {
    let bench = Bench::with(Protocol::Http, |it| it.limits.header_read = Duration::from_millis(200));
    let backend = Backend::start("a").await;
    bench.add(1, &backend).await;
    bench.weigh(&Weights::all_to(r(1)));
    (bench, backend)
}

/// Everything that the proxy says until it closes the connection.
async fn until_closed(bench: &Bench, parts: &[&str]) -> String {
    let mut stream = TcpStream::connect(bench.addr).await.unwrap();
    for part in parts {
        stream.write_all(part.as_bytes()).await.unwrap();
    }
    let mut said = Vec::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut said)).await.expect("it is closed");
    drop(read);
    String::from_utf8_lossy(&said).into_owned()
}

#[tokio::test]
async fn requests_that_read_two_ways_are_refused_and_reach_nobody() {
    let (bench, backend) = bench().await;
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n";
    let chunks = format!("0\r\n\r\n{smuggled}");
    let corpus = [
        (
            "length, then encoding",
            format!(
                "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"
            ),
        ),
        (
            "encoding, then length",
            format!(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 4\r\n\r\n{chunks}"
            ),
        ),
        (
            "case and space",
            format!(
                "POST / HTTP/1.1\r\nHost: a\r\ncontent-LENGTH:4\r\nTRANSFER-encoding:\tchunked\r\n\r\n{chunks}"
            ),
        ),
        (
            "length 0",
            format!(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n{chunks}"
            ),
        ),
        (
            "bare line ends",
            format!("POST / HTTP/1.1\nHost: a\nContent-Length: 4\nTransfer-Encoding: chunked\n\n{chunks}"),
        ),
        (
            "encoding in 1.0",
            format!("POST / HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"),
        ),
        (
            "encoding twice",
            format!(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n{chunks}"
            ),
        ),
        (
            "encoding hidden",
            format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: xchunked\r\n\r\n{chunks}"),
        ),
        (
            "encoding listed",
            format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip, chunked\r\n\r\n{chunks}"),
        ),
        (
            "encoding identity",
            format!("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: identity\r\n\r\n{smuggled}"),
        ),
        (
            "two lengths",
            format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 0\r\nContent-Length: 4\r\n\r\n{smuggled}"),
        ),
        ("signed length", format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +0\r\n\r\n{smuggled}")),
        ("space before colon", format!("POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 0\r\n\r\n{smuggled}")),
        (
            "folded header",
            format!("POST / HTTP/1.1\r\nHost: a\r\nX: 1\r\n Content-Length: 0\r\n\r\n{smuggled}"),
        ),
        ("no host", format!("GET / HTTP/1.1\r\n\r\n{smuggled}")),
        ("two hosts", format!("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n{smuggled}")),
        ("bad host", format!("GET / HTTP/1.1\r\nHost: a b\r\n\r\n{smuggled}")),
        ("user in host", format!("GET / HTTP/1.1\r\nHost: evil@a\r\n\r\n{smuggled}")),
        ("empty host", format!("GET / HTTP/1.1\r\nHost:\r\n\r\n{smuggled}")),
        ("other scheme", format!("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n{smuggled}")),
        ("control character", format!("GET / HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n{smuggled}")),
    ];
    for (name, request) in &corpus {
        let said = until_closed(&bench, &[request]).await;
        assert!(said.starts_with("HTTP/1.1 400") || said.starts_with("HTTP/1.0 400"), "{name}: {said}");
        assert_eq!(said.matches("HTTP/1.").count(), 1, "{name}: {said}");
        assert_eq!(backend.requests(), 0, "{name} reached the instance");
    }
    assert_eq!(bench.counts(1).requests, 0);
}

#[tokio::test]
async fn an_ambiguous_request_is_found_in_pieces_and_behind_others() {
    let (bench, backend) = bench().await;
    let first = "POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nhello";
    let mut stream = TcpStream::connect(bench.addr).await.unwrap();
    stream.write_all(first.as_bytes()).await.unwrap();
    let mut said = vec![0; 4_096];
    let read = stream.read(&mut said).await.unwrap();
    assert!(said[..read].starts_with(b"HTTP/1.1 200"));
    for piece in [
        "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Enc",
        "oding: chunked\r\nContent-",
        "Length: 4\r\n\r",
        "\n0\r\n\r\n",
    ] {
        stream.write_all(piece.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
        tokio::task::yield_now().await;
    }
    let mut rest = String::new();
    let read = tokio::time::timeout(PATIENCE, stream.read_to_string(&mut rest)).await.unwrap();
    drop(read);
    assert!(rest.starts_with("HTTP/1.1 400"), "{rest}");
    assert_eq!(backend.requests(), 1);
}

#[tokio::test]
async fn chunked_bodies_pass_and_end_their_connection() {
    let (bench, _backend) = bench().await;
    let said = until_closed(
        &bench,
        &["POST /upload HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"],
    )
    .await;
    assert!(
        said.starts_with("HTTP/1.1 200") && said.contains("connection: close") && said.ends_with("\r\n3"),
        "{said}"
    );
}

#[tokio::test]
async fn a_header_that_trickles_is_cut_off_and_a_connect_is_refused() {
    let (bench, backend) = bench().await;
    assert_eq!(until_closed(&bench, &["GET / HTTP/1.1\r\nHost: a\r\nX-"]).await, "");
    let said =
        until_closed(&bench, &["CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\nConnection: close\r\n\r\n"]).await;
    assert!(said.starts_with("HTTP/1.1 405"), "{said}");
    let huge =
        format!("GET / HTTP/1.1\r\nHost: a\r\nX: {}\r\nConnection: close\r\n\r\n", "x".repeat(200_000));
    let said = until_closed(&bench, &[&huge]).await;
    assert!(said.is_empty() || said.starts_with("HTTP/1.1 431"), "{said}");
    assert_eq!(backend.requests(), 0);
}

#[tokio::test]
async fn hop_by_hop_headers_stop_at_the_proxy_both_ways() {
    let (bench, backend) = bench().await;
    let request = "GET http://b.test/hop HTTP/1.1\r\nHost: a.test\r\nConnection: close, X-Mine\r\nX-Mine: 1\r\n\
        TE: trailers\r\nKeep-Alive: 1\r\nProxy-Authorization: x\r\nUpgrade: h2c\r\nX-Forwarded-For: 9.9.9.9\r\n\r\n";
    let said = until_closed(&bench, &[request]).await;
    assert!(
        said.starts_with("HTTP/1.1 200") && !said.contains("x-secret") && !said.contains("keep-alive"),
        "{said}"
    );
    let headers = backend.state.last_headers.lock().unwrap().clone();
    for name in ["x-mine", "te", "keep-alive", "proxy-authorization", "upgrade", "connection"] {
        assert!(!headers.contains_key(name), "{name} reached the instance: {headers:?}");
    }
    assert_eq!(headers["host"], "b.test", "the target's own host outranks the header");
    assert_eq!(headers["x-forwarded-for"], "9.9.9.9, 127.0.0.1");
    assert_eq!(headers["x-forwarded-proto"], "http");
    assert_eq!(headers["x-forwarded-host"], "b.test");
}

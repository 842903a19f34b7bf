//! The load generator's account against services whose behaviour is known.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use std::time::Duration;

use lockgate_sample::SampleConfig;
use lockgate_sample::load::{Load, LoadHandle, LoadReport, Rate};
use support::{Running, WITHIN};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

async fn until(load: LoadHandle, reached: impl Fn(&LoadReport) -> bool) -> LoadReport {
    let reached = async {
        while !reached(&load.snapshot()) {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(WITHIN, reached).await.unwrap();
    load.stop().await
}

#[tokio::test]
async fn injected_errors_and_versions_are_counted_exactly() {
    let version = |name: &str, error_ppm| SampleConfig {
        version: name.to_owned(),
        error_ppm,
        ..SampleConfig::default()
    };
    let good = Running::start(version("v1", 0)).await;
    let bad = Running::start(version("v2", 100_000)).await;
    let load = Load {
        targets: vec![format!("http://{}/work", good.http), format!("http://{}/work", bad.http)],
        ..Load::on("")
    };
    let report = until(load.start().unwrap(), |it| it.answered_by("v2") >= 500).await;
    let (v1, v2) = (report.versions["v1"], report.versions["v2"]);
    assert_eq!(v1.errors, 0);
    assert_eq!(v2.errors, v2.requests / 10);
    assert_eq!(report.injected, v2.errors);
    assert_eq!(report.requests, v1.requests + v2.requests);
    assert_eq!(report.requests, report.ok + report.injected);
    assert_eq!(report.latency.total(), report.requests);
    assert_eq!(report.lost(), 0);
    good.end().await.unwrap();
    bad.end().await.unwrap();
}

#[tokio::test]
async fn a_rate_is_kept() {
    let running = Running::start(SampleConfig::default()).await;
    let target = format!("http://{}/work", running.http);
    let begun = std::time::Instant::now();
    let load = Load { rate: Rate::PerSecond(200.0), ..Load::on(target) };
    let report = until(load.start().unwrap(), |it| it.ok >= 100).await;
    assert!(begun.elapsed() >= Duration::from_millis(490), "{:?}", begun.elapsed());
    assert_eq!(report.lost(), 0);
    running.end().await.unwrap();
}

#[tokio::test]
async fn nobody_there_is_a_failure_to_connect() {
    let port = support::closed_port().await;
    let load = Load { rate: Rate::PerSecond(500.0), ..Load::on(format!("http://127.0.0.1:{port}/")) };
    let report = until(load.start().unwrap(), |it| it.requests >= 5).await;
    assert_eq!(report.failures.connect, report.requests);
    assert_eq!(report.lost(), report.requests);
}

/// A server that reads a request and answers with these bytes, then closes.
async fn canned(answer: &'static [u8]) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut request = [0; 1024];
            if stream.read(&mut request).await.is_ok_and(|it| it > 0) {
                stream.write_all(answer).await.ok();
            }
        }
    });
    url
}

async fn one_by_one(url: String) -> LoadReport {
    let load = Load { connections: 1, rate: Rate::PerSecond(500.0), ..Load::on(url) };
    until(load.start().unwrap(), |it| it.requests >= 3).await
}

#[tokio::test]
async fn each_kind_of_failure_has_its_count() {
    let report = one_by_one(canned(b"").await).await;
    assert_eq!(report.failures.reset, report.requests);

    let cut = one_by_one(canned(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf").await).await;
    assert_eq!(cut.failures.bad_response, cut.requests);

    let noise = one_by_one(canned(b"who is there?\r\n\r\n").await).await;
    assert_eq!(noise.failures.bad_response, noise.requests);

    let proxy = b"HTTP/1.1 502 Bad Gateway\r\nX-Lockgate-Error: connect\r\nContent-Length: 0\r\n\r\n";
    let proxy = one_by_one(canned(proxy).await).await;
    assert_eq!((proxy.proxy_errors, proxy.http_5xx), (proxy.requests, 0));

    let own = one_by_one(canned(b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n").await).await;
    assert_eq!((own.http_5xx, own.lost()), (own.requests, 0));
}

#[tokio::test]
async fn a_late_answer_is_a_timeout() {
    let running = Running::start(SampleConfig::default()).await;
    let target = format!("http://{}/slow?ms=2000", running.http);
    let load = Load { connections: 1, timeout: Duration::from_millis(20), ..Load::on(target) };
    let report = until(load.start().unwrap(), |it| it.requests >= 2).await;
    assert_eq!(report.failures.timeout, report.requests);
}

#[tokio::test]
async fn connections_that_the_server_closes_in_turn_lose_nothing() {
    let answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok";
    let report = one_by_one(canned(answer).await).await;
    assert_eq!(report.ok, report.requests);
}

#[tokio::test]
async fn a_target_that_is_no_address_is_refused_at_once() {
    assert!(Load::on("https://127.0.0.1/").start().is_err());
    assert!(Load::on("http://example.invalid/").start().is_err());
    assert!(Load { rate: Rate::PerSecond(0.0), ..Load::on("http://127.0.0.1:1/") }.start().is_err());
}

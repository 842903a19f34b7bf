//! Every endpoint over a real socket, and how the service ends.

mod support;

use std::time::Duration;

use lockgate_sample::{Crash, Readiness, Sample, SampleConfig};
use support::{Running, WITHIN, get, request, websocket_echo};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

#[tokio::test]
async fn work_names_service_version_and_hits() {
    let running = Running::start(SampleConfig { version: "v7".to_owned(), ..SampleConfig::default() }).await;
    let (status, body) = get(running.http, "/work").await;
    assert_eq!(status, 200);
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    assert_eq!(body["version"], "v7");
    assert_eq!(body["hits"], 1);
    running.end().await.unwrap();
}

#[tokio::test]
async fn every_second_request_fails_at_a_rate_of_one_half() {
    let running = Running::start(SampleConfig { error_ppm: 500_000, ..SampleConfig::default() }).await;
    let mut statuses = Vec::new();
    for _ in 0..4 {
        statuses.push(get(running.http, "/").await.0);
    }
    assert_eq!(statuses, [200, 500, 200, 500]);
    let (_, metrics) = get(running.http, "/metrics").await;
    let line = "sample_errors_total{service=\"sample\",version=\"unversioned\",instance=\"0\"} 2";
    assert!(metrics.contains(line), "{metrics}");
    // Who watches over the instance is no user of it.
    assert_eq!(get(running.http, "/health").await.0, 200);
    let (_, metrics) = get(running.http, "/metrics").await;
    let labels = "service=\"sample\",version=\"unversioned\",instance=\"0\"";
    for line in [
        format!("http_requests_total{{{labels},status=\"200\"}} 2"),
        format!("http_requests_total{{{labels},status=\"500\"}} 2"),
        format!("http_request_duration_seconds_bucket{{{labels},le=\"+Inf\"}} 4"),
    ] {
        assert!(metrics.contains(&line), "{metrics}");
    }
    running.end().await.unwrap();
}

#[tokio::test]
async fn health_says_what_fails() {
    let dead = support::closed_port().await;
    let config = SampleConfig {
        redis_url: Some(format!("redis://127.0.0.1:{dead}")),
        database_url: Some(format!("postgres://nobody@127.0.0.1:{dead}/none")),
        ..SampleConfig::default()
    };
    let running = Running::start(config).await;
    let (status, body) = get(running.http, "/api/v1/health").await;
    assert_eq!(status, 503);
    let body: serde_json::Value = serde_json::from_str(&body).unwrap();
    let failing: Vec<&String> = body["failing"].as_object().unwrap().keys().collect();
    assert_eq!(failing, ["postgres", "redis"]);
    running.end().await.unwrap();
}

#[tokio::test]
async fn a_service_that_never_gets_ready_says_so() {
    let running =
        Running::start(SampleConfig { readiness: Readiness::Never, ..SampleConfig::default() }).await;
    assert_eq!(get(running.http, "/health").await.0, 503);
    running.end().await.unwrap();
}

#[tokio::test]
async fn echo_gives_the_body_back_and_env_keeps_secrets() {
    let config = SampleConfig {
        shown: |key| (key == "SAMPLE_COLOUR").then(|| "green".to_owned()),
        ..SampleConfig::default()
    };
    let running = Running::start(config).await;
    let post = "POST /echo HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello";
    assert_eq!(request(running.http, post).await, (200, "hello".to_owned()));
    assert_eq!(get(running.http, "/env?key=SAMPLE_COLOUR").await, (200, "green".to_owned()));
    assert_eq!(get(running.http, "/env?key=DATABASE_URL").await.0, 403);
    running.end().await.unwrap();
}

#[tokio::test]
async fn websockets_echo_and_get_a_goodbye() {
    let running = Running::start(SampleConfig::default()).await;
    let mut stream = websocket_echo(running.http, b"level?").await;
    running.end().await.unwrap();
    let mut goodbye = [0; 4];
    stream.read_exact(&mut goodbye).await.unwrap();
    assert_eq!(goodbye, [0x88, 2, 0x03, 0xE9]);
}

#[tokio::test]
async fn events_flow_until_the_service_ends() {
    let running = Running::start(SampleConfig::default()).await;
    let mut stream = TcpStream::connect(running.http).await.unwrap();
    stream.write_all(b"GET /events HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut seen = String::new();
    while !seen.contains("id: 2") {
        let mut chunk = [0; 1024];
        let read = tokio::time::timeout(WITHIN, stream.read(&mut chunk)).await.unwrap().unwrap();
        assert!(read > 0, "the stream ended early: {seen}");
        seen.push_str(std::str::from_utf8(&chunk[..read]).unwrap());
    }
    running.end().await.unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert!(rest.ends_with("0\r\n\r\n"), "the last chunk is missing: {rest}");
}

#[tokio::test]
async fn what_is_in_flight_is_finished_at_the_end() {
    let running = Running::start(SampleConfig::default()).await;
    let mut stream = TcpStream::connect(running.http).await.unwrap();
    let two = b"GET /work HTTP/1.1\r\nHost: x\r\n\r\nGET /slow?ms=300 HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(two).await.unwrap();
    // The first answer shows that the second request has arrived too.
    let mut first = vec![0; 16];
    stream.read_exact(&mut first).await.unwrap();
    running.end().await.unwrap();
    let mut rest = String::new();
    stream.read_to_string(&mut rest).await.unwrap();
    assert_eq!(rest.matches("HTTP/1.1 200 OK").count(), 1, "{rest}");
}

#[tokio::test]
async fn crashes_come_when_they_are_asked_for() {
    let at = |crash| SampleConfig { crash: Some(crash), ..SampleConfig::default() };
    let error = Sample::bind(at(Crash::AtStart)).await.err().unwrap();
    assert!(error.to_string().contains("SAMPLE_CRASH"), "{error}");

    let running = Running::start(at(Crash::AfterReady(Duration::from_millis(10)))).await;
    assert!(running.ended().await.is_err());

    let running = Running::start(at(Crash::OnRequest(2))).await;
    assert_eq!(get(running.http, "/").await.0, 200);
    let mut stream = TcpStream::connect(running.http).await.unwrap();
    stream.write_all(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    let mut answer = Vec::new();
    // A reset is as good as an end.
    let read = stream.read_to_end(&mut answer).await.unwrap_or(0);
    assert_eq!(read, 0);
    assert!(running.ended().await.is_err());
}

#[tokio::test]
async fn grpc_health_is_serving() {
    let running = Running::start(SampleConfig { grpc_port: Some(0), ..SampleConfig::default() }).await;
    let (message, status) = support::grpc_check(running.grpc.unwrap(), "/grpc.health.v1.Health/Check").await;
    assert_eq!(message, [0, 0, 0, 0, 2, 0x08, 0x01]);
    assert_eq!(status, "0");
    let (message, status) = support::grpc_check(running.grpc.unwrap(), "/nothing.Here/Ask").await;
    assert_eq!((message.len(), status.as_str()), (0, "12"));
    running.end().await.unwrap();
}

//! No request is lost when one version takes over from another.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http_body_util::{BodyExt, Empty};
use hyper::body::Frame;
use lockgate_model::{Protocol, Weights};

use crate::support::{Backend, Bench, Client, PATIENCE, addresses, channel_body, eventually, r, text, web};

const CUTOVERS: u64 = 200;
const CLIENTS: u64 = 32;

/// Sends until told to stop; answers how many requests went well, and what went wrong.
async fn load(
    addr: std::net::SocketAddr,
    post: bool,
    stop: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
) -> Vec<String> {
    let mut client = Client::connect(addr).await;
    let mut failures = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        let (method, body) =
            if post { (Method::POST, text("x".repeat(2_000))) } else { (Method::GET, Empty::new().boxed()) };
        let path = if post { "/upload" } else { "/" };
        match client.try_send(method, path, &[], body).await {
            Ok(reply) if reply.status == 200 => {}
            Ok(reply) => failures.push(format!("{} {}", reply.status, reply.body)),
            Err(error) => {
                failures.push(error.to_string());
                client = Client::connect(addr).await;
            }
        }
        done.fetch_add(1, Ordering::Relaxed);
    }
    failures
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_hundred_cutovers_under_load_lose_no_request() {
    let bench = Bench::new();
    let mut old = Backend::start("v0").await;
    bench.add(1, &old).await;
    bench.weigh(&Weights::all_to(r(1)));
    let (stop, done) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    let clients: Vec<_> = (0..CLIENTS)
        .map(|it| tokio::spawn(load(bench.addr, it % 2 == 0, Arc::clone(&stop), Arc::clone(&done))))
        .collect();
    for number in 2..2 + CUTOVERS {
        let new = Backend::start(number).await;
        bench.add(number, &new).await;
        bench.weigh(&Weights::all_to(r(number)));
        let report = bench.proxy.drain_slot(&web(), r(number - 1), PATIENCE).await.unwrap();
        assert!(report.clean, "{report:?}");
        std::mem::replace(&mut old, new).kill().await;
        bench.proxy.remove_slot(&web(), r(number - 1)).unwrap();
        let seen = done.load(Ordering::Relaxed);
        eventually(|| seen + 8 <= done.load(Ordering::Relaxed)).await;
    }
    stop.store(true, Ordering::Relaxed);
    let mut failures = Vec::new();
    for client in clients {
        failures.extend(client.await.unwrap());
    }
    assert!(
        failures.is_empty(),
        "{} of {done:?} failed: {:?}",
        failures.len(),
        &failures[..failures.len().min(5)]
    );
    assert_eq!(bench.proxy.snapshot().services[&web()].slots.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn idle_connections_that_an_instance_closes_cost_no_request() {
    let bench = Bench::new();
    let backend = Backend::start_with("a", Protocol::Http, Some(Duration::from_millis(50))).await;
    bench.add(1, &backend).await;
    bench.weigh(&Weights::all_to(r(1)));
    let mut clients = Vec::new();
    for number in 0..8_u64 {
        let addr = bench.addr;
        clients.push(tokio::spawn(async move {
            let mut client = Client::connect(addr).await;
            for round in 0..12 {
                // Slow on purpose: around the moment at which the instance hangs up, which is what is tested.
                tokio::time::sleep(Duration::from_micros(48_500 + 170 * ((number * 7 + round * 3) % 24)))
                    .await;
                let reply = client.get("/").await;
                assert_eq!(reply.status, 200, "{}", reply.body);
            }
        }));
    }
    for client in clients {
        client.await.unwrap();
    }
    bench.settled(1).await;
    assert_eq!(bench.counts(1).errors, 0);
}

#[tokio::test]
async fn a_large_upload_and_a_slow_answer_outlive_a_cutover() {
    const UPLOAD: usize = 50 * 1024 * 1024;
    let bench = Bench::new();
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    bench.add(1, &old).await;
    bench.add(2, &new).await;
    bench.weigh(&Weights::all_to(r(1)));

    let (send, receive) = tokio::sync::mpsc::channel(1);
    let mut uploader = bench.client().await;
    let upload = tokio::spawn(async move { uploader.post("/upload", channel_body(receive)).await });
    let chunk = Bytes::from(vec![1; 64 * 1024]);
    send.send(Frame::data(chunk.clone())).await.unwrap();
    let mut reader = bench.client().await;
    let slow = reader.open(Method::GET, "/drip", &[], Empty::new().boxed()).await.unwrap();
    eventually(|| bench.proxy.in_flight(&web(), r(1)) == 2).await;

    bench.weigh(&Weights::all_to(r(2)));
    let proxy = bench.proxy.clone();
    let drain = tokio::spawn(async move { proxy.drain_slot(&web(), r(1), PATIENCE).await });
    assert_eq!(bench.client().await.get("/").await.body, "new");
    assert!(!drain.is_finished());
    for _ in 1..UPLOAD / chunk.len() {
        send.send(Frame::data(chunk.clone())).await.unwrap();
    }
    drop(send);
    assert_eq!(upload.await.unwrap().body, UPLOAD.to_string());
    assert!(!drain.is_finished(), "the slow answer is not over");
    old.state.gate.add_permits(10);
    assert_eq!(slow.into_body().collect().await.unwrap().to_bytes().len(), 50);
    let report = drain.await.unwrap().unwrap();
    assert!(report.clean, "{report:?}");
    assert_eq!(bench.counts(1).requests, 2);
}

#[tokio::test]
async fn what_is_left_at_the_deadline_is_reported_and_a_reprieve_ends_the_drain() {
    let bench = Bench::new();
    let (old, new) = (Backend::start("old").await, Backend::start("new").await);
    bench.add(1, &old).await;
    bench.add(2, &new).await;
    bench.weigh(&Weights::all_to(r(1)));
    let mut client = bench.client().await;
    let waiting = tokio::spawn(async move { client.get("/gate").await });
    eventually(|| bench.proxy.in_flight(&web(), r(1)) == 1).await;
    bench.weigh(&Weights::all_to(r(2)));
    let report = bench.proxy.drain_slot(&web(), r(1), Duration::from_millis(20)).await.unwrap();
    assert_eq!((report.clean, report.cut_tunnels, report.left), (false, 0, 1));

    let proxy = bench.proxy.clone();
    let drain = tokio::spawn(async move { proxy.drain_slot(&web(), r(1), PATIENCE).await });
    eventually(|| bench.proxy.snapshot().services[&web()].slots[&r(1)].draining).await;
    bench.weigh(&Weights::all_to(r(1)));
    drain.await.unwrap().unwrap_err();
    old.state.gate.add_permits(1);
    assert_eq!(waiting.await.unwrap().body, "through");
}

#[tokio::test]
async fn scaling_down_drains_one_instance_and_leaves_no_connection() {
    let bench = Bench::new();
    let (first, second) = (Backend::start("first").await, Backend::start("second").await);
    bench.add(1, &first).await;
    bench.proxy.put_instance(&web(), r(1), 2, addresses(&second)).unwrap();
    bench.proxy.wait_ready(&web(), r(1), 2, PATIENCE).await.unwrap();
    bench.weigh(&Weights::all_to(r(1)));
    let mut client = bench.client().await;
    for _ in 0..10 {
        client.get("/").await;
    }
    assert_eq!((first.requests(), second.requests()), (5, 5));
    let report = bench.proxy.drain_instance(&web(), r(1), 2, PATIENCE).await.unwrap();
    assert!(report.clean);
    assert_eq!(bench.proxy.ready(&web(), r(1)), (1, 2));
    bench.proxy.remove_instance(&web(), r(1), 2);
    for _ in 0..4 {
        assert_eq!(client.get("/").await.body, "first");
    }
    eventually(|| second.state.connections.load(Ordering::SeqCst) == 0).await;
    bench.proxy.remove_service(&web(), PATIENCE).await;
    eventually(|| first.state.connections.load(Ordering::SeqCst) == 0).await;
}

//! Readiness, and what happens without it.

use std::sync::atomic::Ordering;
use std::time::Duration;

use lockgate_model::{Health, Millis, Weights};
use lockgate_proxy::{ProxyError, SlotConfig};

use crate::support::{Backend, Bench, PATIENCE, addresses, r, slot_config, split, web};

#[tokio::test]
async fn requests_of_an_unready_slot_fail_there_and_are_counted_there() {
    let bench = Bench::new();
    let (stable, canary) = (Backend::start("stable").await, Backend::start("canary").await);
    bench.add(1, &stable).await;
    bench.add(2, &canary).await;
    bench.weigh(&split(1, 2, 5_000));
    canary.state.healthy.store(false, Ordering::SeqCst);
    let mut changes = bench.proxy.readiness();
    let unready = changes.wait_for(|_| bench.proxy.ready(&web(), r(2)) == (0, 1));
    tokio::time::timeout(PATIENCE, unready).await.unwrap().unwrap();
    let mut client = bench.client().await;
    let mut failed = 0;
    for _ in 0..10 {
        let reply = client.get("/").await;
        failed += u64::from(reply.status == 503);
        assert!(reply.status == 200 || reply.body.contains("web@r2 has no ready instance"), "{}", reply.body);
    }
    let counts = bench.counts(2);
    assert_eq!((failed, counts.requests, counts.errors, counts.connect_failures), (5, 5, 5, 5));
    assert_eq!(bench.counts(1).errors, 0);
    canary.state.healthy.store(true, Ordering::SeqCst);
    bench.proxy.wait_ready(&web(), r(2), 1, PATIENCE).await.unwrap();
}

#[tokio::test]
async fn a_dead_instance_is_found_by_the_first_request_which_goes_to_another() {
    let bench = Bench::new();
    let (dead, alive) = (Backend::start("dead").await, Backend::start("alive").await);
    let mut config = slot_config(1);
    let Health::Http { interval, .. } = &mut config.health else { panic!("it is checked over HTTP") };
    // Only the failed request can tell.
    *interval = Millis::mins(10);
    bench.proxy.put_slot(&web(), r(1), config).unwrap();
    bench.proxy.put_instance(&web(), r(1), 1, addresses(&dead)).unwrap();
    bench.proxy.put_instance(&web(), r(1), 2, addresses(&alive)).unwrap();
    bench.proxy.wait_ready(&web(), r(1), 2, PATIENCE).await.unwrap();
    bench.weigh(&Weights::all_to(r(1)));
    dead.kill().await;
    let mut client = bench.client().await;
    for _ in 0..6 {
        assert_eq!(client.get("/").await.body, "alive");
    }
    let mut changes = bench.proxy.readiness();
    let found = changes.wait_for(|_| bench.proxy.ready(&web(), r(1)) == (1, 2));
    tokio::time::timeout(PATIENCE, found).await.unwrap().unwrap();
    bench.settled(1).await;
    let counts = bench.counts(1);
    assert_eq!((counts.requests, counts.errors), (6, 0));
}

#[tokio::test]
async fn waiting_for_readiness_says_why_it_did_not_come() {
    let bench = Bench::new();
    let sick = Backend::start("sick").await;
    sick.state.healthy.store(false, Ordering::SeqCst);
    bench.put(1, &sick);
    let error = bench.proxy.wait_ready(&web(), r(1), 1, Duration::from_millis(300)).await.unwrap_err();
    assert!(matches!(error, ProxyError::NotReadyInTime { ready: 0, total: 1, wanted: 1, .. }), "{error}");
    assert!(error.to_string().contains("GET /health on 127.0.0.1"), "{error}");
    assert!(error.to_string().contains("503"), "{error}");
}

#[tokio::test]
async fn an_adopted_instance_takes_requests_at_once() {
    let bench = Bench::new();
    let backend = Backend::start("a").await;
    backend.state.healthy.store(false, Ordering::SeqCst);
    bench.proxy.put_slot(&web(), r(1), slot_config(1)).unwrap();
    bench.proxy.adopt_instance(&web(), r(1), 1, addresses(&backend)).unwrap();
    assert_eq!(bench.proxy.ready(&web(), r(1)), (1, 1));
    // It is checked like any other from now on.
    let mut changes = bench.proxy.readiness();
    let unready = changes.wait_for(|_| bench.proxy.ready(&web(), r(1)) == (0, 1));
    tokio::time::timeout(PATIENCE, unready).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_worker_is_ready_when_it_has_stayed_up() {
    let bench = Bench::new();
    let health = Health::Uptime { ready_after: Millis(30) };
    let config = SlotConfig { health, ..slot_config(1) };
    bench.proxy.put_slot(&web(), r(1), config.clone()).unwrap();
    bench.proxy.put_slot(&web(), r(1), config).unwrap();
    bench.proxy.put_instance(&web(), r(1), 1, std::collections::BTreeMap::new()).unwrap();
    assert_eq!(bench.proxy.ready(&web(), r(1)), (0, 1));
    bench.proxy.wait_ready(&web(), r(1), 1, PATIENCE).await.unwrap();
    let differs = bench.proxy.put_slot(&web(), r(1), slot_config(1)).unwrap_err();
    assert!(matches!(differs, ProxyError::SlotDiffers(_)), "{differs}");
}

#[tokio::test]
async fn an_instance_that_does_not_answer_times_out() {
    let bench = Bench::with(lockgate_model::Protocol::Http, |it| {
        it.limits.response_header = Duration::from_millis(50);
    });
    let backend = Backend::start("a").await;
    bench.add(1, &backend).await;
    bench.weigh(&Weights::all_to(r(1)));
    let reply = bench.client().await.get("/gate").await;
    assert_eq!(reply.status, 504, "{}", reply.body);
    bench.settled(1).await;
    assert_eq!((bench.counts(1).errors, bench.counts(1).connect_failures), (1, 0));
}

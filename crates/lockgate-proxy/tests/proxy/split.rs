//! The split of traffic and the counts of it.

use lockgate_model::Weights;

use crate::support::{Backend, Bench, PATIENCE, r, split, web};
use lockgate_proxy::ProxyError;

#[tokio::test]
async fn weights_are_exact_over_any_run_of_requests() {
    for (points, requests) in [(100, 500), (500, 500), (5_000, 200)] {
        let bench = Bench::new();
        let (stable, canary) = (Backend::start("stable").await, Backend::start("canary").await);
        bench.add(1, &stable).await;
        bench.add(2, &canary).await;
        bench.weigh(&split(1, 2, points));
        let mut client = bench.client().await;
        for _ in 0..requests {
            assert_eq!(client.get("/").await.status, 200);
        }
        let wanted = u64::from(points) * requests / 10_000;
        assert!(
            canary.requests().abs_diff(wanted) <= 1,
            "{} of {requests} at {points} points",
            canary.requests()
        );
        bench.settled(1).await;
        bench.settled(2).await;
        let (old, new) = (bench.counts(1), bench.counts(2));
        assert_eq!((old.requests, new.requests), (stable.requests(), canary.requests()));
        assert_eq!(old.latency.counts.iter().sum::<u64>(), old.requests);
        assert_eq!((old.errors, new.errors, new.ready), (0, 0, 1));
    }
}

#[tokio::test]
async fn failures_count_for_the_slot_that_made_them() {
    let bench = Bench::new();
    let backend = Backend::start("a").await;
    bench.add(1, &backend).await;
    bench.weigh(&Weights::all_to(r(1)));
    let mut client = bench.client().await;
    for path in ["/", "/fail", "/empty", "/fail"] {
        client.get(path).await;
    }
    bench.settled(1).await;
    let counts = bench.counts(1);
    assert_eq!((counts.requests, counts.errors, counts.connect_failures), (4, 2, 0));
    assert_eq!(counts.latency.bounds_ms, [1, 10, 100, 1_000]);
}

#[tokio::test]
async fn the_override_reaches_a_slot_without_weight_and_is_not_counted() {
    let bench = Bench::new();
    let (stable, canary) = (Backend::start("stable").await, Backend::start("canary").await);
    bench.add(1, &stable).await;
    bench.add(2, &canary).await;
    bench.weigh(&Weights::all_to(r(1)));
    let mut client = bench.client().await;
    let reply = client.get_with("/", &[("x-lockgate-release", "r2")]).await;
    assert_eq!((reply.status, reply.body.as_str()), (200, "canary"));
    assert!(!canary.state.last_headers.lock().unwrap().contains_key("x-lockgate-release"));
    assert_eq!(client.get_with("/", &[("x-lockgate-release", "r9")]).await.status, 503);
    assert_eq!(client.get_with("/", &[("x-lockgate-release", "nine")]).await.status, 400);
    bench.settled(2).await;
    assert_eq!((bench.counts(1).requests, bench.counts(2).requests), (0, 0));
}

#[tokio::test]
async fn weights_are_refused_for_slots_that_cannot_carry_them() {
    let bench = Bench::new();
    let stable = Backend::start("stable").await;
    let sick = Backend::start("sick").await;
    sick.state.healthy.store(false, std::sync::atomic::Ordering::SeqCst);
    bench.add(1, &stable).await;
    bench.put(2, &sick);
    let refused = bench.proxy.set_weights(&web(), &split(1, 2, 500)).unwrap_err();
    assert!(matches!(&refused, ProxyError::NoneReady { slot, .. } if slot.release == r(2)), "{refused}");
    let refused = bench.proxy.set_weights(&web(), &split(1, 3, 500)).unwrap_err();
    assert!(matches!(refused, ProxyError::UnknownSlot(_)), "{refused}");
    assert_eq!(bench.proxy.weights(&web()), None);
    // The only slot may be given all before it is ready: requests fail until it is, and are counted.
    bench.weigh(&Weights::all_to(r(2)));
    let refused = bench.proxy.remove_slot(&web(), r(2)).unwrap_err();
    assert!(matches!(refused, ProxyError::HasWeight { .. }), "{refused}");
    let refused = bench.proxy.drain_slot(&web(), r(2), PATIENCE).await.unwrap_err();
    assert!(matches!(refused, ProxyError::HasWeight { .. }), "{refused}");
}

#[tokio::test]
async fn a_taken_port_is_said_clearly_and_an_open_one_is_kept() {
    let bench = Bench::new();
    let holder = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let addr = holder.local_addr().unwrap();
    let other = lockgate_model::PortName::new("admin").unwrap();
    let protocol = lockgate_model::Protocol::Http;
    let refused = bench.proxy.listen(&web(), &other, addr, protocol).unwrap_err();
    assert!(matches!(refused, ProxyError::PortTaken { .. }), "{refused}");
    assert!(refused.to_string().contains(&addr.to_string()), "{refused}");
    let asked = "127.0.0.1:0".parse().unwrap();
    let again = bench.proxy.listen(&web(), &crate::support::http_port(), asked, protocol).unwrap();
    assert_eq!(again, bench.addr);
    bench.proxy.unlisten(&web(), &crate::support::http_port(), PATIENCE).await;
    assert!(tokio::net::TcpStream::connect(bench.addr).await.is_err());
}

#[tokio::test]
async fn the_metrics_page_and_the_snapshot_show_every_slot() {
    let bench = Bench::new();
    let backend = Backend::start("a").await;
    bench.add(1, &backend).await;
    bench.weigh(&Weights::all_to(r(1)));
    bench.client().await.get("/fail").await;
    bench.settled(1).await;
    let page = bench.proxy.prometheus();
    for line in [
        "lockgate_requests_total{service=\"web\",release=\"r1\",version=\"v1\",code_class=\"5xx\"} 1",
        "lockgate_request_duration_seconds_count{service=\"web\",release=\"r1\",version=\"v1\"} 1",
        "lockgate_weight{service=\"web\",release=\"r1\",version=\"v1\"} 1",
        "lockgate_instance_ready{service=\"web\",release=\"r1\",version=\"v1\",instance=\"1\"} 1",
        "lockgate_in_flight{service=\"web\",release=\"r1\",version=\"v1\"} 0",
    ] {
        assert!(page.lines().any(|it| it == line), "no line `{line}` in\n{page}");
    }
    let status = serde_json::to_value(bench.proxy.snapshot()).unwrap();
    assert_eq!(status["services"]["web"]["slots"]["r1"]["weight"], 10_000);
    assert_eq!(status["services"]["web"]["slots"]["r1"]["instances"]["1"]["ready"], true);
}

//! Sticky sessions: kept while a slot's weight grows or stays, called back when it shrinks.

use lockgate_model::Weights;

use crate::support::{Backend, Bench, r, split};

#[tokio::test]
async fn sessions_stay_through_increases_and_are_called_back_by_a_rollback() {
    let bench = Bench::new();
    let (stable, canary) = (Backend::start("stable").await, Backend::start("canary").await);
    bench.add(1, &stable).await;
    bench.add(2, &canary).await;
    bench.weigh(&split(1, 2, 2_000));
    let mut client = bench.client().await;
    let mut of_canary = Vec::new();
    for _ in 0..50 {
        let reply = client.get("/").await;
        let cookie = reply.cookie().expect("a new client gets a session");
        let again = client.get_with("/", &[("cookie", &format!("a=b; {cookie}; c=d"))]).await;
        assert_eq!((&again.body, again.cookie()), (&reply.body, None));
        if reply.body == "canary" {
            of_canary.push(cookie);
        }
    }
    assert_eq!(of_canary.len(), 10);
    for points in [2_000, 5_000, 9_000] {
        bench.weigh(&split(1, 2, points));
        for cookie in &of_canary {
            let reply = client.get_with("/", &[("cookie", cookie)]).await;
            assert_eq!((reply.body.as_str(), reply.cookie()), ("canary", None), "at {points}");
        }
    }
    bench.weigh(&Weights::all_to(r(1)));
    for cookie in &of_canary {
        assert_eq!(client.get_with("/", &[("cookie", cookie)]).await.body, "stable");
    }
    // A second canary of the same slot does not get its old clients back.
    bench.weigh(&split(1, 2, 100));
    let reply = client.get_with("/", &[("cookie", &of_canary[0])]).await;
    assert_eq!((reply.body.as_str(), reply.cookie().is_some()), ("stable", true));
}

#[tokio::test]
async fn a_client_cannot_choose_its_slot() {
    let bench = Bench::new();
    let (stable, canary) = (Backend::start("stable").await, Backend::start("canary").await);
    bench.add(1, &stable).await;
    bench.add(2, &canary).await;
    bench.weigh(&split(1, 2, 100));
    let mut client = bench.client().await;
    let reply = client.get("/").await;
    let set = reply.headers["set-cookie"].to_str().unwrap();
    assert!(set.ends_with("; Path=/; HttpOnly; SameSite=Lax"), "{set}");
    let genuine = reply.cookie().unwrap();
    let forged = genuine.replace("=r1.", "=r2.");
    assert_ne!(genuine, forged);
    for cookie in [forged.as_str(), "lockgate-web=r2.0.", "lockgate-web=", "lockgate-web=r2"] {
        let reply = client.get_with("/", &[("cookie", cookie)]).await;
        assert_eq!((reply.body.as_str(), reply.cookie().is_some()), ("stable", true), "{cookie}");
    }
}

#[tokio::test]
async fn no_session_is_started_while_there_is_no_choice() {
    let bench = Bench::new();
    let stable = Backend::start("stable").await;
    bench.add(1, &stable).await;
    bench.weigh(&Weights::all_to(r(1)));
    assert_eq!(bench.client().await.get("/").await.cookie(), None);
}

//! Traffic is split as it is said, by each router, and moving it loses no request.

use std::time::Duration;

use libtest_mimic::Trial;
use lockgate_model::{ReleaseId, Sharing, Traffic, Weight, Weights};
use lockgate_targets::{Class, Kubernetes, Target as _};

use crate::client::{Answers, Client};
use crate::place::{Place, fence, key, slot, web_name};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("a_gateway_splits_as_it_is_said", gateway_splits),
        trial("an_ingress_splits_in_percents", ingress_splits),
        trial("without_a_router_pods_share_alike", pods_share),
        trial("twenty_shifts_by_a_gateway_lose_no_request", gateway_shifts),
        trial("shifts_by_an_ingress_lose_no_request", ingress_shifts),
        trial("a_shift_that_was_cut_short_goes_on", cut_short),
        trial("a_router_that_is_not_there_is_missed", missing_router),
        trial("what_cannot_be_given_traffic_is_said", refused),
    ]
}

fn split(weight: &str) -> Weights {
    Weights::split(ReleaseId(1), ReleaseId(2), weight.parse::<Weight>().unwrap())
}

fn all(release: u64) -> Weights {
    Weights::all_to(ReleaseId(release))
}

async fn set(target: &Kubernetes, seq: u64, weights: &Weights) {
    target.set_weights(&fence(seq), &key(seq), &web_name(), weights).await.unwrap();
    let observed = target.observe().await.unwrap();
    assert_eq!(observed.services[&web_name()].weights.as_ref(), Some(weights), "as it is read back");
}

async fn gateway_splits(place: Place) {
    let target = place.target(Traffic::Auto);
    place.prepared(&target, vec![place.service(), place.route()]).await;
    set(&target, 3, &all(1)).await;
    let observed = target.observe().await.unwrap();
    let routing = &observed.services[&web_name()].routing;
    assert_eq!((routing.sharing, routing.by.as_str()), (Sharing::Exact, "HTTPRoute web of Gateway shared"));

    place.up(&target, 4, &slot(2, &[]), 1).await;
    set(&target, 5, &split("10%")).await;
    let answers = place.gateway().send(500).await;
    assert_eq!((answers.failed.as_slice(), answers.total()), ([].as_slice(), 500));
    assert!((45..=55).contains(&answers.of("r2")), "{answers:?}");
    // Who calls the Service within the cluster stays with the stable version.
    let selector = place.object("service", "web").unwrap()["spec"]["selector"].clone();
    assert_eq!(selector["lockgate.dev/release"], "r1");

    set(&target, 6, &all(2)).await;
    assert_eq!(place.gateway().send(50).await.of("r2"), 50);
    assert_eq!(place.object("service", "web-canary"), None, "nothing is left of the split");
    let route = place.object("httproute", "web").unwrap();
    assert_eq!(route["spec"]["rules"][0]["backendRefs"].as_array().unwrap().len(), 1);
    // A repeat changes nothing.
    set(&target, 6, &all(2)).await;
    assert_eq!(
        place.object("httproute", "web").unwrap()["metadata"]["generation"],
        route["metadata"]["generation"]
    );
}

async fn ingress_splits(place: Place) {
    let target = place.target(Traffic::IngressNginx);
    place.prepared(&target, vec![place.service(), place.main_ingress()]).await;
    set(&target, 3, &all(1)).await;
    place.up(&target, 4, &slot(2, &[]), 1).await;
    set(&target, 5, &split("20%")).await;
    let answers = place.ingress().send(500).await;
    assert_eq!((answers.failed.as_slice(), answers.total()), ([].as_slice(), 500));
    assert!((90..=110).contains(&answers.of("r2")), "{answers:?}");
    let observed = target.observe().await.unwrap();
    let routing = &observed.services[&web_name()].routing;
    assert_eq!((routing.sharing, routing.by.as_str()), (Sharing::Percent, "Ingress web of class nginx"));

    set(&target, 6, &all(2)).await;
    assert_eq!(place.ingress().send(50).await.of("r2"), 50);
    assert_eq!(place.object("ingress", "web-canary"), None, "nothing is left of the split");
}

async fn pods_share(place: Place) {
    let target = place.target(Traffic::Replicas);
    // The Gateway sends to whatever the Service selects.
    place.prepared(&target, vec![place.service(), place.route()]).await;
    set(&target, 3, &all(1)).await;
    place.up(&target, 4, &slot(1, &[]), 3).await;
    place.up(&target, 5, &slot(2, &[]), 1).await;
    target.set_weights(&fence(6), &key(6), &web_name(), &split("10%")).await.unwrap();
    let observed = target.observe().await.unwrap();
    let service = &observed.services[&web_name()];
    // What it comes to, not what was asked for.
    assert_eq!(service.weights, Some(split("25%")));
    assert_eq!(service.routing.sharing, Sharing::Replicas);
    let answers = place.gateway().send(400).await;
    assert_eq!((answers.failed.as_slice(), answers.total()), ([].as_slice(), 400));
    assert!((90..=110).contains(&answers.of("r2")), "{answers:?}");

    let load = place.gateway().load(2);
    for shift in 0..4 {
        set(&target, 7 + shift, &all(1 + shift % 2)).await;
    }
    none_lost(&load.end().await);
}

async fn gateway_shifts(place: Place) {
    let target = place.target(Traffic::GatewayApi);
    place.prepared(&target, vec![place.service(), place.route()]).await;
    shifts(&place, &target, &place.gateway(), 20).await;
}

async fn ingress_shifts(place: Place) {
    let target = place.target(Traffic::Auto);
    place.prepared(&target, vec![place.service(), place.main_ingress()]).await;
    shifts(&place, &target, &place.ingress(), 8).await;
}

async fn shifts(place: &Place, target: &Kubernetes, client: &Client, count: u64) {
    set(target, 3, &all(1)).await;
    place.up(target, 4, &slot(2, &[]), 1).await;
    let load = client.load(4);
    for shift in 0..count {
        let weights = match shift % 4 {
            0 => split("5%"),
            1 => split("50%"),
            2 => all(2),
            _ => all(1),
        };
        set(target, 5 + shift, &weights).await;
    }
    none_lost(&load.end().await);
}

fn none_lost(answers: &Answers) {
    assert_eq!((answers.failed.as_slice(), answers.errors), ([].as_slice(), 0), "of {}", answers.total());
    assert!(500 < answers.total(), "{}", answers.total());
}

/// As when the driver dies between any two writes, and the next one asks again, or asks to go back.
async fn cut_short(place: Place) {
    let target = place.target(Traffic::Auto);
    place.prepared(&target, vec![place.service(), place.route()]).await;
    set(&target, 3, &all(1)).await;
    place.up(&target, 4, &slot(2, &[]), 1).await;
    let load = place.gateway().load(2);
    let mut seq = 5;
    for millis in [10, 40, 80, 120, 180, 250, 400, 800] {
        let (fenced, key, name, wanted) = (fence(seq), key(seq), web_name(), all(2));
        let begun = target.set_weights(&fenced, &key, &name, &wanted);
        drop(tokio::time::timeout(Duration::from_millis(millis), begun).await);
        let next = place.target(Traffic::Auto);
        let weights = if seq % 2 == 0 { all(1) } else { all(2) };
        set(&next, seq + 1, &weights).await;
        set(&next, seq + 2, &all(1)).await;
        seq += 3;
    }
    none_lost(&load.end().await);
    assert_eq!(place.object("service", "web-canary"), None, "nothing is left of the split");
}

async fn missing_router(place: Place) {
    let target = place.target(Traffic::GatewayApi);
    let mut route = place.route();
    route["spec"]["parentRefs"][0]["name"] = "nowhere".into();
    place.prepared(&target, vec![place.service(), route]).await;
    let error = target.set_weights(&fence(3), &key(3), &web_name(), &all(1)).await.unwrap_err();
    assert_eq!(error.class, Class::Fatal);
    assert_eq!(error.message, "no Gateway follows a route to web: HTTPRoute web: no controller has seen it");
}

async fn refused(place: Place) {
    let target = place.target(Traffic::Auto);
    place.prepared(&target, vec![place.service()]).await;
    let error = target.set_weights(&fence(3), &key(3), &web_name(), &split("5%")).await.unwrap_err();
    assert_eq!(error.class, Class::Fatal);
    assert!(error.message.starts_with("there is no web@r2 in namespace"), "{error}");
    set(&target, 4, &all(1)).await;
    let late = target.set_weights(&fence(2), &key(5), &web_name(), &all(1)).await.unwrap_err();
    assert_eq!(late.class, Class::Fenced);
}

//! What is counted is what was sent.

use std::collections::BTreeSet;

use libtest_mimic::Trial;
use lockgate_model::{ReleaseId, Samples, Traffic, Weights};
use lockgate_targets::{Kubernetes, Target as _};

use crate::place::{Place, fence, key, slot, web, web_name};
use crate::trial;

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("counts_are_what_the_client_sent", counts),
        trial("what_is_not_counted_is_said", uncounted),
        trial("crashes_are_counted_with_their_last_words", crashes),
    ]
}

async fn samples(target: &Kubernetes) -> Samples {
    target.samples(&[web_name()]).await.unwrap()
}

async fn counts(place: Place) {
    let target = place.target(Traffic::Auto);
    place.prepared(&target, vec![place.service(), place.route()]).await;
    place.up(&target, 3, &slot(2, &[("SAMPLE_ERROR_RATE", "0.1")]), 2).await;
    let half = Weights::split(ReleaseId(1), ReleaseId(2), "50%".parse().unwrap());
    target.set_weights(&fence(4), &key(4), &web_name(), &half).await.unwrap();

    let answers = place.gateway().send(400).await;
    assert_eq!(answers.failed, Vec::<String>::new());
    let samples = samples(&target).await;
    assert_eq!(samples.repeated, BTreeSet::new());
    let said = format!("Prometheus {}/prometheus:9090 is not used: ", place.namespace.name);
    assert!(samples.notes.len() == 1 && samples.notes[0].starts_with(&said), "{:?}", samples.notes);
    assert_eq!(samples.counted_by[&web_name()], "its own metrics, asked of each pod");
    let (old, new) = (&samples.slots[&web(1)], &samples.slots[&web(2)]);
    assert_eq!((old.requests, new.requests), (answers.of("r1"), answers.of("r2")));
    assert_eq!((old.errors, new.errors), (0, answers.errors));
    assert_eq!((old.ready, old.wanted, new.ready, new.wanted), (1, 1, 2, 2));
    assert_eq!(new.latency.counts.iter().sum::<u64>(), new.requests);
    assert_eq!(new.instances.len(), 2);
    assert_eq!(new.instances.values().map(|it| it.requests).sum::<u64>(), new.requests);
    // Another process goes on where this one is.
    assert_eq!(place.target(Traffic::Auto).samples(&[web_name()]).await.unwrap().slots, samples.slots);
}

async fn uncounted(place: Place) {
    let target = place.target(Traffic::Auto);
    place.prepared(&target, vec![place.service()]).await;
    let mut silent = slot(2, &[]);
    silent.metrics = None;
    place.up(&target, 3, &silent, 1).await;
    let notes = samples(&target).await.notes;
    let said = "the requests of web are not counted: `metrics` does not say where it shows them";
    assert!(notes.iter().any(|it| it.starts_with(said)), "{notes:?}");

    let target = place.target(Traffic::Auto);
    target.remove_slot(&fence(4), &key(4), &web(2)).await.unwrap();
    let mut elsewhere = slot(3, &[]);
    "/nothing".clone_into(&mut elsewhere.metrics.as_mut().unwrap().path);
    place.up(&target, 5, &elsewhere, 1).await;
    let samples = samples(&target).await;
    assert_eq!(samples.slots.keys().collect::<Vec<_>>(), [&web(1)], "what cannot be read is not none");
    let said = "the metrics of web@r3 cannot be read: pod web-r3-";
    assert!(samples.notes.iter().any(|it| it.starts_with(said)), "{:?}", samples.notes);
}

async fn crashes(place: Place) {
    let target = place.target(Traffic::Auto);
    place.prepared(&target, vec![place.service(), place.route()]).await;
    place.up(&target, 3, &slot(2, &[("SAMPLE_CRASH", "on-request:3")]), 1).await;
    target.set_weights(&fence(4), &key(4), &web_name(), &Weights::all_to(ReleaseId(2))).await.unwrap();
    assert_eq!(samples(&target).await.slots[&web(2)].crashes, 0);
    place.gateway().send(3).await;
    let crashed = async {
        let mut every = tokio::time::interval(std::time::Duration::from_millis(300));
        loop {
            every.tick().await;
            let counts = samples(&target).await.slots[&web(2)].clone();
            // The counters may begin again before the pod's status tells why.
            if let Some(said) = counts.last_crash {
                return (counts.crashes, said);
            }
        }
    };
    let (number, said) = tokio::time::timeout(std::time::Duration::from_secs(30), crashed).await.unwrap();
    assert_eq!(number, 1);
    assert!(said.contains("exit code") && said.starts_with("pod web-r2-"), "{said}");
}

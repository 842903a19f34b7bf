//! What people read of a release.

use lockgate_engine::{Input, Phase, Sighting, StageState, Status};
use lockgate_model::{Millis, Snapshot};

use crate::support::{Walk, deploy, migrating, samples, service, snapshot, transient};

fn old() -> Snapshot {
    snapshot("v1", &[("api", service(1, "old", 2))])
}

fn walk() -> Walk {
    Walk::new(deploy(&old(), &migrating(snapshot("v2", &[("api", service(1, "new", 2))]))))
}

/// What is waited for, and the command that ends the waiting.
fn waiting(status: &Status) -> String {
    let lines = status.waiting.iter().map(|it| match &it.command {
        Some(command) => format!("{}: {command}", it.for_what),
        None => it.for_what.clone(),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_task_that_runs_is_waited_for() {
    let mut walk = walk();
    walk.until("1 instance of api@r2");
    insta::assert_snapshot!(waiting(&walk.release.status(walk.now)), @"1 instance of api@r2");
}

#[test]
fn a_task_that_is_tried_again_says_what_it_said() {
    let mut walk = walk();
    let key = walk.until("1 instance of api@r2");
    walk.finish(key, transient("the node is being stopped"));
    insta::assert_snapshot!(waiting(&walk.release.status(walk.now)), @"attempt 2 of 5: 1 instance of api@r2 (it said: the node is being stopped)");
}

#[test]
fn an_attempt_that_nobody_saw_end_asks_for_an_operator() {
    let mut walk = walk();
    let key = walk.until("run migrate");
    walk.feed(&Input::Seen(key, Sighting::Unknown)).unwrap();
    insta::assert_snapshot!(waiting(&walk.release.status(walk.now)), @"an operator to say how `run migrate` ended: nobody saw it: lockgate resolve prod r2.0.0.f1 succeeded|failed");
}

#[test]
fn a_paused_release_says_who_paused_it_and_how_it_goes_on() {
    let mut walk = walk();
    walk.until("5% of api");
    walk.feed(&Input::Pause { by: "ann".to_owned() }).unwrap();
    let status = walk.release.status(walk.now);
    insta::assert_snapshot!(waiting(&status), @r"
    somebody to resume it (ann paused it): lockgate resume prod
    5% of api to the new version
    ");
    assert_eq!(status.phase, Phase::Paused { by: "ann".to_owned() });
}

#[test]
fn a_gate_says_what_it_lacks() {
    let mut walk = walk();
    walk.until("judge");
    let at_first = waiting(&walk.release.status(walk.now));
    walk.feed(&Input::Sampled(Err("connection refused".to_owned()))).unwrap();
    let dark = waiting(&walk.release.status(walk.now));
    for _ in 0..8 {
        walk.now = walk.now.plus(Millis::secs(10));
        let counts = samples(walk.release.plan(), 7, 0);
        walk.feed(&Input::Sampled(Ok(counts))).unwrap();
    }
    let short = waiting(&walk.release.status(walk.now));
    for _ in 0..40 {
        walk.now = walk.now.plus(Millis::secs(10));
        let counts = samples(walk.release.plan(), 9, 0);
        walk.feed(&Input::Sampled(Ok(counts))).unwrap();
    }
    let held = waiting(&walk.release.status(walk.now));
    insta::assert_snapshot!([at_first, dark, short, held].join("\n"), @r"
    evidence, or the end of the step
    counts of the new version; asking for them failed: connection refused
    more evidence: 100 more canary requests are needed (0 of 100)
    an operator to promote or abort it: the time is over without a verdict: 98 more canary requests are needed (2 of 100): lockgate promote prod
    ");
}

#[test]
fn stages_are_done_now_or_later_and_dropped_once_it_turned_back() {
    let mut walk = walk();
    walk.until("judge");
    let states = |walk: &Walk| {
        let said = walk.release.status(walk.now);
        let lines = said.stages.iter().chain(&said.back).map(|it| format!("{}: {:?}", it.name, it.state));
        lines.collect::<Vec<_>>().join("\n")
    };
    insta::assert_snapshot!(states(&walk), @r"
    migrate: Done
    start: Done
    canary 5%: Done
    judge 5%: Now
    canary 50%: Later
    judge 50%: Later
    scale to full size: Later
    all traffic: Later
    drain: Later
    remove: Later
    ");
    walk.feed(&Input::Abort { by: "ann".to_owned(), reason: "no".to_owned() }).unwrap();
    insta::assert_snapshot!(states(&walk), @r"
    migrate: Done
    start: Done
    canary 5%: Done
    judge 5%: Failed
    canary 50%: Dropped
    judge 50%: Dropped
    scale to full size: Dropped
    all traffic: Dropped
    drain: Dropped
    remove: Dropped
    traffic back: Now
    drain the new version: Later
    remove the new version: Later
    ");
    walk.end();
    let ended = walk.release.status(walk.now);
    assert!(ended.back.iter().all(|it| it.state == StageState::Done));
    assert!(Millis::ZERO < ended.elapsed(walk.now));
}

#[test]
fn a_gate_says_who_counts_and_what_could_not_be_counted() {
    let mut walk = walk();
    walk.until("judge for 1m");
    let mut counts = samples(walk.release.plan(), 10, 0);
    counts.counted_by.insert("api".parse().unwrap(), "its own metrics".to_owned());
    counts.notes = (0..20).map(|it| format!("pod {it}: {}", "x".repeat(1_000))).collect();
    walk.feed(&Input::Sampled(Ok(counts))).unwrap();
    let status = walk.release.status(walk.now);
    assert_eq!(status.counted_by["api"], "its own metrics");
    assert_eq!((status.notes.len(), status.notes[7].chars().count()), (8, 500));
}

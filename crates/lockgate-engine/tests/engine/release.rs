//! What a release does when something happens to it.

use lockgate_engine::{
    ENTRIES_MAX, Effect, End, Event, Input, Kind, Outcome, PARALLEL_MAX, PassedBy, Plan, Release, Sighting,
    TaskKey, Why,
};
use lockgate_model::{Millis, OnUndecided, Snapshot, Timestamp};

use crate::support::{
    Walk, deploy, fatal, first, migrating, observed, plan_on, rolling, samples, service, snapshot, transient,
    worker,
};

fn old() -> Snapshot {
    snapshot("v1", &[("api", service(1, "old", 2)), ("mail", worker("old", 1))])
}

fn new() -> Snapshot {
    snapshot("v2", &[("api", service(1, "new", 2)), ("mail", worker("new", 1))])
}

fn canary() -> Plan {
    deploy(&old(), &new())
}

fn abort() -> Input {
    Input::Abort { by: "ann".to_owned(), reason: "it smells".to_owned() }
}

fn events(walk: &Walk) -> impl Iterator<Item = &Event> {
    walk.journal.iter().map(|it| &it.event)
}

#[test]
fn a_release_goes_through_its_stages_to_its_end() {
    let mut walk = Walk::new(canary());
    assert_eq!(walk.end(), End::Done { leftovers: vec![] });
    insta::assert_snapshot!(walk.asked.join("\n"), @r"
    1 instance of api@r2
    5% of api to the new version
    judge for 1m
    50% of api to the new version
    judge for 1m
    2 instances of api@r2
    100% of api to the new version
    1 instance of mail@r2
    stop mail@r1
    drain api@r1
    remove api@r1
    remove mail@r1
    ");
    assert_eq!(walk.release.wants(walk.now), []);
}

#[test]
fn a_release_that_has_nothing_to_do_is_done_at_once() {
    let walk = Walk::new(deploy(&old(), &old()));
    assert_eq!(walk.release.ended(), Some(&End::Done { leftovers: vec![] }));
}

#[test]
fn the_way_back_restores_then_shifts_in_one_step_then_drains_and_removes() {
    let plan = deploy(
        &snapshot("v1", &[("api", service(1, "old", 2)), ("mail", worker("old", 1))]),
        &rolling(snapshot("v2", &[("api", service(1, "new", 2)), ("mail", worker("new", 1))])),
    );
    let mut walk = Walk::new(plan);
    let key = walk.until("drain");
    assert_eq!(
        walk.feed(&abort()).unwrap_err().0,
        "it is past its point of no return; `lockgate rollback` puts the version before back"
    );
    walk.finish(key, Outcome::Ok { note: None });
    assert!(matches!(walk.end(), End::Done { .. }));

    let mut walk = Walk::new(walk.release.plan().clone());
    walk.until("stop mail@r1");
    walk.asked.clear();
    walk.feed(&abort()).unwrap();
    assert!(matches!(walk.end(), End::RolledBack { why: Why::Aborted { .. } }));
    insta::assert_snapshot!(walk.asked.join("\n"), @r"
    2 instances of api@r1
    1 instance of mail@r1
    0% of api to the new version
    drain api@r2
    remove api@r2
    remove mail@r2
    ");
}

/// Abort at each attempt of a release: before the clean-up it goes back, from there on it is refused.
#[test]
fn an_abort_at_any_stage_takes_back_all_that_was_touched() {
    let plan = canary();
    let (mut back, mut refused) = (0, 0);
    for nth in 0.. {
        let mut walk = Walk::new(plan.clone());
        for _ in 0..nth {
            walk.until("");
            if walk.release.ended().is_some() {
                break;
            }
            let running = walk.release.wants(walk.now);
            for effect in running {
                if let Effect::Run(key) = effect
                    && walk.release.has_started(key)
                {
                    walk.finish(key, Outcome::Ok { note: None });
                }
            }
        }
        if walk.release.ended().is_some() {
            break;
        }
        match walk.feed(&abort()) {
            Ok(_) => {
                back += 1;
                let end = walk.end();
                assert!(matches!(end, End::RolledBack { .. } | End::Cancelled { .. }), "{nth}: {end:?}");
            }
            Err(_) => refused += 1,
        }
        if 3 < refused {
            break;
        }
    }
    assert!(6 < back && 1 < refused, "{back} went back, {refused} were refused");
}

#[test]
fn an_abort_before_anything_was_touched_cancels() {
    let mut release = Release::new(canary());
    for entry in release.decide(Timestamp(5), &abort()).unwrap() {
        release.apply(&entry).unwrap();
    }
    assert!(matches!(release.ended(), Some(End::Cancelled { why: Why::Aborted { .. } })));
    assert_eq!(release.decide(Timestamp(6), &abort()).unwrap_err().0, "it has ended already");
    assert_eq!(release.decide(Timestamp(6), &Input::Start).unwrap_err().0, "it has started already");
}

#[test]
fn a_second_abort_is_refused() {
    let mut walk = Walk::new(canary());
    walk.until("5% of api");
    walk.feed(&abort()).unwrap();
    assert_eq!(walk.feed(&abort()).unwrap_err().0, "it is turning back already");
}

#[test]
fn a_paused_release_stays_in_its_stage_until_it_is_resumed() {
    let mut walk = Walk::new(canary());
    let key = walk.until("5% of api");
    walk.feed(&Input::Pause { by: "ann".to_owned() }).unwrap();
    assert_eq!(walk.feed(&Input::Pause { by: "bob".to_owned() }).unwrap_err().0, "it is paused already");
    walk.finish(key, Outcome::Ok { note: None });
    assert_eq!(walk.release.wants(walk.now), []);
    walk.feed(&Input::Resume { by: "ann".to_owned() }).unwrap();
    assert_eq!(walk.feed(&Input::Resume { by: "ann".to_owned() }).unwrap_err().0, "it is not paused");
    assert_eq!(walk.release.wants(walk.now).len(), 1);
    assert!(matches!(walk.end(), End::Done { .. }));
}

#[test]
fn a_paused_release_can_be_aborted_and_promoted() {
    let mut walk = Walk::new(canary());
    walk.until("judge");
    walk.feed(&Input::Pause { by: "ann".to_owned() }).unwrap();
    walk.feed(&Input::Promote { by: "ann".to_owned() }).unwrap();
    assert_eq!(walk.release.wants(walk.now), [], "it waits to be resumed");
    walk.feed(&abort()).unwrap();
    assert!(matches!(walk.end(), End::RolledBack { .. }));
}

#[test]
fn a_pause_in_the_last_stage_holds_up_the_end() {
    let mut walk = Walk::new(canary());
    walk.until("remove api");
    walk.feed(&Input::Pause { by: "ann".to_owned() }).unwrap();
    for effect in walk.release.wants(walk.now) {
        let Effect::Run(key) = effect else { panic!("{effect:?}") };
        walk.feed(&Input::Starting(key)).unwrap();
        walk.finish(key, Outcome::Ok { note: None });
    }
    assert_eq!(walk.release.ended(), None);
    walk.feed(&Input::Resume { by: "ann".to_owned() }).unwrap();
    assert!(matches!(walk.release.ended(), Some(End::Done { .. })));
}

#[test]
fn only_a_release_at_a_gate_can_be_promoted() {
    let mut walk = Walk::new(canary());
    walk.until("5% of api");
    let refused = walk.feed(&Input::Promote { by: "ann".to_owned() }).unwrap_err();
    assert_eq!(refused.0, "it is not at a gate");
}

#[test]
fn a_transient_failure_is_tried_again_after_a_wait_and_then_fails_the_release() {
    let mut walk = Walk::new(canary());
    let mut key = walk.until("5% of api");
    let attempts = walk.release.task(key).unwrap().retry.attempts;
    for attempt in 1..attempts {
        walk.finish(key, transient("busy"));
        let (until, why) = walk.release.deadline().unwrap();
        assert_eq!(why, "another attempt");
        walk.feed(&Input::Tick).unwrap();
        assert_eq!(walk.release.wants(walk.now), [], "it is too early");
        walk.now = until;
        walk.feed(&Input::Tick).unwrap();
        key = TaskKey { attempt: attempt + 1, ..key };
        assert_eq!(walk.release.wants(walk.now), [Effect::Run(key)]);
        walk.feed(&Input::Starting(key)).unwrap();
    }
    walk.finish(key, transient("busy"));
    let End::RolledBack { why } = walk.end() else { panic!("it goes back") };
    assert_eq!(
        why,
        Why::TaskFailed { what: "5% of api to the new version".to_owned(), why: "busy".to_owned() }
    );
}

#[test]
fn an_attempt_that_may_not_be_repeated_blindly_is_awaited_before_the_way_back() {
    let mut walk = Walk::new(deploy(&old(), &migrating(new())));
    let key = walk.until("run migrate");
    walk.feed(&abort()).unwrap();
    assert_eq!(walk.release.wants(walk.now), [Effect::Run(key)]);
    walk.finish(key, transient("exit status 1"));
    assert!(matches!(walk.release.ended(), Some(End::RolledBack { .. })), "there is nothing to undo");
}

#[test]
fn a_new_driver_looks_at_what_may_not_be_repeated_blindly() {
    let plan = deploy(&old(), &migrating(new()));
    let sightings =
        [(Sighting::NeverRan, Effect::Run as fn(TaskKey) -> Effect), (Sighting::Running, Effect::Run)];
    for (sighting, then) in sightings {
        let mut walk = Walk::new(plan.clone());
        let key = walk.until("run migrate");
        walk.release.forget();
        assert_eq!(walk.release.wants(walk.now), [Effect::Look(key)]);
        let entries = walk.release.decide(walk.now, &Input::Seen(key, sighting.clone())).unwrap();
        for entry in &entries {
            walk.release.apply(entry).unwrap();
        }
        assert_eq!(walk.release.wants(walk.now), [then(key)], "{sighting:?}");
    }
}

#[test]
fn what_is_harmless_is_simply_asked_for_again_by_a_new_driver() {
    let mut walk = Walk::new(canary());
    let key = walk.until("5% of api");
    walk.release.forget();
    assert_eq!(walk.release.wants(walk.now), [Effect::Run(key)]);
}

#[test]
fn an_operator_says_how_an_attempt_ended_that_nobody_saw() {
    for (succeeded, goes_on) in [(true, true), (false, false)] {
        let mut walk = Walk::new(deploy(&old(), &migrating(new())));
        let key = walk.until("run migrate");
        walk.feed(&Input::Seen(key, Sighting::Unknown)).unwrap();
        assert_eq!(walk.release.wants(walk.now), []);
        walk.finish(key, Outcome::Ok { note: None });
        assert_eq!(walk.release.wants(walk.now), [], "a late answer does not decide it");
        walk.feed(&Input::Resolve { key, succeeded, by: "ann".to_owned() }).unwrap();
        let end = walk.end();
        assert_eq!(matches!(end, End::Done { .. }), goes_on, "{end:?}");
        let refused = walk.feed(&Input::Resolve { key, succeeded, by: "ann".to_owned() }).unwrap_err();
        assert_eq!(refused.0, "nothing waits to be resolved under r2.0.0.f1");
    }
}

#[test]
fn what_cannot_be_cleaned_up_is_left_over_and_said() {
    let mut walk = Walk::new(canary());
    let key = walk.until("remove api@r1");
    walk.finish(key, fatal("the disk is gone"));
    assert_eq!(walk.end(), End::Done { leftovers: vec!["remove api@r1: the disk is gone".to_owned()] });
}

#[test]
fn an_undo_that_fails_for_good_leaves_the_release_stuck_and_the_other_services_are_brought_back() {
    let old = snapshot("v1", &[("api", service(1, "old", 1)), ("web", service(2, "old", 1))]);
    let new = snapshot("v2", &[("api", service(1, "new", 1)), ("web", service(2, "new", 1))]);
    let mut walk = Walk::new(deploy(&old, &new));
    walk.until("judge");
    walk.feed(&abort()).unwrap();
    walk.asked.clear();
    let key = walk.until("0% of api");
    walk.finish(key, fatal("the proxy refuses"));
    let End::Stuck { what, why } = walk.end() else { panic!("it is stuck") };
    assert_eq!((what.as_str(), why.as_str()), ("0% of api to the new version", "the proxy refuses"));
    assert!(walk.asked.contains(&"remove web@r2".to_owned()), "{:?}", walk.asked);
    assert!(!walk.asked.contains(&"remove api@r2".to_owned()), "{:?}", walk.asked);
}

#[test]
fn a_failure_beside_others_that_run_still_takes_all_of_them_back() {
    let services = |text| [("api", service(1, text, 1)), ("web", service(2, text, 1))];
    let mut walk = Walk::new(deploy(&snapshot("v1", &services("old")), &snapshot("v2", &services("new"))));
    let keys: Vec<TaskKey> = walk
        .release
        .wants(walk.now)
        .into_iter()
        .map(|it| match it {
            Effect::Run(key) => key,
            Effect::Look(_) | Effect::Sample => panic!("two slots start"),
        })
        .collect();
    for &key in &keys {
        walk.feed(&Input::Starting(key)).unwrap();
    }
    walk.finish(keys[0], fatal("never ready"));
    assert_eq!(walk.feed(&Input::Finished(keys[1], Outcome::Ok { note: None })), Ok(0), "it was overtaken");
    assert!(matches!(walk.end(), End::RolledBack { .. }));
    for slot in ["api@r2", "web@r2"] {
        assert!(walk.asked.contains(&format!("remove {slot}")), "{:?}", walk.asked);
    }
}

#[test]
fn answers_to_attempts_that_are_not_current_change_nothing() {
    let mut walk = Walk::new(canary());
    let key = walk.until("5% of api");
    let late = TaskKey { stage: 0, ..key };
    assert_eq!(walk.feed(&Input::Finished(late, fatal("late"))), Ok(0));
    assert_eq!(walk.feed(&Input::Finished(TaskKey { back: true, ..key }, fatal("late"))), Ok(0));
    assert_eq!(walk.feed(&Input::Finished(TaskKey { attempt: 2, ..key }, fatal("late"))), Ok(0));
    assert_eq!(walk.feed(&Input::Seen(late, Sighting::Unknown)), Ok(0));
    assert!(!walk.release.has_started(late));
    let effect = walk.release.effect_key(key);
    assert_eq!(walk.release.task_of(effect.as_str()), Some(key));
    assert_eq!(walk.release.task_of(walk.release.effect_key(late).as_str()), None);
}

#[test]
fn counts_that_come_after_the_gate_change_nothing() {
    let mut walk = Walk::new(canary());
    walk.until("judge");
    let counts = samples(walk.release.plan(), 10, 0);
    walk.feed(&Input::Promote { by: "ann".to_owned() }).unwrap();
    assert_eq!(walk.feed(&Input::Sampled(Ok(counts))), Ok(0));
    assert_eq!(walk.feed(&Input::Sampled(Err("gone".to_owned()))), Ok(0));
}

/// Looks at a gate every ten seconds with so many requests and errors a look.
fn judge(walk: &mut Walk, looks: u64, requests: u64, errors: u64) {
    for look in 0..looks {
        walk.now = walk.now.plus(Millis::secs(10));
        let counts = samples(walk.release.plan(), look * requests, look * errors);
        walk.feed(&Input::Sampled(Ok(counts))).unwrap();
    }
}

#[test]
fn a_gate_passes_when_its_time_is_over_and_nothing_speaks_against_it() {
    let mut walk = Walk::new(canary());
    walk.until("judge for 1m");
    judge(&mut walk, 8, 100, 0);
    assert!(events(&walk).any(|it| matches!(it, Event::GatePassed { by: PassedBy::Time })));
}

#[test]
fn a_worse_version_is_taken_back_by_the_gate_even_when_paused() {
    let mut walk = Walk::new(canary());
    walk.until("judge for 1m");
    walk.feed(&Input::Pause { by: "ann".to_owned() }).unwrap();
    judge(&mut walk, 30, 100, 50);
    assert!(matches!(walk.end(), End::RolledBack { why: Why::Judged { .. } }));
}

#[test]
fn without_enough_requests_the_policy_decides() {
    for policy in [OnUndecided::Hold, OnUndecided::Promote, OnUndecided::Rollback] {
        let mut new = new();
        new.system.rollout.analysis.on_undecided = policy;
        let mut walk = Walk::new(deploy(&old(), &new));
        walk.until("judge for 1m");
        judge(&mut walk, 40, 1, 0);
        let held = events(&walk).filter(|it| matches!(it, Event::GateHeld { .. })).count();
        let passed = events(&walk).any(|it| *it == Event::GatePassed { by: PassedBy::Policy });
        let back = events(&walk).any(|it| matches!(it, Event::TurnedBack { why: Why::Undecided { .. } }));
        let expected = match policy {
            OnUndecided::Hold => (1, false, false),
            OnUndecided::Promote => (0, true, false),
            OnUndecided::Rollback => (0, false, true),
        };
        assert_eq!((held, passed, back), expected, "{policy:?}");
    }
}

#[test]
fn missing_counts_are_never_a_pass() {
    for policy in [OnUndecided::Hold, OnUndecided::Promote] {
        let mut new = new();
        new.system.rollout.analysis.on_undecided = policy;
        let mut walk = Walk::new(deploy(&old(), &new));
        walk.until("judge for 1m");
        for _ in 0..60 {
            walk.now = walk.now.plus(Millis::secs(10));
            walk.feed(&Input::Sampled(Err("no answer".to_owned()))).unwrap();
        }
        assert!(!events(&walk).any(|it| matches!(it, Event::GatePassed { .. })), "{policy:?}");
        assert_eq!(events(&walk).filter(|it| matches!(it, Event::GateHeld { .. })).count(), 1, "{policy:?}");
    }
}

#[test]
fn a_journal_without_room_for_more_looks_is_held_and_waited_for_in_peace() {
    let mut new = new();
    new.system.rollout.steps[0].pause = Millis::mins(60 * 24 * 30);
    let mut walk = Walk::new(deploy(&old(), &new));
    walk.until("judge");
    let counts = samples(walk.release.plan(), 0, 0);
    let mut release = walk.release;
    while release.next_seq() < ENTRIES_MAX {
        let now = release.deadline().map_or(walk.now, |it| it.0);
        let input = if release.wants(now) == [Effect::Sample] {
            Input::Sampled(Ok(counts.clone()))
        } else {
            Input::Tick
        };
        let entries = release.decide(now, &input).unwrap();
        if entries.is_empty() {
            break;
        }
        for entry in &entries {
            release.apply(entry).unwrap();
        }
    }
    assert!(release.next_seq() < ENTRIES_MAX - 900, "there is room for what follows");
    assert_eq!(release.deadline(), None, "nobody is woken up for nothing");
    let status = release.status(walk.now);
    assert!(status.waiting.iter().any(|it| it.for_what.contains("no room for more looks")), "{status:?}");
}

#[test]
fn at_most_so_many_attempts_run_at_the_same_time() {
    let names: Vec<String> = (0..12).map(|it| format!("s{it}")).collect();
    let services: Vec<_> =
        (1..).zip(&names).map(|(port, it)| (it.as_str(), service(port, "new", 1))).collect();
    let mut walk = Walk::new(first(&snapshot("v1", &services)));
    let wanted = walk.release.wants(walk.now);
    assert_eq!(wanted.len(), PARALLEL_MAX);
    for effect in wanted {
        let Effect::Run(key) = effect else { panic!("{effect:?}") };
        walk.feed(&Input::Starting(key)).unwrap();
    }
    assert_eq!(walk.release.wants(walk.now).len(), PARALLEL_MAX);
    assert!(matches!(walk.end(), End::Done { .. }));
}

#[test]
fn time_that_goes_backwards_is_not_written_down() {
    let mut walk = Walk::new(canary());
    walk.until("5% of api");
    walk.now = Timestamp(3);
    assert!(matches!(walk.end(), End::Done { .. }));
    assert!(walk.journal.windows(2).all(|it| it[0].at < it[1].at), "time grows in the journal");
}

#[test]
fn an_entry_that_does_not_follow_is_refused() {
    let mut walk = Walk::new(canary());
    walk.until("5% of api");
    let last = walk.journal.last().unwrap().clone();
    let repeated = walk.release.apply(&last).unwrap_err();
    assert!(repeated.to_string().starts_with("entry "), "{repeated}");
    let mut early = last;
    early.seq += 1;
    assert!(walk.release.apply(&early).is_err(), "its time is not after the last");
}

#[test]
fn a_rollback_that_fails_goes_forward_again() {
    let plan = plan_on(&observed(&old()), &old(), Kind::Rollback, &new()).unwrap();
    let mut walk = Walk::new(plan);
    let key = walk.until("100% of api");
    walk.finish(key, fatal("no"));
    assert!(matches!(walk.end(), End::RolledBack { .. }));
}

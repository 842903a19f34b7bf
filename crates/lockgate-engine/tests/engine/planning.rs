//! What the planner makes of what runs and what is wanted.

use std::collections::BTreeMap;

use lockgate_engine::{Action, Kind, PlanError, Repeat};
use lockgate_model::{Millis, ObservedSlot, ReleaseId, SmokeVia, Weights};

use crate::support::{
    NEW, OLD, deploy, first, migrating, name, needs, observed, outline, plan_on, rolling, service, smoking,
    snapshot, worker,
};

#[test]
fn a_canary_of_three_services_reads_as_it_goes() {
    let services = |text| {
        [("api", service(1, text, 4)), ("mail", worker(text, 2)), ("web", needs(service(2, text, 2), "api"))]
    };
    let mut new = smoking(migrating(snapshot("v2", &services("new"))), "web");
    new.system.rollout.bake = Millis::mins(10);
    let plan = deploy(&snapshot("v1", &services("old")), &new);
    insta::assert_snapshot!(outline(&plan), @r"
    migrate: run migrate
    start 1/2: 1 instance of api@r2 (back: drain api@r2, remove api@r2)
    start 2/2: 1 instance of web@r2 (back: drain web@r2, remove web@r2)
    smoke: ask web for /healthz
    canary 5%: 5% of api to the new version (back: 0% of api to the new version); 5% of web to the new version (back: 0% of web to the new version)
    judge 5%: judge for 1m
    scale for 50%: 2 instances of api@r2 (back: drain api@r2, remove api@r2)
    canary 50%: 50% of api to the new version (back: 0% of api to the new version); 50% of web to the new version (back: 0% of web to the new version)
    judge 50%: judge for 1m
    scale to full size: 4 instances of api@r2 (back: drain api@r2, remove api@r2); 2 instances of web@r2 (back: drain web@r2, remove web@r2)
    all traffic: 100% of api to the new version (back: 0% of api to the new version); 100% of web to the new version (back: 0% of web to the new version)
    start workers: 2 instances of mail@r2 (back: remove mail@r2)
    stop old workers: stop mail@r1 (back: 2 instances of mail@r1)
    smoke, as users: ask web for /healthz
    smoke jobs: run smoke-1
    bake: judge for 10m
    drain: drain api@r1; drain web@r1
    remove: remove api@r1; remove mail@r1; remove web@r1
    ");
    assert_eq!(plan.point_of_no_return(), Some(plan.stages.len() - 2));
    assert_eq!(plan.report.waits, Millis::mins(12));
    assert_eq!(plan.from.as_ref().map(ToString::to_string).as_deref(), Some("v1"));
}

#[test]
fn a_rolling_release_goes_instance_by_instance() {
    let old = snapshot("v1", &[("api", service(1, "old", 3)), ("web", service(2, "old", 2))]);
    let new = rolling(snapshot("v2", &[("api", service(1, "new", 3)), ("web", service(2, "new", 2))]));
    insta::assert_snapshot!(outline(&deploy(&old, &new)), @r"
    start: 1 instance of api@r2 (back: drain api@r2, remove api@r2); 1 instance of web@r2 (back: drain web@r2, remove web@r2)
    shift 33.33%: 33.33% of api to the new version (back: 0% of api to the new version); 33.33% of web to the new version (back: 0% of web to the new version)
    look at 33.33%: judge, at one look
    stop round 1/3: 2 instances of api@r1 (back: 3 instances of api@r1)
    start round 2/3: 2 instances of api@r2 (back: drain api@r2, remove api@r2); 2 instances of web@r2 (back: drain web@r2, remove web@r2)
    shift 66.66%: 66.66% of api to the new version (back: 0% of api to the new version); 66.66% of web to the new version (back: 0% of web to the new version)
    look at 66.66%: judge, at one look
    stop round 2/3: 1 instance of api@r1 (back: 3 instances of api@r1); 1 instance of web@r1 (back: 2 instances of web@r1)
    start round 3/3: 3 instances of api@r2 (back: drain api@r2, remove api@r2)
    shift 100%: 100% of api to the new version (back: 0% of api to the new version); 100% of web to the new version (back: 0% of web to the new version)
    drain: drain api@r1; drain web@r1
    remove: remove api@r1; remove web@r1
    ");
}

#[test]
fn a_rollback_goes_straight_and_runs_no_migration() {
    let old = snapshot("v1", &[("api", service(1, "old", 3))]);
    let new = smoking(migrating(snapshot("v0", &[("api", service(1, "older", 3))])), "api");
    let plan = plan_on(&observed(&old), &old, Kind::Rollback, &new).unwrap();
    insta::assert_snapshot!(outline(&plan), @r"
    start: 3 instances of api@r2 (back: drain api@r2, remove api@r2)
    all traffic: 100% of api to the new version (back: 0% of api to the new version)
    drain: drain api@r1
    remove: remove api@r1
    ");
    assert!(plan.judged.is_empty());
}

#[test]
fn a_first_release_starts_everything_at_full_size() {
    let new = snapshot("v1", &[("api", service(1, "new", 3)), ("mail", worker("new", 1))]);
    insta::assert_snapshot!(outline(&first(&new)), @r"
    start: 3 instances of api@r2 (back: remove api@r2)
    open: 100% of api to the new version
    start workers: 1 instance of mail@r2 (back: remove mail@r2)
    ");
}

#[test]
fn what_did_not_change_is_not_touched() {
    let old = snapshot("v1", &[("api", service(1, "same", 3)), ("web", service(2, "old", 1))]);
    let new = snapshot("v2", &[("api", service(1, "same", 3)), ("web", service(2, "new", 1))]);
    let plan = deploy(&old, &new);
    assert_eq!(plan.report.unchanged, [name("api")]);
    assert!(!outline(&plan).contains("api"), "{}", outline(&plan));
    let nothing = deploy(&old, &old);
    assert_eq!(nothing.stages, []);
}

#[test]
fn another_number_of_instances_is_no_new_version() {
    let old = snapshot("v1", &[("api", service(1, "same", 3))]);
    let new = snapshot("v2", &[("api", service(1, "same", 5))]);
    insta::assert_snapshot!(outline(&deploy(&old, &new)), @"resize: 5 instances of api@r1 (back: 3 instances of api@r1)");
}

#[test]
fn services_that_are_gone_and_slots_left_over_are_removed_one_after_the_other() {
    let old = snapshot("v1", &[("api", service(1, "same", 1)), ("gone", service(2, "old", 1))]);
    let new = snapshot("v2", &[("api", service(1, "same", 1))]);
    let mut seen = observed(&old);
    for service in seen.services.values_mut() {
        let left_over = ObservedSlot { wanted: 0, ..service.slots[&OLD].clone() };
        service.slots.insert(ReleaseId(0), left_over);
    }
    let plan = plan_on(&seen, &old, Kind::Deploy, &new).unwrap();
    insta::assert_snapshot!(outline(&plan), @r"
    remove 1/2: remove gone@r0; remove api@r0
    remove 2/2: remove gone@r1
    ");
    assert_eq!(plan.report.removed, [name("gone")]);
}

#[test]
fn the_slot_with_traffic_is_removed_last() {
    let old = snapshot("v1", &[("gone", service(2, "old", 1))]);
    let mut seen = observed(&old);
    let gone = seen.services.get_mut("gone").unwrap();
    gone.slots.insert(ReleaseId(0), gone.slots[&OLD].clone());
    gone.weights = Some(Weights::all_to(ReleaseId(0)));
    let plan = plan_on(&seen, &old, Kind::Deploy, &snapshot("v2", &[])).unwrap();
    insta::assert_snapshot!(outline(&plan), @r"
    remove 1/2: remove gone@r1
    remove 2/2: remove gone@r0
    ");
}

#[test]
fn traffic_that_a_stuck_release_left_elsewhere_is_brought_together() {
    let old = snapshot("v1", &[("api", service(1, "same", 1))]);
    let mut seen = observed(&old);
    let api = seen.services.get_mut("api").unwrap();
    api.slots.insert(ReleaseId(0), api.slots[&OLD].clone());
    api.weights = Some(Weights::split(OLD, ReleaseId(0), "25%".parse().unwrap()));
    let plan = plan_on(&seen, &old, Kind::Rollback, &old).unwrap();
    insta::assert_snapshot!(outline(&plan), @r"
    gather: all of api to r1 (back: all of api to r1)
    remove: remove api@r0
    ");
}

#[test]
fn services_start_after_those_they_depend_on() {
    let services = [
        ("a", needs(service(1, "new", 1), "b")),
        ("b", needs(service(2, "new", 1), "c")),
        ("c", service(3, "new", 1)),
        ("d", service(4, "new", 1)),
    ];
    let plan = first(&snapshot("v1", &services));
    let starts = plan.stages.iter().filter(|it| it.name.starts_with("start"));
    let starts: Vec<Vec<String>> = starts
        .map(|it| it.tasks.iter().map(|it| it.service.as_ref().unwrap().to_string()).collect())
        .collect();
    assert_eq!(starts, [vec!["c", "d"], vec!["b"], vec!["a"]]);
}

#[test]
fn services_that_depend_on_each_other_in_a_circle_are_refused() {
    let services = [("a", needs(service(1, "new", 1), "b")), ("b", needs(service(2, "new", 1), "a"))];
    let old = snapshot("v1", &[]);
    let refused = plan_on(&observed(&old), &old, Kind::Deploy, &snapshot("v1", &services)).unwrap_err();
    assert_eq!(refused, PlanError::Circle(vec![name("a"), name("b")]));
    assert_eq!(refused.to_string(), "the services depend on each other in a circle: a, b");
}

#[test]
fn a_slot_that_no_record_knows_is_refused() {
    let old = snapshot("v1", &[("api", service(1, "old", 1))]);
    let new = snapshot("v2", &[("api", service(1, "new", 1))]);
    let request = lockgate_engine::Request::new(NEW, Kind::Deploy, new);
    let refused = lockgate_engine::plan(&request, &observed(&old), &BTreeMap::new()).unwrap_err();
    assert!(matches!(refused, PlanError::UnknownSlot { .. }), "{refused}");
}

#[test]
fn a_migration_is_dangerous_to_repeat_and_comes_first() {
    let old = snapshot("v1", &[("api", service(1, "old", 1))]);
    let plan = deploy(&old, &migrating(snapshot("v2", &[("api", service(1, "new", 1))])));
    let task = &plan.stages[0].tasks[0];
    assert_eq!((task.action.to_string().as_str(), task.repeat), ("run migrate", Repeat::Dangerous));
}

#[test]
fn the_new_version_is_asked_by_slot_before_it_has_traffic_and_by_route_after() {
    let old = snapshot("v1", &[("api", service(1, "old", 1))]);
    let plan = deploy(&old, &smoking(snapshot("v2", &[("api", service(1, "new", 1))]), "api"));
    let vias = plan.stages.iter().flat_map(|it| &it.tasks).filter_map(|it| match &it.action {
        Action::Smoke { check } => Some(check.via.clone()),
        _ => None,
    });
    let slot = lockgate_model::SlotRef { service: name("api"), release: NEW };
    assert_eq!(vias.collect::<Vec<_>>(), [SmokeVia::Slot(slot), SmokeVia::Route]);
}

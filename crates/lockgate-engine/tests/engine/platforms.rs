//! What the planner makes of platforms: fixtures, images, autoscaling, routers, seeds, approvals.

use std::collections::BTreeMap;

use lockgate_engine::{End, Event, Input, Kind, PassedBy, Plan, Request, plan};
use lockgate_model::{
    Autoscaling, Container, Fixtures, Form, Millis, Objects, Retry, Routing, Seeds, SeedsRun, Sharing,
    Snapshot, StepGate, When,
};
use serde_json::json;

use crate::support::{
    NEW, OLD, Walk, deploy, first, migrating, name, observed, outline, plan_on, samples, service, snapshot,
};

fn api(text: &str) -> Snapshot {
    snapshot("v1", &[("api", service(1, text, 3))])
}

fn beside(mut snapshot: Snapshot, text: &str) -> Snapshot {
    snapshot.fixtures = Fixtures::Objects(Objects(vec![json!({"kind": "Service", "text": text})]));
    snapshot
}

fn image(mut snapshot: Snapshot, image: &str) -> Snapshot {
    let container: Container =
        serde_json::from_value(json!({"image": image, "user": null, "networks": []})).unwrap();
    snapshot.forms.insert(name("api"), Form::Container(Box::new(container)));
    snapshot
}

fn seeded(mut snapshot: Snapshot, run: SeedsRun) -> Snapshot {
    let (timeout, keep_for) = (Millis::mins(1), Millis::mins(60));
    let command = vec!["seed".to_owned()];
    snapshot.system.seeds =
        Some(Seeds { command, service: name("api"), run, timeout, retry: Retry::ONCE, keep_for });
    snapshot
}

fn stages(plan: &Plan) -> Vec<&str> {
    plan.stages.iter().map(|it| it.name.as_str()).collect()
}

#[test]
fn what_stands_beside_the_slots_comes_first_and_goes_back_last() {
    let (old, new) = (beside(api("old"), "a"), beside(api("new"), "b"));
    let plan = deploy(&old, &new);
    let outline = outline(&plan);
    let first = outline.lines().next().unwrap();
    assert_eq!(
        first,
        "prepare: dependencies, networks, routes and policies (back: dependencies, networks, routes and policies)"
    );
    assert_eq!(plan.fixtures.keys().collect::<Vec<_>>(), [&OLD, &NEW]);
    assert_eq!(*stages(&plan).last().unwrap(), "prune");
    let mut walk = Walk::new(plan);
    walk.until("1 instance");
    walk.feed(&Input::Abort { by: "ann".to_owned(), reason: "it smells".to_owned() }).unwrap();
    assert!(matches!(walk.end(), End::RolledBack { .. }));
    assert_eq!(walk.asked.last().unwrap(), "dependencies, networks, routes and policies");
}

#[test]
fn the_same_beside_the_same_is_nothing_to_do() {
    let old = beside(api("same"), "a");
    assert_eq!(deploy(&old, &old).stages, []);
    let other = beside(api("same"), "b");
    assert_eq!(stages(&deploy(&old, &other)), ["prepare", "prune"]);
}

#[test]
fn another_image_is_another_workload_and_all_images_of_both_are_kept() {
    let (old, new) = (image(api("same"), "web@sha256:1"), image(api("same"), "web@sha256:2"));
    let mut request = Request::new(NEW, Kind::Deploy, new);
    request.kept_images = ["web@sha256:0".to_owned(), "web@sha256:1".to_owned()].into();
    let known = BTreeMap::from([(OLD, old.clone())]);
    let plan = plan(&request, &observed(&old), &known).unwrap();
    assert_eq!(plan.report.changed, [name("api")]);
    assert_eq!(plan.keep.images, ["web@sha256:0", "web@sha256:1", "web@sha256:2"]);
}

#[test]
fn an_autoscaled_service_keeps_its_size() {
    let scaled = |text| {
        let mut snapshot = api(text);
        let scaling = Autoscaling { min: 2, max: 9, cpu: None, memory: None, requests_per_second: None };
        snapshot.system.services.get_mut("api").unwrap().autoscaling = Some(scaling);
        snapshot
    };
    let (old, new) = (scaled("old"), scaled("new"));
    let mut seen = observed(&old);
    seen.services.get_mut("api").unwrap().slots.get_mut(&OLD).unwrap().wanted = 7;
    let plan = plan_on(&seen, &old, Kind::Deploy, &new).unwrap();
    assert!(outline(&plan).contains("scale to full size: 7 instances of api@r2"), "{}", outline(&plan));
    let unchanged = plan_on(&seen, &old, Kind::Deploy, &old).unwrap();
    assert_eq!(unchanged.stages, [], "its size is its own affair");
}

#[test]
fn the_plan_says_what_a_coarse_router_makes_of_the_steps() {
    let (old, new) = (api("old"), api("new"));
    let note = |sharing, by: &str| {
        let mut seen = observed(&old);
        seen.services.get_mut("api").unwrap().routing = Routing { sharing, by: by.to_owned() };
        plan_on(&seen, &old, Kind::Deploy, &new).unwrap().report.notes.join("\n")
    };
    assert_eq!(note(Sharing::Exact, "HTTPRoute api of Gateway public"), "");
    assert_eq!(note(Sharing::Percent, "Ingress api"), "");
    assert_eq!(
        note(Sharing::Replicas, ""),
        "api: 5% becomes 25%, 50% becomes 40%: nothing splits its traffic, so the share is that of the instances"
    );
}

#[test]
fn seeds_are_sown_once_or_with_every_release() {
    let once = seeded(migrating(api("new")), SeedsRun::Once);
    assert_eq!(stages(&first(&once))[..2], ["migrate", "seed"]);
    let mut request = Request::new(NEW, Kind::Deploy, once);
    request.seeded = true;
    let again = plan(&request, &observed(&api("old")), &BTreeMap::from([(OLD, api("old"))])).unwrap();
    assert!(!stages(&again).contains(&"seed"));
    request.snapshot = seeded(api("new"), SeedsRun::Always);
    let always = plan(&request, &observed(&api("old")), &BTreeMap::from([(OLD, api("old"))])).unwrap();
    assert_eq!(stages(&always)[0], "seed");
}

#[test]
fn a_migration_after_the_rollout_runs_when_the_old_version_is_gone() {
    let mut new = migrating(api("new"));
    new.system.migrations.as_mut().unwrap().when = When::AfterRollout;
    let plan = deploy(&api("old"), &new);
    assert_eq!(stages(&plan)[stages(&plan).len() - 2..], ["remove", "migrate"]);
}

#[test]
fn a_step_that_asks_for_approval_waits_for_it() {
    let mut new = api("new");
    new.system.rollout.steps[0].gate = StepGate::Approval;
    let mut walk = Walk::new(deploy(&api("old"), &new));
    walk.until("judge for 1m, then wait");
    for look in 0..8 {
        walk.now = walk.now.plus(Millis::secs(10));
        let counts = samples(walk.release.plan(), look * 100, 0);
        walk.feed(&Input::Sampled(Ok(counts))).unwrap();
    }
    let held = walk.journal.iter().find_map(|it| match &it.event {
        Event::GateHeld { why } => Some(why.clone()),
        _ => None,
    });
    assert_eq!(held.as_deref(), Some("nothing speaks against it; this step asks for approval"));
    walk.feed(&Input::Promote { by: "ann".to_owned() }).unwrap();
    assert!(
        walk.journal
            .iter()
            .any(|it| it.event == Event::GatePassed { by: PassedBy::Operator { by: "ann".to_owned() } })
    );
    assert_eq!(walk.end(), End::Done { leftovers: vec![] });
}

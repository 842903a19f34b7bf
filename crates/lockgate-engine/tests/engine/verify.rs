//! The second look at a plan finds each contradiction that is planted.

use lockgate_engine::{Action, Plan, Stage, StageKind, verify};
use lockgate_model::{ReleaseId, Retry, SlotRef, Weight};

use crate::support::{deploy, migrating, name, service, snapshot};

fn good() -> Plan {
    let old = snapshot("v1", &[("api", service(1, "old", 2)), ("web", service(2, "old", 2))]);
    let new = snapshot("v2", &[("api", service(1, "new", 2)), ("web", service(2, "new", 2))]);
    deploy(&old, &migrating(new))
}

fn stage(plan: &mut Plan, name: &str) -> usize {
    plan.stages.iter().position(|it| it.name.starts_with(name)).unwrap()
}

/// What is said after a change to a good plan.
fn said(change: impl FnOnce(&mut Plan)) -> Vec<String> {
    let mut plan = good();
    assert_eq!(verify(&plan), []);
    change(&mut plan);
    verify(&plan).iter().map(ToString::to_string).collect()
}

#[test]
fn an_undo_that_is_missing_is_found() {
    let found = said(|plan| {
        let idx = stage(plan, "canary 5%");
        plan.stages[idx].tasks[0].undo.clear();
    });
    assert_eq!(found, ["canary 5%: `5% of api to the new version` has no undo"]);
}

#[test]
fn a_step_without_a_gate_before_it_is_found() {
    let found = said(|plan| {
        let idx = stage(plan, "judge 5%");
        plan.stages.remove(idx);
    });
    assert_eq!(found.len(), 2, "{found:?}");
    assert!(found[0].ends_with("api gets more traffic before it was judged"), "{found:?}");
}

#[test]
fn a_share_that_does_not_grow_is_found() {
    let found = said(|plan| {
        let idx = stage(plan, "canary 50%");
        let Action::SetWeights { to, .. } = &mut plan.stages[idx].tasks[0].action else { panic!() };
        to.weight = Weight::from_basis_points(500).unwrap();
    });
    assert_eq!(found, ["canary 50%: the share of api does not grow"]);
}

#[test]
fn traffic_before_the_start_is_found() {
    let found = said(|plan| {
        let idx = stage(plan, "start");
        plan.stages.remove(idx);
    });
    assert!(found.iter().any(|it| it == "canary 5%: api gets traffic before it is started"), "{found:?}");
}

#[test]
fn a_slot_that_the_plan_does_not_have_is_found() {
    let found = said(|plan| {
        let slot = SlotRef { service: name("api"), release: plan.release };
        plan.slots.remove(&slot);
    });
    assert!(found.iter().all(|it| it.contains("names what the plan does not have")) && !found.is_empty());
}

#[test]
fn a_job_that_the_plan_does_not_have_is_found() {
    let found = said(|plan| plan.jobs.clear());
    assert_eq!(found, ["migrate: `run migrate` names what the plan does not have"]);
}

#[test]
fn work_after_the_point_of_no_return_is_found() {
    let found = said(|plan| {
        let last = Stage { kind: StageKind::Revocable, ..plan.stages[0].clone() };
        plan.stages.push(last);
    });
    assert_eq!(found, ["migrate: it follows the point of no return"]);
}

#[test]
fn too_many_attempts_and_none_are_found() {
    for attempts in [0, 100] {
        let found = said(|plan| plan.stages[0].tasks[0].retry = Retry { attempts, ..Retry::ONCE });
        assert_eq!(found, [format!("migrate: {attempts} attempts at `run migrate`")]);
    }
}

#[test]
fn two_changes_of_one_service_at_the_same_time_are_found() {
    let found = said(|plan| {
        let idx = stage(plan, "remove");
        let mut again = plan.stages[idx].tasks[0].clone();
        again.action = Action::RemoveSlot { slot: SlotRef { service: name("api"), release: ReleaseId(0) } };
        plan.stages[idx].tasks.push(again);
    });
    assert_eq!(found, ["remove: api is changed twice at the same time"]);
}

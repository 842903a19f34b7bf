//! A target that loses answers: what must not be done twice is looked at first.

#![expect(clippy::unwrap_used, reason = "a test that cannot set its scene has failed")]

use std::collections::VecDeque;
use std::sync::{Arc, Mutex};

use lockgate_driver::store::{Holder, NewRelease, ReleaseKind, Store};
use lockgate_driver::{Driver, Ending, ending};
use lockgate_engine::End;
use lockgate_model::{
    EffectKey, Fence, Fixtures, JobSpec, Keep, LocalTarget, Migrations, Millis, Observed, Retry, Samples,
    Scope, ServiceName, SlotRef, SlotSpec, SmokeSpec, Snapshot, System, TargetKind, Timestamp, Weights,
};
use lockgate_targets::{Class, JobReport, LogLine, Sighting, Target, TargetError};

/// Answers to `run_job` and `look`, in order, and what was asked.
#[derive(Default)]
struct Script {
    runs: VecDeque<Result<JobReport, TargetError>>,
    looks: VecDeque<Result<Sighting, TargetError>>,
    asked: Vec<(&'static str, String, u64)>,
}

#[derive(Clone, Default)]
struct Scripted(Arc<Mutex<Script>>);

impl Target for Scripted {
    async fn prepare(&self, _: &Fence, _: &EffectKey, _: &Fixtures) -> Result<(), TargetError> {
        unreachable!("nothing stands beside the slots")
    }

    async fn prune(&self, _: &Fence, _: &EffectKey, _: &Keep) -> Result<(), TargetError> {
        unreachable!("nothing stands beside the slots")
    }

    async fn observe(&self) -> Result<Observed, TargetError> {
        Ok(Observed::default())
    }

    async fn ensure_slot(&self, _: &Fence, _: &EffectKey, _: &SlotSpec, _: u16) -> Result<(), TargetError> {
        unreachable!("the system has no services")
    }

    async fn set_weights(
        &self,
        _: &Fence,
        _: &EffectKey,
        _: &ServiceName,
        _: &Weights,
    ) -> Result<(), TargetError> {
        unreachable!("the system has no services")
    }

    async fn drain(&self, _: &Fence, _: &EffectKey, _: &SlotRef, _: Millis) -> Result<(), TargetError> {
        unreachable!("the system has no services")
    }

    async fn remove_slot(&self, _: &Fence, _: &EffectKey, _: &SlotRef) -> Result<(), TargetError> {
        unreachable!("the system has no services")
    }

    async fn run_job(&self, fence: &Fence, key: &EffectKey, _: &JobSpec) -> Result<JobReport, TargetError> {
        let mut script = self.0.lock().unwrap();
        script.asked.push(("run", key.to_string(), fence.seq));
        script.runs.pop_front().expect("one more run than was foreseen")
    }

    async fn smoke(&self, _: &SmokeSpec) -> Result<(), TargetError> {
        unreachable!("nothing is smoked")
    }

    async fn look(&self, fence: &Fence, key: &EffectKey) -> Result<Sighting, TargetError> {
        let mut script = self.0.lock().unwrap();
        script.asked.push(("look", key.to_string(), fence.seq));
        script.looks.pop_front().expect("one more look than was foreseen")
    }

    async fn logs(&self, _: &SlotRef, _: u16) -> Result<Vec<LogLine>, TargetError> {
        unreachable!("the system has no services")
    }

    async fn samples(&self, _: &[ServiceName]) -> Result<Samples, TargetError> {
        unreachable!("nothing is judged")
    }
}

fn report(exit_code: i32) -> JobReport {
    JobReport { exit_code: Some(exit_code), tail: vec![] }
}

fn lost() -> Result<JobReport, TargetError> {
    Err(TargetError::new(Class::Ambiguous, "the answer was lost"))
}

fn scope() -> Scope {
    Scope { system: "shop".parse().unwrap(), environment: "local".parse().unwrap() }
}

fn request() -> NewRelease {
    let migrations = Migrations {
        timeout: Millis::secs(30),
        retry: Retry { attempts: 3, initial: Millis(1), max: Millis(1), factor: 1 },
        ..Migrations::command(vec!["migrate".to_owned()])
    };
    let target = TargetKind::Local(LocalTarget { bind: [127, 0, 0, 1].into() });
    let system =
        System { migrations: Some(migrations), ..System::new(scope().system, scope().environment, target) };
    let snapshot = Snapshot::new("v1".parse().unwrap(), system);
    NewRelease { scope: scope(), kind: ReleaseKind::Deploy, snapshot, by: "ada".to_owned() }
}

/// Drives one release against the script; how it ended, and what the target was asked.
async fn drive(
    runs: impl Into<VecDeque<Result<JobReport, TargetError>>>,
    looks: impl Into<VecDeque<Result<Sighting, TargetError>>>,
) -> (Ending, Vec<(&'static str, String, u64)>) {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(&dir.path().join("state.db")).await.unwrap();
    let id = store.request(&request(), Timestamp(1)).await.unwrap();
    let target = Scripted::default();
    *target.0.lock().unwrap() = Script { runs: runs.into(), looks: looks.into(), asked: vec![] };
    let holder = Holder::this_process().unwrap();
    Driver::new(store.clone(), target.clone(), scope(), holder).run().await.unwrap();
    let ending = ending(&store.release(id).await.unwrap()).unwrap();
    let asked = std::mem::take(&mut target.0.lock().unwrap().asked);
    (ending, asked)
}

#[tokio::test]
async fn a_migration_whose_answer_is_lost_is_looked_at_and_not_run_again() {
    let (ending, asked) = drive([lost()], [Ok(Sighting::Done(report(0)))]).await;
    assert_eq!(ending, Ending::Engine(End::Done { leftovers: vec![] }));
    let calls: Vec<_> = asked.iter().map(|it| (it.0, it.1.as_str())).collect();
    assert_eq!(calls, [("run", "r1.0.0.f1"), ("look", "r1.0.0.f1")]);
    assert!(asked[0].2 < asked[1].2, "a look fences the request that it asks about: {asked:?}");
}

#[tokio::test]
async fn one_that_never_ran_is_tried_again_under_a_new_key() {
    let (ending, asked) = drive([lost(), Ok(report(0))], [Ok(Sighting::NeverRan)]).await;
    assert_eq!(ending, Ending::Engine(End::Done { leftovers: vec![] }));
    let calls: Vec<_> = asked.iter().map(|it| (it.0, it.1.as_str())).collect();
    assert_eq!(calls, [("run", "r1.0.0.f1"), ("look", "r1.0.0.f1"), ("run", "r1.0.0.f2")]);
    assert!(asked.is_sorted_by_key(|it| it.2), "{asked:?}");
}

#[tokio::test]
async fn one_that_runs_still_is_waited_for_under_its_key() {
    let (ending, asked) = drive([lost(), Ok(report(0))], [Ok(Sighting::Running)]).await;
    assert_eq!(ending, Ending::Engine(End::Done { leftovers: vec![] }));
    let calls: Vec<_> = asked.iter().map(|it| (it.0, it.1.as_str())).collect();
    assert_eq!(calls, [("run", "r1.0.0.f1"), ("look", "r1.0.0.f1"), ("run", "r1.0.0.f1")]);
}

#[tokio::test]
async fn a_platform_that_is_away_costs_no_attempt() {
    let away = || Err(TargetError::new(Class::Away, "nobody answers"));
    let (ending, asked) = drive([away(), away(), Ok(report(1)), away(), Ok(report(0))], []).await;
    assert_eq!(ending, Ending::Engine(End::Done { leftovers: vec![] }));
    let keys: Vec<_> = asked.iter().map(|it| it.1.as_str()).collect();
    assert_eq!(keys, ["r1.0.0.f1", "r1.0.0.f1", "r1.0.0.f1", "r1.0.0.f2", "r1.0.0.f2"]);
}

#[tokio::test]
async fn a_migration_that_fails_is_retried_and_then_ends_the_release() {
    let (ending, asked) = drive([Ok(report(1)), Ok(report(1)), Ok(report(1))], []).await;
    let Ending::Engine(End::RolledBack { .. }) = ending else { panic!("{ending:?}") };
    assert_eq!(asked.len(), 3);
}

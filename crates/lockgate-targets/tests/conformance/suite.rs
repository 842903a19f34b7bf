//! What every target must do: perform, repeat, look, fence, drain, jobs, and a crash of the caller between any
//! two calls. Generic over [`Target`]; a platform joins by saying how to make a client and what to run.

use std::time::Duration;

use libtest_mimic::Trial;
use lockgate_model::{
    JobSpec, Millis, Observed, ReleaseId, SlotSpec, SmokeExpect, SmokeSpec, SmokeVia, Weights,
};
use lockgate_targets::{Class, Local, Sighting, Target};

use crate::world::{SOON, World, eventually, fence, job, key, service, web};

/// A platform under test.
pub(crate) trait Platform {
    type Target: Target;

    fn new() -> Self;
    /// A client that knows nothing of earlier ones.
    fn client(&self) -> Self::Target;
    fn slot(&self, release: u64) -> SlotSpec;
    fn job(&self, words: &[&str]) -> JobSpec;
    /// A path for a job's marks.
    fn path(&self, name: &str) -> String;
    /// What jobs have written at a path.
    fn marked(&self, path: &str) -> impl Future<Output = Option<String>>;
    /// Writes there, which a job may wait for.
    fn mark(&self, path: &str) -> impl Future<Output = ()>;
    /// Sends a request as a user would; the answering release.
    fn request(&self) -> impl Future<Output = Option<String>>;
    fn smoke(&self, via: SmokeVia, path: &str) -> SmokeSpec;
}

impl Platform for World {
    type Target = Local;

    fn new() -> World {
        World::new()
    }

    fn client(&self) -> Local {
        World::client(self)
    }

    fn slot(&self, release: u64) -> SlotSpec {
        World::slot(self, release)
    }

    fn job(&self, words: &[&str]) -> JobSpec {
        job(words)
    }

    fn path(&self, name: &str) -> String {
        World::path(self, name)
    }

    async fn marked(&self, path: &str) -> Option<String> {
        std::fs::read_to_string(path).ok()
    }

    async fn mark(&self, path: &str) {
        std::fs::write(path, "").unwrap();
    }

    async fn request(&self) -> Option<String> {
        self.get("/").await.filter(|it| it.0 == 200).map(|it| it.1)
    }

    fn smoke(&self, via: SmokeVia, path: &str) -> SmokeSpec {
        SmokeSpec {
            service: service(),
            port: self.port,
            path: path.to_owned(),
            status: 200,
            via,
            timeout: Millis::secs(5),
            expect: SmokeExpect::default(),
            bearer: None,
        }
    }
}

pub(crate) fn trials() -> Vec<Trial> {
    of::<World>("local")
}

/// The suite for one platform.
pub(crate) fn of<P: Platform + 'static>(platform: &str) -> Vec<Trial> {
    let named = |sentence: &str| format!("{platform}: {sentence}");
    vec![
        crate::trial(&named("a slot comes up, and asking again changes nothing"), comes_up_once::<P>),
        crate::trial(&named("instances are added and taken away"), scales::<P>),
        crate::trial(&named("traffic follows the weights and is counted per slot"), follows_weights::<P>),
        crate::trial(&named("weights for a slot that is not there are refused"), unknown_slot::<P>),
        crate::trial(&named("a smoke check reaches a slot without weight"), smoke_reaches_slot::<P>),
        crate::trial(&named("a drained slot is removed, and removing it again is no error"), removes::<P>),
        crate::trial(&named("a slot with traffic is not drained"), keeps_serving::<P>),
        crate::trial(&named("requests of a dead driver are refused"), fences::<P>),
        crate::trial(&named("a job runs once per key and is answered from the record"), runs_once::<P>),
        crate::trial(&named("a failed job says how"), job_fails::<P>),
        crate::trial(&named("a job that hangs is ended by its timeout"), job_hangs::<P>),
        crate::trial(&named("a job goes on without its caller, and is found again"), job_without_caller::<P>),
        crate::trial(
            &named("a look at a job that never ran keeps older requests from running it"),
            look_fences::<P>,
        ),
        crate::trial(
            &named("a release goes through with a new client for every call"),
            crash_between_calls::<P>,
        ),
    ]
}

fn ready(observed: &Observed, release: u64) -> u16 {
    let slots = observed.services.get(&service()).map(|it| &it.slots);
    slots.and_then(|it| it.get(&ReleaseId(release))).map_or(0, |it| it.ready)
}

fn split(weight: &str) -> Weights {
    Weights::split(ReleaseId(1), ReleaseId(2), weight.parse().unwrap())
}

async fn up<P: Platform>(platform: &P, release: u64, seq: u64) {
    let slot = platform.slot(release);
    platform.client().ensure_slot(&fence(seq), &key(1), &slot, 1).await.unwrap();
}

async fn comes_up_once<P: Platform>() {
    let platform = P::new();
    let target = platform.client();
    assert_eq!(target.observe().await.unwrap(), Observed::default());
    let slot = platform.slot(1);
    target.ensure_slot(&fence(1), &key(1), &slot, 2).await.unwrap();
    let first = target.observe().await.unwrap();
    assert_eq!(ready(&first, 1), 2);
    let seen = &first.services[&service()].slots[&ReleaseId(1)];
    assert_eq!((seen.workload, seen.wanted), (slot.workload_digest(), 2));
    target.ensure_slot(&fence(1), &key(1), &slot, 2).await.unwrap();
    assert_eq!(target.observe().await.unwrap(), first, "the same processes");
}

async fn scales<P: Platform>() {
    let platform = P::new();
    let target = platform.client();
    let slot = platform.slot(1);
    for (seq, count) in [(1, 1), (2, 3), (3, 1), (4, 0)] {
        target.ensure_slot(&fence(seq), &key(1), &slot, count).await.unwrap();
        let observed = target.observe().await.unwrap();
        let seen = &observed.services[&service()].slots[&ReleaseId(1)];
        assert_eq!((seen.ready, seen.instances.len()), (count, usize::from(count)));
    }
}

async fn follows_weights<P: Platform>() {
    let platform = P::new();
    let target = platform.client();
    up(&platform, 1, 1).await;
    target.set_weights(&fence(2), &key(2), &service(), &Weights::all_to(ReleaseId(1))).await.unwrap();
    assert_eq!(platform.request().await.as_deref(), Some("r1"));
    up(&platform, 2, 3).await;
    target.set_weights(&fence(4), &key(4), &service(), &split("30%")).await.unwrap();
    let mut canary = 0;
    for _ in 0..100 {
        canary += u64::from(platform.request().await.as_deref() == Some("r2"));
    }
    let samples = target.samples(&[service()]).await.unwrap();
    assert_eq!(samples.slots[&web(1)].requests + samples.slots[&web(2)].requests, 101);
    assert_eq!(samples.slots[&web(2)].requests, canary);
    assert!((20..=40).contains(&canary), "{canary} of 100 at 30 %");
    target.set_weights(&fence(5), &key(5), &service(), &Weights::all_to(ReleaseId(2))).await.unwrap();
    assert_eq!(platform.request().await.as_deref(), Some("r2"));
    let observed = target.observe().await.unwrap();
    assert_eq!(observed.services[&service()].weights, Some(Weights::all_to(ReleaseId(2))));
}

async fn unknown_slot<P: Platform>() {
    let platform = P::new();
    up(&platform, 1, 1).await;
    let refused =
        platform.client().set_weights(&fence(2), &key(2), &service(), &split("5%")).await.unwrap_err();
    assert_eq!(refused.class, Class::Fatal);
    assert!(refused.message.contains("web@r2"), "{refused}");
}

async fn smoke_reaches_slot<P: Platform>() {
    let platform = P::new();
    let target = platform.client();
    up(&platform, 1, 1).await;
    target.set_weights(&fence(2), &key(2), &service(), &Weights::all_to(ReleaseId(1))).await.unwrap();
    up(&platform, 2, 3).await;
    target.smoke(&platform.smoke(SmokeVia::Slot(web(2)), "/of/r2")).await.unwrap();
    target.smoke(&platform.smoke(SmokeVia::Slot(web(1)), "/of/r1")).await.unwrap();
    target.smoke(&platform.smoke(SmokeVia::Route, "/of/r1")).await.unwrap();
    let failed = target.smoke(&platform.smoke(SmokeVia::Route, "/of/r2")).await.unwrap_err();
    assert_eq!(failed.class, Class::Fatal);
    assert!(failed.message.contains("404"), "{failed}");
}

async fn removes<P: Platform>() {
    let platform = P::new();
    let target = platform.client();
    up(&platform, 1, 1).await;
    up(&platform, 2, 2).await;
    target.set_weights(&fence(3), &key(3), &service(), &Weights::all_to(ReleaseId(2))).await.unwrap();
    target.drain(&fence(4), &key(4), &web(1), Millis::secs(5)).await.unwrap();
    for _ in 0..2 {
        target.remove_slot(&fence(5), &key(5), &web(1)).await.unwrap();
    }
    let observed = target.observe().await.unwrap();
    assert!(!observed.services[&service()].slots.contains_key(&ReleaseId(1)));
    assert_eq!(platform.request().await.as_deref(), Some("r2"));
    target.drain(&fence(6), &key(6), &web(1), Millis::secs(5)).await.unwrap();
    target.remove_slot(&fence(7), &key(7), &web(2)).await.unwrap();
    assert_eq!(target.observe().await.unwrap(), Observed::default());
    assert_eq!(platform.request().await, None, "nobody listens for a service without slots");
}

async fn keeps_serving<P: Platform>() {
    let platform = P::new();
    let target = platform.client();
    up(&platform, 1, 1).await;
    target.set_weights(&fence(2), &key(2), &service(), &Weights::all_to(ReleaseId(1))).await.unwrap();
    let refused = target.drain(&fence(3), &key(3), &web(1), Millis::secs(1)).await.unwrap_err();
    assert_eq!(refused.class, Class::Fatal);
    assert_eq!(platform.request().await.as_deref(), Some("r1"));
}

async fn fences<P: Platform>() {
    let platform = P::new();
    let target = platform.client();
    let slot = platform.slot(1);
    target.ensure_slot(&fence(5), &key(1), &slot, 1).await.unwrap();
    let late = target.ensure_slot(&fence(4), &key(2), &slot, 0).await.unwrap_err();
    assert_eq!(late.class, Class::Fenced, "an older request of the same driver");
    let mut newer = fence(1);
    newer.epoch = 2;
    target.set_weights(&newer, &key(3), &service(), &Weights::all_to(ReleaseId(1))).await.unwrap();
    let dead = target.remove_slot(&fence(9), &key(4), &web(1)).await.unwrap_err();
    assert_eq!(dead.class, Class::Fenced, "a driver whose epoch is over");
    let job = platform.job(&["count", &platform.path("ran")]);
    let dead = target.run_job(&fence(9), &key(5), &job).await.unwrap_err();
    assert_eq!(dead.class, Class::Fenced);
    assert_eq!(platform.marked(&platform.path("ran")).await, None);
    assert_eq!(ready(&target.observe().await.unwrap(), 1), 1);
}

async fn runs_once<P: Platform>() {
    let platform = P::new();
    let target = platform.client();
    let marks = platform.path("marks");
    let job = platform.job(&["count", &marks]);
    let first = target.run_job(&fence(1), &key(1), &job).await.unwrap();
    assert_eq!((first.exit_code, first.tail.as_slice()), (Some(0), ["counted".to_owned()].as_slice()));
    let again = platform.client().run_job(&fence(1), &key(1), &job).await.unwrap();
    assert_eq!(again, first);
    assert_eq!(platform.marked(&marks).await.as_deref(), Some("ran\n"));
    assert_eq!(target.look(&fence(2), &key(1)).await.unwrap(), Sighting::Done(first));
    target.run_job(&fence(3), &key(2), &job).await.unwrap();
    assert_eq!(platform.marked(&marks).await.as_deref(), Some("ran\nran\n"), "another key is another run");
}

async fn job_fails<P: Platform>() {
    let platform = P::new();
    let target = platform.client();
    let report = target.run_job(&fence(1), &key(1), &platform.job(&["fail"])).await.unwrap();
    assert_eq!(report.exit_code, Some(3));
    let mut tail = report.tail;
    // Which of its two outputs is read first is not everywhere the program's choice.
    tail.sort();
    assert_eq!(tail, ["first line", "relation \"users\" does not exist"]);
}

async fn job_hangs<P: Platform>() {
    let platform = P::new();
    let mut job = platform.job(&["hang"]);
    job.timeout = Millis(300);
    let report = platform.client().run_job(&fence(1), &key(1), &job).await.unwrap();
    assert_eq!(report.exit_code, None);
    assert_eq!(report.tail, ["waiting for a lock", "ended by its timeout of 300ms"]);
}

async fn job_without_caller<P: Platform>() {
    let platform = P::new();
    let (go, marks) = (platform.path("go"), platform.path("marks"));
    let job = platform.job(&["wait-for", &go, &marks]);
    let target = platform.client();
    let ran = async || platform.marked(&marks).await.is_some();
    let (first, key_1) = (fence(1), key(1));
    tokio::select! {
        report = target.run_job(&first, &key_1, &job) => panic!("ended before it was let go: {report:?}"),
        () = eventually("the job runs", ran) => (),
    }
    let target = platform.client();
    assert_eq!(target.look(&fence(1), &key(1)).await.unwrap(), Sighting::Running);
    platform.mark(&go).await;
    let report = tokio::time::timeout(SOON, target.run_job(&fence(1), &key(1), &job)).await.unwrap().unwrap();
    assert_eq!(report.exit_code, Some(0));
    assert_eq!(platform.marked(&marks).await.as_deref(), Some("ran\n"));
}

async fn look_fences<P: Platform>() {
    let platform = P::new();
    let target = platform.client();
    let job = platform.job(&["count", &platform.path("ran")]);
    assert_eq!(target.look(&fence(5), &key(1)).await.unwrap(), Sighting::NeverRan);
    let late = target.run_job(&fence(4), &key(1), &job).await.unwrap_err();
    assert_eq!(late.class, Class::Fenced);
    assert_eq!(platform.marked(&platform.path("ran")).await, None);
    assert_eq!(target.run_job(&fence(5), &key(1), &job).await.unwrap().exit_code, Some(0));
}

/// A driver that dies between any two calls knows only its journal: every call comes from a fresh client, and
/// each is made once more, as after a lost answer. A call that is cut off in the middle is made again.
async fn crash_between_calls<P: Platform>() {
    let platform = P::new();
    let (old, new) = (platform.slot(1), platform.slot(2));
    let all = |release| Weights::all_to(ReleaseId(release));
    let marks = platform.path("marks");
    let migrate = platform.job(&["count", &marks]);
    up(&platform, 1, 1).await;
    platform.client().set_weights(&fence(2), &key(2), &service(), &all(1)).await.unwrap();
    let cut_off = Duration::from_millis(20);
    drop(tokio::time::timeout(cut_off, platform.client().run_job(&fence(3), &key(3), &migrate)).await);
    drop(tokio::time::timeout(cut_off, platform.client().ensure_slot(&fence(4), &key(4), &new, 2)).await);
    for _ in 0..2 {
        platform.client().run_job(&fence(3), &key(3), &migrate).await.unwrap();
    }
    for _ in 0..2 {
        platform.client().ensure_slot(&fence(4), &key(4), &new, 2).await.unwrap();
    }
    for (seq, weight) in [(5, "10%"), (6, "50%")] {
        for _ in 0..2 {
            platform.client().set_weights(&fence(seq), &key(5), &service(), &split(weight)).await.unwrap();
        }
        assert!(platform.request().await.is_some());
    }
    for _ in 0..2 {
        platform.client().set_weights(&fence(7), &key(7), &service(), &all(2)).await.unwrap();
    }
    for _ in 0..2 {
        platform.client().drain(&fence(8), &key(8), &old.slot, Millis::secs(5)).await.unwrap();
    }
    for _ in 0..2 {
        platform.client().remove_slot(&fence(9), &key(9), &old.slot).await.unwrap();
    }
    let observed = platform.client().observe().await.unwrap();
    assert_eq!(observed.services[&service()].slots.keys().collect::<Vec<_>>(), [&ReleaseId(2)]);
    assert_eq!((ready(&observed, 2), platform.request().await.as_deref()), (2, Some("r2")));
    assert_eq!(platform.marked(&marks).await.as_deref(), Some("ran\n"));
}

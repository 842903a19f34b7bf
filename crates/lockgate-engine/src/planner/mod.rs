//! From what is wanted and what runs now to a plan. Pure.

mod changes;
mod notes;
mod stages;
mod verify;
mod waves;

use std::collections::{BTreeMap, BTreeSet};

use lockgate_analysis::{JudgeConfig, Traffic};
use lockgate_model::{
    Fixtures, Form, JobKind, JobName, JobSpec, Keep, MigrationTool, Millis, Observed, ReleaseId, Scope,
    SecretRef, ServiceName, SlotRef, SmokeKind, Snapshot,
};

pub use verify::{Problem, verify};

use crate::plan::{Kind, Plan, PlanReport};
use changes::Changes;

/// What is asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct Request {
    pub release: ReleaseId,
    pub kind: Kind,
    pub snapshot: Snapshot,
    /// Images of earlier releases that one can go back to.
    pub kept_images: BTreeSet<String>,
    /// A release of this scope is or was in place, so its seeds were sown.
    pub seeded: bool,
}

impl Request {
    pub fn new(release: ReleaseId, kind: Kind, snapshot: Snapshot) -> Request {
        Request { release, kind, snapshot, kept_images: BTreeSet::new(), seeded: false }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    #[error(
        "{service} has both a slot of {release} and nothing in the records of that release: the state folder is not the one that released it"
    )]
    UnknownSlot { service: ServiceName, release: ReleaseId },
    #[error("the services depend on each other in a circle: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join(", "))]
    Circle(Vec<ServiceName>),
    #[error("the rollout strategy `{strategy}` cannot be planned")]
    Strategy { strategy: &'static str },
    #[error("the plan contradicts itself: {}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
    Inconsistent(Vec<Problem>),
}

/// Name of the job that migrates.
pub(crate) const MIGRATE: &str = "migrate";
/// Name of the job that fills an empty database.
pub(crate) const SEED: &str = "seed";

/// `known` has the snapshots of the releases whose slots run now.
pub fn plan(
    request: &Request,
    observed: &Observed,
    known: &BTreeMap<ReleaseId, Snapshot>,
) -> Result<Plan, PlanError> {
    let changes = Changes::find(request, observed, known)?;
    let stages = stages::stages(request, &changes)?;
    let system = &request.snapshot.system;
    let judged = if request.kind == Kind::Rollback { BTreeMap::new() } else { judged(&changes) };
    let plan = Plan {
        scope: Scope { system: system.name.clone(), environment: system.environment.clone() },
        release: request.release,
        kind: request.kind,
        version: request.snapshot.version.clone(),
        from: changes.from.clone(),
        slots: changes.slots.clone(),
        jobs: jobs(&request.snapshot),
        fixtures: fixtures(request, &changes),
        keep: keep(request, &changes),
        judge: JudgeConfig::new(&system.rollout, &system.slo),
        judged,
        report: report(request, &changes, observed, &stages),
        stages,
    };
    let problems = verify(&plan);
    if problems.is_empty() { Ok(plan) } else { Err(PlanError::Inconsistent(problems)) }
}

fn judged(changes: &Changes) -> BTreeMap<ServiceName, Traffic> {
    let routed = changes.routed();
    routed.map(|it| (it.slot.service.clone(), Traffic::Requests)).collect()
}

fn jobs(snapshot: &Snapshot) -> BTreeMap<JobName, JobSpec> {
    let mut jobs = BTreeMap::new();
    if let Some(migrations) = &snapshot.system.migrations {
        let kind = match &migrations.tool {
            MigrationTool::Sqlx => JobKind::SqlxMigrate,
            MigrationTool::Command(command) => JobKind::Command(command.clone()),
        };
        let name = JobName::new(MIGRATE).expect("it is a name");
        let env = migrations.env.clone();
        let job = JobSpec {
            name: name.clone(),
            kind,
            env,
            files: snapshot.migrations,
            timeout: migrations.timeout,
            secrets: secrets(snapshot, migrations.service.as_ref()),
            form: form(snapshot, &name),
        };
        jobs.insert(name, job);
    }
    if let Some(seeds) = &snapshot.system.seeds {
        let name = JobName::new(SEED).expect("it is a name");
        let service = snapshot.system.services.get(&seeds.service);
        let job = JobSpec {
            name: name.clone(),
            kind: JobKind::Command(seeds.command.clone()),
            env: service.map(|it| it.env.clone()).unwrap_or_default(),
            files: snapshot.files.get(&seeds.service).copied(),
            timeout: seeds.timeout,
            secrets: secrets(snapshot, Some(&seeds.service)),
            form: form(snapshot, &name),
        };
        jobs.insert(name, job);
    }
    for (idx, check) in snapshot.system.smoke.iter().enumerate() {
        let (SmokeKind::Run { command }, Some(service)) =
            (&check.kind, snapshot.system.services.get(&check.service))
        else {
            continue;
        };
        let name = smoke_job(idx);
        let kind = JobKind::Command(command.clone());
        let files = snapshot.files.get(&check.service).copied();
        let env = service.env.clone();
        let (secrets, form) = (secrets(snapshot, Some(&check.service)), form(snapshot, &name));
        let job = JobSpec { name: name.clone(), kind, env, files, timeout: check.timeout, secrets, form };
        jobs.insert(name, job);
    }
    jobs
}

/// A job has the secrets of the service that runs it; one of no service has all of them.
fn secrets(snapshot: &Snapshot, service: Option<&ServiceName>) -> BTreeMap<String, SecretRef> {
    match service {
        Some(service) => snapshot.secrets.get(service).cloned().unwrap_or_default(),
        None => snapshot.all_secrets().map(|(name, it)| (name.clone(), it.clone())).collect(),
    }
}

fn form(snapshot: &Snapshot, job: &JobName) -> Form {
    snapshot.job_forms.get(job).cloned().unwrap_or_default()
}

/// Of this release, and of the one that an undo restores.
fn fixtures(request: &Request, changes: &Changes) -> BTreeMap<ReleaseId, Fixtures> {
    let before = changes.fixtures.clone().filter(|it| it.1 != Fixtures::None);
    before.into_iter().chain([(request.release, request.snapshot.fixtures.clone())]).collect()
}

fn keep(request: &Request, changes: &Changes) -> Keep {
    let mut images: BTreeSet<&str> = request.kept_images.iter().map(String::as_str).collect();
    images.extend(request.snapshot.images());
    Keep {
        fixtures: request.snapshot.fixtures.clone(),
        slots: changes.kept(request),
        images: images.into_iter().map(str::to_owned).collect(),
    }
}

pub(crate) fn smoke_job(idx: usize) -> JobName {
    JobName::new(format!("smoke-{idx}")).expect("letters, a dash and digits")
}

fn report(
    request: &Request,
    changes: &Changes,
    observed: &Observed,
    stages: &[crate::plan::Stage],
) -> PlanReport {
    let names = |it: &[changes::Change]| it.iter().map(|it| it.slot.service.clone()).collect::<Vec<_>>();
    let removed: BTreeSet<ServiceName> = changes.removed.iter().map(|it| it.service.clone()).collect();
    PlanReport {
        changed: names(&changes.changed),
        new: names(&changes.new),
        unchanged: changes.unchanged.clone(),
        removed: removed.into_iter().collect(),
        notes: notes::notes(request, changes, observed),
        waits: waits(stages),
    }
}

fn waits(stages: &[crate::plan::Stage]) -> Millis {
    let pauses = stages.iter().flat_map(|it| &it.tasks).filter_map(|it| match &it.action {
        crate::plan::Action::Gate { gate } => Some(gate.pause.0),
        _ => None,
    });
    Millis(pauses.sum())
}

pub(crate) fn slot(service: &ServiceName, release: ReleaseId) -> SlotRef {
    SlotRef { service: service.clone(), release }
}

//! What ends: migrations, seeds, and what runs by the clock.

use k8s_openapi::api::batch::v1::{
    CronJob, CronJobSpec, Job, JobSpec, JobTemplateSpec, PodFailurePolicy,
    PodFailurePolicyOnPodConditionsPattern, PodFailurePolicyRule,
};
use k8s_openapi::api::core::v1::{PodSpec, PodTemplateSpec};
use lockgate_model::{Concurrency, Millis, Retry, When};

use super::deployment::{account, config};
use super::env::{self, Env};
use super::part::Part;
use super::probe::whole_seconds;
use super::{Objects, meta, pod};
use crate::facts::{Environment, JobFact, ServiceFact};

/// What Kubernetes waits after the first failure of a job; each wait is twice the last, up to six minutes.
const FIRST_WAIT: Millis = Millis::secs(10);
const LONGEST_WAIT: Millis = Millis::mins(6);
/// Scheduling and pulling, for each attempt.
const BEFORE_START: Millis = Millis::secs(60);
/// After this long without a start, a run by the clock is left out.
const LATE_SECONDS: i64 = 300;

/// Jobs of a release, and the service with whose image and variables each runs.
pub(super) fn of_release<'e, 'f>(
    environment: &'e Environment<'f>,
) -> Vec<(Part, &'e JobFact<'f>, &'e ServiceFact<'f>)> {
    let after = environment.system.migrations.as_ref().is_some_and(|it| it.when == When::AfterRollout);
    let migrate = if after { Part::MigrationAfter } else { Part::Migration };
    let jobs = [(migrate, environment.migration.as_ref()), (Part::Seed, environment.seed.as_ref())];
    let checks = environment.checks.iter().map(|(name, it)| (Part::Check(name.clone()), Some(it)));
    let jobs = jobs.into_iter().chain(checks).filter_map(|(part, job)| {
        let fact = environment.services.get(job?.service)?;
        fact.image.as_ref()?;
        Some((part, job?, fact))
    });
    jobs.collect()
}

pub(super) fn add(objects: &mut Objects<'_, '_, '_>) {
    let environment = objects.environment;
    for (part, job, fact) in of_release(environment) {
        waits_note(objects, &part, &job.retry);
        let env = env::of_variables(environment, &fact.variables);
        let spec = pod_of(objects, &part, fact, &job.command, &env);
        let timeout = i64::from(whole_seconds(job.timeout));
        // Of one attempt each; the job as a whole has time for all of them.
        let spec = PodSpec { active_deadline_seconds: Some(timeout), ..spec };
        let job = Job {
            metadata: meta::meta(environment, &part, &part.name()),
            spec: Some(JobSpec {
                backoff_limit: Some(i32::from(job.retry.attempts) - 1),
                active_deadline_seconds: Some(i64::from(whole_seconds(time_for_all(job)))),
                ttl_seconds_after_finished: Some(whole_seconds(job.keep_for)),
                pod_failure_policy: Some(moved_is_not_failed()),
                template: PodTemplateSpec {
                    metadata: Some(meta::of_release(environment, &part, &env)),
                    spec: Some(spec),
                },
                ..JobSpec::default()
            }),
            ..Job::default()
        };
        objects.add(&part, &job);
    }
    add_cron(objects);
}

/// Everything that a job needs is its own, so that it runs before anything else of its release is there.
fn pod_of(
    objects: &mut Objects<'_, '_, '_>,
    part: &Part,
    fact: &ServiceFact<'_>,
    command: &[String],
    env: &Env,
) -> PodSpec {
    account(objects, part);
    let config = config(objects, part, env);
    let mut container = pod::container(fact, &part.name(), command, env);
    container.env_from = config.map(|it| pod::read_from(&it));
    let grace = i64::from(whole_seconds(fact.service.stop.grace));
    PodSpec {
        restart_policy: Some("Never".to_owned()),
        termination_grace_period_seconds: Some(grace),
        ..pod::pod(objects.environment, fact, container)
    }
}

/// A node that was emptied is no failed attempt.
fn moved_is_not_failed() -> PodFailurePolicy {
    let moved = PodFailurePolicyOnPodConditionsPattern {
        type_: "DisruptionTarget".to_owned(),
        status: "True".to_owned(),
    };
    let rule = PodFailurePolicyRule {
        action: "Ignore".to_owned(),
        on_pod_conditions: Some(vec![moved]),
        ..PodFailurePolicyRule::default()
    };
    PodFailurePolicy { rules: vec![rule] }
}

fn time_for_all(job: &JobFact<'_>) -> Millis {
    let attempts = u64::from(job.retry.attempts);
    let runs = attempts.saturating_mul(job.timeout.0.saturating_add(BEFORE_START.0));
    let waits: u64 = (1..job.retry.attempts).map(|it| of_kubernetes(job.retry).wait_after(it).0).sum();
    Millis(runs.saturating_add(waits))
}

fn of_kubernetes(retry: Retry) -> Retry {
    Retry { attempts: retry.attempts, initial: FIRST_WAIT, max: LONGEST_WAIT, factor: 2 }
}

/// A job says how often, never how long to wait in between.
fn waits_note(objects: &mut Objects<'_, '_, '_>, part: &Part, retry: &Retry) {
    let waits = |retry: &Retry| -> Vec<String> {
        (1..retry.attempts).map(|it| format!("{} s", retry.wait_after(it).0.div_ceil(1_000))).collect()
    };
    let (wanted, real) = (waits(retry), waits(&of_kubernetes(*retry)));
    if wanted != real {
        objects.output.note(format!(
            "a job of Kubernetes that fails waits {} between its attempts; the spec says {} for `{}`, which Lockgate keeps to",
            real.join(", "),
            wanted.join(", "),
            part.name(),
        ));
    }
}

fn add_cron(objects: &mut Objects<'_, '_, '_>) {
    let environment = objects.environment;
    for (name, cron) in &environment.system.cron {
        let Some(fact) = environment.services.get(&cron.service).filter(|it| it.image.is_some()) else {
            continue;
        };
        let part = Part::Cron(name.clone());
        let env = env::of_variables(environment, &fact.variables);
        let spec = pod_of(objects, &part, fact, &cron.command, &env);
        let job = JobSpec {
            backoff_limit: Some(0),
            active_deadline_seconds: Some(i64::from(whole_seconds(cron.timeout))),
            template: PodTemplateSpec {
                metadata: Some(meta::of_release(environment, &part, &env)),
                spec: Some(spec),
            },
            ..JobSpec::default()
        };
        let concurrency = match cron.concurrency {
            Concurrency::Allow => "Allow",
            Concurrency::Forbid => "Forbid",
            Concurrency::Replace => "Replace",
        };
        let cron = CronJob {
            metadata: meta::meta(environment, &part, name.as_str()),
            spec: Some(CronJobSpec {
                schedule: cron.schedule.clone(),
                time_zone: Some(cron.timezone.clone()),
                concurrency_policy: Some(concurrency.to_owned()),
                starting_deadline_seconds: Some(LATE_SECONDS),
                job_template: JobTemplateSpec { metadata: None, spec: Some(job) },
                ..CronJobSpec::default()
            }),
            ..CronJob::default()
        };
        objects.add(&part, &cron);
    }
}

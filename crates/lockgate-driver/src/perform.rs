//! Performs one effect on a target and says how it ended, in the engine's words.

use std::time::Duration;

use lockgate_engine::{Action, Outcome, Plan, Repeat, Sighting, Task};
use lockgate_model::{EffectKey, Fence, JobKind, JobSpec};
use lockgate_targets::{Class, JobReport, Target, TargetError};
use tokio::time::Instant;

/// An API server or an engine that is started again is back within this, also on a machine that is busy with it.
const AWAY_MAX: Duration = Duration::from_secs(90);
const FIRST_PAUSE: Duration = Duration::from_millis(200);
const LONGEST_PAUSE: Duration = Duration::from_secs(3);

/// Exit code of a job that would fail again however often it is repeated (`EX_DATAERR` of sysexits.h).
/// It counts for migrations that Lockgate runs itself; a user's command is repeated as its retry says.
pub const JOB_FAILED_FOR_GOOD: u8 = 65;

/// What is known when the target has answered, or has not.
pub(crate) enum Performed {
    Ended(Outcome),
    /// It may have been done or be under way still, and must not be done twice.
    Lost(String),
}

/// Runs a task to its end, or to its timeout.
pub(crate) async fn perform<T: Target>(
    target: &T,
    plan: &Plan,
    task: &Task,
    fence: &Fence,
    key: &EffectKey,
) -> Performed {
    let asked = patiently(&task.action, || act(target, plan, task, fence, key));
    let why = match tokio::time::timeout(task.timeout.to_std() + AWAY_MAX, asked).await {
        Ok(Ok(outcome)) => return Performed::Ended(outcome),
        Ok(Err(error)) if error.class == Class::Fatal => {
            return Performed::Ended(Outcome::Fatal { why: in_words(&error) });
        }
        // Fenced off, this driver finds out at its next append that a newer one is at work.
        Ok(Err(error)) => in_words(&error),
        Err(_) => format!("no answer within {}", task.timeout),
    };
    match task.repeat {
        Repeat::Harmless => Performed::Ended(Outcome::Transient { why }),
        Repeat::Dangerous => Performed::Lost(why),
    }
}

/// Asks again for as long as nobody answers, so that a platform whose parts are started again costs no attempt.
pub(crate) async fn patiently<T, F>(
    what: impl std::fmt::Display,
    mut ask: impl FnMut() -> F,
) -> Result<T, TargetError>
where
    F: Future<Output = Result<T, TargetError>>,
{
    let (mut since, mut pause) = (None, FIRST_PAUSE);
    loop {
        let mut error = match ask().await {
            Err(error) if error.class == Class::Away => error,
            answer => return answer,
        };
        let away = since.get_or_insert_with(Instant::now).elapsed();
        if AWAY_MAX <= away {
            error.message = format!("{}; asked again for {} s", error.message, away.as_secs());
            return Err(error);
        }
        tracing::warn!(%error, %what, "nobody answers, asking again");
        tokio::time::sleep(pause).await;
        pause = (pause * 2).min(LONGEST_PAUSE);
    }
}

async fn act<T: Target>(
    target: &T,
    plan: &Plan,
    task: &Task,
    fence: &Fence,
    key: &EffectKey,
) -> Result<Outcome, TargetError> {
    match &task.action {
        Action::Prepare { release } => target.prepare(fence, key, &plan.fixtures[release]).await?,
        Action::Prune => target.prune(fence, key, &plan.keep).await?,
        Action::EnsureSlot { slot, instances } => {
            let spec = &plan.slots[slot];
            target.ensure_slot(fence, key, spec, *instances).await?;
        }
        Action::SetWeights { service, to } => {
            if let Some(weights) = to.weights() {
                target.set_weights(fence, key, service, &weights).await?;
            }
        }
        Action::Drain { slot, within } => target.drain(fence, key, slot, *within).await?,
        Action::RemoveSlot { slot } => target.remove_slot(fence, key, slot).await?,
        Action::RunJob { job } => {
            let spec = &plan.jobs[job];
            let report = target.run_job(fence, key, spec).await?;
            return Ok(outcome_of_job(spec, &report));
        }
        Action::Smoke { check } => target.smoke(check).await?,
        Action::Gate { .. } => unreachable!("a gate asks for samples, not for an action"),
    }
    Ok(Outcome::Ok { note: None })
}

/// What became of a job whose answer was lost.
pub(crate) async fn look<T: Target>(
    target: &T,
    plan: &Plan,
    task: &Task,
    fence: &Fence,
    key: &EffectKey,
) -> Option<Sighting> {
    let Action::RunJob { job } = &task.action else { return Some(Sighting::NeverRan) };
    match target.look(fence, key).await {
        Ok(lockgate_targets::Sighting::Done(report)) => {
            Some(Sighting::Ended(outcome_of_job(&plan.jobs[job], &report)))
        }
        Ok(lockgate_targets::Sighting::Running) => Some(Sighting::Running),
        Ok(lockgate_targets::Sighting::NeverRan) => Some(Sighting::NeverRan),
        Ok(lockgate_targets::Sighting::Unknown) => Some(Sighting::Unknown),
        Err(error) => {
            tracing::warn!(%key, %error, "cannot look");
            None
        }
    }
}

fn outcome_of_job(job: &JobSpec, report: &JobReport) -> Outcome {
    let tail = report.tail.join("\n");
    let said = if tail.is_empty() { String::new() } else { format!("; it said:\n{tail}") };
    match report.exit_code {
        Some(0) => Outcome::Ok { note: (!tail.is_empty()).then(|| report.tail.join("; ")) },
        Some(code) if job.kind == JobKind::SqlxMigrate && code == i32::from(JOB_FAILED_FOR_GOOD) => {
            Outcome::Fatal { why: format!("the migration failed{said}") }
        }
        Some(code) => Outcome::Transient { why: format!("it ended with exit code {code}{said}") },
        None => Outcome::Transient {
            why: format!("it was killed or ran out of its time of {}{said}", job.timeout),
        },
    }
}

fn in_words(error: &TargetError) -> String {
    match &error.hint {
        Some(hint) => format!("{error}\n{hint}"),
        None => error.to_string(),
    }
}

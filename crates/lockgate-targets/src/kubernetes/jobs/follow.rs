//! A Job's way to its end: its pod is watched, its end is put on record at the Job itself.

use std::sync::atomic::{AtomicBool, Ordering};

use k8s_openapi::api::batch::v1::Job;
use k8s_openapi::api::core::v1::{ContainerStatus, Pod};
use kube::ResourceExt as _;
use kube::api::{ListParams, Patch, PatchParams};
use lockgate_model::JobSpec;
use serde::{Deserialize, Serialize};
use serde_json::json;
use tokio::time::{Duration, Instant, MissedTickBehavior, interval};

use super::super::refusal::{is_missing, told};
use super::super::watched::Watched;
use super::super::why::{self, Verdict, Why};
use super::super::{Cluster, names};
use crate::{Class, JobReport, Sighting, TargetError};

/// Annotation: how it ended, so that the record outlives its pod.
const REPORT: &str = "lockgate.dev/report";
const TAIL_LINES: i64 = 20;
/// Between two looks at why its pod does not run: each reads events.
const LOOK_EVERY: Duration = Duration::from_secs(1);
/// For a pod to be gone after its job was taken back.
const GONE_WITHIN: Duration = Duration::from_mins(1);

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Record {
    Ended {
        exit_code: Option<i32>,
        tail: Vec<String>,
    },
    /// Its pod could not be made or started, and was taken back.
    NeverBegan {
        fatal: bool,
        message: String,
        hint: Option<String>,
    },
}

impl Record {
    fn of(job: &Job) -> Option<Record> {
        serde_json::from_str(job.annotations().get(REPORT)?).ok()
    }

    fn answer(self) -> Result<JobReport, TargetError> {
        match self {
            Record::Ended { exit_code, tail } => Ok(JobReport { exit_code, tail }),
            Record::NeverBegan { fatal, message, hint } => {
                let class = if fatal { Class::Fatal } else { Class::Transient };
                Err(TargetError { class, message, hint })
            }
        }
    }
}

pub(super) fn has_record(job: &Job) -> bool {
    Record::of(job).is_some()
}

pub(super) async fn to_the_end(
    cluster: &Cluster,
    job: &Job,
    spec: &JobSpec,
) -> Result<JobReport, TargetError> {
    let name = job.name_any();
    if let Some(record) = Record::of(job) {
        return record.answer();
    }
    let mut jobs = Watched::named(cluster.api::<Job>(), &format!("Job {name}"), &name);
    let mut pods = Watched::labelled(cluster.api::<Pod>(), &format!("pods of Job {name}"), &pods_of(&name));
    // Jobs have no health: what runs is well until it ends.
    let mut why = Why::new(cluster.client.clone(), &cluster.namespace, spec.timeout);
    let mut look = interval(LOOK_EVERY);
    look.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut runs_since: Option<Instant> = None;
    loop {
        let deadline = runs_since.map(|it| it + spec.timeout.to_std());
        tokio::select! {
            changed = jobs.changed() => changed?,
            changed = pods.changed() => changed?,
            () = sleep_until(deadline) => {
                let pods = pods.objects.into_values().collect();
                return timed_out(cluster, &name, spec, pods).await;
            },
            _ = look.tick(), if runs_since.is_none() => {
                let all = pods.objects.values().cloned().collect();
                let judged = why.judge(all, None).await;
                let judged = judged.map_err(|it| told(&it, &format!("read the events of Job {name}")))?;
                if let Verdict::Hopeless(error) = judged {
                    return never_began(cluster, &name, error).await;
                }
            }
        }
        if runs_since.is_none() && pods.objects.values().any(runs) {
            runs_since = Some(Instant::now());
        }
        let job = jobs.objects.get(&name);
        if let Some(record) = ended(cluster, job, pods.objects.values()).await {
            write(cluster, &name, &record, Stop::No).await?;
            return record.answer();
        }
    }
}

async fn sleep_until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}

/// What can be said of a Job by whoever comes upon it.
pub(super) async fn sight(cluster: &Cluster, job: &Job) -> Result<Sighting, TargetError> {
    let name = job.name_any();
    let record = if let Some(record) = Record::of(job) {
        Some(record)
    } else {
        let listed = cluster.api::<Pod>().list(&ListParams::default().labels(&pods_of(&name))).await;
        let pods = listed.map_err(|it| told(&it, &format!("list the pods of Job {name}")))?.items;
        if pods.is_empty() && condition(job, "Failed").is_some() {
            return Ok(Sighting::Unknown);
        }
        ended(cluster, Some(job), pods.iter()).await
    };
    Ok(match record {
        None => Sighting::Running,
        Some(Record::NeverBegan { .. }) => Sighting::NeverRan,
        Some(Record::Ended { exit_code, tail }) => Sighting::Done(JobReport { exit_code, tail }),
    })
}

fn pods_of(name: &str) -> String {
    format!("batch.kubernetes.io/job-name={name}")
}

fn condition<'j>(job: &'j Job, name: &str) -> Option<&'j str> {
    let conditions = job.status.as_ref()?.conditions.as_ref()?;
    let held = conditions.iter().find(|it| it.type_ == name && it.status == "True")?;
    Some(held.message.as_deref().unwrap_or_default())
}

/// The container that is the job; others only stand beside it.
fn main_of(pod: &Pod) -> Option<&ContainerStatus> {
    let name = &pod.spec.as_ref()?.containers.first()?.name;
    pod.status.as_ref()?.container_statuses.as_ref()?.iter().find(|it| it.name == *name)
}

fn runs(pod: &Pod) -> bool {
    main_of(pod).and_then(|it| it.state.as_ref()).is_some_and(|it| it.running.is_some())
}

/// How it ended, if it did: by its pod, and by the Job where the pod is gone.
async fn ended<'p>(
    cluster: &Cluster,
    job: Option<&Job>,
    pods: impl Iterator<Item = &'p Pod>,
) -> Option<Record> {
    let mut killed = None;
    for pod in pods {
        if let Some(error) = why::never_started(pod) {
            return Some(Record::NeverBegan { fatal: true, message: error.message, hint: error.hint });
        }
        let status = main_of(pod);
        if let Some(end) = status.and_then(|it| it.state.as_ref()?.terminated.as_ref()) {
            let mut tail = tail(cluster, &pod.name_any(), status).await;
            let signalled = end.exit_code > 128 || end.signal.is_some_and(|it| it > 0);
            if signalled || end.reason.as_deref() == Some("OOMKilled") {
                tail.push(why::how_it_ended(pod, end));
            }
            let exit_code = (!signalled).then_some(end.exit_code);
            return Some(Record::Ended { exit_code, tail });
        }
        let status = pod.status.as_ref();
        if status.is_some_and(|it| it.phase.as_deref() == Some("Failed")) {
            let of = |it: Option<&String>| it.cloned().unwrap_or_default();
            let reason = of(status.and_then(|it| it.reason.as_ref()));
            let message = of(status.and_then(|it| it.message.as_ref()));
            killed = Some(format!("its pod was ended from outside ({reason}): {message}"));
        }
    }
    let failed = job.and_then(|it| condition(it, "Failed"));
    let killed = killed.or_else(|| failed.map(|it| format!("nobody saw it end, its pod is gone: {it}")))?;
    Some(Record::Ended { exit_code: None, tail: vec![killed] })
}

async fn tail(cluster: &Cluster, pod: &str, status: Option<&ContainerStatus>) -> Vec<String> {
    match status {
        Some(status) => why::last_lines(&cluster.client, &cluster.namespace, pod, status, TAIL_LINES).await,
        None => vec![],
    }
}

async fn timed_out(
    cluster: &Cluster,
    name: &str,
    spec: &JobSpec,
    pods: Vec<Pod>,
) -> Result<JobReport, TargetError> {
    let mut lines = vec![];
    for pod in &pods {
        lines.extend(tail(cluster, &pod.name_any(), main_of(pod)).await);
    }
    lines.push(format!("ended by its timeout of {}", spec.timeout));
    let record = Record::Ended { exit_code: None, tail: lines };
    write(cluster, name, &record, Stop::Yes).await?;
    gone(cluster, name).await?;
    record.answer()
}

/// Taken back, so that it does not begin later, when nobody counts on it any more.
async fn never_began(cluster: &Cluster, name: &str, error: TargetError) -> Result<JobReport, TargetError> {
    let record = Record::NeverBegan {
        fatal: error.class == Class::Fatal,
        message: error.message.clone(),
        hint: error.hint.clone(),
    };
    write(cluster, name, &record, Stop::Yes).await?;
    match gone(cluster, name).await? {
        Gone::Quietly => Err(error),
        Gone::AfterItRan => {
            let text = format!("Job {name} began while it was taken back, since {}", error.message);
            Err(TargetError::new(Class::Ambiguous, text))
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stop {
    No,
    /// Its pods are ended, and no others are made.
    Yes,
}

/// In one write: whoever reads the Job reads its end.
async fn write(cluster: &Cluster, name: &str, record: &Record, stop: Stop) -> Result<(), TargetError> {
    let text = serde_json::to_string(record).expect("a record is plain data");
    let mut patch = json!({ "metadata": { "annotations": { REPORT: text } } });
    if stop == Stop::Yes {
        patch["spec"] = json!({ "suspend": true });
    }
    let params = PatchParams { field_manager: Some(names::MANAGER.to_owned()), ..PatchParams::default() };
    let written = cluster.api::<Job>().patch(name, &params, &Patch::Merge(&patch)).await;
    match written {
        Err(error) if !is_missing(&error) => Err(told(&error, &format!("write the end of Job {name}"))),
        Ok(_) | Err(_) => Ok(()),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Gone {
    Quietly,
    AfterItRan,
}

async fn gone(cluster: &Cluster, name: &str) -> Result<Gone, TargetError> {
    let mut pods = Watched::labelled(cluster.api::<Pod>(), &format!("pods of Job {name}"), &pods_of(name));
    let ran = AtomicBool::new(false);
    let left = pods.until(|pods| {
        let run = pods.values().any(runs);
        ran.fetch_or(run, Ordering::Relaxed);
        !run
    });
    let late = tokio::time::timeout(GONE_WITHIN, left).await;
    match late {
        Ok(Ok(())) if ran.load(Ordering::Relaxed) => Ok(Gone::AfterItRan),
        Ok(Ok(())) => Ok(Gone::Quietly),
        Ok(Err(error)) => Err(error),
        Err(_) => {
            let text = format!(
                "the pod of Job {name} runs on, {} s after it was told to stop",
                GONE_WITHIN.as_secs()
            );
            let hint = format!("kubectl -n {} delete pods -l {}", cluster.namespace, pods_of(name));
            Err(TargetError::new(Class::Ambiguous, text).hint(hint))
        }
    }
}

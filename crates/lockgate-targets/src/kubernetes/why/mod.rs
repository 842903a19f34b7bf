//! Why pods do not become ready: a judgement over what the cluster says of them, within seconds.
//!
//! Kubernetes itself goes on trying for ever. What cannot mend itself is told at once; what may is given a short
//! patience, each with its own reason.

mod admission;
mod container;
mod gather;
mod image;
mod placement;
mod seen;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1::Pod;
use lockgate_model::Millis;

use crate::{Class, TargetError};

pub(crate) use container::{how_it_ended, never_started};
pub(crate) use gather::{Why, last_lines};
use seen::Seen;

/// What was applied a moment ago is everywhere after this: a `ConfigMap` or an account of the same release.
const SETTLING: Millis = Millis::secs(5);
/// A registry or a webhook that restarts is back after this.
const RESTARTING: Millis = Millis::secs(15);
/// Pods that end give back what they have of a quota.
const QUOTA: Millis = Millis::secs(10);
/// An autoscaler that has heard of a pod without a node says so within this; disks change nodes.
const ROOM: Millis = Millis::secs(30);

/// How things stand with pods that are not all ready.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It may yet be well; `what` is what is waited for.
    Waiting { what: String },
    /// Waiting longer helps nobody.
    Hopeless(TargetError),
}

/// How long has been waited, by the clock of whoever waits.
#[derive(Clone, Debug, Default)]
pub(crate) struct Times {
    pub(crate) waited: Millis,
    /// Since a pod's containers run, by the pod's name.
    pub(crate) running: BTreeMap<String, Millis>,
    /// What a pod whose containers run is given to become ready.
    pub(crate) ready_within: Millis,
}

/// What one rule found; the first that is hopeless decides, and else the first of all is told.
type Finding = Option<Verdict>;

pub(crate) fn verdict(seen: &Seen, times: &Times) -> Verdict {
    let refused = admission::refused(seen, times);
    let pods = seen.pods.iter().filter(|it| counts(it));
    let mut findings: Vec<Verdict> = refused.into_iter().collect();
    for pod in pods {
        findings.extend(of_pod(seen, pod, times));
    }
    findings.extend(placement::ended_early(seen, times));
    let hopeless = findings.iter().position(|it| matches!(it, Verdict::Hopeless(_)));
    let told = hopeless.unwrap_or(0);
    findings.into_iter().nth(told).unwrap_or_else(|| waiting("pods are being made"))
}

/// A pod that is being deleted, or that ended, is somebody else's matter.
fn counts(pod: &Pod) -> bool {
    let ended = matches!(phase(pod), "Failed" | "Succeeded");
    pod.metadata.deletion_timestamp.is_none() && !ended && !is_ready(pod)
}

fn of_pod(seen: &Seen, pod: &Pod, times: &Times) -> Vec<Verdict> {
    let rules = [
        placement::unschedulable(seen, pod, times),
        placement::volumes(seen, pod, times),
        placement::node_lost(seen, pod),
    ];
    let mut findings: Vec<Verdict> = rules.into_iter().flatten().collect();
    findings.extend(container::findings(seen, pod, times));
    findings
}

pub(crate) fn is_ready(pod: &Pod) -> bool {
    condition(pod, "Ready").is_some_and(|it| it.status == "True")
}

fn condition<'p>(pod: &'p Pod, name: &str) -> Option<&'p k8s_openapi::api::core::v1::PodCondition> {
    pod.status.as_ref()?.conditions.as_ref()?.iter().find(|it| it.type_ == name)
}

fn phase(pod: &Pod) -> &str {
    pod.status.as_ref().and_then(|it| it.phase.as_deref()).unwrap_or_default()
}

fn name(pod: &Pod) -> &str {
    pod.metadata.name.as_deref().unwrap_or_default()
}

/// `-n NAMESPACE` of commands that hints name.
fn within(pod: &Pod) -> String {
    pod.metadata.namespace.as_ref().map_or_else(String::new, |it| format!("-n {it} "))
}

fn waiting(what: impl Into<String>) -> Verdict {
    Verdict::Waiting { what: what.into() }
}

fn hopeless(class: Class, message: impl Into<String>, hint: impl Into<String>) -> Verdict {
    Verdict::Hopeless(TargetError::new(class, message).hint(hint))
}

/// Told as something to wait for while there is patience.
fn after(patience: Millis, times: &Times, verdict: Verdict) -> Verdict {
    match verdict {
        Verdict::Hopeless(error) if times.waited < patience => waiting(error.message),
        other => other,
    }
}

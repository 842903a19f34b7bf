//! Pods without a node, nodes that are lost, volumes that do not come.

use k8s_openapi::api::core::v1::{Pod, Volume};

use super::seen::Seen;
use super::{
    Finding, ROOM, SETTLING, Times, Verdict, after, condition, hopeless, name, phase, waiting, within,
};
use crate::Class;

/// Pods that a node threw out or refused; one is chance, and another takes its place.
const THROWN_OUT_MAX: usize = 3;
/// What autoscalers say when a node is on its way.
const NODE_COMES: [&str; 3] = ["TriggeredScaleUp", "Nominated", "NodeClaimCreated"];

pub(super) fn unschedulable(seen: &Seen, pod: &Pod, times: &Times) -> Finding {
    let scheduled = condition(pod, "PodScheduled")?;
    if scheduled.status == "True" {
        return None;
    }
    let pod_name = name(pod);
    if let Some(comes) = seen.event(pod_name, &NODE_COMES) {
        let said = comes.message.as_deref().unwrap_or_default();
        return Some(waiting(format!("pod {pod_name}: a node is being added: {said}")));
    }
    let said = scheduled.message.as_deref().unwrap_or("no node takes it");
    if scheduled.reason.as_deref() == Some("SchedulingGated") {
        return Some(waiting(format!("pod {pod_name} is held by a scheduling gate: {said}")));
    }
    let reasons = reasons(said);
    let (mut text, hint) = (format!("pod {pod_name} fits on no node: {reasons}"), room_hint(&reasons, pod));
    if let Some(claim) = claim_trouble(seen, pod) {
        text = format!("{text}; {claim}");
    }
    if let Some(no) = seen.event(pod_name, &["NotTriggerScaleUp"]).and_then(|it| it.message.as_deref()) {
        text = format!("{text}; {no}");
    }
    // What does not exist does not come with a new node.
    let patience = if reasons.contains("not found") { SETTLING } else { ROOM };
    Some(after(patience, times, hopeless(Class::Fatal, text, hint)))
}

/// `0/2 nodes are available: 2 Insufficient cpu. no new claims to deallocate, preemption: ...` without what follows
/// from the rest.
fn reasons(said: &str) -> String {
    let said = said.split(" preemption: ").next().unwrap_or(said);
    let said = said.trim_end_matches(',').trim_end_matches("no new claims to deallocate");
    let said = said.trim().trim_end_matches(" not found").trim_end_matches('.');
    said.to_owned()
}

fn room_hint(reasons: &str, pod: &Pod) -> String {
    let within = within(pod);
    if reasons.contains("Insufficient") {
        "ask for less with `resources`, add a node, or make room: `kubectl describe nodes | grep -A8 'Allocated resources'`".to_owned()
    } else if reasons.contains("persistentvolumeclaim") || reasons.contains("PersistentVolumeClaim") {
        format!("kubectl {within}get pvc; kubectl get storageclass")
    } else if reasons.contains("volume node affinity") {
        format!("the volume is bound to other nodes: `kubectl {within}get pvc -o wide`, `kubectl get pv`")
    } else if reasons.contains("taint") {
        "kubectl get nodes -o custom-columns=NAME:.metadata.name,TAINTS:.spec.taints".to_owned()
    } else if reasons.contains("affinity") || reasons.contains("selector") {
        "kubectl get nodes --show-labels".to_owned()
    } else {
        format!("kubectl {within}describe pod {}", name(pod))
    }
}

pub(super) fn claims(pod: &Pod) -> impl Iterator<Item = &str> {
    let volumes: &[Volume] = pod.spec.as_ref().and_then(|it| it.volumes.as_deref()).unwrap_or_default();
    volumes.iter().filter_map(|it| it.persistent_volume_claim.as_ref()).map(|it| it.claim_name.as_str())
}

fn claim_trouble(seen: &Seen, pod: &Pod) -> Option<String> {
    claims(pod).find_map(|claim| {
        let said = seen.event(claim, &["ProvisioningFailed", "FailedBinding"])?.message.as_deref()?;
        Some(format!("volume claim {claim}: {said}"))
    })
}

/// The pod has a node, and what it is to mount does not come.
pub(super) fn volumes(seen: &Seen, pod: &Pod, times: &Times) -> Finding {
    let sets_up = pod.status.as_ref().and_then(|it| it.container_statuses.as_deref()).unwrap_or_default();
    if sets_up.iter().any(|it| it.state.as_ref().is_some_and(|it| it.running.is_some())) {
        return None;
    }
    let pod_name = name(pod);
    let failed = seen.event(pod_name, &["FailedMount", "FailedAttachVolume", "FailedCreatePodSandBox"])?;
    let said = failed.message.as_deref().unwrap_or_default();
    let describe = format!("kubectl {}describe pod {pod_name}", within(pod));
    if failed.reason.as_deref() == Some("FailedCreatePodSandBox") {
        let text = format!("pod {pod_name}: its node cannot give it a network: {said}");
        return Some(after(ROOM, times, hopeless(Class::Transient, text, describe)));
    }
    let text = format!("pod {pod_name}: {said}");
    if said.contains("not found") || said.contains("references non-existent") {
        let quoted = said.rsplit_once(" : ").map_or(said, |it| it.1);
        let kind = quoted.split_whitespace().next().unwrap_or("configmap");
        let missing = quoted.split('"').nth(1).unwrap_or_default();
        let hint = format!("kubectl {}get {kind} {missing}", within(pod));
        return Some(after(SETTLING, times, hopeless(Class::Fatal, text, hint)));
    }
    if said.contains("Multi-Attach") || said.contains("already exclusively attached") {
        let hint = "one node at a time may use this volume: use a volume with `access: many`, or `rollout: recreate`";
        return Some(after(ROOM, times, hopeless(Class::Fatal, text, hint)));
    }
    Some(after(ROOM, times, hopeless(Class::Transient, text, describe)))
}

/// Its node does not answer any more; nothing of what else is said of the pod is news.
pub(super) fn node_lost(seen: &Seen, pod: &Pod) -> Finding {
    let lost = pod.status.as_ref().and_then(|it| it.reason.as_deref()) == Some("NodeLost");
    if !lost && seen.event(name(pod), &["NodeNotReady"]).is_none() {
        return None;
    }
    let node = pod.spec.as_ref().and_then(|it| it.node_name.as_deref()).unwrap_or("its node");
    let text = format!("pod {}: node {node} does not answer", name(pod));
    Some(hopeless(Class::Transient, text, format!("kubectl describe node {node}")))
}

/// Pods that ended though they should run for ever: nodes under pressure throw them out or refuse them.
pub(super) fn ended_early(seen: &Seen, times: &Times) -> Finding {
    let ended: Vec<&Pod> = seen.pods.iter().filter(|it| phase(it) == "Failed").collect();
    let status = ended.last()?.status.as_ref()?;
    let (reason, said) = (status.reason.as_deref()?, status.message.as_deref().unwrap_or_default());
    let pod = ended.last().map(|it| name(it)).unwrap_or_default();
    let verb = if reason == "Evicted" { "was evicted" } else { "was refused by its node" };
    let text = format!("pod {pod} {verb} ({reason}): {said}");
    if ended.len() < THROWN_OUT_MAX && times.waited < ROOM {
        return Some(waiting(text));
    }
    let own = said.contains("emptyDir") || said.contains("ephemeral");
    let (class, hint) = if own {
        (Class::Fatal, "it writes more to its disk than it may: give it more, or a volume")
    } else {
        (Class::Transient, "its node is short of something: `kubectl describe nodes | grep -A8 Conditions`")
    };
    Some(Verdict::Hopeless(crate::TargetError::new(class, text).hint(hint)))
}

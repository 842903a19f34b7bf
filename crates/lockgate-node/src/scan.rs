//! Finds processes by the marks in their environment: what a node started and has not yet written down, and
//! what left its process group.

use std::collections::BTreeMap;
use std::fs;

use lockgate_model::{EffectKey, SlotRef};
use rustix::process::{Pid, Signal};

use crate::table::ProcessId;

/// A live process that carries a node's mark.
pub(crate) struct Marked {
    pub(crate) id: ProcessId,
    pub(crate) slot: SlotRef,
    pub(crate) instance: u32,
    pub(crate) leads_group: bool,
    /// Its variables that name ports.
    pub(crate) ports: BTreeMap<String, String>,
}

/// All processes of instances of this node.
pub(crate) fn marked(node_id: &str) -> Vec<Marked> {
    of_node(node_id).into_iter().filter_map(|(id, env)| instance_of(id, &env)).collect()
}

/// Live processes of a job, by the key of its attempt.
pub(crate) fn of_effect(node_id: &str, key: &EffectKey) -> Vec<i32> {
    let all = of_node(node_id).into_iter();
    all.filter(|it| it.1.get("LOCKGATE_EFFECT").is_some_and(|it| it == key.as_str()))
        .map(|it| it.0.pid)
        .collect()
}

/// Processes with this node's mark. Those of other users cannot be read and are not ours.
fn of_node(node_id: &str) -> Vec<(ProcessId, Env)> {
    let Ok(folders) = fs::read_dir("/proc") else { return vec![] };
    let pids = folders.filter_map(|it| it.ok()?.file_name().to_str()?.parse::<i32>().ok());
    let with_env = pids.filter_map(|pid| Some((ProcessId::of(pid)?, environ(pid)?)));
    with_env.filter(|it| it.1.get("LOCKGATE_NODE").is_some_and(|it| it == node_id)).collect()
}

type Env = BTreeMap<String, String>;

fn environ(pid: i32) -> Option<Env> {
    let bytes = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let pairs = bytes.split(|&it| it == 0).filter_map(|it| std::str::from_utf8(it).ok()?.split_once('='));
    Some(pairs.map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
}

fn instance_of(id: ProcessId, env: &Env) -> Option<Marked> {
    let slot = format!("{}@{}", env.get("LOCKGATE_SERVICE")?, env.get("LOCKGATE_RELEASE")?).parse().ok()?;
    let instance = env.get("LOCKGATE_INSTANCE")?.parse().ok()?;
    let group = rustix::process::getpgid(Pid::from_raw(id.pid)).ok()?;
    let leads_group = group.as_raw_nonzero().get() == id.pid;
    let ports = env.iter().filter(|it| it.0.ends_with("_PORT"));
    let ports = ports.map(|(name, value)| (name.clone(), value.clone())).collect();
    Some(Marked { id, slot, instance, leads_group, ports })
}

/// Ends what an instance left behind: children that took a session of their own.
pub(crate) fn sweep(node_id: &str, slot: &SlotRef, instance: u32) {
    for it in marked(node_id) {
        if it.slot == *slot && it.instance == instance {
            end(&it.id);
        }
    }
}

/// Through a descriptor, so that a number that changed hands in between is not hit.
pub(crate) fn end(id: &ProcessId) {
    let Some(pid) = Pid::from_raw(id.pid) else { return };
    let Ok(fd) = rustix::process::pidfd_open(pid, rustix::process::PidfdFlags::empty()) else { return };
    if !id.lives() {
        return;
    }
    if let Err(error) = rustix::process::pidfd_send_signal(&fd, Signal::KILL) {
        tracing::warn!(%error, pid = id.pid, "a process that was left behind took no signal");
    }
}

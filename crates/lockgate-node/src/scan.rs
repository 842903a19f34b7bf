//! Finds processes by the marks in their environment: what a node started and has not yet written down, and
//! what left its process group.

use std::collections::BTreeMap;
use std::fs;

use lockgate_model::SlotRef;
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

/// All processes of instances of this node. Processes of other users cannot be read and are not ours.
pub(crate) fn marked(node_id: &str) -> Vec<Marked> {
    let Ok(folders) = fs::read_dir("/proc") else { return vec![] };
    let pids = folders.filter_map(|it| it.ok()?.file_name().to_str()?.parse::<i32>().ok());
    pids.filter_map(|pid| look(pid, node_id)).collect()
}

fn look(pid: i32, node_id: &str) -> Option<Marked> {
    let id = ProcessId::of(pid)?;
    let environ = fs::read(format!("/proc/{pid}/environ")).ok()?;
    let env: BTreeMap<&str, &str> =
        environ.split(|&it| it == 0).filter_map(|it| std::str::from_utf8(it).ok()?.split_once('=')).collect();
    if *env.get("LOCKGATE_NODE")? != node_id {
        return None;
    }
    let slot = format!("{}@{}", env.get("LOCKGATE_SERVICE")?, env.get("LOCKGATE_RELEASE")?).parse().ok()?;
    let instance = env.get("LOCKGATE_INSTANCE")?.parse().ok()?;
    let group = rustix::process::getpgid(Pid::from_raw(pid)).ok()?;
    let ports = env.iter().filter(|it| it.0.ends_with("_PORT"));
    let ports = ports.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    Some(Marked { id, slot, instance, leads_group: group.as_raw_nonzero().get() == pid, ports })
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

//! Processes of the machine: which belong to a folder, and their end.

use std::path::Path;

/// Those that were started in a folder or name it: node, drivers, instances and jobs.
pub fn of_folder(folder: &Path) -> Vec<u32> {
    let all = std::fs::read_dir("/proc").unwrap().flatten();
    let pids = all.filter_map(|it| it.file_name().to_str()?.parse::<u32>().ok());
    pids.filter(|&pid| pid != std::process::id() && belongs(pid, folder)).collect()
}

fn belongs(pid: u32, folder: &Path) -> bool {
    let cwd = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
    let stat = std::fs::read(format!("/proc/{pid}/stat")).unwrap_or_default();
    let stat = String::from_utf8_lossy(&stat);
    let zombie = stat.rsplit_once(") ").is_some_and(|it| it.1.starts_with('Z'));
    let named = folder.to_str().expect("folders of tests have plain names");
    !zombie && (cmdline(pid).contains(named) || cwd.starts_with(folder))
}

pub fn cmdline(pid: u32) -> String {
    let bytes = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
    String::from_utf8_lossy(&bytes).replace('\0', " ")
}

/// `kill -9`; one that has gone already is as dead.
pub fn kill(pid: u32) {
    let pid = rustix::process::Pid::from_raw(i32::try_from(pid).unwrap()).unwrap();
    let killed = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
    assert!(matches!(killed, Ok(()) | Err(rustix::io::Errno::SRCH)), "{killed:?}");
}

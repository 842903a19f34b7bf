//! `drive`: the background process that carries out the releases of one scope, and how it is started.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, bail};
use lockgate_driver::store::{Holder, LeaseError, Store};
use lockgate_driver::{DriveError, Driver};
use lockgate_model::{EnvironmentName, Scope, System, SystemName, TargetKind};
use lockgate_node::{Place, Vault};
use lockgate_targets::{Docker, DockerConfig, Kubernetes, KubernetesConfig, Local, Platform};

use super::node::this_program;
use crate::args::Global;
use crate::exit::Exit;
use crate::hosts;
use crate::out::Out;
use crate::state::State;

const LOG_NAME: &str = "driver.log";
/// The part before it, once it has grown beyond [`LOG_LEN_MAX`] bytes.
const OLD_LOG_NAME: &str = "driver.old.log";
const LOG_LEN_MAX: u64 = 10 << 20;
/// Between looks at whether a driver has ended; it does at once.
const END_LOOK_EVERY: std::time::Duration = std::time::Duration::from_millis(5);
/// Lines of it that an error shows.
const LAST_WORDS: usize = 5;

/// Carries out what is queued for the scope, to the end. Another driver at work is no error: it does the same.
pub async fn drive(
    global: &Global,
    system: &SystemName,
    environment: &EnvironmentName,
    out: Out,
) -> anyhow::Result<Exit> {
    let state = State::open(global, out).await?;
    let scope = Scope { system: system.clone(), environment: environment.clone() };
    let holder = Holder::this_process().context("cannot tell which process this is")?;
    let Some(next) = state.store.next(&scope).await? else { return Ok(Exit::Done) };
    let target = target_of(&state.store.snapshot(next.id).await?.system, &state.dir, &scope)?;
    match Driver::new(state.store, target, scope, holder).run().await {
        Ok(()) | Err(DriveError::Lease(LeaseError::Held { .. })) => Ok(Exit::Done),
        Err(error) => Err(error.into()),
    }
}

/// Published ports are open to the network, as they are with Docker and Compose.
const PUBLISHED_ON: IpAddr = IpAddr::V4(Ipv4Addr::UNSPECIFIED);

/// The platform that the releases of a scope go to. Nothing is started or asked yet.
pub fn target_of(system: &System, state_dir: &Path, scope: &Scope) -> anyhow::Result<Platform> {
    let prometheus = system.monitoring.prometheus.clone();
    match &system.target {
        TargetKind::Local(local) => {
            Ok(Platform::Local(Local::new(state_dir, this_program()?, scope.clone(), local.bind)))
        }
        TargetKind::Kubernetes(target) => {
            let vault = Some(Vault::open(&Place::of(state_dir)?)?);
            let config = KubernetesConfig { scope: scope.clone(), target: target.clone(), vault, prometheus };
            Ok(Platform::Kubernetes(Kubernetes::new(config)))
        }
        TargetKind::Docker(target) => {
            let hosts = hosts::read(target).map_err(anyhow::Error::msg)?;
            Ok(Platform::Docker(Docker::new(DockerConfig {
                state_dir: state_dir.to_owned(),
                program: this_program()?,
                scope: scope.clone(),
                bind: PUBLISHED_ON,
                hosts,
                ssh: "ssh".into(),
            })))
        }
        TargetKind::Ecs(_) | TargetKind::EcsExpress(_) | TargetKind::AppRunner(_) => {
            bail!("this version does not release to `{}` yet", system.target.as_str())
        }
    }
}

/// Sees to it that some driver is at work on the scope: the one that is, or a new one in the background.
pub async fn ensure(state: &State, scope: &Scope) -> anyhow::Result<()> {
    if is_driven(&state.store, scope).await? {
        return Ok(());
    }
    let log_path = state.dir.join(LOG_NAME);
    if std::fs::metadata(&log_path).is_ok_and(|it| LOG_LEN_MAX < it.len()) {
        std::fs::rename(&log_path, state.dir.join(OLD_LOG_NAME))
            .context("cannot set the driver's log aside")?;
    }
    let log = std::fs::OpenOptions::new().create(true).append(true).open(&log_path);
    let log = log.with_context(|| format!("cannot write {}", log_path.display()))?;
    let mut command = tokio::process::Command::new(this_program()?);
    command
        .args(["drive", scope.system.as_str(), scope.environment.as_str()])
        .arg("--state")
        .arg(&state.dir)
        .args(["--color", "never", "-v"])
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("cannot write the driver's log")?)
        .stderr(log)
        // In a group of its own, so that Ctrl-C on the terminal ends the watching and not the release.
        .process_group(0);
    command.spawn().context("cannot start a driver in the background")?;
    Ok(())
}

pub async fn is_driven(store: &Store, scope: &Scope) -> anyhow::Result<bool> {
    Ok(store.holder(scope).await?.is_some())
}

/// The end of what drivers have logged.
pub fn last_words(state: &State) -> String {
    let log = std::fs::read_to_string(state.dir.join(LOG_NAME)).unwrap_or_default();
    let lines: Vec<&str> = log.lines().collect();
    lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n")
}

/// Ends the driver that is at work on a scope, if there is one. The release stands still where it is.
pub async fn end(store: &Store, scope: &Scope) -> anyhow::Result<()> {
    let Some(holder) = store.holder(scope).await? else { return Ok(()) };
    let pid = i32::try_from(holder.pid).ok().and_then(rustix::process::Pid::from_raw);
    let pid = pid.context("the driver's process id does not read")?;
    // A journal that is written before anything is done needs no gentle end.
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).context("cannot end the driver")?;
    while holder.is_alive() {
        tokio::time::sleep(END_LOOK_EVERY).await;
    }
    Ok(())
}

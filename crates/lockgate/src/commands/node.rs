//! `node`: the supervisor of this machine's instances.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Context as _, bail};
use lockgate_node::{
    Credentials, KeepInstances, Keyring, NodeClient, NodeConfig, NodeError, NodeStatus, Place,
};

use super::drive;
use crate::args::{Format, Global, NodeCommand};
use crate::exit::Exit;
use crate::out::{Out, style};
use crate::running;
use crate::state::{self, State};
use crate::ui::table;

/// What Docker's own configuration says of a registry. Whoever it does not know pulls as a stranger.
fn keyring() -> Keyring {
    Keyring::new(|host| {
        let config = lockgate_images::Config::from_env(|name| std::env::var_os(name));
        match config.credentials(host) {
            Ok(found) => found.map(|it| Credentials { user: it.user, password: it.password }),
            Err(error) => {
                tracing::warn!(
                    host,
                    error = lockgate_model::with_causes(&error),
                    "no credentials for a registry"
                );
                None
            }
        }
    })
}

pub async fn node(global: &Global, command: &NodeCommand, out: Out) -> anyhow::Result<ExitCode> {
    match command {
        NodeCommand::Run { metrics } => {
            let state_dir = state::dir(global)?;
            let program = this_program()?;
            lockgate_node::run(NodeConfig {
                state_dir,
                program,
                metrics_addr: *metrics,
                docker: lockgate_node::usual_docker(),
                keyring: keyring(),
            })
            .await?;
            Ok(Exit::Done.into())
        }
        NodeCommand::Status => Ok(status(&state::dir(global)?, out).await?.into()),
        NodeCommand::Stop { keep_instances, force } => {
            let instances = if *keep_instances { KeepInstances::Yes } else { KeepInstances::No };
            end_releases(&State::open(global, out).await?, *force).await?;
            Ok(stop(&state::dir(global)?, instances, out).await?.into())
        }
        NodeCommand::Up => {
            let dir = state::dir(global)?;
            lockgate_node::start_node(&dir, &this_program()?).await?;
            out.data(&Place::of(&dir)?.socket()?.display().to_string());
            Ok(Exit::Done.into())
        }
        NodeCommand::Job { dir } => Ok(lockgate_node::job_main(dir)),
        NodeCommand::SqlxMigrate { source } => {
            Ok(crate::sqlx_migrate::run(source, std::env::var("DATABASE_URL").ok(), out).await)
        }
    }
}

pub fn this_program() -> anyhow::Result<PathBuf> {
    std::env::current_exe().context("cannot find the path of this program")
}

/// A release under way would start the node again, so it must end first: by itself, or where it stands.
async fn end_releases(state: &State, force: bool) -> anyhow::Result<()> {
    for scope in state.store.scopes().await? {
        let Some(release) = state.store.next(&scope).await? else { continue };
        if !drive::is_driven(&state.store, &scope).await? {
            continue;
        }
        if !force {
            let environment = &scope.environment;
            bail!(
                "{} of {scope} is under way; wait for it (`lockgate watch {environment}`), take it back \
                 (`lockgate abort {environment}`), or stop it where it stands with --force",
                release.id
            );
        }
        drive::end(&state.store, &scope).await?;
        state.out.note(&format!("{} of {scope} stands still; `lockgate watch` makes it go on", release.id));
    }
    Ok(())
}

async fn stop(state_dir: &std::path::Path, instances: KeepInstances, out: Out) -> anyhow::Result<Exit> {
    match NodeClient::connect(state_dir).await {
        Ok(client) => client.stop(instances).await?,
        Err(NodeError::NotRunning { .. }) => {
            out.note("no node runs here");
            return Ok(Exit::Done);
        }
        Err(other) => return Err(other.into()),
    }
    out.note("the node has stopped");
    Ok(Exit::Done)
}

async fn status(state_dir: &std::path::Path, out: Out) -> anyhow::Result<Exit> {
    let status = NodeClient::connect(state_dir).await?.status().await?;
    match out.format {
        Format::Json => out.json(&status),
        Format::Human => human(&status, out),
    }
    Ok(Exit::Done)
}

fn human(status: &NodeStatus, out: Out) {
    out.data(&format!("node {} (process {})", style::paint(style::STRONG, &status.node_id), status.pid));
    let mut rows =
        table::new(["environment", "slot", "version", "weight", "instances", "crashes", "listens on"]);
    for slot in &status.slots {
        let instances: Vec<String> = slot.instances.iter().map(running::instance).collect();
        rows.add_row([
            slot.scope.to_string(),
            slot.slot.to_string(),
            slot.version.to_string(),
            slot.weight.to_string(),
            instances.join("\n"),
            slot.crashes.to_string(),
            slot.listens.join("\n"),
        ]);
    }
    out.data(&rows.to_string());
    for note in &status.notes {
        out.data(&format!("note: {note}"));
    }
}

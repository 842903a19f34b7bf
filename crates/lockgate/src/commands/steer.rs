//! Steering a release that runs: abort, pause, resume, promote, resolve.
//!
//! An order is a row in the store. The driver answers it; where none runs, one is started to do so.

use std::io::{BufRead as _, IsTerminal as _};
use std::time::Duration;

use anyhow::{Context as _, bail};
use lockgate_driver::store::{Command, ReleaseRow, ReleaseState};
use lockgate_model::EnvironmentName;

use super::drive;
use crate::args::{AbortArgs, Format, Global, Resolution, ResolveArgs};
use crate::exit::Exit;
use crate::out::Out;
use crate::state::State;
use crate::ui::words;

/// A driver answers within one look at the store, a fraction of a second.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
const LOOK_EVERY: Duration = Duration::from_millis(50);

pub async fn abort(global: &Global, args: &AbortArgs, out: Out) -> anyhow::Result<Exit> {
    let steering = Steering::of(global, args.environment.as_ref(), out).await?;
    if !args.yes && !steering.confirm("abort")? {
        bail!("nothing was aborted");
    }
    let order = Command::Abort { reason: args.reason.clone() };
    steering.give(&order, "it is being taken back; follow it with `lockgate watch`").await
}

pub async fn pause(global: &Global, environment: Option<&EnvironmentName>, out: Out) -> anyhow::Result<Exit> {
    let steering = Steering::of(global, environment, out).await?;
    steering.give(&Command::Pause, "it holds at the next stage; `lockgate resume` lets it go on").await
}

pub async fn resume(
    global: &Global,
    environment: Option<&EnvironmentName>,
    out: Out,
) -> anyhow::Result<Exit> {
    let steering = Steering::of(global, environment, out).await?;
    steering.give(&Command::Resume, "it goes on").await
}

pub async fn promote(
    global: &Global,
    environment: Option<&EnvironmentName>,
    out: Out,
) -> anyhow::Result<Exit> {
    let steering = Steering::of(global, environment, out).await?;
    steering.give(&Command::Promote, "the gate is passed").await
}

pub async fn resolve(global: &Global, args: &ResolveArgs, out: Out) -> anyhow::Result<Exit> {
    let steering = Steering::of(global, Some(&args.environment), out).await?;
    let succeeded = args.outcome == Resolution::Succeeded;
    steering.give(&Command::Resolve { key: args.key.clone(), succeeded }, "noted; the release goes on").await
}

/// One release that runs, and the way to its driver.
struct Steering {
    state: State,
    release: ReleaseRow,
}

impl Steering {
    async fn of(
        global: &Global,
        environment: Option<&EnvironmentName>,
        out: Out,
    ) -> anyhow::Result<Steering> {
        let state = State::open(global, out).await?;
        let scope = state.scope(environment).await?;
        state.refuse_half_adopted(&scope).await?;
        let release = state.store.next(&scope).await?.with_context(|| {
            format!(
                "no release of {scope} runs; `lockgate history {}` lists those that did",
                scope.environment
            )
        })?;
        Ok(Steering { state, release })
    }

    /// Asks on a terminal; without one there is nobody to ask and `--yes` must say it.
    fn confirm(&self, verb: &str) -> anyhow::Result<bool> {
        if !std::io::stdin().is_terminal() {
            bail!("there is no terminal to ask on; add --yes to {verb} {}", self.release.id);
        }
        let ReleaseRow { id, version, scope, .. } = &self.release;
        self.state.out.warn(&format!("{verb} {id} ({scope}, version {version})? [y/N]"));
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).context("cannot read the answer")?;
        Ok(matches!(answer.trim(), "y" | "yes"))
    }

    async fn give(&self, order: &Command, done: &str) -> anyhow::Result<Exit> {
        let id = self.state.store.command(self.release.id, order, &who(), words::now()).await?;
        drive::ensure(&self.state, &self.release.scope).await?;
        let answer = tokio::time::timeout(ANSWER_WITHIN, self.answer(id)).await;
        let answer = answer.with_context(|| {
            format!(
                "no driver answered within {} s; see driver.log in the state folder",
                ANSWER_WITHIN.as_secs()
            )
        })??;
        if let Err(reason) = answer {
            bail!("{} refuses: {reason}", self.release.id);
        }
        match self.state.out.format {
            Format::Human => self.state.out.note(&format!("{}: {done}", self.release.id)),
            Format::Json => {
                self.state.out.json(&serde_json::json!({"release": self.release.id, "accepted": true}));
            }
        }
        Ok(Exit::Done)
    }

    async fn answer(&self, id: i64) -> anyhow::Result<Result<(), String>> {
        loop {
            if let Some(answer) = self.state.store.answer_of(id).await? {
                return Ok(answer);
            }
            if self.state.store.release(self.release.id).await?.state == ReleaseState::Ended {
                return Ok(Err("it has ended already".to_owned()));
            }
            tokio::time::sleep(LOOK_EVERY).await;
        }
    }
}

/// Who gives an order, for the record.
pub fn who() -> String {
    ["USER", "LOGNAME"]
        .iter()
        .find_map(|it| std::env::var(it).ok())
        .unwrap_or_else(|| "an operator".to_owned())
}

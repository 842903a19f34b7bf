//! Follows one release to its end: a picture that is redrawn, lines, or JSON.

use std::io::Stderr;
use std::time::{Duration, Instant};

use lockgate_driver::store::{ReleaseRow, ReleaseState};
use lockgate_driver::{Ending, ending, record};
use lockgate_engine::{End, Entry, Phase, Plan, Release, Status};
use lockgate_model::{ReleaseId, Timestamp};
use lockgate_node::{NodeClient, Request, Response};

use super::block::{Block, Line};
use super::picture::{NOTHING_TO_DO, picture};
use super::rates::Rates;
use super::view::Tone;
use super::{can_redraw, facts, size, words};
use crate::args::Format;
use crate::commands::drive;
use crate::commands::history::{of_ending, outcome};
use crate::exit::Exit;
use crate::out::style;
use crate::state::State;

const FRAME_EVERY: Duration = Duration::from_millis(150);
/// A driver that was started takes the lease well within this.
const RESTART_EVERY: Duration = Duration::from_secs(1);
/// Drivers that end without a word in the journal before the watching is given up.
const RESTARTS_MAX: u32 = 10;

/// Remarks that somebody else adds to the picture, such as the demo its traffic.
pub struct Extra(Box<dyn Fn() -> Vec<(Tone, String)> + Send + Sync>);

impl Extra {
    pub fn none() -> Extra {
        Extra(Box::new(Vec::new))
    }

    pub fn new(remarks: impl Fn() -> Vec<(Tone, String)> + Send + Sync + 'static) -> Extra {
        Extra(Box::new(remarks))
    }
}

/// Follows a release until it has ended, or until Ctrl-C, which ends the watching and not the release.
pub async fn follow(state: &State, id: ReleaseId, extra: &Extra) -> anyhow::Result<Exit> {
    let mut follower = Follower::new(state, id, extra);
    tokio::select! {
        exit = follower.watch() => exit,
        _ = tokio::signal::ctrl_c() => {
            let environment = state.store.release(id).await?.scope.environment;
            state.out.note(&format!("\n{id} goes on by itself; `lockgate watch {environment}` shows it again"));
            Ok(Exit::Waiting)
        }
    }
}

struct Follower<'a> {
    state: &'a State,
    id: ReleaseId,
    extra: &'a Extra,
    release: Option<Release>,
    rates: Rates,
    /// Where rates are read, once it has answered.
    node: Option<NodeClient>,
    show: Show,
    /// Drivers that were started since the journal last grew, and when the last one was.
    started: u32,
    started_at: Option<Instant>,
}

enum Show {
    Picture(Block<Stderr>),
    Lines,
    Json,
}

impl<'a> Follower<'a> {
    fn new(state: &'a State, id: ReleaseId, extra: &'a Extra) -> Follower<'a> {
        let show = match state.out.format {
            Format::Json => Show::Json,
            Format::Human if can_redraw() => Show::Picture(Block::new(std::io::stderr())),
            Format::Human => Show::Lines,
        };
        Follower {
            state,
            id,
            extra,
            release: None,
            rates: Rates::default(),
            node: None,
            show,
            started: 0,
            started_at: None,
        }
    }

    async fn watch(&mut self) -> anyhow::Result<Exit> {
        loop {
            let row = self.state.store.release(self.id).await?;
            self.catch_up().await?;
            if matches!(row.state, ReleaseState::Ended | ReleaseState::Superseded) {
                self.frame(words::now())?;
                return Ok(self.ended(&row));
            }
            self.see_to_it(&row).await?;
            self.look_at_traffic().await;
            self.frame(words::now())?;
            if let Some(exit) = self.given_up() {
                return Ok(exit);
            }
            tokio::time::sleep(FRAME_EVERY).await;
        }
    }

    /// Takes what was journalled since the last look.
    async fn catch_up(&mut self) -> anyhow::Result<()> {
        if self.release.is_none() {
            self.release = self.state.store.plan::<Plan>(self.id).await?.map(Release::new);
        }
        let Some(release) = &mut self.release else { return Ok(()) };
        let entries = record::follow(&self.state.store, self.id, release).await?;
        if !entries.is_empty() {
            self.started = 0;
        }
        for entry in &entries {
            self.tell(entry);
        }
        Ok(())
    }

    /// Starts a driver where none is at work; one that ends again and again has something to say.
    async fn see_to_it(&mut self, row: &ReleaseRow) -> anyhow::Result<()> {
        let just_started = self.started_at.is_some_and(|it| it.elapsed() < RESTART_EVERY);
        if just_started || drive::is_driven(&self.state.store, &row.scope).await? {
            return Ok(());
        }
        if RESTARTS_MAX <= self.started {
            anyhow::bail!(
                "no driver stays at work on {}; the last one said:\n{}",
                self.id,
                drive::last_words(self.state)
            );
        }
        drive::ensure(self.state, &row.scope).await?;
        (self.started, self.started_at) = (self.started + 1, Some(Instant::now()));
        Ok(())
    }

    fn tell(&self, entry: &Entry) {
        let Some(release) = &self.release else { return };
        match self.show {
            Show::Picture(_) => (),
            Show::Json => self.state.out.json_line(&serde_json::json!({
                "release": self.id, "seq": entry.seq, "at": entry.at, "event": entry.event,
            })),
            Show::Lines => {
                if let Some(text) = facts::tell(release, entry) {
                    self.state.out.note(&format!("{}  {text}", words::clock(entry.at)));
                }
            }
        }
    }

    /// Rates come from the data plane itself; without it the picture is drawn without them.
    async fn look_at_traffic(&mut self) {
        let Some(release) = self.release.as_ref().filter(|_| matches!(self.show, Show::Picture(_))) else {
            return;
        };
        let status = release.status(words::now());
        let services: Vec<_> = status.services.into_keys().collect();
        if self.node.is_none() {
            self.node = NodeClient::connect(&self.state.dir).await.ok();
        }
        let Some(node) = &self.node else { return };
        let request = Request::Samples { scope: status.scope, services };
        match node.call(&request).await {
            Ok(Response::Samples(samples)) => self.rates.read(words::now(), samples),
            _ => self.node = None,
        }
    }

    fn frame(&mut self, now: Timestamp) -> anyhow::Result<()> {
        let Show::Picture(block) = &mut self.show else { return Ok(()) };
        let lines = match &self.release {
            Some(release) => {
                let mut view = picture(release.plan(), &release.status(now), &self.rates, now);
                view.remarks.extend((self.extra.0)());
                view.fit(usize::from(size().0)).lines(size())
            }
            None => vec![Line::new().plain(format!("{} is being planned, or waits for its turn", self.id))],
        };
        block.draw(&lines, size())?;
        Ok(())
    }

    /// Whether only somebody else can make it go on, and nobody is looking at this terminal.
    fn given_up(&self) -> Option<Exit> {
        if matches!(self.show, Show::Picture(_)) {
            return None;
        }
        let status: Status = self.release.as_ref()?.status(words::now());
        if matches!(status.phase, Phase::Paused { .. }) {
            return None;
        }
        let waiting = status.waiting.iter().find(|it| it.command.is_some())?;
        let command = waiting.command.as_deref().unwrap_or_default();
        self.state.out.warn(&format!("waits for {}\n  {command}", waiting.for_what));
        Some(if command.starts_with("lockgate resolve") { Exit::NeedsOperator } else { Exit::Waiting })
    }

    fn ended(&self, row: &ReleaseRow) -> Exit {
        let out = self.state.out;
        let ending = ending(row);
        let (exit, tone) = match &ending {
            Some(Ending::Engine(End::Done { .. })) => (Exit::Done, style::GOOD),
            Some(Ending::Engine(End::RolledBack { .. } | End::Cancelled { .. })) => {
                (Exit::RolledBack, style::BAD)
            }
            Some(Ending::Engine(End::Stuck { .. })) => (Exit::Stuck, style::BAD),
            Some(Ending::NotPlanned { .. } | Ending::Quarantined { .. }) | None => (Exit::Failed, style::BAD),
        };
        match &self.show {
            Show::Json => {
                let status = self.release.as_ref().map(|it| it.status(words::now()));
                out.json_line(
                    &serde_json::json!({"release": self.id, "outcome": row.outcome, "status": status}),
                );
            }
            // The last frame says it already.
            Show::Picture(_) if self.release.is_some() => (),
            Show::Picture(_) | Show::Lines => {
                let nothing_to_do = self.release.as_ref().is_some_and(|it| it.plan().stages.is_empty());
                let text = match &ending {
                    Some(Ending::Engine(End::Done { .. })) if nothing_to_do => NOTHING_TO_DO.to_owned(),
                    Some(ending) => of_ending(ending),
                    None => outcome(row),
                };
                let text = format!("{} {}: {text}", row.id, row.version);
                out.warn(&style::paint(tone, text));
            }
        }
        exit
    }
}

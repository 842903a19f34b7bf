//! The two-minute tour: a good version and a bad one, released under live traffic on this machine.

mod spec;
mod table;

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use anyhow::Context as _;
use lockgate_driver::record;
use lockgate_driver::store::{NewRelease, ReleaseKind};
use lockgate_model::{Millis, grouped};
use lockgate_node::{KeepInstances, NodeClient};
use lockgate_sample::load::{Load, LoadHandle, LoadReport, Rate};

use crate::args::{Color, DemoArgs, FormatName, Global};
use crate::commands::{deploy, drive, node::this_program};
use crate::exit::Exit;
use crate::images::Effort;
use crate::out::{Out, style};
use crate::prepare::{Asked, Freezes, Prepared, prepare};
use crate::state::State;
use crate::ui::live::{self, Extra};
use crate::ui::view::Tone;
use crate::ui::words;
use spec::{Ports, Version};
use table::Row;

/// Requests per second over both services. Two cores carry it beside the release.
const RATE: f64 = 800.0;
const CONNECTIONS: usize = 24;
const BAD_SHARE: &str = "0.02";

pub async fn run(args: &DemoArgs, out: Out) -> anyhow::Result<Exit> {
    let folder =
        tempfile::Builder::new().prefix("lockgate-demo-").tempdir().context("cannot make a folder")?;
    let demo = Demo::new(folder.path(), out).await?;
    let told = tokio::select! {
        // The release that is being watched hears Ctrl-C too, and has nothing to say about it here.
        biased;
        _ = tokio::signal::ctrl_c() => {
            out.note("\nended early");
            Ok(Exit::Waiting)
        }
        told = demo.tell() => told,
    };
    // Driver and instances end with the demo, whatever it came to.
    for scope in demo.state.store.scopes().await? {
        drive::end(&demo.state.store, &scope).await?;
    }
    if let Ok(node) = NodeClient::connect(&demo.state.dir).await {
        node.stop(KeepInstances::No).await.context("cannot stop the demo's node")?;
    }
    if args.keep {
        let kept = folder.keep();
        out.note(&format!("\nkept: {}", kept.display()));
    }
    told
}

struct Demo {
    out: Out,
    folder: PathBuf,
    program: PathBuf,
    ports: Ports,
    state: State,
    load: Arc<Mutex<Option<LoadHandle>>>,
}

impl Demo {
    async fn new(folder: &Path, out: Out) -> anyhow::Result<Demo> {
        let state = State::open_dir(&folder.join(".lockgate"), out).await?;
        let ports = Ports { shop: free_port()?, stock: free_port()? };
        let (folder, program) = (folder.to_owned(), this_program()?);
        Ok(Demo { out, folder, program, ports, state, load: Arc::default() })
    }

    async fn tell(&self) -> anyhow::Result<Exit> {
        let Ports { shop, stock } = self.ports;
        self.say("A small system on this machine: `shop` and `stock`, two instances each, behind Lockgate's proxy.");
        self.say(&format!("shop: http://127.0.0.1:{shop}   stock: http://127.0.0.1:{stock}"));
        let mut rows = vec![];

        self.chapter("v1, the first version: nothing to compare it with");
        rows.push(self.release("v1", Version::Good).await?);

        self.chapter(&format!("v2, a good version, under {RATE} requests a second"));
        self.start_load()?;
        rows.push(self.release("v2", Version::Good).await?);

        self.chapter("v3, a bad version: `shop` fails 2 % of its requests");
        rows.push(self.release("v3", Version::Failing(BAD_SHARE)).await?);

        let load = self.load.lock().unwrap_or_else(PoisonError::into_inner).take();
        let report = match load {
            Some(load) => load.stop().await,
            None => LoadReport::default(),
        };
        table::show(&rows, &report, self.out);
        let as_told = report.lost() == 0
            && rows.iter().map(|it| it.exit).eq([Exit::Done, Exit::Done, Exit::RolledBack]);
        Ok(if as_told { Exit::Done } else { Exit::Failed })
    }

    async fn release(&self, version: &str, kind: Version) -> anyhow::Result<Row> {
        let path = self.folder.join("lockgate.yaml");
        std::fs::write(&path, spec::text(&self.program, self.ports, kind))
            .context("cannot write the spec")?;
        self.say(&style::paint(style::DIM, format!("$ lockgate deploy local --version {version}\n")));
        let global = Global {
            file: Some(path),
            state: Some(self.state.dir.clone()),
            format: FormatName::Human,
            color: Color::Auto,
            quiet: false,
            verbose: 0,
        };
        let version = lockgate_model::Version::new(version).expect("it is a version");
        let asked = Asked {
            environment: None,
            version: Some(&version),
            commit: None,
            images: &[],
            effort: Effort::Look,
            freezes: Freezes::Tell,
        };
        let Prepared { scope, snapshot, .. } = prepare(&global, &asked, self.out).await?;
        let new = NewRelease { scope, kind: ReleaseKind::Deploy, snapshot, by: "the demo".to_owned() };

        let before = self.report();
        let id = deploy::request(&self.state, new).await?;
        let exit = live::follow(&self.state, id, &self.traffic()).await?;
        let release = record::load(&self.state.store, id).await?.context("the release left no record")?;
        let status = release.status(words::now());
        let took = status.started_at.map_or(Millis::ZERO, |it| status.ended_at.unwrap_or(it).since(it));
        Ok(Row {
            version: version.to_string(),
            exit,
            took,
            verdict: table::time_to_verdict(&self.state, id).await?,
            before,
            after: self.report(),
        })
    }

    fn start_load(&self) -> anyhow::Result<()> {
        let target = |port| format!("http://127.0.0.1:{port}/work");
        let targets = vec![target(self.ports.shop), target(self.ports.stock)];
        let load = Load { targets, connections: CONNECTIONS, rate: Rate::PerSecond(RATE), ..Load::on("") };
        let handle = load.start().context("cannot send traffic")?;
        *self.load.lock().unwrap_or_else(PoisonError::into_inner) = Some(handle);
        Ok(())
    }

    fn report(&self) -> LoadReport {
        report(&self.load)
    }

    /// A line about the traffic, under the picture of the release.
    fn traffic(&self) -> Extra {
        let load = Arc::clone(&self.load);
        Extra::new(move || {
            let report = report(&load);
            if report.requests == 0 {
                return vec![];
            }
            let (sent, lost) = (grouped(report.requests), report.lost());
            let tone = if lost == 0 { Tone::Good } else { Tone::Bad };
            vec![(tone, format!("traffic: {sent} requests sent, {lost} lost on the way"))]
        })
    }

    fn say(&self, text: &str) {
        self.out.note(text);
    }

    fn chapter(&self, title: &str) {
        self.out.note(&format!("\n{}", style::paint(style::STRONG, title)));
    }
}

fn report(load: &Mutex<Option<LoadHandle>>) -> LoadReport {
    let load = load.lock().unwrap_or_else(PoisonError::into_inner);
    load.as_ref().map(LoadHandle::snapshot).unwrap_or_default()
}

/// A port that is free now; the demo's services listen on it a moment later.
fn free_port() -> anyhow::Result<u16> {
    let listener = TcpListener::bind(("127.0.0.1", 0)).context("no port is free")?;
    Ok(listener.local_addr().context("no port is free")?.port())
}

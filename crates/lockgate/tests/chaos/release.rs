//! One release with its faults, from the command to the end of it.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use lockgate_testbed::Said;
use serde_json::Value;

use crate::faults::{Fault, Strike};
use crate::platform::Platform;
use crate::processes;
use crate::shop::ENVIRONMENT;
use crate::told::{Ended, Heard, Told};

/// The longest that one may take, with all that is broken in it.
const LIMIT: Duration = Duration::from_mins(5);
/// Commands that may end before their release does.
const GIVEN_UP_MAX: usize = 3;
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// What came of a release.
pub(crate) struct Course {
    /// Its row in `history`.
    pub(crate) row: Value,
    /// Of the command that saw its end; `None` when that was killed just then.
    pub(crate) code: Option<i32>,
    pub(crate) facts: usize,
    pub(crate) took: Duration,
    /// The faults that came before its end.
    pub(crate) struck: Vec<Fault>,
    pub(crate) problems: Vec<String>,
}

#[derive(Clone, Copy)]
enum Stage {
    Waits,
    Due(Instant),
    Broken(Instant),
    Over,
}

struct Running<'p, P> {
    platform: &'p mut P,
    version: String,
    images: Vec<String>,
    begun: Instant,
    told: Told,
    /// Whether it is dead because we killed it.
    killed: bool,
    facts: BTreeSet<u64>,
    strikes: Vec<(Strike, Stage)>,
    struck: Vec<Fault>,
    problems: Vec<String>,
}

pub(crate) fn carry_out<P: Platform>(
    platform: &mut P,
    version: &str,
    image: &str,
    strikes: &[Strike],
) -> Course {
    let images = ["web", "api"].map(|it| format!("--image={it}={image}")).to_vec();
    let told = deploy(platform, version, &images);
    let mut running = Running {
        platform,
        version: version.to_owned(),
        images,
        begun: Instant::now(),
        told,
        killed: false,
        facts: BTreeSet::new(),
        strikes: strikes.iter().map(|it| (*it, Stage::Waits)).collect(),
        struck: vec![],
        problems: vec![],
    };
    let (row, code) = running.follow();
    let took = running.begun.elapsed();
    running.mend_all();
    let Running { facts, struck, problems, .. } = running;
    Course { row, code, facts: facts.len(), took, struck, problems }
}

fn deploy<P: Platform>(platform: &P, version: &str, images: &[String]) -> Told {
    let mut command =
        platform.folder().command(&["deploy", ENVIRONMENT, "--version", version, "--format", "json"]);
    command.args(images);
    Told::start(command)
}

impl<P: Platform> Running<'_, P> {
    fn follow(&mut self) -> (Value, Option<i32>) {
        loop {
            match self.told.hear(LOOK_EVERY) {
                Heard::Fact(seq) => drop(self.facts.insert(seq)),
                Heard::Nothing => (),
                Heard::End => {
                    let (row, code) = self.command_ended();
                    if row["ended_at"].is_u64() || GIVEN_UP_MAX <= self.problems.len() {
                        return (row, code);
                    }
                }
            }
            self.go_on_with_strikes();
            if LIMIT < self.begun.elapsed() {
                self.told.kill();
                self.problems.push(format!("it has not ended after {} s", LIMIT.as_secs()));
                return (self.row(), None);
            }
        }
    }

    /// Its release, as `history` knows it; nothing if it was never asked for.
    fn row(&self) -> Value {
        let said = self.platform.folder().run(&["history", ENVIRONMENT, "--limit", "3", "--format", "json"]);
        let rows: Value = serde_json::from_str(&said.stdout).unwrap_or_default();
        let rows = rows.as_array().cloned().unwrap_or_default();
        rows.into_iter().find(|it| it["version"] == *self.version).unwrap_or_default()
    }

    /// Looks at what it came to, and has somebody follow the release further if that has not ended.
    fn command_ended(&mut self) -> (Value, Option<i32>) {
        let row = self.row();
        let next = match row.is_null() {
            true => deploy(self.platform, &self.version, &self.images),
            false if row["ended_at"].is_u64() => self.idle(),
            false => self.watch(),
        };
        let Ended { code, warnings } = std::mem::replace(&mut self.told, next).end();
        if std::mem::take(&mut self.killed) || row["ended_at"].is_u64() {
            return (row, code);
        }
        println!("    a command ended with {code:?} before the release: {}", warnings.trim());
        if let Some((_, order)) = warnings.split_once("lockgate resolve ") {
            self.resolve(order);
        } else {
            self.problems.push(format!("a command gave up with {code:?}: {}", warnings.trim()));
        }
        (row, code)
    }

    fn watch(&self) -> Told {
        Told::start(self.platform.folder().command(&["watch", ENVIRONMENT, "--format", "json"]))
    }

    /// Stands for a command when none is needed any more.
    fn idle(&self) -> Told {
        Told::start(self.platform.folder().command(&["--version"]))
    }

    /// What an operator finds out and says: whether the migration took effect.
    fn resolve(&self, order: &str) {
        let words: Vec<&str> = order.split_whitespace().collect();
        let [_, key, ..] = words[..] else { panic!("`lockgate resolve {order}` names no attempt") };
        let runs = self.platform.ledger().of(&self.version);
        let plain = key.replace('.', "-");
        let run = runs.iter().find(|it| it.0.replace('.', "-").ends_with(&plain));
        let how = if run.is_some_and(|it| 0 < it.1.ended) { "succeeded" } else { "failed" };
        let said: Said = self.platform.folder().run(&["resolve", ENVIRONMENT, key, how]);
        println!("    the operator says that {key} {how}: {:?} {}", said.code, said.stderr.trim());
    }

    fn go_on_with_strikes(&mut self) {
        let now = Instant::now();
        for idx in 0..self.strikes.len() {
            let (strike, stage) = self.strikes[idx];
            self.strikes[idx].1 = match stage {
                Stage::Waits if strike.after <= self.facts.len() => Stage::Due(now + strike.then),
                Stage::Due(at) if at <= now => {
                    self.strike(strike);
                    Stage::Broken(Instant::now() + strike.lasts)
                }
                Stage::Broken(until) if until <= now => {
                    self.mend(strike.fault);
                    Stage::Over
                }
                other => other,
            };
        }
    }

    fn strike(&mut self, strike: Strike) {
        let (at, fault) = (self.begun.elapsed().as_secs_f64(), strike.fault);
        println!(
            "    {at:.1} s, {} facts: {fault:?} for {:.1} s",
            self.facts.len(),
            strike.lasts.as_secs_f64()
        );
        match fault {
            Fault::Command => self.kill_command(),
            Fault::Driver => self.kill_driver(),
            Fault::CommandAndDriver => {
                self.kill_driver();
                self.kill_command();
            }
            other => self.platform.strike(other),
        }
        self.struck.push(fault);
    }

    fn kill_command(&mut self) {
        self.told.kill();
        self.killed = true;
    }

    fn kill_driver(&self) {
        let all = processes::of_folder(self.platform.folder().path());
        all.into_iter().filter(|it| is_driver(*it)).for_each(processes::kill);
    }

    fn mend(&mut self, fault: Fault) {
        if !matches!(fault, Fault::Command | Fault::Driver | Fault::CommandAndDriver) {
            println!("    {:.1} s: {fault:?} is mended", self.begun.elapsed().as_secs_f64());
            self.platform.mend(fault);
        }
    }

    fn mend_all(&mut self) {
        for (strike, stage) in std::mem::take(&mut self.strikes) {
            if matches!(stage, Stage::Broken(_)) {
                self.mend(strike.fault);
            }
        }
    }
}

pub(crate) fn is_driver(pid: u32) -> bool {
    processes::cmdline(pid).contains(&format!(" drive shop {ENVIRONMENT} "))
}

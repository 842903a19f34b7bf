//! What it costs to check a spec, to resolve it for each environment, and to plan a release of each: CPU time of this
//! process, after start. `bench/check/run` sets it beside what a peer needs for less.
#![expect(clippy::print_stdout, reason = "a benchmark tells what it measured")]

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Context as _, ensure};
use lockgate_engine::{Kind, Plan, Request};
use lockgate_model::{Observed, ReleaseId, Severity, Snapshot, Version};
use lockgate_spec::{Facts, Spec};

const ROUNDS: usize = 200;

fn main() -> anyhow::Result<()> {
    let path = std::env::var("LOCKGATE_BENCH_SPEC").unwrap_or_else(|_| {
        concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/nova/lockgate.yaml").to_owned()
    });
    let text = std::fs::read_to_string(&path).with_context(|| format!("cannot read {path}"))?;
    let version = Version::new("v1.2.3")?;
    // The first round is what a command pays: nothing is warm yet.
    let (first, plans) = measured(|| round(&text, &version))?;
    let mut times = (0..ROUNDS)
        .map(|_| Ok(measured(|| round(&text, &version))?.0))
        .collect::<anyhow::Result<Vec<_>>>()?;
    times.sort();
    let environments = plans.len();
    let stages: usize = plans.iter().map(|it| it.stages.len()).sum();
    println!("check, resolve and plan: {environments} environments, {stages} stages");
    println!("first_ms {:.3}", millis(first));
    println!("median_ms {:.3}", millis(times[ROUNDS / 2]));
    println!("p95_ms {:.3}", millis(times[ROUNDS * 95 / 100]));
    Ok(())
}

fn round(text: &str, version: &Version) -> anyhow::Result<Vec<Plan>> {
    let (spec, _) = Spec::parse("lockgate.yaml", text);
    let errors = spec.check().into_iter().filter(|it| it.severity == Severity::Error).count();
    ensure!(errors == 0, "the spec has {errors} errors");
    let facts = Facts { version: Some(version.clone()), ..Facts::default() };
    let plan = |environment| {
        let system = spec.resolve(&environment, &facts).0.context("the spec does not resolve")?;
        let files = BTreeMap::new();
        let snapshot = Snapshot { files, ..Snapshot::new(version.clone(), system) };
        let request = Request::new(ReleaseId(1), Kind::Deploy, snapshot);
        Ok(lockgate_engine::plan(&request, &Observed::default(), &BTreeMap::new())?)
    };
    spec.environments().into_iter().map(plan).collect()
}

/// CPU time of the process, so that what else the machine does counts for nothing.
fn measured<T>(work: impl FnOnce() -> anyhow::Result<T>) -> anyhow::Result<(Duration, T)> {
    let before = cpu()?;
    let done = work()?;
    Ok((cpu()?.saturating_sub(before), done))
}

fn cpu() -> anyhow::Result<Duration> {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Ok(Duration::new(u64::try_from(now.tv_sec)?, u32::try_from(now.tv_nsec)?))
}

fn millis(time: Duration) -> f64 {
    time.as_secs_f64() * 1e3
}

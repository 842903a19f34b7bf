//! What it costs to render a spec's artifacts once its environments are resolved: CPU time of this process, after
//! start. `bench/render` sets the whole command beside what peers need for a part of it.
#![expect(clippy::print_stdout, reason = "a benchmark tells what it measured")]

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::Context as _;
use lockgate_render::{Lock, Rendered, Request, Selection};
use lockgate_spec::{Facts, Spec};

const ROUNDS: usize = 100;
/// Those that run images; `local` has hardly an artifact.
const ENVIRONMENTS: [&str; 3] = ["dev", "staging", "prod"];

fn main() -> anyhow::Result<()> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/nova");
    let text = std::fs::read_to_string(format!("{folder}/lockgate.yaml")).context("the spec of nova")?;
    let lock = std::fs::read_to_string(format!("{folder}/lockgate.lock")).context("the lock of nova")?;
    let (spec, _) = Spec::parse("lockgate.yaml", &text);
    let environments = spec.environments().into_iter().filter(|it| ENVIRONMENTS.contains(&it.as_str()));
    let systems = environments.filter_map(|it| spec.resolve(&it, &Facts::default()).0).collect();
    let request = Request {
        systems,
        lock: Lock::parse(&lock)?,
        source: "lockgate.yaml".to_owned(),
        selection: Selection::default(),
        images: BTreeMap::new(),
        version: None,
    };
    // The first round is what a command pays: nothing is warm yet.
    let (first, rendered) = measured(&request)?;
    let mut times = (0..ROUNDS).map(|_| Ok(measured(&request)?.0)).collect::<anyhow::Result<Vec<_>>>()?;
    times.sort();
    println!("render: {} environments, {} files", request.systems.len(), rendered.artifacts.len());
    println!("first_ms {:.3}", first.as_secs_f64() * 1e3);
    println!("median_ms {:.3}", times[ROUNDS / 2].as_secs_f64() * 1e3);
    println!("p95_ms {:.3}", times[ROUNDS * 95 / 100].as_secs_f64() * 1e3);
    Ok(())
}

/// CPU time of the process, so that what else the machine does counts for nothing.
fn measured(request: &Request) -> anyhow::Result<(Duration, Rendered)> {
    let before = cpu()?;
    let rendered = lockgate_render::render(request).map_err(|problems| anyhow::anyhow!("{problems:?}"))?;
    Ok((cpu()?.saturating_sub(before), rendered))
}

fn cpu() -> anyhow::Result<Duration> {
    let now = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Ok(Duration::new(u64::try_from(now.tv_sec)?, u32::try_from(now.tv_nsec)?))
}

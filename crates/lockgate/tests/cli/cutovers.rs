//! Two hundred times all traffic of a service moves to another version: no request is lost.

use crate::world::{Traffic, World, free_port};

const SERVICES: usize = 10;
/// Each moves every service once.
const RELEASES: usize = 20;

#[test]
fn two_hundred_cutovers_lose_no_request() {
    let world = World::new();
    let ports: Vec<u16> = (0..SERVICES).map(|_| free_port()).collect();
    world.write_text(&spec(&ports));
    world.deploy("v0").ended(0);
    let traffic = Traffic::on(&ports, 300.0);
    for number in 1..=RELEASES {
        world.deploy(&format!("v{number}")).ended(0);
    }
    let report = traffic.stop_without_loss();
    assert_eq!(report.ok, report.requests, "{report:?}");
    let seen = (0..=RELEASES).filter(|it| 0 < report.answered_by(&format!("v{it}"))).count();
    assert_eq!(seen, RELEASES + 1, "every version has served: {report:?}");
    world.close();
}

/// A version is a label; each goes from nothing to all of the traffic at once.
fn spec(ports: &[u16]) -> String {
    let service = |(idx, port): (usize, &u16)| {
        format!("  s{idx}: {{port: {port}, env: {{LABEL: \"${{release.version}}\"}}}}\n")
    };
    let services: String = ports.iter().enumerate().map(service).collect();
    let program = env!("CARGO_BIN_EXE_lockgate");
    format!(
        "lockgate: v1
system: shop
defaults:
  command: [\"{program}\", sample]
  health: {{path: /health, interval: 100ms, timeout: 2s, ready_within: 20s}}
  stop: {{drain: 5s, grace: 2s}}
services:
{services}
rollout:
  strategy: canary
  steps: [{{weight: 100%}}]
  analysis: {{tick: 100ms, warmup: 0s, min_time: 0s, min_requests: 1}}
environments:
  local: {{target: local}}
"
    )
}

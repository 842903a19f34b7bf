//! The demo's system: two services of the same small program, with a knob that a version may turn.

use std::path::Path;

/// What differs between the demo's versions.
#[derive(Clone, Copy, Debug)]
pub enum Version {
    Good,
    /// The service `shop` fails this share of its requests.
    Failing(&'static str),
}

/// Ports of `shop` and `stock`.
#[derive(Clone, Copy, Debug)]
pub struct Ports {
    pub shop: u16,
    pub stock: u16,
}

/// The spec of one version, as its author would write it.
pub fn text(program: &Path, ports: Ports, version: Version) -> String {
    let Ports { shop, stock } = ports;
    // A JSON string is a YAML string, whatever is in the path.
    let program = serde_json::json!(program.to_string_lossy());
    let knob = match version {
        Version::Good => String::new(),
        Version::Failing(share) => format!(", SAMPLE_ERROR_RATE: \"{share}\""),
    };
    format!(
        "lockgate: v1
system: demo
defaults:
  command: [{program}, sample]
  replicas: 2
  health: {{path: /health, interval: 200ms}}
services:
  stock: {{port: {stock}, env: {{RELEASE: \"${{release.version}}\", SAMPLE_LATENCY_MS: \"2\"}}}}
  shop:
    port: {shop}
    depends_on: [stock]
    env: {{RELEASE: \"${{release.version}}\", SAMPLE_LATENCY_MS: \"4\"{knob}}}
smoke: [{{get: /health, service: shop}}]
slo:
  error_rate: {{objective: \"< 1%\", alert: \"> 5% for 1m\"}}
  latency_p95: {{objective: \"< 100ms\"}}
rollout:
  strategy: canary
  steps: [{{weight: 10%, pause: 1m}}, {{weight: 50%, pause: 1m}}, {{weight: 100%}}]
  bake: 3s
  analysis: {{tick: 500ms, warmup: 1s, min_time: 3s, min_requests: 300, margin: {{ratio: 1.25, abs: 0.005}}}}
environments:
  local: {{target: local}}
"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_demo_s_spec_is_clean() {
        for version in [Version::Good, Version::Failing("0.02")] {
            let text = text(Path::new("/opt/a \"b\"/lockgate"), Ports { shop: 8080, stock: 8081 }, version);
            let (spec, _) = lockgate_spec::Spec::parse("lockgate.yaml", &text);
            assert_eq!(spec.check(), []);
        }
    }
}

//! Lints of rollouts, alerts and environments: what they see, and the near misses that they leave alone.

mod environments;
mod observability;
mod rollout;

use lockgate_spec::Spec;

const WEB: &str = "services: {web: {port: 8080, command: [./web]}}";
const LOCAL: &str = "environments: {e: {target: local}}";
const NONE: [&str; 0] = [];

/// The findings with a code from this range on, each as its code and its message.
fn found(from: u16, to: u16, lines: &[&str]) -> Vec<String> {
    let text = format!("lockgate: v1\nsystem: shop\n{}\n", lines.join("\n"));
    let all = Spec::parse("lockgate.yaml", &text).0.check();
    let own = all.iter().filter(|it| (from..to).contains(&it.code.0));
    own.map(|it| format!("{} {}", it.code, it.message)).collect()
}

/// Some text of a finding is about what is meant here, whatever else it says.
fn has(all: &[String], text: &str) -> bool {
    all.iter().any(|it| it.contains(text))
}

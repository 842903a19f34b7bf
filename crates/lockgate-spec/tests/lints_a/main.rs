//! Lints of topology, configuration, releases and images: what they see, and the near misses that they leave alone.

mod addresses;
mod browser;
mod hosts;
mod images;
mod lifecycle;
mod release;
mod secrets;
mod topology;
mod variables;

use lockgate_model::Diagnostic;
use lockgate_spec::Spec;

const NONE: [&str; 0] = [];
const WEB: &str = "web: {port: 8080, command: [./web]}";
const LOCAL: &str = "local: {target: local}";

fn check(keys: &str, services: &str, environments: &str) -> Vec<Diagnostic> {
    let text = format!(
        "lockgate: v1\nsystem: shop\n{keys}\nservices: {{{services}}}\nenvironments: {{{environments}}}\n"
    );
    Spec::parse("lockgate.yaml", &text).0.check()
}

/// The findings, each as its code and its message.
fn lines(keys: &str, services: &str, environments: &str) -> Vec<String> {
    check(keys, services, environments).iter().map(|it| format!("{} {}", it.code, it.message)).collect()
}

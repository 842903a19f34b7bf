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

#[test]
fn what_is_compared_across_environments_can_be_decided_as_well() {
    let decided = |code: &str| format!("checks: {{{code}: {{level: off, reason: it is meant}}}}");
    let twice = "web: {command: [./web], env: {A: \"https://a.example\", B: \"https://a.example\"}}";
    assert_eq!(lines(&decided("LG210"), twice, LOCAL), NONE);
    let removed = "a: {target: local, services: {web: null}}";
    assert_eq!(lines(&decided("LG321"), &format!("{WEB}, b: {{command: [./b]}}"), removed), NONE);
    let keys = format!(
        "build: {{dockerfile: D, image: shop, args: {{A: \"${{environment.name}}\"}}}}\n{}",
        decided("LG327")
    );
    let promoted = "a: {target: {kubernetes: {}}}, b: {target: {kubernetes: {}}, promote: a}";
    assert_eq!(lines(&keys, "web: {}", promoted), NONE);
}

//! The examples of the reference page are specs without mistakes, and its defaults are those that hold.

use lockgate_model::EnvironmentName;
use lockgate_spec::{Facts, Spec};

const PAGE: &str = include_str!("../../../docs/reference/spec.md");

#[test]
fn every_example_of_the_reference_page_is_clean() {
    let examples: Vec<&str> =
        PAGE.split("```yaml\n").skip(1).map(|it| it.split("```").next().unwrap()).collect();
    assert!(2 < examples.len());
    for text in examples {
        let (spec, _) = Spec::parse("lockgate.yaml", text);
        assert_eq!(spec.check(), [], "{text}");
    }
}

/// What `explain` says for a key that nobody sets is what the resolved system has.
#[test]
fn built_in_values_are_those_of_the_resolved_system() {
    let text = "lockgate: v1\nsystem: shop\nservices: {web: {port: 8080, command: [./web]}}\n\
                migrations: {command: [./migrate], retry: {attempts: 2}}\n\
                smoke: [{get: /health}]\n\
                slo: {error_rate: {objective: \"< 1%\"}}\n\
                environments: {local: {target: local}}\n";
    let (spec, _) = Spec::parse("lockgate.yaml", text);
    let environment = EnvironmentName::new("local").unwrap();
    let (system, diagnostics) = spec.resolve(&environment, &Facts::default());
    let system = serde_json::to_value(system.unwrap_or_else(|| panic!("{diagnostics:#?}"))).unwrap();
    for (path, pointer) in [
        ("services.web.replicas", "/services/web/replicas"),
        ("services.web.ports.http.protocol", "/services/web/ports/http/protocol"),
        ("services.web.health.path", "/services/web/health/http/path"),
        ("services.web.health.port", "/services/web/health/http/port"),
        ("services.web.health.interval", "/services/web/health/http/interval"),
        ("services.web.health.timeout", "/services/web/health/http/timeout"),
        ("services.web.health.healthy_after", "/services/web/health/http/healthy_after"),
        ("services.web.health.unhealthy_after", "/services/web/health/http/unhealthy_after"),
        ("services.web.health.ready_within", "/services/web/health/http/ready_within"),
        ("services.web.stop.signal", "/services/web/stop/signal"),
        ("services.web.stop.drain", "/services/web/stop/drain"),
        ("services.web.stop.grace", "/services/web/stop/grace"),
        ("migrations.timeout", "/migrations/timeout"),
        ("migrations.compatible", "/migrations/compatible"),
        ("migrations.retry.initial", "/migrations/retry/initial"),
        ("migrations.retry.max", "/migrations/retry/max"),
        ("migrations.retry.factor", "/migrations/retry/factor"),
        ("slo.error_rate.severity", "/slo/error_rate/severity"),
        ("rollout.strategy", "/rollout/strategy"),
        ("rollout.bake", "/rollout/bake"),
        ("rollout.analysis.tick", "/rollout/analysis/tick"),
        ("rollout.analysis.alpha", "/rollout/analysis/alpha"),
        ("rollout.analysis.beta", "/rollout/analysis/beta"),
        ("rollout.analysis.tolerance", "/rollout/analysis/tolerance"),
        ("rollout.analysis.margin.ratio", "/rollout/analysis/margin_ratio"),
        ("rollout.analysis.warmup", "/rollout/analysis/warmup"),
        ("rollout.analysis.min_time", "/rollout/analysis/min_time"),
        ("rollout.analysis.min_requests", "/rollout/analysis/min_requests"),
        ("rollout.analysis.max_time", "/rollout/analysis/max_time"),
        ("rollout.analysis.promote_early", "/rollout/analysis/promote_early"),
        ("rollout.analysis.on_undecided", "/rollout/analysis/on_undecided"),
        ("target.local.bind", "/target/local/bind"),
    ] {
        let said = spec.explain(&environment, path).unwrap_or_else(|error| panic!("{path}: {error}")).value;
        let held = system.pointer(pointer).unwrap_or_else(|| panic!("{pointer}"));
        let milliseconds = said.parse::<lockgate_model::Millis>().map(|it| it.0.to_string());
        let held = held.as_str().map_or_else(|| held.to_string(), str::to_owned);
        assert!(held == said || milliseconds.is_ok_and(|it| it == held), "{path}: {said} is {held}");
    }
}

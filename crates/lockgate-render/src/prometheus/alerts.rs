//! Alerts: those of the spec to the letter, and those that nobody wrote and everybody needs.

use lockgate_model::{Amount, Comparison, Millis, Period, Threshold, Unit};

use super::dependencies;
use super::rule::{Proof, Rule, Severity};
use super::scrape::Source;
use super::series::{EVERY, Feed, Labels, Metric, Series, quoted};
use super::services::{self, Pick};
use crate::facts::{Alert, Environment, Measured, proper_name};
use crate::output::Output;

/// Time that something may be away before somebody is told.
const AWAY: Millis = Millis::mins(1);
const MISSING: Millis = Millis::mins(5);

pub(super) fn rules(environment: &Environment<'_>, sources: &[Source], output: &mut Output<'_>) -> Vec<Rule> {
    let mut rules: Vec<Rule> =
        environment.alerts.iter().filter_map(|it| written(environment, it, output)).collect();
    rules.extend(unwritten(environment, sources));
    rules
}

fn written(environment: &Environment<'_>, alert: &Alert<'_>, output: &mut Output<'_>) -> Option<Rule> {
    let period = alert.threshold.period;
    let rule = |expr: String, proof: Option<Proof>| Rule {
        name: alert.name.clone(),
        expr: format!("{expr} {}", comparison(alert.threshold)),
        lasting: match period {
            Some(Period::For(span)) => Some(span),
            Some(Period::In(_) | Period::Over(_)) | None => None,
        },
        severity: alert.severity.into(),
        summary: alert.summary.clone(),
        runbook: alert.runbook.map(str::to_owned),
        proof,
    };
    let series = match alert.measured {
        Measured::Query(query) => return Some(rule(format!("({query})"), None)),
        Measured::System(metric) => services::series(environment, metric, period, Pick::All),
        Measured::Dependency(name, metric) => dependencies::series(environment, name, metric, period),
    };
    let Some(series) = series else {
        unknown(environment, alert, output);
        return None;
    };
    let Series { expr, labels, feed } = series;
    let expr = if is_compound(&expr) { format!("({expr})") } else { expr };
    let window = match (period, alert.measured) {
        (Some(Period::In(span) | Period::Over(span)), _) => span,
        (_, Measured::Dependency(..)) => dependencies::window(environment),
        (_, Measured::System(_) | Measured::Query(_)) => services::window(environment),
    };
    let proof = proof(alert.threshold, labels, feed, window);
    Some(rule(expr, proof))
}

/// Does a comparison behind it need brackets around it?
fn is_compound(expr: &str) -> bool {
    expr.contains(" or ") || expr.contains(" / ") || expr.contains(" - ")
}

/// `= 0` is `== 0` in `PromQL`.
fn comparison(threshold: Threshold) -> String {
    let operator = match threshold.comparison {
        Comparison::Equal => "==",
        it => it.as_str(),
    };
    format!("{operator} {}", threshold.amount.value())
}

/// Nothing shows what the alert is about.
fn unknown(environment: &Environment<'_>, alert: &Alert<'_>, output: &mut Output<'_>) {
    let (name, place, origin) = (&alert.name, environment.name(), &alert.origin);
    match alert.measured {
        Measured::System("deploy_success" | "migration_duration") => output.note(format!(
            "`{origin}` is known to whoever releases and to no exporter: Prometheus has no alert `{name}` in `{place}`"
        )),
        Measured::System(_) if services::measured(environment).next().is_none() => output.note(format!(
            "no service shows metrics in `{place}`, so Prometheus has no alert `{name}` there; say where they are: `defaults: {{metrics: /metrics}}`"
        )),
        Measured::System(metric @ ("cpu" | "memory")) => output.note(format!(
            "no service has a limit of its {metric} in `{place}`, so Prometheus has no alert `{name}` there"
        )),
        Measured::System(metric) => output.problem(
            format!("no metric of a service stands behind `{metric}`, which `{origin}` is about"),
            "write an alert with a `query` instead".to_owned(),
        ),
        Measured::Dependency(dependency, metric) => {
            let kind = &environment.system.dependencies[dependency].kind;
            output.problem(
                format!("nothing shows `{metric}` of {kind}, which `{origin}` is about"),
                "write an alert with a `query` instead".to_owned(),
            );
        }
        Measured::Query(_) => {}
    }
}

/// Values on both sides of the threshold.
fn proof(threshold: Threshold, labels: Labels, feed: Feed, window: Millis) -> Option<Proof> {
    let (below, at, above) = around(threshold.amount, feed.is_exact());
    let exact = |value: f64, other: f64| if feed.is_exact() { value } else { other };
    let (beyond, within) = match threshold.comparison {
        Comparison::More => (above, exact(at, below)),
        Comparison::AtLeast => (exact(at, above), below),
        Comparison::Less => (below, exact(at, above)),
        Comparison::AtMost => (exact(at, below), above),
        Comparison::Equal if feed.is_exact() => (at, above),
        Comparison::Equal => return None,
    };
    let quiet = feed.can_be(within).then(|| vec![(feed.clone(), within)]);
    let begins = match threshold.comparison {
        // A rate that is still too low is low.
        Comparison::Less | Comparison::AtMost => feed.reaches(beyond, EVERY),
        Comparison::Equal | Comparison::AtLeast | Comparison::More => feed.reaches(beyond, window),
    };
    let is_seen = match feed {
        // All of them have to lie in the window.
        Feed::Changes(_) => begins <= window,
        _ => true,
    };
    (is_seen && feed.can_be(beyond)).then(|| Proof { labels, fires: vec![(feed, beyond)], quiet, begins })
}

/// Just below it, itself, and just above.
fn around(amount: Amount, exact: bool) -> (f64, f64, f64) {
    const NEAR: f64 = 0.01;
    let at = amount.value();
    match amount.unit() {
        Unit::Share => {
            let room = at.min(1.0 - at);
            let step = if room > 0.0 { room * NEAR } else { NEAR };
            ((at - step).max(0.0), at, (at + step).min(1.0))
        }
        Unit::Duration => (at * (1.0 - NEAR), at, at * (1.0 + NEAR)),
        Unit::Count if exact => (at - 1.0, at, at + 1.0),
        Unit::Count => (at * (1.0 - NEAR), at, (at * (1.0 + NEAR)).max(at + NEAR)),
    }
}

fn unwritten(environment: &Environment<'_>, sources: &[Source]) -> Vec<Rule> {
    let asks = |wanted: Measured<'_>| environment.alerts.iter().any(|it| it.measured == wanted);
    let is_free = |name: &str| environment.alerts.iter().all(|it| it.name != name);
    let mut rules = vec![];
    let threshold = Threshold {
        comparison: Comparison::Less,
        amount: Amount::Count(1.0),
        period: Some(Period::For(AWAY)),
    };
    let mut down = |name: String, series: Option<Series>, summary: String| {
        let Some(Series { expr, labels, feed }) = series else { return };
        let expr = if is_compound(&expr) { format!("({expr})") } else { expr };
        rules.push(Rule {
            name,
            expr: format!("{expr} {}", comparison(threshold)),
            lasting: Some(AWAY),
            severity: Severity::Critical,
            summary,
            runbook: None,
            proof: proof(threshold, labels, feed, AWAY),
        });
    };
    if !asks(Measured::System("up")) {
        let series = services::series(environment, "up", threshold.period, Pick::All);
        down("ServiceDown".to_owned(), series, "an instance does not answer".to_owned());
    }
    for (name, dependency) in &environment.system.dependencies {
        if !dependency.monitored || asks(Measured::Dependency(name, "up")) {
            continue;
        }
        let series = dependencies::series(environment, name, "up", threshold.period);
        down(format!("{}Down", proper_name(name, dependency)), series, "it does not answer".to_owned());
    }
    rules.extend(unread(sources));
    rules.extend(missing("ServiceMissing", Severity::Critical, sources, Source::is_service));
    rules.extend(missing("TargetMissing", Severity::Warning, sources, |it| !it.is_service()));
    rules.push(Rule {
        name: "Watchdog".to_owned(),
        expr: "vector(1)".to_owned(),
        lasting: None,
        severity: Severity::None,
        summary: "alerts are on their way; that this one stops is the alert".to_owned(),
        runbook: None,
        proof: Some(Proof { labels: Labels::new(), fires: vec![], quiet: None, begins: Millis::ZERO }),
    });
    rules.retain(|it| is_free(&it.name));
    rules
}

/// An exporter that does not answer leaves all that it shows unknown.
fn unread(sources: &[Source]) -> Option<Rule> {
    let job = sources.iter().find(|it| !it.is_service())?.job.as_str();
    let labels = [("dependency", job), ("instance", "one:80"), ("job", job)];
    let fed = |value: f64| vec![(Feed::Gauge(Metric::new("up", &labels)), value)];
    Some(Rule {
        name: "TargetDown".to_owned(),
        expr: r#"up{dependency!=""} < 1"#.to_owned(),
        lasting: Some(MISSING),
        severity: Severity::Warning,
        summary: "its metrics cannot be read".to_owned(),
        runbook: None,
        proof: Some(Proof {
            labels: labels.iter().map(|(key, value)| (*key, (*value).to_owned())).collect(),
            fires: fed(0.0),
            quiet: Some(fed(1.0)),
            begins: Millis::ZERO,
        }),
    })
}

/// What is not found at all has no `up` that could be 0.
fn missing(name: &str, severity: Severity, sources: &[Source], of: impl Fn(&Source) -> bool) -> Option<Rule> {
    let jobs: Vec<&str> = sources.iter().filter(|it| of(it)).map(|it| it.job.as_str()).collect();
    let absent: Vec<String> = jobs.iter().map(|it| format!("absent(up{{job={}}})", quoted(it))).collect();
    let first = jobs.first()?;
    let found = |jobs: &[&str]| jobs.iter().map(|it| (up(it), 1.0)).collect::<Vec<_>>();
    Some(Rule {
        name: name.to_owned(),
        expr: absent.join(" or "),
        lasting: Some(MISSING),
        severity,
        summary: "Prometheus finds nothing of it".to_owned(),
        runbook: None,
        proof: Some(Proof {
            labels: Labels::from([("job", (*first).to_owned())]),
            fires: found(&jobs[1..]),
            quiet: Some(found(&jobs)),
            begins: Millis::ZERO,
        }),
    })
}

fn up(job: &str) -> Feed {
    Feed::Gauge(Metric::new("up", &[("job", job)]))
}

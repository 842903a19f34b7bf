//! The dashboard of a release: the same numbers for each version, so that the new one can be held against the old.

use lockgate_model::Unit;
use lockgate_model::metrics::REQUESTS;

use super::dashboard::{self, Dashboard, Variable};
use super::panel::{Demands, Kind, Shown, laid_out, unit};
use crate::facts::{Environment, Measured};
use crate::prometheus;

const OF: &str = r#"service=~"$service", version=~"$version""#;
/// Grafana's own: as short as the readings allow.
const WINDOW: &str = "$__rate_interval";

pub(super) fn dashboard(environment: &Environment<'_>) -> Dashboard {
    let variables = vec![
        Variable::datasource(),
        Variable::label("service", "Service", r#"up{service!=""}"#),
        Variable::label("version", "Version", r#"up{service=~"$service"}"#),
    ];
    let shown = if prometheus::measured(environment).next().is_some() { shown(environment) } else { vec![] };
    dashboard::dashboard(environment, "release", variables, laid_out(shown))
}

fn shown(environment: &Environment<'_>) -> Vec<Shown> {
    let rate =
        |matcher: &str, by: &str| format!("sum by ({by}) (rate({REQUESTS}{{{OF}{matcher}}}[{WINDOW}]))");
    let each = "service, version";
    let all = rate("", each);
    let slower = |quantile: f64| {
        format!(
            "histogram_quantile({quantile}, sum by (service, version, le) (rate(http_request_duration_seconds_bucket{{{OF}}}[{WINDOW}])))"
        )
    };
    let none = || Demands { objective: None, alerts: vec![] };
    let of = |metric| Demands::of(environment, Measured::System(metric));
    let graph = |title: &str, expr: String, unit: &'static str, demands: Demands| Shown {
        title: title.to_owned(),
        description: demands.text(),
        kind: Kind::Timeseries,
        unit,
        steps: demands.steps(),
        expr,
        legend: "{{service}} {{version}}".to_owned(),
    };
    let (share, seconds, number) = (unit(Unit::Share), unit(Unit::Duration), unit(Unit::Count));
    let failed = format!("({} or 0 * {all}) / {all}", rate(r#", status=~"5..""#, each));
    // Of all versions, also of those that are not shown.
    let whole = format!(r#"sum by (service) (rate({REQUESTS}{{service=~"$service"}}[{WINDOW}]))"#);
    let weight = format!("{all} / on (service) group_left () {whole}");
    vec![
        graph("Instances that answer", format!("sum by ({each}) (up{{{OF}}})"), number, none()),
        graph("Share of the requests", weight, share, none()),
        graph("Request rate", all, "reqps", none()),
        graph("Error rate", failed, share, of("error_rate")),
        graph("Latency, 95th percentile", slower(0.95), seconds, of("latency_p95")),
        graph("Latency, 99th percentile", slower(0.99), seconds, of("latency_p99")),
        graph(
            "Restarts within an hour",
            format!("sum by ({each}) (changes(process_start_time_seconds{{{OF}}}[1h]))"),
            number,
            none(),
        ),
        graph("Memory", format!("max by ({each}) (process_resident_memory_bytes{{{OF}}})"), "bytes", none()),
        graph(
            "CPU",
            format!("sum by ({each}) (rate(process_cpu_seconds_total{{{OF}}}[{WINDOW}]))"),
            number,
            none(),
        ),
    ]
}

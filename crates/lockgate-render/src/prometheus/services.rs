//! What services show of themselves: the names that they are expected to use, and what is made of them.

use std::collections::BTreeMap;

use lockgate_model::metrics::{CALL_DURATION_BUCKETS, CALLS, DURATION_BUCKETS, REQUESTS};
use lockgate_model::{Millis, Period, ServiceName};

use super::series::{Feed, Labels, Metric, Series};
use crate::facts::{Environment, quantity};

/// Of the process, as all client libraries name them.
const STARTED: &str = "process_start_time_seconds";
const CPU: &str = "process_cpu_seconds_total";
const MEMORY: &str = "process_resident_memory_bytes";
/// What the spec allows a service, as series.
pub(crate) const CPU_LIMIT: &str = "service:cpu_cores:limit";
pub(crate) const MEMORY_LIMIT: &str = "service:memory_bytes:limit";

/// How services are picked in an expression.
#[derive(Clone, Copy)]
pub(crate) enum Pick {
    All,
    /// By the dashboard's variable.
    Variable,
}

impl Pick {
    fn matcher(self) -> &'static str {
        match self {
            Pick::All => r#"service!="""#,
            Pick::Variable => r#"service=~"$service""#,
        }
    }
}

/// The services whose metrics are read.
pub(crate) fn measured<'e>(environment: &'e Environment<'_>) -> impl Iterator<Item = &'e ServiceName> {
    environment.services.values().filter(|it| it.service.metrics.is_some()).map(|it| it.name)
}

/// Time that rates of services are computed over: four readings, as one may be lost.
pub(crate) fn window(environment: &Environment<'_>) -> Millis {
    at_least(environment.system.monitoring.services_every, Millis::mins(1))
}

pub(super) fn at_least(every: Millis, least: Millis) -> Millis {
    let minutes = (every.0.saturating_mul(4)).div_ceil(60_000);
    least.max(Millis(minutes.saturating_mul(60_000)))
}

/// `None` for what services do not show.
pub(crate) fn series(
    environment: &Environment<'_>,
    metric: &str,
    period: Option<Period>,
    pick: Pick,
) -> Option<Series> {
    let service = measured(environment).next()?.as_str();
    let window = match period {
        Some(Period::Over(span)) => span,
        _ => window(environment),
    };
    let within = match period {
        Some(Period::In(span)) => span,
        _ => window,
    };
    let of = pick.matcher();
    let here = |name: &'static str| Metric::new(name, &[("service", service)]);
    let by_service = || Labels::from([("service", service.to_owned())]);
    let status = |code| here(REQUESTS).with("status", code);
    let series = |expr: String, feed: Feed| Some(Series { expr, labels: by_service(), feed });
    let errors = Feed::Share { part: status("500"), rest: status("200") };
    match metric {
        "error_rate" => series(recorded("http_errors:ratio_rate", window, of), errors),
        "availability" => series(
            format!("1 - {}", recorded("http_errors:ratio_rate", window, of)),
            Feed::Rest(Box::new(errors)),
        ),
        "rate_limited" => {
            let feed = Feed::Share { part: status("429"), rest: status("200") };
            series(recorded("http_rate_limited:ratio_rate", window, of), feed)
        }
        "request_rate" => series(recorded("http_requests:rate", window, of), Feed::Rate(status("200"))),
        "errors" => {
            let counter = format!(r#"{REQUESTS}{{{of}, status=~"5.."}}"#);
            series(
                counted(&counter, period, within, "sum by (service)"),
                counting(status("500"), period, within),
            )
        }
        "latency_p50" | "latency_p95" | "latency_p99" => {
            let quantile = quantile(metric)?;
            let name = format!("http_request_duration_seconds:{}_rate", &metric["latency_".len()..]);
            series(recorded(&name, window, of), Feed::Quantile { quantile, bucket: here(DURATION_BUCKETS) })
        }
        "grpc_error_rate" => {
            let code = |code| here(CALLS).with("grpc_code", code);
            let feed = Feed::Share { part: code("Internal"), rest: code("OK") };
            series(recorded("grpc_errors:ratio_rate", window, of), feed)
        }
        "grpc_latency_p95" => {
            let feed = Feed::Quantile { quantile: 0.95, bucket: here(CALL_DURATION_BUCKETS) };
            series(recorded("grpc_server_handling_seconds:p95_rate", window, of), feed)
        }
        "restarts" => {
            // A release has new instances: only what starts again in its place is a restart.
            let expr = format!("sum by (service) (changes({STARTED}{{{of}}}[{within}]))");
            series(expr, Feed::Changes(here(STARTED)))
        }
        "up" => Some(instance(environment, format!("up{{{of}}}"), |it| Feed::Gauge(it("up")))?),
        "cpu" => {
            let whole = *limits(environment, Limit::Cpu).get(service)?;
            let expr = format!("rate({CPU}{{{of}}}[{window}]) / on (service) group_left () {CPU_LIMIT}");
            instance(environment, expr, |it| Feed::RateFixed { part: it(CPU), whole })
        }
        "memory" => {
            let whole = *limits(environment, Limit::Memory).get(service)?;
            let expr = format!("{MEMORY}{{{of}}} / on (service) group_left () {MEMORY_LIMIT}");
            instance(environment, expr, |it| Feed::Fixed { part: it(MEMORY), whole })
        }
        _ => None,
    }
}

/// A number of each instance.
fn instance(
    environment: &Environment<'_>,
    expr: String,
    feed: impl Fn(&dyn Fn(&'static str) -> Metric) -> Feed,
) -> Option<Series> {
    let service = measured(environment).next()?.as_str();
    let labels = [("instance", "one:80"), ("job", service), ("service", service)];
    let feed = feed(&|name| Metric::new(name, &labels));
    let labels = labels.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    Some(Series { expr, labels, feed })
}

fn recorded(name: &str, window: Millis, matcher: &str) -> String {
    format!("service:{name}{window}{{{matcher}}}")
}

/// Events are counted within a time, or by the second.
pub(super) fn counted(counter: &str, period: Option<Period>, window: Millis, sum: &str) -> String {
    match period {
        Some(Period::In(_)) => format!("{sum} (increase({counter}[{window}]))"),
        Some(Period::For(_) | Period::Over(_)) | None => format!("{sum} (rate({counter}[{window}]))"),
    }
}

pub(super) fn counting(counter: Metric, period: Option<Period>, window: Millis) -> Feed {
    match period {
        // Growth within the time is growth in a second, times its seconds.
        Some(Period::In(_)) => Feed::RateFixed { part: counter, whole: 1.0 / window.as_secs_f64() },
        Some(Period::For(_) | Period::Over(_)) | None => Feed::Rate(counter),
    }
}

pub(crate) fn quantile(metric: &str) -> Option<f64> {
    match metric {
        "latency_p50" => Some(0.5),
        "latency_p95" => Some(0.95),
        "latency_p99" => Some(0.99),
        _ => None,
    }
}

#[derive(Clone, Copy)]
pub(crate) enum Limit {
    Cpu,
    Memory,
}

/// What the spec allows each service, in cores or bytes.
pub(crate) fn limits<'e>(environment: &'e Environment<'_>, limit: Limit) -> BTreeMap<&'e str, f64> {
    let of = |name: &ServiceName| {
        let limits = &environment.services[name].service.resources.limits;
        match limit {
            Limit::Cpu => Some(quantity::millicpu(limits.cpu.as_deref()?)? as f64 / 1_000.0),
            Limit::Memory => Some(quantity::bytes(limits.memory.as_deref()?)? as f64),
        }
    };
    measured(environment).filter_map(|it| Some((it.as_str(), of(it)?))).collect()
}

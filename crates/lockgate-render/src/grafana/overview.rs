//! The overview: what users notice of the services, then the numbers of each dependency that say most.

use lockgate_model::{DependencyName, Protocol, Service, Unit};

use super::dashboard::{self, Dashboard, Variable};
use super::panel::{Demands, Kind, Shown, laid_out, unit};
use crate::facts::{Environment, Measured, proper_name};
use crate::output::Output;
use crate::prometheus::{self, Pick, Series};

pub(super) fn dashboard(environment: &Environment<'_>, output: &mut Output<'_>) -> Dashboard {
    let asked = environment.system.monitoring.dashboard.iter().flat_map(|it| &it.variables);
    for name in asked.filter(|it| !matches!(it.as_str(), "datasource" | "service")) {
        output.note(format!(
            "the overview of `{}` can be narrowed to `datasource` and `service`, and not to `{name}`",
            environment.name()
        ));
    }
    let mut shown = services(environment);
    shown.extend(dependencies(environment));
    let variables = vec![Variable::datasource(), Variable::label("service", "Service", r#"up{service!=""}"#)];
    dashboard::dashboard(environment, "overview", variables, laid_out(shown))
}

fn services(environment: &Environment<'_>) -> Vec<Shown> {
    let system = |metric: &'static str, title: &str, kind, unit| {
        let demands = Demands::of(environment, Measured::System(metric));
        let series = prometheus::of_services(environment, metric, demands.period(), Pick::Variable)?;
        Some(Shown {
            title: title.to_owned(),
            description: demands.text(),
            kind,
            unit,
            steps: demands.steps(),
            expr: series.expr,
            legend: "{{service}}".to_owned(),
        })
    };
    let share = unit(Unit::Share);
    let seconds = unit(Unit::Duration);
    let mut shown: Vec<Shown> = [
        system("availability", "Availability", Kind::Stat, share),
        system("request_rate", "Request rate", Kind::Timeseries, "reqps"),
        system("latency_p95", "Latency, 95th percentile", Kind::Timeseries, seconds),
        system("error_rate", "Error rate", Kind::Timeseries, share),
    ]
    .into_iter()
    .flatten()
    .collect();
    let speaks_grpc =
        |it: &Service| it.metrics.is_some() && it.ports.values().any(|it| it.protocol == Protocol::Grpc);
    if environment.system.services.values().any(speaks_grpc) {
        shown.extend(calls(environment));
    }
    for (metric, title) in [
        ("latency_p50", "Latency, median"),
        ("latency_p99", "Latency, 99th percentile"),
        ("rate_limited", "Requests refused by rate limits"),
        ("restarts", "Restarts"),
    ] {
        let asked = |it: Measured<'_>| it == Measured::System(metric);
        let is_asked = environment.objectives.iter().any(|it| asked(it.measured))
            || environment.alerts.iter().any(|it| asked(it.measured));
        let unit = match metric {
            "rate_limited" => share,
            "restarts" => unit(Unit::Count),
            _ => seconds,
        };
        shown.extend(is_asked.then(|| system(metric, title, Kind::Timeseries, unit)).flatten());
    }
    shown
}

/// The share of calls between services that succeed: the other side of their error rate.
fn calls(environment: &Environment<'_>) -> Option<Shown> {
    let Series { expr, .. } = prometheus::of_services(environment, "grpc_error_rate", None, Pick::Variable)?;
    let demands = Demands::of(environment, Measured::System("grpc_error_rate")).rest();
    Some(Shown {
        title: "gRPC success rate".to_owned(),
        description: demands.text(),
        kind: Kind::Timeseries,
        unit: unit(Unit::Share),
        steps: demands.steps(),
        expr: format!("1 - {expr}"),
        legend: "{{service}}".to_owned(),
    })
}

fn dependencies(environment: &Environment<'_>) -> Vec<Shown> {
    let mut shown = vec![];
    for (name, dependency) in &environment.system.dependencies {
        if crate::facts::shown(name, dependency).is_none() {
            continue;
        }
        let mut metrics: Vec<&str> = usual(&dependency.kind).into_iter().collect();
        let objectives = environment.objectives.iter().map(|it| it.measured);
        for measured in objectives {
            if let Measured::Dependency(other, metric) = measured
                && other == name
                && !metrics.contains(&metric)
            {
                metrics.push(metric);
            }
        }
        shown.extend(metrics.into_iter().filter_map(|it| of_dependency(environment, name, it)));
    }
    shown
}

fn of_dependency(environment: &Environment<'_>, name: &DependencyName, metric: &str) -> Option<Shown> {
    let demands = Demands::of(environment, Measured::Dependency(name, metric));
    let series = prometheus::of_dependency(environment, name, metric, demands.period())?;
    let dependency = &environment.system.dependencies[name];
    let legend = series.labels.keys().map(|it| format!("{{{{{it}}}}}")).collect::<Vec<_>>().join(" ");
    Some(Shown {
        title: format!("{}: {}", proper_name(name, dependency), metric.replace('_', " ")),
        description: demands.text(),
        kind: Kind::Timeseries,
        unit: unit(unit_of(metric)),
        steps: demands.steps(),
        expr: series.expr,
        legend,
    })
}

fn unit_of(metric: &str) -> Unit {
    match metric {
        "cpu" | "memory" | "disk" | "connections" | "error_rate" => Unit::Share,
        "latency_p95" | "latency_p99" | "replication_lag" => Unit::Duration,
        _ => Unit::Count,
    }
}

/// What says most of a dependency of this kind.
fn usual(kind: &str) -> Option<&'static str> {
    Some(match kind {
        "postgres" | "postgresql" | "mysql" | "mariadb" | "mongodb" => "connections",
        "redis" | "valkey" | "memcached" => "memory",
        "clickhouse" => "latency_p95",
        "kafka" => "consumer_lag",
        "elasticsearch" | "opensearch" => "unassigned_shards",
        "rabbitmq" => "queue_depth",
        "s3" => "disk",
        _ => return None,
    })
}

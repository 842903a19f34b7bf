//! What must hold and what must not be seen, as one list: rules, alarms, panels and pages all follow from it.

use std::collections::BTreeSet;

use lockgate_model::{
    Amount, Comparison, Dependency, DependencyName, Percent, Period, SloAlert, SloMetric, SloObjective,
    SloSeverity, System, Threshold,
};

/// Fires when its threshold holds of what is measured.
pub(crate) struct Alert<'a> {
    /// Unique in the environment: `HighErrorRate`.
    pub(crate) name: String,
    pub(crate) measured: Measured<'a>,
    pub(crate) threshold: Threshold,
    pub(crate) severity: SloSeverity,
    pub(crate) summary: String,
    pub(crate) runbook: Option<&'a str>,
    /// Part of the spec that it was made of: `slo.error_rate`.
    pub(crate) origin: String,
}

pub(crate) struct Objective<'a> {
    pub(crate) measured: Measured<'a>,
    pub(crate) threshold: Threshold,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Measured<'a> {
    /// Of the services, or of the releases: `error_rate`, `deploy_success`.
    System(&'a str),
    /// `postgres.connections`, taken apart.
    Dependency(&'a DependencyName, &'a str),
    /// An expression in `PromQL`.
    Query(&'a str),
}

/// Sorted by name.
pub(super) fn alerts(system: &System) -> Vec<Alert<'_>> {
    let written: BTreeSet<&str> = system.alerts.keys().map(String::as_str).collect();
    // A name that the spec gives is kept; the others make way.
    let free = |name: String| if written.contains(name.as_str()) { format!("Slo{name}") } else { name };
    let slos = system.slo.iter().filter_map(|(metric, slo)| {
        let measured = Measured::System(metric.as_str());
        let threshold = of_alert(*metric, slo.alert?);
        Some(Alert {
            name: free(name_of(system, measured, threshold)),
            measured,
            threshold,
            severity: slo.severity,
            summary: summary(measured, threshold),
            runbook: slo.runbook.as_deref(),
            origin: format!("slo.{metric}"),
        })
    });
    let objectives = system.objectives.iter().filter_map(|(metric, measure)| {
        let (measured, threshold) = (measured(system, metric)?, measure.alert?);
        Some(Alert {
            name: free(name_of(system, measured, threshold)),
            measured,
            threshold,
            severity: measure.severity,
            summary: summary(measured, threshold),
            runbook: measure.runbook.as_deref(),
            origin: format!("slo.{metric}"),
        })
    });
    let rules = system.alerts.iter().filter_map(|(name, rule)| {
        let measured = match (&rule.query, &rule.metric) {
            (Some(query), _) => Measured::Query(query),
            (None, Some(metric)) => measured(system, metric)?,
            (None, None) => return None,
        };
        let threshold = counted(measured, rule.alert);
        Some(Alert {
            name: name.clone(),
            measured,
            threshold,
            severity: rule.severity,
            summary: rule.summary.clone().unwrap_or_else(|| summary(measured, threshold)),
            runbook: rule.runbook.as_deref(),
            origin: format!("alerts.{name}"),
        })
    });
    let mut alerts: Vec<Alert<'_>> = slos.chain(objectives).chain(rules).collect();
    alerts.sort_by(|a, b| a.name.cmp(&b.name));
    alerts
}

pub(super) fn objectives(system: &System) -> Vec<Objective<'_>> {
    let slos = system.slo.iter().filter_map(|(metric, slo)| {
        let threshold = of_objective(*metric, slo.objective?);
        let measured = Measured::System(metric.as_str());
        Some(Objective { measured, threshold })
    });
    let others = system.objectives.iter().filter_map(|(metric, measure)| {
        let (measured, threshold) = (measured(system, metric)?, measure.objective?);
        Some(Objective { measured, threshold })
    });
    slos.chain(others).collect()
}

/// Restarts are counted within a time, however it is written: none of them lasts.
fn counted(measured: Measured<'_>, threshold: Threshold) -> Threshold {
    match (measured, threshold.period) {
        (Measured::System("restarts"), Some(Period::For(span) | Period::Over(span))) => {
            Threshold { period: Some(Period::In(span)), ..threshold }
        }
        _ => threshold,
    }
}

/// `None` for a dependency that this environment does not have.
fn measured<'a>(system: &'a System, metric: &'a str) -> Option<Measured<'a>> {
    match metric.split_once('.') {
        Some((dependency, own)) => {
            let found = system.dependencies.keys().find(|it| it.as_str() == dependency)?;
            Some(Measured::Dependency(found, own))
        }
        None => Some(Measured::System(metric)),
    }
}

fn of_alert(metric: SloMetric, alert: SloAlert) -> Threshold {
    let lasting = alert.lasting;
    let period = if metric == SloMetric::Restarts { Period::In(lasting) } else { Period::For(lasting) };
    let comparison = if metric == SloMetric::Availability { Comparison::Less } else { Comparison::More };
    Threshold { comparison, amount: amount(metric, alert.limit), period: Some(period) }
}

fn of_objective(metric: SloMetric, objective: SloObjective) -> Threshold {
    let comparison = match (metric, objective) {
        (SloMetric::Availability, _) => Comparison::More,
        (_, SloObjective::Count(0)) => Comparison::Equal,
        (_, SloObjective::Count(_)) => Comparison::AtMost,
        (_, SloObjective::ErrorRate(_) | SloObjective::Latency(_)) => Comparison::Less,
    };
    Threshold { comparison, amount: amount(metric, objective), period: None }
}

fn amount(metric: SloMetric, limit: SloObjective) -> Amount {
    match limit {
        // The model keeps an availability as the share of requests that fail.
        SloObjective::ErrorRate(share) if metric == SloMetric::Availability => {
            Amount::Share(Percent(100_000 - share.0))
        }
        SloObjective::ErrorRate(share) => Amount::Share(share),
        SloObjective::Latency(span) => Amount::Duration(span),
        SloObjective::Count(count) => Amount::Count(f64::from(count)),
    }
}

/// `PostgreSQLHighConnections` for `postgres.connections`.
fn name_of(system: &System, measured: Measured<'_>, threshold: Threshold) -> String {
    let high = match threshold.comparison {
        Comparison::Less | Comparison::AtMost => "Low",
        Comparison::Equal | Comparison::AtLeast | Comparison::More => "High",
    };
    match measured {
        Measured::System(metric) => match metric {
            "availability" => "LowAvailability".to_owned(),
            "restarts" => "ManyRestarts".to_owned(),
            "up" => "ServiceDown".to_owned(),
            "cpu" => "HighCPUUsage".to_owned(),
            "memory" => "HighMemoryUsage".to_owned(),
            "disk" => "HighDiskUsage".to_owned(),
            "rate_limited" => "ManyRateLimited".to_owned(),
            "grpc_latency_p95" => "SlowGrpcCalls".to_owned(),
            "migration_duration" => "SlowMigration".to_owned(),
            _ => format!("{high}{}", camel(metric)),
        },
        Measured::Dependency(name, metric) => {
            let whose = proper_name(name, &system.dependencies[name]);
            match metric {
                "up" => format!("{whose}Down"),
                "latency_p95" => format!("{whose}SlowQueries"),
                "latency_p99" => format!("{whose}SlowQueriesP99"),
                "slow_queries" => format!("{whose}ManySlowQueries"),
                "evictions" => format!("{whose}HighEvictionRate"),
                "under_replicated" => format!("{whose}UnderReplicatedPartitions"),
                "consumer_lag" | "replication_lag" | "queue_depth" | "unassigned_shards" => {
                    format!("{whose}{}", camel(metric))
                }
                _ => format!("{whose}{high}{}", camel(metric)),
            }
        }
        Measured::Query(_) => unreachable!("a query has the name that the spec gives it"),
    }
}

/// What people call it, where it is called by its kind: `PostgreSQL`, else `SearchCache` for `search-cache`.
pub(crate) fn proper_name(name: &DependencyName, dependency: &Dependency) -> String {
    let by_kind = name.as_str() == dependency.kind
        || (name.as_str(), dependency.kind.as_str()) == ("postgres", "postgresql");
    let known = match dependency.kind.as_str() {
        "postgres" | "postgresql" => "PostgreSQL",
        "mysql" => "MySQL",
        "mariadb" => "MariaDB",
        "mongodb" => "MongoDB",
        "clickhouse" => "ClickHouse",
        "rabbitmq" => "RabbitMQ",
        "opensearch" => "OpenSearch",
        "nats" => "NATS",
        "smtp" => "SMTP",
        "s3" => "S3",
        _ => return camel(name.as_str()),
    };
    if by_kind { known.to_owned() } else { camel(name.as_str()) }
}

fn camel(text: &str) -> String {
    let words = text.split(['-', '_', '.']).filter(|it| !it.is_empty());
    words.map(|it| it[..1].to_ascii_uppercase() + &it[1..]).collect()
}

fn summary(measured: Measured<'_>, threshold: Threshold) -> String {
    let beyond = match threshold.comparison {
        Comparison::Less => "is below",
        Comparison::AtMost => "is at most",
        Comparison::Equal => "is",
        Comparison::AtLeast => "is at least",
        Comparison::More => "is above",
    };
    let what = match measured {
        Measured::System(metric) => metric.replace('_', " "),
        Measured::Dependency(name, metric) => format!("{} of {name}", metric.replace('_', " ")),
        Measured::Query(_) => "what is measured".to_owned(),
    };
    let time = match threshold.period {
        None => String::new(),
        Some(Period::For(span)) => format!(" for {span}"),
        Some(Period::In(span)) => format!(" within {span}"),
        Some(Period::Over(span)) => format!(" over {span}"),
    };
    format!("{what} {beyond} {}{time}", threshold.amount)
}

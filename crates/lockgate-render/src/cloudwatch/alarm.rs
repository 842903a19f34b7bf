//! Alarms: the alerts of the spec, each on a metric that Amazon's services have.

use lockgate_model::{Comparison, Period, RollbackTrigger, ServiceName, SloSeverity, Threshold};
use serde_json::{Value, json};

use super::series::{self, Query, Traffic, traffic};
use super::topic::Topic;
use super::{folder, tags};
use crate::aws::{Call, Cloud, Document};
use crate::facts::{Alert, Measured, ServiceFact};
use crate::output::Output;

const DAY_SECS: u64 = 86_400;
/// How long tasks may be missing before it counts.
const MISSING_TASKS_MINUTES: u64 = 5;

pub(super) struct Alarm<'a> {
    /// `HighErrorRate`, as the alert is called.
    pub(super) name: String,
    pub(super) service: Option<&'a ServiceName>,
    pub(super) query: Query,
    comparison: &'static str,
    pub(super) threshold: f64,
    /// Seconds, and how many such times in a row.
    period: u64,
    times: u64,
    pub(super) severity: SloSeverity,
    description: String,
    pub(super) origin: String,
}

pub(super) fn alarms<'a>(cloud: &Cloud<'a>, output: &mut Output<'_>) -> Vec<Alarm<'a>> {
    let (mut alarms, without) = of_spec(cloud);
    for (alert, reason) in without {
        output.note(format!("environment `{}`: `{alert}` has no alarm: {reason}", cloud.environment.name()));
    }
    if cloud.environment.system.rollout.rollback_on.contains(&RollbackTrigger::CrashLoop) {
        alarms.extend(cloud.environment.services.values().filter_map(|it| missing_tasks(cloud, it)));
    }
    alarms
}

/// The alarms of the spec's alerts, and the alerts that there is none for, with the reason.
pub(super) fn of_spec<'a>(cloud: &Cloud<'a>) -> (Vec<Alarm<'a>>, Vec<(String, &'static str)>) {
    let (mut alarms, mut without) = (vec![], vec![]);
    for alert in &cloud.environment.alerts {
        let Some((period, times)) = window(alert.threshold.period) else {
            without.push((alert.name.clone(), "CloudWatch looks back a week at most"));
            continue;
        };
        let Some(comparison) = comparison(alert.threshold) else {
            without.push((alert.name.clone(), "an alarm is on more or on less, not on equal"));
            continue;
        };
        let queries = queries(cloud, alert);
        if queries.is_empty() {
            without.push((alert.name.clone(), "CloudWatch does not measure it"));
        }
        for (service, query) in queries {
            alarms.push(Alarm {
                name: alert.name.clone(),
                service,
                comparison: if alert.measured == Measured::System("availability") {
                    mirrored(comparison)
                } else {
                    comparison
                },
                threshold: limit(alert, &query),
                query,
                period,
                times,
                severity: alert.severity,
                description: match alert.runbook {
                    Some(runbook) => format!("{}; see {runbook}", alert.summary),
                    None => alert.summary.clone(),
                },
                origin: alert.origin.clone(),
            });
        }
    }
    (alarms, without)
}

/// In `CloudWatch`'s unit. An availability is looked at as the share of requests that fail.
fn limit(alert: &Alert<'_>, query: &Query) -> f64 {
    let value = alert.threshold.amount.value();
    let value = if alert.measured == Measured::System("availability") { 1.0 - value } else { value };
    // Shares are exact to thousandths of a percent; so is what is made of them.
    (value * query.scale * 1e6).round() / 1e6
}

fn queries<'a>(cloud: &Cloud<'a>, alert: &Alert<'a>) -> Vec<(Option<&'a ServiceName>, Query)> {
    match alert.measured {
        Measured::System(metric) => {
            let of = |it: &ServiceFact<'a>| Some((Some(it.name), of_service(cloud, it, metric)?));
            cloud.environment.services.values().filter_map(of).collect()
        }
        Measured::Dependency(name, metric) => {
            let dependency = cloud.environment.system.dependencies.get(name);
            dependency
                .and_then(|it| series::dependency(it, metric))
                .map(|it| (None, it))
                .into_iter()
                .collect()
        }
        Measured::Query(_) => vec![],
    }
}

fn of_service(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, metric: &str) -> Option<Query> {
    let requests = |of: &dyn Fn(&Traffic) -> Query| traffic(cloud, fact).map(|it| of(&it));
    match metric {
        "error_rate" | "availability" => requests(&series::error_rate),
        "errors" => requests(&|it| series::count(it, true)),
        "latency_p50" => requests(&|it| series::latency(it, "p50")),
        "latency_p95" => requests(&|it| series::latency(it, "p95")),
        "latency_p99" => requests(&|it| series::latency(it, "p99")),
        "cpu" => Some(series::usage(cloud, fact, "CPUUtilization")),
        "memory" => Some(series::usage(cloud, fact, "MemoryUtilization")),
        "up" => series::tasks(cloud, fact, "RunningTaskCount"),
        _ => None,
    }
}

fn missing_tasks<'a>(cloud: &Cloud<'a>, fact: &ServiceFact<'a>) -> Option<Alarm<'a>> {
    Some(Alarm {
        name: "MissingTasks".to_owned(),
        service: Some(fact.name),
        query: series::missing_tasks(cloud, fact)?,
        comparison: "GreaterThanThreshold",
        threshold: 0.0,
        period: 60,
        times: MISSING_TASKS_MINUTES,
        severity: SloSeverity::Critical,
        description: format!("tasks of {} do not stay up", fact.name),
        origin: "rollout.rollback_on".to_owned(),
    })
}

/// Seconds of one look, and how many in a row; `None` for what is longer than `CloudWatch` looks back.
fn window(period: Option<Period>) -> Option<(u64, u64)> {
    const HOUR: u64 = 3_600;
    let secs = period.map_or(60, |it| it.span().0.div_ceil(1_000)).max(60);
    match period {
        _ if 7 * DAY_SECS < secs => None,
        None | Some(Period::For(_)) if secs <= DAY_SECS => Some((60, secs.div_ceil(60))),
        None | Some(Period::For(_)) => Some((HOUR, secs.div_ceil(HOUR))),
        Some(Period::In(_) | Period::Over(_)) if secs <= DAY_SECS => Some((secs.next_multiple_of(60), 1)),
        Some(Period::In(_) | Period::Over(_)) => Some((secs.next_multiple_of(HOUR), 1)),
    }
}

fn comparison(threshold: Threshold) -> Option<&'static str> {
    match threshold.comparison {
        Comparison::Less => Some("LessThanThreshold"),
        Comparison::AtMost => Some("LessThanOrEqualToThreshold"),
        Comparison::AtLeast => Some("GreaterThanOrEqualToThreshold"),
        Comparison::More => Some("GreaterThanThreshold"),
        Comparison::Equal => None,
    }
}

/// Little of the good is much of the bad.
fn mirrored(comparison: &'static str) -> &'static str {
    match comparison {
        "LessThanThreshold" => "GreaterThanThreshold",
        "LessThanOrEqualToThreshold" => "GreaterThanOrEqualToThreshold",
        "GreaterThanOrEqualToThreshold" => "LessThanOrEqualToThreshold",
        _ => "LessThanThreshold",
    }
}

impl Alarm<'_> {
    /// `HighErrorRate-web`.
    fn short_name(&self) -> String {
        self.service.map_or_else(|| self.name.clone(), |it| format!("{}-{it}", self.name))
    }

    pub(super) fn full_name(&self, cloud: &Cloud<'_>) -> String {
        cloud.in_environment(&self.short_name())
    }

    pub(super) fn document(&self, cloud: &Cloud<'_>, topics: &[Topic]) -> Document {
        let actions: Vec<String> =
            topics.iter().filter(|it| it.hears(self.severity)).map(|it| it.arn(cloud)).collect();
        let missing = if self.query.silence_is_bad { "breaching" } else { "notBreaching" };
        let mut body = json!({
            "AlarmName": self.full_name(cloud),
            "AlarmDescription": self.description,
            "ActionsEnabled": true,
            "AlarmActions": actions,
            "OKActions": actions,
            "ComparisonOperator": self.comparison,
            "Threshold": self.threshold,
            "EvaluationPeriods": self.times,
            "DatapointsToAlarm": self.times,
            "TreatMissingData": missing,
            "Tags": tags(cloud.environment.system, "Key", "Value"),
        });
        self.measure(&mut body);
        let mut origin = vec![self.origin.clone()];
        origin.extend(self.service.map(|it| format!("services.{it}")));
        Document {
            path: format!("{}/alarms/{}.json", folder(cloud), self.short_name()),
            call: Call::Alarm,
            name: self.short_name(),
            body,
            origin,
        }
    }

    fn measure(&self, body: &mut Value) {
        let (None, [one]) = (&self.query.expression, self.query.series.as_slice()) else {
            body["Metrics"] = series::metrics(&self.query, self.period);
            return;
        };
        body["Namespace"] = json!(one.namespace);
        body["MetricName"] = json!(one.metric);
        body["Dimensions"] = super::dimensions(&one.dimensions);
        body["Period"] = json!(self.period);
        if one.stat.starts_with('p') {
            body["ExtendedStatistic"] = json!(one.stat);
            // A few requests say nothing about a percentile.
            body["EvaluateLowSampleCountPercentile"] = json!("ignore");
        } else {
            body["Statistic"] = json!(one.stat);
        }
    }
}

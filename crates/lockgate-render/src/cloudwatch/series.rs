//! What Amazon's services measure of themselves, as queries.

use lockgate_model::{Dependency, External, TargetKind};
use serde_json::{Value, json};

use super::dimensions;
use crate::aws::{Cloud, only_aws_knows};
use crate::ecs;
use crate::facts::ServiceFact;

/// One number over time.
#[derive(Clone, Debug)]
pub(super) struct Series {
    pub(super) namespace: &'static str,
    pub(super) metric: &'static str,
    pub(super) dimensions: Vec<(&'static str, String)>,
    pub(super) stat: &'static str,
}

/// One series, or what is calculated of several, which have one letter each.
#[derive(Clone, Debug)]
pub(super) struct Query {
    pub(super) series: Vec<Series>,
    pub(super) expression: Option<String>,
    /// `CloudWatch`'s unit for one of the model's: percent for shares.
    pub(super) scale: f64,
    /// That nothing is measured is what is looked for.
    pub(super) silence_is_bad: bool,
}

impl Query {
    fn one(series: Series, scale: f64) -> Query {
        Query { series: vec![series], expression: None, scale, silence_is_bad: false }
    }

    fn of(series: Vec<Series>, expression: String, scale: f64) -> Query {
        Query { series, expression: Some(expression), scale, silence_is_bad: false }
    }
}

/// Names of the series in expressions.
pub(super) fn id(idx: usize) -> String {
    format!("m{}", idx + 1)
}

/// The `Metrics` of an alarm.
pub(super) fn metrics(query: &Query, period: u64) -> Value {
    let series = query.series.iter().enumerate().map(|(idx, it)| {
        json!({
            "Id": id(idx),
            "MetricStat": {
                "Metric": {
                    "Namespace": it.namespace,
                    "MetricName": it.metric,
                    "Dimensions": dimensions(&it.dimensions),
                },
                "Period": period,
                "Stat": it.stat,
            },
            "ReturnData": false,
        })
    });
    let result = json!({"Id": "result", "Expression": query.expression, "ReturnData": true});
    series.chain([result]).collect()
}

/// Where the requests of a service are counted.
pub(super) enum Traffic {
    /// Each version has a target group; the numbers of both are looked at, so that neither hides the other.
    Balancer(Vec<Vec<(&'static str, String)>>),
    AppRunner(Vec<(&'static str, String)>),
}

pub(super) fn traffic(cloud: &Cloud<'_>, fact: &ServiceFact<'_>) -> Option<Traffic> {
    let name = cloud.name_of(fact.name.as_str());
    let group = |balancer: &str, group: &str| {
        vec![
            ("LoadBalancer", only_aws_knows(&format!("load-balancer {balancer}"))),
            ("TargetGroup", only_aws_knows(&format!("target-group-name {group}"))),
        ]
    };
    match &cloud.environment.system.target {
        TargetKind::Ecs(target) => {
            let balancer = target.load_balancer.as_deref()?;
            let groups = ecs::target_groups(cloud, fact);
            (!groups.is_empty())
                .then(|| Traffic::Balancer(groups.iter().map(|it| group(balancer, it)).collect()))
        }
        // Express Mode makes both groups itself.
        TargetKind::EcsExpress(_) => fact.service.main_port().map(|_| {
            Traffic::Balancer(vec![group(&name, &name), group(&name, &format!("{name} alternate"))])
        }),
        TargetKind::AppRunner(_) => fact.service.main_port().map(|_| Traffic::AppRunner(app_runner(&name))),
        TargetKind::Local(_) | TargetKind::Docker(_) | TargetKind::Kubernetes(_) => None,
    }
}

pub(super) fn app_runner(name: &str) -> Vec<(&'static str, String)> {
    vec![("ServiceName", name.to_owned()), ("ServiceID", only_aws_knows(&format!("service-id {name}")))]
}

/// Percentage of requests that fail.
pub(super) fn error_rate(traffic: &Traffic) -> Query {
    let (groups, namespace, errors, requests) = parts(traffic);
    let mut series = vec![];
    let mut shares = vec![];
    for dimensions in groups {
        let failed = id(series.len());
        let all = id(series.len() + 1);
        shares.push(format!("IF(FILL({all}, 0) > 0, 100 * FILL({failed}, 0) / {all}, 0)"));
        let of = |metric| Series { namespace, metric, dimensions: dimensions.clone(), stat: "Sum" };
        series.push(of(errors));
        series.push(of(requests));
    }
    Query::of(series, worst(&shares), 100.0)
}

/// Number of requests that fail, or of all of them.
pub(super) fn count(traffic: &Traffic, failed_only: bool) -> Query {
    let (groups, namespace, errors, requests) = parts(traffic);
    let metric = if failed_only { errors } else { requests };
    let series: Vec<Series> = groups
        .iter()
        .map(|it| Series { namespace, metric, dimensions: (*it).clone(), stat: "Sum" })
        .collect();
    let sum: Vec<String> = (0..series.len()).map(|idx| format!("FILL({}, 0)", id(idx))).collect();
    Query::of(series, sum.join(" + "), 1.0)
}

/// In seconds at the balancer, in milliseconds at App Runner.
pub(super) fn latency(traffic: &Traffic, stat: &'static str) -> Query {
    match traffic {
        Traffic::AppRunner(dimensions) => {
            let (namespace, metric) = ("AWS/AppRunner", "RequestLatency");
            Query::one(Series { namespace, metric, dimensions: dimensions.clone(), stat }, 1_000.0)
        }
        Traffic::Balancer(groups) => {
            let (namespace, metric) = ("AWS/ApplicationELB", "TargetResponseTime");
            let of =
                |it: &Vec<(&'static str, String)>| Series { namespace, metric, dimensions: it.clone(), stat };
            let mut series: Vec<Series> = groups.iter().map(of).collect();
            if series.len() == 1 {
                return Query::one(series.remove(0), 1.0);
            }
            let each: Vec<String> = (0..series.len()).map(|idx| format!("FILL({}, 0)", id(idx))).collect();
            Query::of(series, worst(&each), 1.0)
        }
    }
}

type Parts<'t> = (Vec<&'t Vec<(&'static str, String)>>, &'static str, &'static str, &'static str);

/// Dimensions, namespace, and the metrics of failed and of all requests.
fn parts(traffic: &Traffic) -> Parts<'_> {
    match traffic {
        Traffic::Balancer(groups) => {
            (groups.iter().collect(), "AWS/ApplicationELB", "HTTPCode_Target_5XX_Count", "RequestCount")
        }
        Traffic::AppRunner(dimensions) => {
            (vec![dimensions], "AWS/AppRunner", "5xxStatusResponses", "Requests")
        }
    }
}

fn worst(parts: &[String]) -> String {
    match parts {
        [one] => one.clone(),
        _ => format!("MAX([{}])", parts.join(", ")),
    }
}

/// CPU or memory of a service's tasks, in percent.
pub(super) fn usage(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, metric: &'static str) -> Query {
    let name = cloud.name_of(fact.name.as_str());
    let (namespace, dimensions) = match cloud.cluster {
        Some(cluster) => ("AWS/ECS", vec![("ClusterName", cluster.to_owned()), ("ServiceName", name)]),
        None => ("AWS/AppRunner", app_runner(&name)),
    };
    Query::one(Series { namespace, metric, dimensions, stat: "Average" }, 100.0)
}

/// Number of tasks that run, or that should; Container Insights counts them.
pub(super) fn tasks(cloud: &Cloud<'_>, fact: &ServiceFact<'_>, metric: &'static str) -> Option<Query> {
    let name = cloud.name_of(fact.name.as_str());
    let dimensions = vec![("ClusterName", cloud.cluster?.to_owned()), ("ServiceName", name)];
    let series = Series { namespace: "ECS/ContainerInsights", metric, dimensions, stat: "Minimum" };
    Some(Query { silence_is_bad: true, ..Query::one(series, 1.0) })
}

/// Tasks that should run and do not.
pub(super) fn missing_tasks(cloud: &Cloud<'_>, fact: &ServiceFact<'_>) -> Option<Query> {
    let wanted = tasks(cloud, fact, "DesiredTaskCount")?.series;
    let running = tasks(cloud, fact, "RunningTaskCount")?.series;
    let series: Vec<Series> = wanted.into_iter().chain(running).collect();
    Some(Query::of(series, "m1 - FILL(m2, 0)".to_owned(), 1.0))
}

/// What `CloudWatch` knows of a database or a cache; `None` where it does not know what is asked for.
pub(super) fn dependency(dependency: &Dependency, metric: &str) -> Option<Query> {
    let one = |namespace, metric, dimension, value: &str, stat, scale| {
        let dimensions = vec![(dimension, value.to_owned())];
        Query::one(Series { namespace, metric, dimensions, stat }, scale)
    };
    match dependency.external.as_ref()? {
        External::Rds(id) => {
            let rds = |metric, stat, scale| one("AWS/RDS", metric, "DBInstanceIdentifier", id, stat, scale);
            match metric {
                // It measures itself each minute, and nothing is measured where nothing is.
                "up" => Some(Query { silence_is_bad: true, ..rds("CPUUtilization", "SampleCount", 1.0) }),
                "cpu" => Some(rds("CPUUtilization", "Average", 100.0)),
                "replication_lag" => Some(rds("ReplicaLag", "Maximum", 1.0)),
                _ => None,
            }
        }
        External::Elasticache(id) => {
            // A cache with TLS is a group, whose first node has this name.
            let node = if dependency.tls { format!("{id}-001") } else { id.clone() };
            let cache =
                |metric, stat, scale| one("AWS/ElastiCache", metric, "CacheClusterId", &node, stat, scale);
            match metric {
                "up" => {
                    Some(Query { silence_is_bad: true, ..cache("EngineCPUUtilization", "SampleCount", 1.0) })
                }
                "cpu" => Some(cache("EngineCPUUtilization", "Average", 100.0)),
                "memory" => Some(cache("DatabaseMemoryUsagePercentage", "Average", 100.0)),
                "evictions" => Some(cache("Evictions", "Sum", 1.0)),
                "replication_lag" => Some(cache("ReplicationLag", "Maximum", 1.0)),
                _ => None,
            }
        }
        External::Url(_) | External::Secret(_) | External::Atlas(_) => None,
    }
}

//! What stands behind the numbers of a dependency: the metrics of its exporter, or its own.
//!
//! The names are those of the exporters that `facts::bundled` names, and of the servers' own pages.

use lockgate_model::{DependencyName, Millis, Period};

use super::series::{Feed, Labels, Metric, Series, quoted};
use super::services::{at_least, counted, counting};
use crate::facts::Environment;

/// Asked of `ClickHouse` itself, which shows averages only on its page of metrics.
pub(crate) const CLICKHOUSE_P95: &str = "clickhouse_query_duration_p95_seconds";
pub(crate) const CLICKHOUSE_P99: &str = "clickhouse_query_duration_p99_seconds";
pub(crate) const CLICKHOUSE_SLOW: &str = "clickhouse_slow_queries";

/// How a number is made of what is shown.
enum Shape {
    Gauge(&'static str),
    /// Which label is kept beside the dependency's name.
    GaugeBy(&'static str, &'static [&'static str]),
    Counter(&'static str),
    Ratio(&'static str, &'static str),
    /// What is left of a ratio.
    Left(&'static str, &'static str),
    /// A share of two counters or gauges that are named by a label.
    States {
        name: &'static str,
        label: &'static str,
        part: &'static str,
        rest: &'static str,
    },
    CounterShare(&'static str, &'static str),
    Statements,
    RedisMemory,
    Heap,
}

/// Time that rates of dependencies are computed over: four readings, as one may be lost.
pub(super) fn window(environment: &Environment<'_>) -> Millis {
    at_least(environment.system.monitoring.dependencies_every, Millis::mins(2))
}

/// `None` for what nothing shows.
pub(crate) fn series(
    environment: &Environment<'_>,
    name: &DependencyName,
    metric: &str,
    period: Option<Period>,
) -> Option<Series> {
    let kind = environment.system.dependencies.get(name)?.kind.as_str();
    let own = [("dependency", name.as_str())];
    if metric == "up" {
        return up(kind, name);
    }
    let window = match period {
        Some(Period::In(span) | Period::Over(span)) => span,
        Some(Period::For(_)) | None => self::window(environment),
    };
    let of = format!("dependency={}", quoted(name.as_str()));
    let here = |metric| Metric::new(metric, &own);
    let labels = Labels::from([("dependency", name.to_string())]);
    let (expr, feed) = match shape(kind, metric)? {
        Shape::Gauge(gauge) => (format!("max by (dependency) ({gauge}{{{of}}})"), Feed::Gauge(here(gauge))),
        Shape::GaugeBy(gauge, by) => {
            let mut metric = here(gauge);
            let mut labels = labels;
            for label in by {
                metric = metric.with(label, "one");
                labels.insert(label, "one".to_owned());
            }
            let expr = format!("sum by (dependency, {}) ({gauge}{{{of}}})", by.join(", "));
            return Some(Series { expr, labels, feed: Feed::Gauge(metric) });
        }
        Shape::Counter(counter) => {
            let text = format!("{counter}{{{of}}}");
            let sum = "sum by (dependency)";
            (counted(&text, period, window, sum), counting(here(counter), period, window))
        }
        Shape::Ratio(part, whole) => (
            format!(
                "sum by (dependency) ({part}{{{of}}}) / on (dependency) max by (dependency) ({whole}{{{of}}})"
            ),
            Feed::Ratio { part: here(part), whole: here(whole) },
        ),
        Shape::Left(part, whole) => (
            format!("1 - min by (dependency) ({part}{{{of}}} / {whole}{{{of}}})"),
            Feed::Rest(Box::new(Feed::Ratio { part: here(part), whole: here(whole) })),
        ),
        Shape::States { name: gauge, label, part, rest } => (
            format!(
                "sum by (dependency) ({gauge}{{{of}, {label}={}}}) / sum by (dependency) ({gauge}{{{of}, {label}=~{}}})",
                quoted(part),
                quoted(&format!("{part}|{rest}")),
            ),
            Feed::GaugeShare { part: here(gauge).with(label, part), rest: here(gauge).with(label, rest) },
        ),
        Shape::CounterShare(part, whole) => (
            format!(
                "sum by (dependency) (rate({part}{{{of}}}[{window}])) / sum by (dependency) (rate({whole}{{{of}}}[{window}]))"
            ),
            Feed::Growth { part: here(part), whole: here(whole) },
        ),
        Shape::Statements => (
            format!(
                "count by (dependency) (rate(pg_stat_statements_seconds_total{{{of}}}[{window}]) / rate(pg_stat_statements_calls_total{{{of}}}[{window}]) > 1)"
            ),
            Feed::Slow {
                seconds: here("pg_stat_statements_seconds_total"),
                calls: here("pg_stat_statements_calls_total"),
                each: "queryid",
            },
        ),
        // Without a limit of its own it may take all that the machine has.
        Shape::RedisMemory => (
            format!(
                "max by (dependency) (redis_memory_used_bytes{{{of}}} / (redis_memory_max_bytes{{{of}}} > 0 or redis_total_system_memory_bytes{{{of}}}))"
            ),
            Feed::Ratio { part: here("redis_memory_used_bytes"), whole: here("redis_memory_max_bytes") },
        ),
        Shape::Heap => {
            let area = |name| here(name).with("area", "heap");
            (
                format!(
                    r#"max by (dependency) (elasticsearch_jvm_memory_used_bytes{{{of}, area="heap"}} / elasticsearch_jvm_memory_max_bytes{{{of}, area="heap"}})"#
                ),
                Feed::Ratio {
                    part: area("elasticsearch_jvm_memory_used_bytes"),
                    whole: area("elasticsearch_jvm_memory_max_bytes"),
                },
            )
        }
    };
    Some(Series { expr, labels, feed })
}

/// Does it answer? What reads it may be gone as well, and then nobody knows: that counts as no.
fn up(kind: &str, name: &DependencyName) -> Option<Series> {
    let gauge = match kind {
        "postgres" | "postgresql" => Some("pg_up"),
        "mysql" | "mariadb" => Some("mysql_up"),
        "mongodb" => Some("mongodb_up"),
        "redis" | "valkey" => Some("redis_up"),
        "memcached" => Some("memcached_up"),
        // Those that answer: one that is gone is not among them.
        "kafka" => Some("kafka_brokers"),
        "elasticsearch" | "opensearch" => Some("elasticsearch_cluster_health_number_of_nodes"),
        // Their own page of metrics.
        "clickhouse" | "rabbitmq" | "s3" => None,
        _ => return None,
    };
    let labels = [("dependency", name.as_str()), ("instance", "one:80"), ("job", name.as_str())];
    let reached = Metric::new("up", &labels);
    let of = format!("dependency={}, job={}", quoted(name.as_str()), quoted(name.as_str()));
    let (expr, feed) = match gauge {
        Some(gauge) => (
            format!("{gauge}{{{of}}} or on (instance) 0 * up{{{of}}}"),
            Feed::With(Box::new(Feed::Gauge(Metric::new(gauge, &labels))), reached, 1.0),
        ),
        None => (format!("up{{{of}}}"), Feed::Gauge(reached)),
    };
    let labels = labels.iter().map(|(key, value)| (*key, (*value).to_owned())).collect();
    Some(Series { expr, labels, feed })
}

fn shape(kind: &str, metric: &str) -> Option<Shape> {
    Some(match (kind, metric) {
        ("postgres" | "postgresql", "connections") => {
            Shape::Ratio("pg_stat_database_numbackends", "pg_settings_max_connections")
        }
        ("postgres" | "postgresql", "slow_queries") => Shape::Statements,
        ("postgres" | "postgresql", "replication_lag") => Shape::Gauge("pg_replication_lag_seconds"),
        ("mysql" | "mariadb", "connections") => {
            Shape::Ratio("mysql_global_status_threads_connected", "mysql_global_variables_max_connections")
        }
        ("mysql" | "mariadb", "slow_queries") => Shape::Counter("mysql_global_status_slow_queries"),
        ("mysql" | "mariadb", "replication_lag") => Shape::Gauge("mysql_slave_status_seconds_behind_master"),
        ("mongodb", "connections") => Shape::States {
            name: "mongodb_ss_connections",
            label: "conn_type",
            part: "current",
            rest: "available",
        },
        ("mongodb", "replication_lag") => Shape::Gauge("mongodb_mongod_replset_member_replication_lag"),
        ("redis" | "valkey", "memory") => Shape::RedisMemory,
        ("redis" | "valkey", "connections") => Shape::Ratio("redis_connected_clients", "redis_max_clients"),
        ("redis" | "valkey", "evictions") => Shape::Counter("redis_evicted_keys_total"),
        ("redis" | "valkey", "slow_queries") => Shape::Gauge("redis_slowlog_length"),
        ("memcached", "memory") => Shape::Ratio("memcached_current_bytes", "memcached_limit_bytes"),
        ("memcached", "connections") => {
            Shape::Ratio("memcached_current_connections", "memcached_max_connections")
        }
        ("memcached", "evictions") => Shape::Counter("memcached_items_evicted_total"),
        ("clickhouse", "latency_p95") => Shape::Gauge(CLICKHOUSE_P95),
        ("clickhouse", "latency_p99") => Shape::Gauge(CLICKHOUSE_P99),
        ("clickhouse", "slow_queries") => Shape::Gauge(CLICKHOUSE_SLOW),
        ("clickhouse", "memory") => {
            Shape::Ratio("ClickHouseMetrics_MemoryTracking", "ClickHouseAsyncMetrics_OSMemoryTotal")
        }
        ("clickhouse", "disk") => Shape::Left(
            "ClickHouseAsyncMetrics_DiskAvailable_default",
            "ClickHouseAsyncMetrics_DiskTotal_default",
        ),
        ("clickhouse", "error_rate") => {
            Shape::CounterShare("ClickHouseProfileEvents_FailedQuery", "ClickHouseProfileEvents_Query")
        }
        ("kafka", "consumer_lag") => Shape::GaugeBy("kafka_consumergroup_lag", &["consumergroup", "topic"]),
        ("kafka", "under_replicated") => {
            Shape::GaugeBy("kafka_topic_partition_under_replicated_partition", &["topic"])
        }
        ("elasticsearch" | "opensearch", "unassigned_shards") => {
            Shape::Gauge("elasticsearch_cluster_health_unassigned_shards")
        }
        ("elasticsearch" | "opensearch", "memory") => Shape::Heap,
        ("elasticsearch" | "opensearch", "disk") => Shape::Left(
            "elasticsearch_filesystem_data_available_bytes",
            "elasticsearch_filesystem_data_size_bytes",
        ),
        ("rabbitmq", "queue_depth") => Shape::Gauge("rabbitmq_queue_messages_ready"),
        ("rabbitmq", "memory") => {
            Shape::Ratio("rabbitmq_process_resident_memory_bytes", "rabbitmq_resident_memory_limit_bytes")
        }
        ("s3", "disk") => Shape::Left(
            "minio_cluster_capacity_usable_free_bytes",
            "minio_cluster_capacity_usable_total_bytes",
        ),
        _ => return None,
    })
}

//! Where metrics are read, how often, and whose they are.

use std::collections::BTreeMap;

use lockgate_model::{Millis, TargetKind};
use serde::Serialize;

use super::dependencies::{CLICKHOUSE_P95, CLICKHOUSE_P99, CLICKHOUSE_SLOW};
use crate::facts::{self, Environment};

/// One thing that is read.
pub(super) struct Source {
    pub(super) job: String,
    whose: Whose,
    /// Name that containers have, or that pods are labelled with.
    host: String,
    path: String,
    port: u16,
    params: BTreeMap<&'static str, [String; 1]>,
    every: Millis,
}

enum Whose {
    Service(String),
    Dependency(String),
}

impl Source {
    pub(super) fn is_service(&self) -> bool {
        matches!(self.whose, Whose::Service(_))
    }
}

#[derive(Default, Serialize)]
pub(super) struct Scrape {
    pub(super) job_name: String,
    #[serde(rename = "scrape_interval", skip_serializing_if = "Option::is_none")]
    every: Option<String>,
    #[serde(rename = "scrape_timeout", skip_serializing_if = "Option::is_none")]
    timeout: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    metrics_path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    scheme: Option<&'static str>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    params: BTreeMap<&'static str, [String; 1]>,
    #[serde(skip_serializing_if = "Option::is_none")]
    authorization: Option<Authorization>,
    #[serde(skip_serializing_if = "Option::is_none")]
    tls_config: Option<TlsConfig>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    static_configs: Vec<StaticConfig>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    dns_sd_configs: Vec<DnsConfig>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    kubernetes_sd_configs: Vec<KubernetesConfig>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    relabel_configs: Vec<Relabel>,
}

#[derive(Serialize)]
struct Authorization {
    credentials_file: &'static str,
}

#[derive(Serialize)]
struct TlsConfig {
    ca_file: &'static str,
}

#[derive(Serialize)]
pub(super) struct StaticConfig {
    pub(super) targets: Vec<String>,
}

#[derive(Serialize)]
struct DnsConfig {
    names: [String; 1],
    #[serde(rename = "type")]
    kind: &'static str,
    port: u16,
    refresh_interval: String,
}

#[derive(Serialize)]
struct KubernetesConfig {
    role: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    namespaces: Option<Namespaces>,
}

#[derive(Serialize)]
struct Namespaces {
    names: [String; 1],
}

#[derive(Default, Serialize)]
struct Relabel {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    source_labels: Vec<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    regex: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    target_label: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    replacement: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    action: Option<&'static str>,
}

pub(super) fn sources(environment: &Environment<'_>) -> Vec<Source> {
    let monitoring = &environment.system.monitoring;
    let mut sources = vec![];
    for (name, fact) in &environment.services {
        let Some(metrics) = &fact.service.metrics else { continue };
        let named = metrics.port.as_ref().and_then(|it| fact.service.ports.get(it));
        let Some(port) = named.or_else(|| fact.service.main_port().map(|it| it.1)) else { continue };
        sources.push(Source {
            job: name.to_string(),
            whose: Whose::Service(name.to_string()),
            host: name.to_string(),
            path: metrics.path.clone(),
            port: port.number,
            params: BTreeMap::new(),
            every: monitoring.services_every,
        });
    }
    for (name, dependency) in &environment.system.dependencies {
        let Some(shown) = facts::shown(name, dependency) else { continue };
        sources.push(Source {
            job: name.to_string(),
            whose: Whose::Dependency(name.to_string()),
            host: shown.host,
            path: shown.path.to_owned(),
            port: shown.port,
            params: BTreeMap::new(),
            every: monitoring.dependencies_every,
        });
        if let Some(bundled) = environment.bundled.get(name).filter(|_| facts::is_queried(dependency)) {
            sources.push(Source {
                job: format!("{name}-queries"),
                whose: Whose::Dependency(name.to_string()),
                host: name.to_string(),
                path: "/".to_owned(),
                port: bundled.port,
                params: BTreeMap::from([("query", [clickhouse_query()])]),
                every: monitoring.dependencies_every,
            });
        }
    }
    sources
}

/// `ClickHouse` knows how long each query took, and answers in the format of Prometheus.
fn clickhouse_query() -> String {
    let quantile = |name, share| format!("('{name}', quantile({share})(query_duration_ms) / 1000)");
    let (p95, p99) = (quantile(CLICKHOUSE_P95, "0.95"), quantile(CLICKHOUSE_P99, "0.99"));
    let slow = format!("('{CLICKHOUSE_SLOW}', toFloat64(countIf(query_duration_ms > 1000)))");
    let finished = "type = 'QueryFinish' AND is_initial_query";
    let lately = "event_date >= today() - 1 AND event_time > now() - 300";
    // What reads is not what is read.
    let others = "query NOT LIKE '%system.query_log%'";
    format!(
        "SELECT it.1 AS name, it.2 AS value, 'gauge' AS type FROM (SELECT arrayJoin([{p95}, {p99}, {slow}]) AS it FROM system.query_log WHERE {finished} AND {lately} AND {others}) ORDER BY name FORMAT Prometheus"
    )
}

pub(super) fn configs(environment: &Environment<'_>, sources: &[Source]) -> Vec<Scrape> {
    let mut configs: Vec<Scrape> = sources.iter().map(|it| config(environment, it)).collect();
    if let (TargetKind::Kubernetes(_), true) =
        (&environment.system.target, environment.system.monitoring.cluster)
    {
        configs.extend(cluster());
    }
    configs
}

fn config(environment: &Environment<'_>, source: &Source) -> Scrape {
    let mut scrape = Scrape {
        job_name: source.job.clone(),
        every: Some(source.every.to_string()),
        // Never longer than the interval, which Prometheus refuses.
        timeout: Some(source.every.min(Millis::secs(10)).to_string()),
        metrics_path: Some(source.path.clone()),
        params: source.params.clone(),
        ..Scrape::default()
    };
    match &environment.system.target {
        TargetKind::Kubernetes(target) => {
            let namespaces = Some(Namespaces { names: [target.namespace.clone()] });
            scrape.kubernetes_sd_configs = vec![KubernetesConfig { role: "pod", namespaces }];
            scrape.relabel_configs = pods(environment, source);
        }
        TargetKind::Local(_)
        | TargetKind::Docker(_)
        | TargetKind::Ecs(_)
        | TargetKind::EcsExpress(_)
        | TargetKind::AppRunner(_) => {
            // The name has an address for each container, however many there are.
            scrape.dns_sd_configs = vec![DnsConfig {
                names: [source.host.clone()],
                kind: "A",
                port: source.port,
                refresh_interval: "10s".to_owned(),
            }];
        }
    }
    let (label, name) = match &source.whose {
        Whose::Service(name) => ("service", name),
        Whose::Dependency(name) => ("dependency", name),
    };
    scrape.relabel_configs.push(fixed(label, name));
    scrape
}

/// Of all pods, the port that shows the metrics of this one.
fn pods(environment: &Environment<'_>, source: &Source) -> Vec<Relabel> {
    let keep = |label, regex: String| Relabel {
        source_labels: vec![label],
        regex: Some(regex),
        action: Some("keep"),
        ..Relabel::default()
    };
    let copy = |from, to| Relabel { source_labels: vec![from], target_label: Some(to), ..Relabel::default() };
    // An exporter is a pod of its own, or beside the server in its pod.
    let name = match &source.whose {
        Whose::Service(name) => name.clone(),
        Whose::Dependency(name) => format!("{name}(-exporter)?"),
    };
    let mut relabel = vec![
        keep("__meta_kubernetes_pod_label_app_kubernetes_io_part_of", environment.system.name.to_string()),
        keep("__meta_kubernetes_pod_label_app_kubernetes_io_name", name),
        keep("__meta_kubernetes_pod_container_port_number", source.port.to_string()),
        // A pod that has ended keeps its address for a while.
        Relabel {
            source_labels: vec!["__meta_kubernetes_pod_phase"],
            regex: Some("Succeeded|Failed".to_owned()),
            action: Some("drop"),
            ..Relabel::default()
        },
        copy("__meta_kubernetes_pod_name", "pod"),
        copy("__meta_kubernetes_pod_node_name", "node"),
    ];
    if source.is_service() {
        relabel.push(copy("__meta_kubernetes_pod_annotation_lockgate_dev_version", "version"));
    }
    relabel
}

fn fixed(label: &'static str, value: &str) -> Relabel {
    Relabel { target_label: Some(label), replacement: Some(value.replace('$', "$$")), ..Relabel::default() }
}

/// The cluster's own servers, its nodes, the containers on them, and pods that ask to be read.
fn cluster() -> Vec<Scrape> {
    let secured = |job: &str, role| Scrape {
        job_name: job.to_owned(),
        scheme: Some("https"),
        authorization: Some(Authorization {
            credentials_file: "/var/run/secrets/kubernetes.io/serviceaccount/token",
        }),
        tls_config: Some(TlsConfig { ca_file: "/var/run/secrets/kubernetes.io/serviceaccount/ca.crt" }),
        kubernetes_sd_configs: vec![KubernetesConfig { role, namespaces: None }],
        ..Scrape::default()
    };
    let keep = |labels: &[&'static str], regex: &str| Relabel {
        source_labels: labels.to_vec(),
        regex: Some(regex.to_owned()),
        action: Some("keep"),
        ..Relabel::default()
    };
    let set = |from: &[&'static str], regex: &str, to, replacement: &str| Relabel {
        source_labels: from.to_vec(),
        regex: Some(regex.to_owned()),
        target_label: Some(to),
        replacement: Some(replacement.to_owned()),
        ..Relabel::default()
    };
    let mut servers = secured("kubernetes-apiservers", "endpoints");
    let labels = [
        "__meta_kubernetes_namespace",
        "__meta_kubernetes_service_name",
        "__meta_kubernetes_endpoint_port_name",
    ];
    servers.relabel_configs = vec![keep(&labels, "default;kubernetes;https")];
    let nodes = secured("kubernetes-nodes", "node");
    let mut containers = secured("kubernetes-cadvisor", "node");
    containers.metrics_path = Some("/metrics/cadvisor".to_owned());
    let mut pods = Scrape {
        job_name: "kubernetes-pods".to_owned(),
        kubernetes_sd_configs: vec![KubernetesConfig { role: "pod", namespaces: None }],
        ..Scrape::default()
    };
    pods.relabel_configs = vec![
        keep(&["__meta_kubernetes_pod_annotation_prometheus_io_scrape"], "true"),
        set(&["__meta_kubernetes_pod_annotation_prometheus_io_path"], "(.+)", "__metrics_path__", "$1"),
        set(
            &["__address__", "__meta_kubernetes_pod_annotation_prometheus_io_port"],
            r"([^:]+)(?::\d+)?;(\d+)",
            "__address__",
            "$1:$2",
        ),
        set(&["__meta_kubernetes_namespace"], "(.*)", "namespace", "$1"),
        set(&["__meta_kubernetes_pod_name"], "(.*)", "pod", "$1"),
    ];
    vec![servers, nodes, containers, pods]
}

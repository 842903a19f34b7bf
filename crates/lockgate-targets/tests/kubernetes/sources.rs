//! Whoever counts, what is counted is what was sent: Prometheus, and the gateway.

use std::fmt::Write as _;
use std::process::Command;
use std::time::Duration;

use libtest_mimic::Trial;
use lockgate_model::{ReleaseId, Samples, SlotCounts, SlotSpec, Traffic, Weights};
use lockgate_targets::{Kubernetes, Target as _};
use lockgate_testbed::{Server, image_of_server, skipped};
use serde_json::{Value, json};

use crate::client::Answers;
use crate::place::{Place, fence, key, slot, web, web_name};
use crate::trial;

/// Prometheus starts, finds the pods and reads them; nothing here takes longer unless it is broken.
const SOON: Duration = Duration::from_mins(1);

pub(crate) fn trials() -> Vec<Trial> {
    vec![
        trial("prometheus_counts_what_the_client_sent_and_is_missed_when_it_is_gone", prometheus),
        trial("a_gateway_that_prometheus_reads_counts_what_the_client_sent", gateway_by_prometheus),
        trial("a_gateway_counts_what_the_client_sent_to_a_service_without_metrics", gateway),
    ]
}

/// Looks until it is as wanted.
async fn looked(target: &Kubernetes, what: &str, is_it: impl Fn(&Samples) -> bool) -> Samples {
    let mut last = None;
    let looks = async {
        let mut every = tokio::time::interval(Duration::from_millis(500));
        loop {
            every.tick().await;
            let samples = target.samples(&[web_name()]).await.unwrap();
            if is_it(&samples) {
                return samples;
            }
            last = Some(samples);
        }
    };
    let in_time = tokio::time::timeout(SOON, looks).await.ok();
    in_time.unwrap_or_else(|| panic!("not yet: {what}: {last:?}"))
}

fn requests(samples: &Samples) -> Option<(u64, u64)> {
    Some((samples.slots.get(&web(1))?.requests, samples.slots.get(&web(2))?.requests))
}

fn counted_by(samples: &Samples) -> &str {
    samples.counted_by.get(&web_name()).map_or("nobody", String::as_str)
}

async fn prometheus(place: Place) {
    let name = "prometheus_counts_what_the_client_sent_and_is_missed_when_it_is_gone";
    let pods = json!({
        "job_name": "pods",
        "kubernetes_sd_configs": [{"role": "pod", "namespaces": {"names": [place.namespace.name]}}],
        "relabel_configs": [
            {"source_labels": ["__meta_kubernetes_pod_label_app_kubernetes_io_name"], "regex": "web", "action": "keep"},
            {"source_labels": ["__meta_kubernetes_pod_ip"], "target_label": "__address__", "replacement": "$1:8080"},
            {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"},
            {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
        ],
    });
    if !start(&place, name, &pods) {
        return;
    }
    let target = place.target(Traffic::Auto);
    place.prepared(&target, vec![place.service(), place.route()]).await;
    place.up(&target, 3, &slot(2, &[("SAMPLE_ERROR_RATE", "0.1")]), 2).await;
    half(&target).await;
    knows(&place, "up == 1", 3).await;

    let first = place.gateway().send(300).await;
    let sent = |it: &Answers| Some((it.of("r1"), it.of("r2")));
    let samples = looked(&target, "all is counted", |it| requests(it) == sent(&first)).await;
    let by = format!("Prometheus {}/prometheus:9090, from its own metrics", place.namespace.name);
    assert_eq!((counted_by(&samples), &samples.notes), (by.as_str(), &vec![]));
    assert_eq!(samples.slots[&web(2)].errors, first.errors);
    assert_eq!(latencies(&samples.slots[&web(2)]), first.of("r2"));
    assert_eq!(samples.slots[&web(2)].instances.values().map(|it| it.requests).sum::<u64>(), first.of("r2"));

    place.namespace.kubectl(&["scale", "deployment/prometheus", "--replicas=0"]);
    let dark = looked(&target, "Prometheus is missed", |it| it.slots.is_empty()).await;
    let said = dark.notes.join("\n");
    let wanted =
        format!("web is not counted: Prometheus {}/prometheus:9090 does not answer: ", place.namespace.name);
    assert!(said.starts_with(&wanted), "{said}");

    let second = place.gateway().send(100).await;
    place.namespace.kubectl(&["scale", "deployment/prometheus", "--replicas=1"]);
    let all = Some((first.of("r1") + second.of("r1"), first.of("r2") + second.of("r2")));
    let samples = looked(&target, "all is counted again", |it| requests(it) == all).await;
    assert_eq!(samples.slots[&web(2)].errors, first.errors + second.errors);
    // Another process goes on where this one is.
    looked(&place.target(Traffic::Auto), "by another process", |it| requests(it) == all).await;
}

async fn gateway_by_prometheus(place: Place) {
    let name = "a_gateway_that_prometheus_reads_counts_what_the_client_sent";
    let traefik = json!({
        "job_name": "traefik",
        "static_configs": [{"targets": ["traefik.gateway.svc:8002"]}],
    });
    if has_no_gateway_counts(name) || !start(&place, name, &traefik) {
        return;
    }
    knows(&place, "up == 1", 1).await;
    counts_of_gateway(&place, "Prometheus").await;
}

async fn gateway(place: Place) {
    if has_no_gateway_counts("a_gateway_counts_what_the_client_sent_to_a_service_without_metrics") {
        return;
    }
    counts_of_gateway(&place, "the counters of Traefik, asked of ").await;
}

async fn counts_of_gateway(place: &Place, by: &str) {
    let target = place.target(Traffic::Auto);
    let silent = |release, env: &[(&str, &str)]| SlotSpec { metrics: None, ..slot(release, env) };
    let fixtures = vec![place.service(), place.route()];
    target
        .prepare(&fence(1), &key(1), &lockgate_model::Fixtures::Objects(lockgate_model::Objects(fixtures)))
        .await
        .unwrap();
    place.up(&target, 2, &silent(1, &[]), 1).await;
    place.up(&target, 3, &silent(2, &[("SAMPLE_ERROR_RATE", "0.2")]), 2).await;
    half(&target).await;

    // What it counted before anybody looked was for whatever release.
    place.gateway().send(20).await;
    if by == "Prometheus" {
        let of_place = format!("service=~\".*{}.*\"", place.namespace.name);
        knows(place, &format!("sum by (service) (traefik_service_requests_total{{{of_place}}})"), 2).await;
    }
    let from = looked(&target, "a gateway is found", |it| counted_by(it) != "nobody").await;
    assert!(counted_by(&from).starts_with(by), "{}", counted_by(&from));
    // A look that repeats the one before says that the counters were read again since.
    looked(&target, "what came before is read", |it| !it.repeated.contains(&web_name())).await;
    let before = settled(&target).await;
    let sent = place.gateway().send(200).await;
    let wanted = Some((before.0 + sent.of("r1"), before.1 + sent.of("r2")));
    let samples = looked(&target, "all is counted", |it| requests(it) == wanted).await;
    assert!(sent.errors <= samples.slots[&web(2)].errors);
    assert_eq!(samples.slots[&web(1)].errors, 0);
    assert!(samples.slots[&web(2)].instances.is_empty());
}

/// Counts that three looks in a row agree in.
async fn settled(target: &Kubernetes) -> (u64, u64) {
    let mut last = (None, 0);
    let mut every = tokio::time::interval(Duration::from_secs(1));
    loop {
        every.tick().await;
        let now = requests(&target.samples(&[web_name()]).await.unwrap());
        last = if now == last.0 { (now, last.1 + 1) } else { (now, 0) };
        if let (Some(counts), 3..) = last {
            return counts;
        }
    }
}

async fn half(target: &Kubernetes) {
    let half = Weights::split(ReleaseId(1), ReleaseId(2), "50%".parse().unwrap());
    target.set_weights(&fence(4), &key(4), &web_name(), &half).await.unwrap();
}

fn latencies(counts: &SlotCounts) -> u64 {
    counts.latency.counts.iter().sum()
}

fn has_no_gateway_counts(name: &str) -> bool {
    let asked = ["get", "service", "traefik", "-n", "gateway", "--ignore-not-found", "-o", "name"];
    let found = Command::new("kubectl").args(asked).output().unwrap();
    found.stdout.is_empty()
        && skipped::<()>(name, "the gateway of this cluster has no Service `traefik` with its metrics")
            .is_none()
}

/// Waits until Prometheus answers a query with so many series.
async fn knows(place: &Place, query: &str, series: usize) {
    let mut path = format!(
        "/api/v1/namespaces/{}/services/http:prometheus:9090/proxy/api/v1/query?query=",
        place.namespace.name
    );
    for byte in query.bytes() {
        write!(path, "%{byte:02X}").unwrap();
    }
    let known = async {
        let mut every = tokio::time::interval(Duration::from_millis(500));
        loop {
            every.tick().await;
            let asked = Command::new("kubectl").args(["get", "--raw", &path]).output().unwrap();
            let answer: Value = serde_json::from_slice(&asked.stdout).unwrap_or_default();
            if answer["data"]["result"].as_array().is_some_and(|it| it.len() == series) {
                return;
            }
        }
    };
    assert!(tokio::time::timeout(SOON, known).await.is_ok(), "{query} has not {series} series");
}

/// A Prometheus of the namespace, which reads each second.
fn start(place: &Place, name: &str, job: &Value) -> bool {
    let Some(image) = image_of_server(Server::Prometheus, "lockgate-test/prometheus:1") else {
        return skipped::<()>(name, "there is no image of Prometheus").is_some();
    };
    let config =
        json!({"global": {"scrape_interval": "1s", "scrape_timeout": "1s"}, "scrape_configs": [job]});
    let meta = |name: &str| json!({"name": name, "namespace": place.namespace.name});
    let labels = json!({"app": "prometheus"});
    let probe = json!({"httpGet": {"path": "/-/ready", "port": 9090}, "periodSeconds": 1});
    let container = json!({
        "name": "prometheus", "image": image, "readinessProbe": probe,
        "volumeMounts": [{"name": "config", "mountPath": "/etc/prometheus"}],
    });
    let pod = json!({
        "serviceAccountName": "prometheus", "terminationGracePeriodSeconds": 0, "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": "prometheus"}}],
    });
    let subject = json!({"kind": "ServiceAccount", "name": "prometheus", "namespace": place.namespace.name});
    let objects = [
        json!({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": meta("prometheus")}),
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "RoleBinding", "metadata": meta("prometheus"),
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "view"},
            "subjects": [subject],
        }),
        json!({
            "apiVersion": "v1", "kind": "ConfigMap", "metadata": meta("prometheus"),
            "data": {"prometheus.yml": config.to_string()},
        }),
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment", "metadata": meta("prometheus"),
            "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}, "spec": pod}},
        }),
        json!({
            "apiVersion": "v1", "kind": "Service", "metadata": meta("prometheus"),
            "spec": {"selector": labels, "ports": [{"name": "http", "port": 9090}]},
        }),
    ];
    place.namespace.apply(&json!({"apiVersion": "v1", "kind": "List", "items": objects}).to_string());
    true
}

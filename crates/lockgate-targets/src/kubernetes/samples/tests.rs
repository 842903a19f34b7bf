//! What is asked and how answers are told apart, program by program.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use k8s_openapi::api::core::v1::Pod;
use lockgate_model::{ReleaseId, ServiceName, SlotRef};
use serde_json::json;

use super::super::observe::SlotDeployment;
use super::super::traffic::Backend;
use super::answer::Vector;
use super::collected::{Collected, of_page, of_prometheus};
use super::exposition::parse;
use super::preset::{ENVOY_GATEWAY, GATEWAYS, INGRESS_NGINX, ISTIO, OWN, Preset, TRAEFIK};
use super::promql::Queries;
use super::seen::Seen;

/// A canary of `web`: r3 was taken over, r4 is new, and both have one pod.
struct World {
    service: ServiceName,
    slots: Vec<SlotDeployment>,
    pods: Vec<Pod>,
}

impl World {
    fn new() -> World {
        let service = ServiceName::new("web").unwrap();
        let slot = |release: u64, name: &str| {
            let labels = json!({"app": "web", "release": release.to_string()});
            let deployment = json!({
                "metadata": {"name": name, "namespace": "shop"},
                "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}},
            });
            SlotDeployment {
                slot: SlotRef { service: service.clone(), release: ReleaseId(release) },
                deployment: serde_json::from_value(deployment).unwrap(),
            }
        };
        let pod = |release: u64, name: &str, ip: &str| {
            let probe = json!({"httpGet": {"path": "/health", "port": 8080}});
            serde_json::from_value(json!({
                "metadata": {"name": name, "namespace": "shop", "uid": name, "labels": {"app": "web", "release": release.to_string()}},
                "spec": {"containers": [{"name": "web", "readinessProbe": probe}]},
                "status": {"podIP": ip},
            }))
            .unwrap()
        };
        World {
            slots: vec![slot(3, "web"), slot(4, "web-r4")],
            pods: vec![pod(3, "web-5d9f-abcde", "10.2.1.3"), pod(4, "web-r4-77c4-fghij", "10.2.1.4")],
            service,
        }
    }

    fn seen(&self) -> Seen<'_> {
        let mut seen = Seen::new("shop", &self.service, &self.slots, &self.pods);
        let backend = |release: u64, service: &str, is_canary| Backend {
            release: ReleaseId(release),
            service: service.to_owned(),
            ports: vec!["http".to_owned(), "8080".to_owned()],
            ingresses: vec!["public".to_owned()],
            is_canary,
        };
        seen.backends = vec![backend(3, "web", false), backend(4, "web-canary", true)];
        seen
    }
}

#[test]
fn the_queries_of_every_preset() {
    let world = World::new();
    let mut text = String::new();
    for preset in std::iter::once(&OWN).chain(GATEWAYS) {
        let Queries { times, counts } = Queries::new(preset, &world.seen());
        writeln!(text, "# {}\n{times}\n{counts}\n", preset.name).unwrap();
    }
    insta::assert_snapshot!(text);
}

/// Requests and errors by who counted them.
fn told(collected: &[Collected]) -> BTreeMap<(usize, &str), (u64, u64)> {
    let told = collected.iter().map(|it| {
        let reading = it.reading.as_ref().unwrap();
        ((it.counter.slot, it.counter.name.as_str()), (reading.requests, reading.errors))
    });
    told.collect()
}

fn page(preset: &Preset, text: &str) -> BTreeMap<(usize, String), (u64, u64)> {
    let world = World::new();
    let collected = of_page(preset, &world.seen(), "gateway", parse(text).unwrap());
    told(&collected).into_iter().map(|((slot, name), it)| ((slot, name.to_owned()), it)).collect()
}

fn both(old: (u64, u64), new: (u64, u64)) -> BTreeMap<(usize, String), (u64, u64)> {
    BTreeMap::from([((0, "web".to_owned()), old), ((1, "web-canary".to_owned()), new)])
}

#[test]
fn traefik_names_services_in_the_way_of_each_provider() {
    let line = |service: &str, code: u16, count: u64| {
        format!(
            "traefik_service_requests_total{{code=\"{code}\",method=\"GET\",protocol=\"http\",service=\"{service}\"}} {count}\n"
        )
    };
    for (stable, canary) in [
        (
            "httproute-shop-web-gw-gateway-shared-ep-web-0-b38f5a1a6100baae32c3-svc-shop-web-0@kubernetesgateway",
            "httproute-shop-web-gw-gateway-shared-ep-web-0-b38f5a1a6100baae32c3-svc-shop-web-canary-1@kubernetesgateway",
        ),
        ("shop-web-8080@kubernetesgateway", "shop-web-canary-8080@kubernetesgateway"),
        ("shop-web-http-8080@kubernetesgateway", "shop-web-canary-http-8080@kubernetesgateway"),
        ("shop-web-http@kubernetes", "shop-web-canary-http@kubernetes"),
        ("shop-web-8080@kubernetescrd", "shop-web-canary-8080@kubernetescrd"),
        ("shop-public-web-8080@kubernetesingressnginx", "shop-public-web-8080-canary@kubernetesingressnginx"),
    ] {
        let text =
            line(stable, 200, 90) + &line(stable, 503, 2) + &line(canary, 200, 9) + &line(canary, 500, 1);
        let others = line("shop-web-admin-8080@kubernetes", 500, 7)
            + &line("other-web-8080@kubernetes", 500, 7)
            + &line("web@file", 500, 7)
            + &line("shop-x-svc-shop-api-web-0@kubernetesgateway", 500, 7);
        assert_eq!(page(&TRAEFIK, &(text + &others)), both((92, 2), (10, 1)), "{stable}");
    }
}

#[test]
fn ingress_nginx_says_which_request_went_to_the_canary() {
    let text = r#"
nginx_ingress_controller_requests{canary="",ingress="public",method="GET",namespace="shop",path="/",service="web",status="200"} 90
nginx_ingress_controller_requests{canary="",ingress="public",method="GET",namespace="shop",path="/",service="web",status="502"} 1
nginx_ingress_controller_requests{canary="shop-web-canary-8080",ingress="public",namespace="shop",service="web",status="200"} 8
nginx_ingress_controller_requests{canary="shop-web-canary-8080",ingress="public",namespace="shop",service="web",status="500"} 2
nginx_ingress_controller_requests{canary="",ingress="public",namespace="shop",service="api",status="500"} 50
nginx_ingress_controller_requests{canary="",ingress="public",namespace="other",service="web",status="500"} 50
nginx_ingress_controller_requests{canary="",exported_namespace="shop",exported_service="web",namespace="ingress-nginx",service="controller-metrics",status="200"} 9
"#;
    assert_eq!(page(&INGRESS_NGINX, text), both((100, 1), (10, 2)));
}

#[test]
fn istio_and_envoy_count_pods_apart() {
    let istio = r#"
istio_requests_total{reporter="destination",destination_workload="web",destination_workload_namespace="shop",response_code="200",grpc_response_status="",pod="web-5d9f-abcde"} 90
istio_requests_total{reporter="source",destination_workload="web",destination_workload_namespace="shop",response_code="200",pod="web-5d9f-abcde"} 90
istio_requests_total{reporter="destination",destination_workload="web-r4",destination_workload_namespace="shop",response_code="503",pod="web-r4-77c4-fghij"} 3
istio_requests_total{reporter="destination",destination_workload="web-r4",destination_workload_namespace="shop",response_code="200",grpc_response_status="14",pod="web-r4-77c4-fghij"} 1
istio_requests_total{reporter="destination",destination_workload="web-r4",destination_workload_namespace="shop",response_code="200",grpc_response_status="5",pod="web-r4-77c4-fghij"} 6
"#;
    let envoy = r#"
envoy_cluster_endpoint_rq_total{envoy_cluster_name="httproute/shop/web/rule/0",envoy_endpoint_address="10.2.1.3:8080"} 90
envoy_cluster_endpoint_rq_total{envoy_cluster_name="httproute/shop/web/rule/0",envoy_endpoint_address="10.2.1.4:8080"} 10
envoy_cluster_endpoint_rq_error{envoy_cluster_name="httproute/shop/web/rule/0",envoy_endpoint_address="10.2.1.4:8080"} 4
envoy_cluster_endpoint_rq_total{envoy_cluster_name="httproute/shop/api/rule/0",envoy_endpoint_address="10.2.1.9:8080"} 10
"#;
    let pods = BTreeMap::from([
        ((0, "web-5d9f-abcde".to_owned()), (90, 0)),
        ((1, "web-r4-77c4-fghij".to_owned()), (10, 4)),
    ]);
    assert_eq!(page(&ISTIO, istio), pods);
    assert_eq!(page(&ENVOY_GATEWAY, envoy), pods);
}

/// Series of Prometheus, written as a page of metrics.
fn vector(text: &str) -> Vector {
    let samples = parse(text).unwrap().into_iter().map(super::exposition::Sample::into_owned);
    Vector { at: Some(1_000.0), samples: samples.collect() }
}

#[test]
fn what_prometheus_has_not_read_lately_is_not_taken() {
    let world = World::new();
    let collected = |times: &str, counts: &str| {
        let collected = of_prometheus(&OWN, &world.seen(), &vector(times), vector(counts));
        collected
            .into_iter()
            .map(|it| (it.read_at, it.reading.map(|it| (it.requests, it.errors))))
            .collect::<Vec<_>>()
    };
    let times = r#"
it{job="web",instance="10.2.1.3:8080",pod="web-5d9f-abcde"} 991.5
it{job="web",instance="10.2.1.4:8080",pod="web-r4-77c4-fghij"} 700
"#;
    let counts = r#"
up{job="web",instance="10.2.1.3:8080",pod="web-5d9f-abcde"} 1
http_requests_total{job="web",instance="10.2.1.3:8080",pod="web-5d9f-abcde",status="200"} 40
http_requests_total{job="web",instance="10.2.1.3:8080",pod="web-5d9f-abcde",status="500"} 2
http_requests_total{job="web",instance="10.2.1.4:8080",pod="web-r4-77c4-fghij",status="200"} 40
"#;
    let old = Err("Prometheus has read it 300 seconds ago for the last time".to_owned());
    assert_eq!(collected(times, counts), [(Some(991.5), Ok((42, 2))), (Some(700.0), old)]);

    let down = counts.replace("} 1\n", "} 0\n");
    assert_eq!(collected(times, &down)[0].1, Err("Prometheus cannot read it".to_owned()));

    // Read, and without any request so far.
    let quiet = "up{job=\"web\",instance=\"10.2.1.3:8080\",pod=\"web-5d9f-abcde\"} 1\n";
    assert_eq!(collected(times, quiet), [(Some(991.5), Ok((0, 0)))]);
}

#[test]
fn a_pod_that_two_jobs_read_is_counted_once() {
    let world = World::new();
    let line = |name: &str, job: &str, status: &str, value: u64| {
        format!("{name}{{job=\"{job}\",instance=\"i\",pod=\"web-5d9f-abcde\"{status}}} {value}\n")
    };
    let times = line("it", "a", "", 999) + &line("it", "b", "", 998) + &line("it", "c", "", 999);
    let counts = line("up", "a", "", 1)
        + &line("http_requests_total", "b", ",status=\"200\"", 40)
        + &line("http_requests_total", "c", ",status=\"200\"", 41);
    let collected = of_prometheus(&OWN, &world.seen(), &vector(&times), vector(&counts));
    assert_eq!(told(&collected), BTreeMap::from([((0, "web-5d9f-abcde"), (40, 0))]));
}

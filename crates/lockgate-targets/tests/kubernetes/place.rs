//! A namespace for one test, with a service in it whose versions say which they are.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use lockgate_model::{
    EffectKey, EnvironmentName, Fence, Fixtures, Form, Health, KubernetesTarget, LATENCY_BOUNDS_MS,
    MetricsAt, Millis, Objects, Observed, Port, PortName, Protocol, ReleaseId, Scope, ServiceName, SlotRef,
    SlotSpec, Stop, SystemName, Traffic, Version, Via,
};
use lockgate_targets::{Kubernetes, KubernetesConfig, Target as _};
use lockgate_testbed::{Cluster, Namespace};
use serde_json::{Value, json};

use crate::client::Client;

const PORT: u16 = 8080;
/// Pods that are pulled, started and probed; nothing here takes longer unless it is broken.
const SOON: Duration = Duration::from_mins(1);

#[derive(Clone)]
pub(crate) struct Place {
    pub(crate) namespace: Arc<Namespace>,
}

impl Place {
    pub(crate) fn new(cluster: &Cluster, name: &str) -> Place {
        let short: String =
            name.chars().map(|it| if it.is_ascii_alphanumeric() { it } else { '-' }).collect();
        let prefix = format!("lg-{}", &short[..short.len().min(30)]);
        Place { namespace: Arc::new(Namespace::new(cluster, &prefix)) }
    }

    pub(crate) fn object(&self, kind: &str, name: &str) -> Option<Value> {
        let args = ["get", kind, name, "-o", "json", "--ignore-not-found"];
        serde_json::from_str(&self.namespace.kubectl(&args)).ok()
    }

    /// Prometheus is that of the namespace, whatever else the cluster has.
    pub(crate) fn target(&self, traffic: Traffic) -> Kubernetes {
        Kubernetes::new(KubernetesConfig {
            scope: scope(),
            target: KubernetesTarget {
                context: None,
                namespace: self.namespace.name.clone(),
                via: Via::Apply,
                traffic,
                kubeconfig: None,
                registry: None,
                pull_secret: None,
            },
            vault: None,
            prometheus: Some("http://prometheus:9090".to_owned()),
        })
    }

    /// Through the Gateway.
    pub(crate) fn gateway(&self) -> Client {
        self.client(&self.namespace.cluster.gateway)
    }

    /// Through the Ingress controller.
    pub(crate) fn ingress(&self) -> Client {
        self.client(&self.namespace.cluster.ingress)
    }

    fn client(&self, url: &str) -> Client {
        Client { address: url.trim_start_matches("http://").to_owned(), host: self.host() }
    }

    pub(crate) fn host(&self) -> String {
        format!("{}.test", self.namespace.name)
    }

    /// The Service, as it is rendered.
    pub(crate) fn service(&self) -> Value {
        let port = json!({"name": "http", "port": PORT, "targetPort": PORT, "appProtocol": "http"});
        json!({
            "apiVersion": "v1", "kind": "Service",
            "metadata": {"name": "web", "namespace": self.namespace.name},
            "spec": {"selector": {"app.kubernetes.io/name": "web", "lockgate.dev/track": "stable"}, "ports": [port]},
        })
    }

    pub(crate) fn route(&self) -> Value {
        json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
            "metadata": {"name": "web", "namespace": self.namespace.name},
            "spec": {
                "parentRefs": [{"name": "shared", "namespace": "gateway"}],
                "hostnames": [self.host()],
                "rules": [{"backendRefs": [{"name": "web", "port": PORT}]}],
            },
        })
    }

    pub(crate) fn main_ingress(&self) -> Value {
        let backend = json!({"service": {"name": "web", "port": {"number": PORT}}});
        let path = json!({"path": "/", "pathType": "Prefix", "backend": backend});
        json!({
            "apiVersion": "networking.k8s.io/v1", "kind": "Ingress",
            "metadata": {"name": "web", "namespace": self.namespace.name},
            "spec": {"ingressClassName": "nginx", "rules": [{"host": self.host(), "http": {"paths": [path]}}]},
        })
    }

    /// The service and what leads to it, and one slot that is ready.
    pub(crate) async fn prepared(&self, target: &Kubernetes, objects: Vec<Value>) {
        let fixtures = Fixtures::Objects(Objects(objects));
        target.prepare(&fence(1), &key(1), &fixtures).await.unwrap();
        self.up(target, 2, &slot(1, &[]), 1).await;
    }

    pub(crate) async fn up(&self, target: &Kubernetes, seq: u64, slot: &SlotSpec, instances: u16) {
        target.ensure_slot(&fence(seq), &key(seq), slot, instances).await.unwrap();
        let ready = async {
            let mut every = tokio::time::interval(Duration::from_millis(300));
            while ready(&target.observe().await.unwrap(), slot.slot.release) < instances {
                every.tick().await;
            }
        };
        assert!(tokio::time::timeout(SOON, ready).await.is_ok(), "{} is not ready", slot.slot);
    }
}

fn ready(observed: &Observed, release: ReleaseId) -> u16 {
    observed.services.get(&web_name()).and_then(|it| it.slots.get(&release)).map_or(0, |it| it.ready)
}

/// A version that is named after its release; `env` beyond what it needs to know.
pub(crate) fn slot(release: u64, env: &[(&str, &str)]) -> SlotSpec {
    let version = format!("r{release}");
    let known = [("SAMPLE_VERSION", version.as_str()), ("PORT", "8080"), ("SAMPLE_HOST", "0.0.0.0")];
    let env: Vec<Value> =
        known.iter().chain(env).map(|(name, value)| json!({"name": name, "value": value})).collect();
    let probe = json!({"httpGet": {"path": "/health", "port": PORT}, "periodSeconds": 1});
    let labels = json!({
        "app.kubernetes.io/name": "web",
        "app.kubernetes.io/part-of": "shop",
        "lockgate.dev/track": "stable",
    });
    let container = json!({
        "name": "web", "image": image(), "args": ["as-sample"], "env": env, "readinessProbe": probe,
        "lifecycle": {"preStop": {"sleep": {"seconds": 3}}},
    });
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": {"name": "web"},
        "spec": {
            "selector": {"matchLabels": {"app.kubernetes.io/name": "web", "lockgate.dev/track": "stable"}},
            "template": {"metadata": {"labels": labels}, "spec": {"containers": [container]}},
        },
    });
    let port = Port { number: PORT, protocol: Protocol::Http, publish: None };
    SlotSpec {
        slot: web(release),
        version: Version::new(version).unwrap(),
        command: vec![],
        env: BTreeMap::new(),
        files: None,
        ports: BTreeMap::from([(PortName::new("http").unwrap(), port)]),
        health: Health::Uptime { ready_after: Millis::secs(60) },
        stop: Stop::default(),
        latency_bounds_ms: LATENCY_BOUNDS_MS.to_vec(),
        secrets: BTreeMap::new(),
        form: Form::Objects(Objects(vec![deployment])),
        metrics: Some(MetricsAt { path: "/metrics".to_owned(), port: PORT }),
    }
}

/// This program, in the registry of the cluster.
fn image() -> &'static str {
    static IMAGE: OnceLock<String> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let program = std::env::current_exe().expect("a running program has a file");
        lockgate_testbed::image_of_program(
            Path::new(&program),
            &format!("lockgate-test/kubernetes:{}", std::process::id()),
        )
    })
}

pub(crate) fn web_name() -> ServiceName {
    ServiceName::new("web").unwrap()
}

pub(crate) fn web(release: u64) -> SlotRef {
    SlotRef { service: web_name(), release: ReleaseId(release) }
}

fn scope() -> Scope {
    Scope { system: SystemName::new("shop").unwrap(), environment: EnvironmentName::new("test").unwrap() }
}

pub(crate) fn fence(seq: u64) -> Fence {
    Fence { scope: scope(), epoch: 1, seq }
}

pub(crate) fn key(seq: u64) -> EffectKey {
    EffectKey::new(ReleaseId(1), 1, u16::try_from(seq).unwrap(), false, 1)
}

//! The `kubernetes` target on a cluster that is given: a namespace of its own for each test, and this program as an
//! image.

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http_body_util::{BodyExt as _, Empty};
use hyper::Request;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Namespace, Pod, Service};
use kube::api::{Api, DeleteParams, Patch, PatchParams, PostParams};
use libtest_mimic::Trial;
use lockgate_model::{
    EffectKey, Fixtures, Form, Health, JobSpec, KubernetesTarget, MetricsAt, Millis, Objects, Port, PortName,
    Protocol, ReleaseId, SlotSpec, SmokeExpect, SmokeSpec, SmokeVia, Traffic, Via, Weights,
};
use lockgate_targets::{Class, Kubernetes, KubernetesConfig, Target as _};
use lockgate_testbed::Cluster;
use serde_json::{Value, json};

use crate::suite::{self, Platform};
use crate::world::{self, World, eventually, fence, key, scope, service, web};

const PORT: u16 = 8080;

pub(crate) fn trials() -> Vec<Trial> {
    if cluster().is_none() {
        return Vec::new();
    }
    let mut trials = suite::of::<Pods>("kubernetes");
    trials.extend([
        crate::trial("kubernetes: an unknown context is told with those that there are", unknown_context),
        crate::trial("kubernetes: a slot is never another one under the same name", other_content),
        crate::trial("kubernetes: what somebody else changed of a slot is set right", foreign_edit),
        crate::trial("kubernetes: preparing again keeps how traffic is split", prepares_again),
        crate::trial("kubernetes: a field of a fixture that somebody else owns is told", foreign_fixture),
        crate::trial("kubernetes: what nothing needs any more is pruned", prunes),
        crate::trial("kubernetes: a kind that is not installed is told", unknown_kind),
        crate::trial("kubernetes: a slot costs a bounded number of requests", few_requests),
    ]);
    trials
}

fn cluster() -> Option<&'static Cluster> {
    static CLUSTER: OnceLock<Option<Cluster>> = OnceLock::new();
    CLUSTER.get_or_init(|| Cluster::given("the kubernetes target")).as_ref()
}

/// This program, pushed once.
fn image() -> &'static str {
    static IMAGE: OnceLock<String> = OnceLock::new();
    IMAGE.get_or_init(|| lockgate_testbed::image_of_program(&crate::this_program(), "conformance:tested"))
}

/// A namespace with what stands beside the slots of `web`.
pub(crate) struct Pods {
    namespace: String,
    marks: OnceLock<()>,
}

impl Pods {
    fn api() -> kube::Client {
        wait(async { kube::Client::try_default().await.unwrap() })
    }

    fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(Pods::api(), &self.namespace)
    }

    async fn deployment(&self, release: u64) -> Deployment {
        self.deployments().get(&format!("web-r{release}")).await.unwrap()
    }

    fn host(&self) -> String {
        format!("{}.example.org", self.namespace)
    }

    fn labels() -> Value {
        json!({"app.kubernetes.io/name": "web", "app.kubernetes.io/part-of": "shop"})
    }

    fn fixtures(&self) -> Vec<Value> {
        let service = |name: &str, track: &str| {
            json!({
                "apiVersion": "v1", "kind": "Service", "metadata": {"name": name, "labels": Pods::labels()},
                "spec": {
                    "selector": {"app.kubernetes.io/name": "web", "lockgate.dev/track": track},
                    "ports": [{"name": "http", "port": PORT, "targetPort": PORT}],
                },
            })
        };
        let backend = |name: &str, weight: u16| json!({"name": name, "port": PORT, "weight": weight});
        let route = json!({
            "apiVersion": "gateway.networking.k8s.io/v1", "kind": "HTTPRoute",
            "metadata": {"name": "web", "labels": Pods::labels()},
            "spec": {
                "hostnames": [self.host()],
                "parentRefs": [{"name": "shared", "namespace": "gateway"}],
                "rules": [{"backendRefs": [backend("web", 100), backend("web-canary", 0)]}],
            },
        });
        vec![service("web", "stable"), service("web-canary", "canary"), route]
    }

    async fn prepare(&self, seq: u64, objects: Vec<Value>) -> Result<(), lockgate_targets::TargetError> {
        let key = EffectKey::new(ReleaseId(1), 0, 0, false, 1);
        self.client().prepare(&fence(seq), &key, &Fixtures::Objects(Objects(objects))).await
    }

    fn deployment_of(mode: &str) -> Value {
        let labels = json!({"app.kubernetes.io/name": "web", "lockgate.dev/track": "stable"});
        let release = json!({"fieldRef": {"fieldPath": "metadata.labels['lockgate.dev/release']"}});
        json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": "web", "labels": Pods::labels()},
            "spec": {
                "replicas": 1,
                "selector": {"matchLabels": labels},
                "template": {
                    "metadata": {"labels": {
                        "app.kubernetes.io/name": "web", "app.kubernetes.io/part-of": "shop",
                        "lockgate.dev/track": "stable",
                    }},
                    "spec": {
                        "terminationGracePeriodSeconds": 5,
                        "containers": [{
                            "name": "web", "image": image(), "args": ["as-service"],
                            "env": [
                                {"name": "HOST", "value": "0.0.0.0"},
                                {"name": "PORT", "value": PORT.to_string()},
                                {"name": "MODE", "value": mode},
                                {"name": "LOCKGATE_RELEASE", "valueFrom": release},
                            ],
                            "ports": [{"name": "http", "containerPort": PORT}],
                            "readinessProbe": {
                                "httpGet": {"path": "/healthz", "port": PORT}, "periodSeconds": 1,
                            },
                        }],
                    },
                },
            },
        })
    }

    /// What keeps the marks of jobs, reached by jobs as `http://marks:8080/NAME` and from here by the API server.
    async fn keep_marks(&self) {
        let labels = json!({"app": "marks"});
        let service = json!({
            "metadata": {"name": "marks"},
            "spec": {"selector": labels, "ports": [{"port": PORT}]},
        });
        let pod = json!({
            "metadata": {"name": "marks", "labels": labels},
            "spec": {"terminationGracePeriodSeconds": 0, "containers": [{
                "name": "marks", "image": image(), "args": ["as-marks"],
                "env": [{"name": "PORT", "value": PORT.to_string()}],
            }]},
        });
        let params = PostParams::default();
        let services: Api<Service> = Api::namespaced(Pods::api(), &self.namespace);
        services.create(&params, &serde_json::from_value(service).unwrap()).await.unwrap();
        let pods: Api<Pod> = Api::namespaced(Pods::api(), &self.namespace);
        pods.create(&params, &serde_json::from_value(pod).unwrap()).await.unwrap();
    }

    async fn ask_marks(&self, method: &str, name: &str) -> Option<Result<String, u16>> {
        let uri = format!("/api/v1/namespaces/{}/services/marks:{PORT}/proxy/{name}", self.namespace);
        let request = Request::builder().method(method).uri(uri).body(Vec::new()).unwrap();
        match Pods::api().request_text(request).await {
            Ok(text) => Some(Ok(text)),
            Err(kube::Error::Api(status)) if status.code == 404 && status.message.contains("no mark") => {
                Some(Err(404))
            }
            Err(_) => None,
        }
    }
}

/// Blocks a thread of the test's runtime, where something has to be had from what cannot wait.
fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::task::block_in_place(|| tokio::runtime::Handle::current().block_on(future))
}

impl Platform for Pods {
    type Target = Kubernetes;

    fn new() -> Pods {
        static NUMBER: AtomicU32 = AtomicU32::new(1);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let namespace = format!("conformance-{}-{number}", std::process::id());
        let pods = Pods { namespace, marks: OnceLock::new() };
        wait(pods.prepare(1, pods.fixtures())).unwrap();
        pods
    }

    fn client(&self) -> Kubernetes {
        self.client_of(None)
    }

    fn slot(&self, release: u64) -> SlotSpec {
        Pods::slot_in_mode(release, "")
    }

    fn job(&self, words: &[&str]) -> JobSpec {
        let args: Vec<&str> = std::iter::once("as-job").chain(words.iter().copied()).collect();
        let object = json!({
            "apiVersion": "batch/v1", "kind": "Job",
            "metadata": {"name": "migrate", "labels": {
                "app.kubernetes.io/name": "migrate", "app.kubernetes.io/part-of": "shop",
            }},
            "spec": {"backoffLimit": 0, "template": {
                "metadata": {"labels": {"app.kubernetes.io/name": "migrate", "app.kubernetes.io/part-of": "shop"}},
                "spec": {
                    "restartPolicy": "Never", "terminationGracePeriodSeconds": 1,
                    "containers": [{"name": "migrate", "image": image(), "args": args}],
                },
            }},
        });
        JobSpec { form: Form::Objects(Objects(vec![object])), ..world::job(words) }
    }

    fn path(&self, name: &str) -> String {
        self.marks.get_or_init(|| wait(self.keep_marks()));
        format!("http://marks:{PORT}/{name}")
    }

    async fn marked(&self, path: &str) -> Option<String> {
        let name = path.rsplit('/').next().unwrap();
        loop {
            if let Some(answer) = self.ask_marks("GET", name).await {
                return answer.ok();
            }
            // Slow on purpose: a breath between two looks, so that the looking does not take the cores it waits for.
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    async fn mark(&self, path: &str) {
        let name = path.rsplit('/').next().unwrap();
        eventually("the mark is set", async || matches!(self.ask_marks("POST", name).await, Some(Ok(_))))
            .await;
    }

    async fn request(&self) -> Option<String> {
        let gateway = cluster().unwrap().gateway.strip_prefix("http://").unwrap();
        let (status, text) = ask(gateway, &self.host(), "/").await.ok()?;
        (status == 200).then_some(text)
    }

    fn smoke(&self, via: SmokeVia, path: &str) -> SmokeSpec {
        SmokeSpec {
            service: service(),
            port: PORT,
            path: path.to_owned(),
            status: 200,
            via,
            timeout: Millis::secs(5),
            expect: SmokeExpect::default(),
            bearer: None,
        }
    }
}

impl Pods {
    fn client_of(&self, context: Option<&str>) -> Kubernetes {
        Kubernetes::new(KubernetesConfig {
            scope: scope(),
            target: KubernetesTarget {
                context: context.map(str::to_owned),
                namespace: self.namespace.clone(),
                via: Via::Apply,
                traffic: Traffic::Auto,
                kubeconfig: None,
                registry: None,
                pull_secret: None,
            },
            vault: None,
            prometheus: None,
        })
    }

    fn slot_in_mode(release: u64, mode: &str) -> SlotSpec {
        let http = PortName::new("http").unwrap();
        SlotSpec {
            command: Vec::new(),
            env: BTreeMap::new(),
            ports: BTreeMap::from([(http.clone(), Port::new(PORT, Protocol::Http))]),
            health: Health::Http {
                path: "/healthz".to_owned(),
                port: http,
                interval: Millis::secs(1),
                timeout: Millis::secs(1),
                healthy_after: 1,
                unhealthy_after: 3,
                ready_within: Millis::secs(20),
            },
            form: Form::Objects(Objects(vec![Pods::deployment_of(mode)])),
            metrics: Some(MetricsAt { path: "/metrics".to_owned(), port: PORT }),
            ..World::new().slot(release)
        }
    }
}

impl Drop for Pods {
    /// On a thread, for the test has a runtime. The namespace takes all with it, after the tests.
    fn drop(&mut self) {
        let namespace = self.namespace.clone();
        let removing = std::thread::spawn(move || {
            crate::runtime().block_on(async {
                let namespaces: Api<Namespace> = Api::all(kube::Client::try_default().await.unwrap());
                drop(namespaces.delete(&namespace, &DeleteParams::background()).await);
            });
        });
        drop(removing.join());
    }
}

async fn ask(
    address: &str,
    host: &str,
    path: &str,
) -> Result<(u16, String), Box<dyn std::error::Error + Send + Sync>> {
    let stream = tokio::net::TcpStream::connect(address).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    tokio::spawn(connection);
    let request = Request::get(path).header("host", host).body(Empty::<Bytes>::new())?;
    let answer = sender.send_request(request).await?;
    let status = answer.status().as_u16();
    let body = answer.into_body().collect().await?.to_bytes();
    Ok((status, String::from_utf8_lossy(&body).into_owned()))
}

async fn unknown_context() {
    let pods = Pods { namespace: "default-not-used".to_owned(), marks: OnceLock::new() };
    let failed = pods.client_of(Some("nowhere")).observe().await.unwrap_err();
    assert_eq!(failed.class, Class::Fatal);
    assert!(failed.message.contains("no context `nowhere`; the contexts that there are: "), "{failed}");
}

async fn other_content() {
    let pods = Pods::new();
    let target = pods.client();
    target.ensure_slot(&fence(1), &key(1), &pods.slot(1), 1).await.unwrap();
    let other = Pods::slot_in_mode(1, "another");
    let refused = target.ensure_slot(&fence(2), &key(1), &other, 1).await.unwrap_err();
    assert_eq!(refused.class, Class::Fatal);
    assert!(refused.message.contains("web@r1 exists with another content"), "{refused}");
}

async fn foreign_edit() {
    let pods = Pods::new();
    let target = pods.client();
    target.ensure_slot(&fence(1), &key(1), &pods.slot(1), 1).await.unwrap();
    let patch = json!({"metadata": {"annotations": {"lockgate.dev/version": "v9"}}, "spec": {"replicas": 3}});
    let params = PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..PatchParams::default() };
    pods.deployments().patch("web-r1", &params, &Patch::Merge(&patch)).await.unwrap();
    target.ensure_slot(&fence(2), &key(1), &pods.slot(1), 1).await.unwrap();
    let slot = &target.observe().await.unwrap().services[&service()].slots[&ReleaseId(1)];
    assert_eq!((slot.wanted, slot.ready, slot.version.as_str()), (1, 1, "v1"));
}

async fn prepares_again() {
    let pods = Pods::new();
    let target = pods.client();
    target.ensure_slot(&fence(1), &key(1), &pods.slot(1), 1).await.unwrap();
    target.ensure_slot(&fence(2), &key(1), &pods.slot(2), 1).await.unwrap();
    let split = Weights::split(ReleaseId(1), ReleaseId(2), "30%".parse().unwrap());
    target.set_weights(&fence(3), &key(2), &service(), &Weights::all_to(ReleaseId(1))).await.unwrap();
    target.set_weights(&fence(4), &key(2), &service(), &split).await.unwrap();
    pods.prepare(4, pods.fixtures()).await.unwrap();
    let observed = target.observe().await.unwrap();
    assert_eq!(observed.services[&service()].weights, Some(split));
}

async fn foreign_fixture() {
    let pods = Pods::new();
    let services: Api<Service> = Api::namespaced(Pods::api(), &pods.namespace);
    let patch = json!({"spec": {"sessionAffinity": "ClientIP"}});
    let params = PatchParams { field_manager: Some("kubectl-edit".to_owned()), ..PatchParams::default() };
    services.patch("web", &params, &Patch::Merge(&patch)).await.unwrap();
    pods.prepare(2, pods.fixtures()).await.unwrap();
    let mut fixtures = pods.fixtures();
    fixtures[0]["spec"]["sessionAffinity"] = json!("None");
    let told = pods.prepare(3, fixtures).await.unwrap_err();
    assert_eq!(told.class, Class::Fatal);
    assert!(told.message.contains(".spec.sessionAffinity is owned by kubectl-edit"), "{told}");
}

async fn prunes() {
    let pods = Pods::new();
    let target = pods.client();
    let map = |name: &str| {
        let labels = Pods::labels();
        json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "labels": labels}})
    };
    let mut objects = pods.fixtures();
    objects.extend([map("web-old"), map("web-new")]);
    pods.prepare(2, objects).await.unwrap();
    let mut kept = pods.fixtures();
    kept.push(map("web-new"));
    let keep = lockgate_model::Keep {
        fixtures: Fixtures::Objects(Objects(kept)),
        slots: Vec::new(),
        images: Vec::new(),
    };
    for _ in 0..2 {
        target.prune(&fence(3), &key(2), &keep).await.unwrap();
    }
    let maps: Api<k8s_openapi::api::core::v1::ConfigMap> = Api::namespaced(Pods::api(), &pods.namespace);
    let names: Vec<String> = maps
        .list(&kube::api::ListParams::default())
        .await
        .unwrap()
        .items
        .into_iter()
        .filter_map(|it| it.metadata.name)
        .collect();
    assert!(names.contains(&"web-new".to_owned()) && !names.contains(&"web-old".to_owned()), "{names:?}");
    // Whoever was there first, and is not ours, stays: the cluster's own among them.
    assert!(names.contains(&"kube-root-ca.crt".to_owned()), "{names:?}");
    target.ensure_slot(&fence(4), &key(3), &pods.slot(1), 1).await.unwrap();
    assert_eq!(pods.deployment(1).await.spec.unwrap().replicas, Some(1));
    target.remove_slot(&fence(5), &key(4), &web(1)).await.unwrap();
}

async fn unknown_kind() {
    let pods = Pods::new();
    let object = json!({"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "web"}});
    let told = pods.prepare(2, vec![object]).await.unwrap_err();
    assert_eq!(told.class, Class::Fatal);
    assert!(told.message.contains("apply Widget web") && told.message.contains("not installed"), "{told}");
}

/// Watches, not polling: how long it takes to become ready costs a look at its events every other second.
async fn few_requests() {
    let pods = Pods::new();
    let target = pods.client();
    target.ensure_slot(&fence(1), &key(1), &pods.slot(1), 3).await.unwrap();
    let (requests, looks) = (target.requests(), 20);
    assert!(requests <= 10 + looks, "{requests} requests");
    target.ensure_slot(&fence(2), &key(1), &pods.slot(1), 3).await.unwrap();
    assert!(target.requests() - requests <= 10, "{} requests for nothing", target.requests() - requests);
}

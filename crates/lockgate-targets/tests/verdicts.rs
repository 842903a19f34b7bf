//! Versions that cannot become ready, on a real cluster: each is told within seconds, with its reason. And drift:
//! none right after a release, and exactly what somebody changed afterwards.
//!
//! The image is this very program: `--list` ends well and prints, an unknown option ends badly and says why.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

use std::collections::BTreeMap;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use lockgate_model::{
    EffectKey, EnvironmentName, Fence, Fixtures, Form, Health, JobKind, JobName, JobSpec, Keep,
    KubernetesTarget, LATENCY_BOUNDS_MS, Millis, Objects, ReleaseId, Scope, ServiceName, SlotRef, SlotSpec,
    Stop, StopSignal, SystemName, Traffic, Version, Via,
};
use lockgate_targets::{
    Change, Class, Found, Kubernetes, KubernetesConfig, Right, Sighting, Target as _, TargetError,
};
use lockgate_testbed::{Cluster, Namespace};
use serde_json::{Value, json};

struct Place {
    namespace: Namespace,
    target: Kubernetes,
}

impl Place {
    fn new(name: &str) -> Option<Place> {
        let namespace = Namespace::new(&Cluster::given(name)?, &format!("lg-{name}"));
        let target = KubernetesTarget {
            context: None,
            namespace: namespace.name.clone(),
            via: Via::Apply,
            traffic: Traffic::Replicas,
            kubeconfig: None,
            registry: None,
            pull_secret: None,
        };
        let config = KubernetesConfig { scope: scope(), target, vault: None, prometheus: None };
        Some(Place { namespace, target: Kubernetes::new(config) })
    }

    /// What becomes of a version, and within how many seconds.
    async fn outcome(&self, service: &str, container: Value) -> (TargetError, Duration) {
        let began = Instant::now();
        let slot = slot(service, container);
        let ended = self.target.ensure_slot(&fence(1), &key(1), &slot, 1).await;
        (ended.unwrap_err(), began.elapsed())
    }
}

fn image() -> &'static str {
    static IMAGE: OnceLock<String> = OnceLock::new();
    IMAGE.get_or_init(|| {
        let name = format!("lockgate-test/verdicts:{}", std::process::id());
        lockgate_testbed::image_of_program(&std::env::current_exe().unwrap(), &name)
    })
}

fn scope() -> Scope {
    Scope { system: SystemName::new("shop").unwrap(), environment: EnvironmentName::new("test").unwrap() }
}

fn fence(seq: u64) -> Fence {
    Fence { scope: scope(), epoch: 1, seq }
}

fn key(task: u16) -> EffectKey {
    EffectKey::new(ReleaseId(1), 1, task, false, 1)
}

/// A slot whose only container is this one, with what every container has.
fn slot(service: &str, mut container: Value) -> SlotSpec {
    let labels = json!({ "app.kubernetes.io/name": service, "app.kubernetes.io/part-of": "shop" });
    container["name"] = json!(service);
    if container.get("image").is_none() {
        container["image"] = json!(image());
    }
    let deployment = json!({
        "apiVersion": "apps/v1", "kind": "Deployment",
        "metadata": { "name": service },
        "spec": {
            "minReadySeconds": 3,
            "selector": { "matchLabels": labels },
            "template": {
                "metadata": { "labels": labels },
                "spec": { "containers": [container], "terminationGracePeriodSeconds": 1 },
            },
        },
    });
    SlotSpec {
        slot: SlotRef { service: ServiceName::new(service).unwrap(), release: ReleaseId(1) },
        version: Version::new("v1").unwrap(),
        command: vec![],
        env: BTreeMap::new(),
        files: None,
        ports: BTreeMap::new(),
        health: Health::Uptime { ready_after: Millis::secs(3) },
        stop: Stop { signal: StopSignal::Term, grace: Millis::secs(1), drain: Millis(0) },
        latency_bounds_ms: LATENCY_BOUNDS_MS.to_vec(),
        secrets: BTreeMap::new(),
        form: Form::Objects(Objects(vec![deployment])),
        metrics: None,
    }
}

fn job(container: Value) -> JobSpec {
    let SlotSpec { form: Form::Objects(Objects(objects)), .. } = slot("migrate", container) else {
        panic!("slots here are objects")
    };
    let pod = &objects[0]["spec"]["template"];
    let job = json!({
        "apiVersion": "batch/v1", "kind": "Job",
        "metadata": { "name": "migrate" },
        "spec": { "backoffLimit": 5, "ttlSecondsAfterFinished": 1, "template": pod },
    });
    JobSpec {
        name: JobName::new("migrate").unwrap(),
        kind: JobKind::Command(vec![]),
        env: BTreeMap::new(),
        files: None,
        timeout: Millis::mins(1),
        secrets: BTreeMap::new(),
        form: Form::Objects(Objects(vec![job])),
    }
}

/// All at once, so that they wait together: service, container, what is said, seconds that it may take.
#[tokio::test(flavor = "multi_thread")]
async fn each_failure_is_named_within_seconds() {
    let Some(place) = Place::new("verdicts") else { return };
    let registry = image().split('/').next().unwrap();
    let absent = |name: &str| json!({ "image": format!("{registry}/absent/{name}:1") });
    let key_of = json!({ "secretKeyRef": { "name": "absent", "key": "password" } });
    let cases = [
        ("no-image", absent("image"), "cannot pull", 20),
        ("bad-name", json!({ "image": "Bad Name:1" }), "is no name of an image", 20),
        (
            "no-secret",
            json!({ "env": [{ "name": "A", "valueFrom": key_of }] }),
            "secret \"absent\" not found",
            20,
        ),
        ("no-program", json!({ "command": ["/absent"] }), "cannot start its program", 20),
        ("crash", json!({ "args": ["--no-such-option"] }), "Unrecognized option", 40),
        ("too-big", json!({ "resources": { "requests": { "cpu": "900" } } }), "Insufficient cpu", 50),
    ];
    let asked = cases.iter().map(|(service, container, ..)| place.outcome(service, container.clone()));
    let outcomes: Vec<_> = futures_util::future::join_all(asked).await;
    for ((service, _, said, within), (error, took)) in cases.iter().zip(outcomes) {
        println!("{service}: {:.1} s: {}", took.as_secs_f64(), error.message);
        assert_eq!(error.class, Class::Fatal, "{error}");
        assert!(error.message.contains(said), "{service}: {error}");
        assert!(error.hint.is_some(), "{service}: {error}");
        assert!(took < Duration::from_secs(*within), "{service} took {took:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_job_runs_once_and_stays_on_record() {
    let Some(place) = Place::new("jobs") else { return };
    let target = &place.target;
    let lists = job(json!({ "args": ["--list"] }));
    let first = target.run_job(&fence(1), &key(1), &lists).await.unwrap();
    assert_eq!(first.exit_code, Some(0));
    assert!(first.tail.iter().any(|it| it.contains("a_job_runs_once")), "{:?}", first.tail);
    // Its pod is gone, its end is not.
    place.namespace.kubectl(&["delete", "pods", "--all", "--wait=true"]);
    assert_eq!(target.run_job(&fence(1), &key(1), &lists).await.unwrap(), first);
    assert_eq!(target.look(&fence(2), &key(1)).await.unwrap(), Sighting::Done(first));
    let failed =
        target.run_job(&fence(3), &key(2), &job(json!({ "args": ["--no-such-option"] }))).await.unwrap();
    assert!(failed.exit_code.is_some_and(|it| it != 0), "{failed:?}");
    let error =
        target.run_job(&fence(4), &key(3), &job(json!({ "command": ["/absent"] }))).await.unwrap_err();
    assert!(error.message.contains("cannot start its program"), "{error}");
    assert_eq!(target.look(&fence(5), &key(4)).await.unwrap(), Sighting::NeverRan);
    let late = target.run_job(&fence(4), &key(4), &lists).await.unwrap_err();
    assert_eq!(late.class, Class::Fenced);
    assert_eq!(target.run_job(&fence(5), &key(4), &lists).await.unwrap().exit_code, Some(0));
}

/// Size 0 is ready at once, whatever its program does.
#[tokio::test(flavor = "multi_thread")]
async fn drift_is_what_somebody_changed_and_what_the_cluster_would_refuse() {
    let Some(place) = Place::new("drift") else { return };
    let target = &place.target;
    let container = json!({ "args": ["--list"], "resources": { "limits": { "cpu": "1000m" } } });
    let slot = slot("web", container);
    let config = json!({
        "apiVersion": "v1", "kind": "ConfigMap", "metadata": { "name": "settings" }, "data": { "a": "1" },
    });
    let service = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "web" },
        "spec": { "selector": { "app.kubernetes.io/name": "web" }, "ports": [{ "name": "http", "port": 80 }] },
    });
    let fixtures = Fixtures::Objects(Objects(vec![config, service]));
    target.prepare(&fence(1), &key(1), &fixtures).await.unwrap();
    target.ensure_slot(&fence(2), &key(2), &slot, 0).await.unwrap();
    let keep = Keep { fixtures, slots: vec![slot], images: vec![] };
    assert_eq!(target.drift(&keep).await.unwrap(), []);
    place.namespace.kubectl(&[
        "set",
        "image",
        "deployment/web-r1",
        "web=example.com/other:2",
        "--field-manager=kubectl-edit",
    ]);
    let found = target.drift(&keep).await.unwrap();
    assert_eq!(found.len(), 1, "{found:?}");
    let Change::Fields(fields) = &found[0].change else { panic!("{found:?}") };
    assert_eq!(fields.len(), 1, "{fields:?}");
    assert_eq!(fields[0].path, "spec.template.spec.containers[web].image");
    assert_eq!(fields[0].by.as_ref().map(|it| it.manager.as_str()), Some("kubectl-edit"));
    let bad = json!({
        "apiVersion": "v1", "kind": "Service", "metadata": { "name": "bad" },
        "spec": { "ports": [{ "port": 70000 }] },
    });
    let unknown = json!({ "apiVersion": "example.com/v1", "kind": "Widget", "metadata": { "name": "a" } });
    let found = target.diff(&[bad, unknown]).await.unwrap();
    let refused: Vec<&str> = found
        .iter()
        .filter_map(|it| if let Change::Refused(why) = &it.change { Some(why.as_str()) } else { None })
        .collect();
    let [port, kind] = refused[..] else { panic!("{found:?}") };
    assert!(port.contains("cannot try out Service bad") && port.contains("70000"), "{port}");
    assert!(kind.contains("its kind is not installed"), "{kind}");
    place.namespace.kubectl(&["delete", "configmap", "settings"]);
    let found = target.drift(&keep).await.unwrap();
    assert!(found.iter().any(|it| it.name == "settings" && it.change == Change::Missing), "{found:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cluster_that_has_all_is_well_and_a_namespace_that_is_missing_is_named() {
    let Some(place) = Place::new("doctor") else { return };
    let right = Right {
        group: "apps".to_owned(),
        resource: "deployments".to_owned(),
        verbs: vec!["get".to_owned(), "patch".to_owned()],
        why: "versions have one each".to_owned(),
    };
    let checks = place.target.doctor(&[right]).await;
    assert!(checks.iter().any(|it| it.detail == "all 2 that a release needs"), "{checks:?}");
    assert!(checks.iter().all(|it| it.found != Found::Bad), "{checks:?}");
    place.namespace.kubectl(&["delete", "namespace", &place.namespace.name, "--wait=true"]);
    let checks = place.target.doctor(&[]).await;
    let bad: Vec<&str> =
        checks.iter().filter(|it| it.found == Found::Bad).map(|it| it.what.as_str()).collect();
    assert_eq!(bad, ["namespace"]);
}

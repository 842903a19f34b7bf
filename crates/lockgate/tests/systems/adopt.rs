//! What others installed from the rendered files, taken over: by `kubectl` and by Helm, while users are there; a
//! release of Helm that an upgrade was killed in; what is somebody else's; and an attempt that is killed itself.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lockgate_testbed::{Cluster, Image, Namespace, Said, program, skipped};
use serde_json::Value;

use crate::folder::Folder;
use crate::users::{Users, assert_nothing_was_lost, until};

const SERVICES: [&str; 2] = ["api", "web"];
/// For images to be pulled by machines that do much else.
const PATIENCE: &str = "--timeout=5m";
const REQUESTS_PER_SECOND: f64 = 60.0;

/// A small system, its folder and its namespace.
struct Shop {
    folder: Folder,
    namespace: Namespace,
}

impl Shop {
    /// `name` tells the tests of one program apart.
    fn new(cluster: &Cluster, name: &str) -> Shop {
        let namespace = Namespace::new(cluster, &format!("adopt-{name}"));
        // What its routes expect to be there.
        namespace.apply(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: shop}\n\
             spec: {gatewayClassName: traefik, listeners: [{name: web, port: 8000, protocol: HTTP}]}\n",
        );
        let tag = "systems/adopt:drill";
        let program = Path::new(env!("CARGO_BIN_EXE_lockgate"));
        let image = Image::of_program(program).push(&cluster.registry, tag);
        let tagged = format!("{}/{tag}", cluster.registry);
        let mut folder = Folder::of_spec(&spec(&tagged, &namespace.name));
        folder.set("KUBECONFIG", cluster.kubeconfig.display().to_string());
        folder.set("LOCKGATE_INSECURE_REGISTRIES", &cluster.registry);
        folder.run_image(SERVICES, &image);
        folder.run(&["render", "--only", "helm", "--only", "kustomize", "--version", "v1"]).ended(0);
        Shop { folder, namespace }
    }

    fn apply(&self) {
        let overlay = self.folder.path().join("deploy/kustomize/overlays/prod");
        self.namespace.kubectl(&["apply", "--kustomize", overlay.to_str().unwrap()]);
        self.settled();
    }

    /// `upgrade --install --wait`, and whatever else Helm is asked.
    fn helm(&self, helm: &Path, args: &[&str]) -> Command {
        let mut command = Command::new(helm);
        command.arg("--namespace").arg(&self.namespace.name).args(args).current_dir(self.folder.path());
        command.env("KUBECONFIG", &self.namespace.cluster.kubeconfig).stdin(Stdio::null());
        command
    }

    fn upgrade(&self, helm: &Path) -> Command {
        let chart = ["upgrade", "--install", "shop", "deploy/helm/shop", "--wait", PATIENCE];
        self.helm(helm, &[&chart[..], &["--values", "deploy/helm/values-prod.yaml"]].concat())
    }

    fn settled(&self) {
        for service in SERVICES {
            self.namespace.kubectl(&["rollout", "status", PATIENCE, &format!("deployment/{service}")]);
        }
    }

    fn objects(&self, kind: &str) -> Vec<Value> {
        let selector = "app.kubernetes.io/part-of=shop";
        let args = ["get", kind, "--selector", selector, "--output", "json", "--show-managed-fields"];
        let list: Value = serde_json::from_str(&self.namespace.kubectl(&args)).unwrap();
        list["items"].as_array().unwrap().clone()
    }

    /// Each pod that stays, and how often it was started again.
    fn pods(&self) -> BTreeSet<(String, u64)> {
        let pod = |it: &Value| {
            let restarts = it["status"]["containerStatuses"][0]["restartCount"].as_u64().unwrap();
            (it["metadata"]["uid"].as_str().unwrap().to_owned(), restarts)
        };
        let pods = self.objects("pods");
        pods.iter().filter(|it| it["metadata"]["deletionTimestamp"].is_null()).map(pod).collect()
    }

    /// Of all kinds that are written.
    fn taken(&self) -> Vec<Value> {
        let kinds =
            "deployments,services,configmaps,serviceaccounts,networkpolicies,poddisruptionbudgets,httproutes";
        self.objects(kinds)
    }

    #[track_caller]
    fn is_untouched(&self) {
        for object in self.taken() {
            let text = object.to_string();
            assert!(!text.contains("lockgate.dev/environment"), "it was touched: {text}");
        }
    }

    /// Every object has its label, and its fields are nobody's but Lockgate's.
    #[track_caller]
    fn is_ours(&self) {
        for object in self.taken() {
            let metadata = &object["metadata"];
            assert_eq!(metadata["labels"]["lockgate.dev/environment"], "prod", "{object}");
            let managers = metadata["managedFields"].as_array().unwrap().iter();
            let installers: Vec<&Value> =
                managers.map(|it| &it["manager"]).filter(|it| *it == "helm" || *it == "kubectl").collect();
            assert!(installers.is_empty(), "{metadata}");
        }
    }

    fn users(&self) -> Users {
        let gateway = self.namespace.cluster.gateway.trim_start_matches("http://").parse().unwrap();
        let target = format!("http://web.{}.test/work", self.namespace.name);
        Users::of(vec![target], Some(gateway), REQUESTS_PER_SECOND)
    }

    /// Waits until the gateway knows the way.
    fn reached(&self) {
        let gateway = self.namespace.cluster.gateway.trim_start_matches("http://").parse().unwrap();
        let host = format!("web.{}.test", self.namespace.name);
        until("an answer of the gateway", || {
            let (status, _) = crate::users::ask(gateway, "GET", &host, "/work").ok()?;
            (status == 200).then_some(())
        });
    }
}

fn spec(image: &str, namespace: &str) -> String {
    format!(
        "lockgate: v1
system: shop
defaults:
  image: {image}
  command: [sample]
  replicas: 2
  health: {{path: /health, interval: 1s, ready_within: 60s}}
  metrics: /metrics
  stop: {{drain: 3s, grace: 5s}}
  env: {{SAMPLE_VERSION: \"${{release.version}}\"}}
  resources: {{requests: {{cpu: 5m, memory: 16Mi}}}}
services:
  api: {{port: 8081}}
  web: {{port: 8080, ingress: {{hosts: web.{namespace}.test, paths: /}}}}
slo: {{error_rate: {{objective: \"< 1%\", alert: \"> 5% for 1m\"}}}}
rollout:
  strategy: canary
  steps: [{{weight: 50%, pause: 2s}}, {{weight: 100%}}]
  bake: 1s
  analysis: {{tick: 500ms, warmup: 500ms, min_time: 1s, min_requests: 20, max_time: 5m}}
environments:
  prod: {{target: {{kubernetes: {{namespace: {namespace}, via: helm, traffic: gateway-api}}}}}}
"
    )
}

/// Of `scripts/validators`.
fn helm(name: &str, what: &str) -> Option<PathBuf> {
    let home = PathBuf::from(std::env::var_os("HOME").unwrap());
    let folder = std::env::var_os("LOCKGATE_VALIDATORS")
        .map_or(home.join(".cache/lockgate-validators"), PathBuf::from);
    let installed = Some(folder.join("bin").join(name)).filter(|it| it.is_file());
    installed
        .or_else(|| program(name))
        .or_else(|| skipped(what, &format!("{name} is not installed, run scripts/validators")))
}

/// Taken over, released to, and back, under load.
fn taken_over(shop: &Shop) {
    shop.reached();
    let users = shop.users();
    let before = shop.pods();
    shop.folder.run(&["adopt", "prod"]).ended(0).says("nothing was changed, and the cluster would take it");
    shop.is_untouched();
    let said = shop.folder.run(&["adopt", "prod", "--yes"]).ended(0).says("r1: v1 is Lockgate's");
    assert_eq!(shop.pods(), before, "a pod was started again\n{}", said.all());
    shop.is_ours();
    shop.folder.run(&["status", "prod"]).ended(0).says("last release: r1 v1").says("100%");
    shop.folder.run(&["adopt", "prod"]).ended(1).says("r1 (v1) is in place");
    let plan = shop.folder.run(&["diff", "prod", "--format", "json"]).json();
    let differ = plan.as_array().unwrap().iter().filter(|it| it["kind"] != "Namespace");
    assert_eq!(differ.collect::<Vec<_>>(), Vec::<&Value>::new(), "what was rendered is as it was rendered");

    shop.folder.deploy("prod", "v2").ended(0);
    let gone = |it: &Value| SERVICES.iter().any(|name| it["metadata"]["name"] == *name);
    assert!(!shop.objects("deployments").iter().any(gone), "what was taken over is gone when v2 serves");
    shop.folder.run(&["rollback", "prod"]).ended(0).says("back to v1 of r1");
    let report = users.leave();
    assert_nothing_was_lost(&report);
    for version in ["v1", "v2"] {
        assert!(0 < report.answered_by(version), "{version} never answered: {report:?}");
    }
    let pods = shop.objects("pods");
    let runs_v1 = |it: &Value| it["metadata"]["annotations"]["lockgate.dev/version"] == "v1";
    assert!(pods.iter().filter(|it| it["metadata"]["deletionTimestamp"].is_null()).all(runs_v1), "{pods:?}");
}

#[test]
fn what_kubectl_applied_is_taken_over_released_to_and_gone_back_to() {
    let Some(cluster) = Cluster::given("taking over from kubectl") else { return };
    let shop = Shop::new(&cluster, "kubectl");
    shop.apply();
    taken_over(&shop);
}

#[test]
fn what_helm_installed_is_taken_over_and_helm_lets_go_of_it() {
    let what = "taking over from Helm";
    let Some(cluster) = Cluster::given(what) else { return };
    let Some(helm) = helm("helm3", what) else { return };
    let shop = Shop::new(&cluster, "helm");
    Said::by(&mut shop.upgrade(&helm)).ended(0);
    taken_over(&shop);
    let listed = Said::by(&mut shop.helm(&helm, &["list", "--all", "--short"])).ended(0);
    assert_eq!(listed.stdout.trim(), "");
    Said::by(&mut shop.helm(&helm, &["uninstall", "shop"])).ended(1).says("not found");
    Said::by(&mut shop.upgrade(&helm)).ended(1).says("invalid ownership metadata");
    shop.reached();
}

#[test]
fn an_upgrade_of_helm_that_was_killed_is_compared_and_taken_over_or_left_alone() {
    let what = "an upgrade of Helm that was killed";
    let Some(cluster) = Cluster::given(what) else { return };
    let Some(helm) = helm("helm4", what) else { return };
    let shop = Shop::new(&cluster, "killed");
    Said::by(&mut shop.upgrade(&helm)).ended(0);
    shop.folder.edit("  env: {SAMPLE_VERSION", "  env: {SAMPLE_READY: \"after:5s\", SAMPLE_VERSION");
    shop.folder.run(&["render", "--only", "helm", "--version", "v2", "--force"]).ended(0);
    let mut upgrade = shop.upgrade(&helm).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("both Deployments are of v2", || {
        let found = shop.objects("deployments");
        let version =
            |it: &Value| it["spec"]["template"]["metadata"]["annotations"]["lockgate.dev/version"] == "v2";
        found.iter().all(version).then_some(())
    });
    upgrade.kill().unwrap();
    upgrade.wait().unwrap();
    shop.folder.run(&["adopt", "prod", "--yes"]).ended(1).says("not now: its rollout is not over");
    shop.settled();
    shop.folder.run(&["adopt", "prod"]).ended(0).says("revision 2, pending-upgrade: Helm lets go of it");

    // As if the upgrade had been killed in between.
    shop.namespace.kubectl(&["rollout", "undo", "deployment/api"]);
    let said = shop.folder.run(&["adopt", "prod", "--yes"]).ended(1);
    let said = said.says("pending-upgrade, half of it; of revision 1: Deployment api");
    said.says(&format!("helm -n {} rollback shop 1 --wait", shop.namespace.name))
        .says("left alone, all of it");
    shop.is_untouched();
    Said::by(&mut shop.helm(&helm, &["rollback", "shop", "1", "--wait", PATIENCE])).ended(0);
    shop.settled();
    let before = shop.pods();
    shop.folder.run(&["adopt", "prod", "--yes"]).ended(0).says("r1: v1 is Lockgate's");
    assert_eq!(shop.pods(), before);
    shop.is_ours();
}

#[test]
fn what_is_somebody_elses_is_left_alone_and_what_is_missing_is_told() {
    let Some(cluster) = Cluster::given("what is somebody else's") else { return };
    let shop = Shop::new(&cluster, "foreign");
    shop.folder.run(&["adopt", "prod"]).ended(1).says("nothing of it is installed");
    shop.namespace.kubectl(&["create", "deployment", "web", "--image", "somebody/web:1"]);
    let said = shop.folder.run(&["adopt", "prod", "--yes"]).ended(1);
    let said = said.says("somebody else's: its label app.kubernetes.io/part-of is missing, not `shop`");
    said.says("missing; a release makes it").says("left alone, all of it: nothing was changed");
    shop.is_untouched();
    let found = shop.folder.run(&["adopt", "prod", "--format", "json"]).ended(1).json();
    assert_eq!(found["possible"], false);

    shop.namespace.kubectl(&["delete", "deployment", "web", "--wait"]);
    shop.apply();
    shop.namespace.kubectl(&["delete", "poddisruptionbudget", "web"]);
    shop.folder.run(&["adopt", "prod", "--yes"]).ended(0).says("missing; a release makes it");
    shop.folder.run(&["diff", "prod"]).ended(10).says("PodDisruptionBudget web  is missing");
}

#[test]
fn an_attempt_that_is_killed_is_finished_by_the_next_one() {
    let Some(cluster) = Cluster::given("an attempt to take over that is killed") else { return };
    let shop = Shop::new(&cluster, "cut");
    shop.apply();
    let before = shop.pods();
    let mut attempt = shop.folder.command(&["adopt", "prod", "--yes"]);
    let mut attempt = attempt.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    until("the first object is written", || {
        let is_taken = |it: &Value| it["metadata"]["labels"]["lockgate.dev/environment"] == "prod";
        (shop.taken().iter().any(is_taken) || attempt.try_wait().unwrap().is_some()).then_some(())
    });
    // It may have been quicker than the look.
    drop(attempt.kill());
    let was_done = attempt.wait().unwrap().success();
    if was_done {
        shop.folder.run(&["adopt", "prod", "--yes"]).ended(1).says("is Lockgate's already");
    } else {
        shop.folder.deploy("prod", "v2").ended(1).says("`lockgate adopt prod --yes` finishes it");
        shop.folder.run(&["status", "prod"]).ended(0).says("is being taken over");
        shop.folder.run(&["adopt", "prod", "--yes"]).ended(0).says("r1: v1 is Lockgate's");
    }
    assert_eq!(shop.pods(), before);
    shop.is_ours();
    shop.folder.run(&["history", "prod"]).ended(0).says("adopt").says("done");
}

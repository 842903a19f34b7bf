//! The cluster of `scripts/cluster`, which these tests may break.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use lockgate_testbed::{Cluster, Image, Namespace, output, program, skipped};
use serde_json::{Value, json};

use crate::api::ApiProxy;
use crate::faults::{Fault, Strike, Trouble};
use crate::folder::Folder;
use crate::ledger::Ledger;
use crate::platform::{Platform, REQUESTS_PER_SECOND, ask};
use crate::shop::{self, Make, SERVICES};
use crate::users::Users;

const WHAT: &str = "releases to a cluster that breaks";
/// Set by whoever started the cluster of `scripts/cluster` and lets these tests kill its parts.
const MAY_BREAK: &str = "LOCKGATE_CHAOS_CLUSTER";
const KINDS: &str = "deployments,services,configmaps,secrets,httproutes,ingresses,networkpolicies,\
    poddisruptionbudgets,serviceaccounts,pods,jobs";

pub(crate) struct Kubernetes {
    cluster: Cluster,
    namespace: Namespace,
    folder: Folder,
    ledger: Ledger,
    image: Image,
    proxy: ApiProxy,
    /// What was broken and is not mended yet.
    broken: Vec<Fault>,
    releases: u32,
}

impl Kubernetes {
    pub(crate) fn open() -> Option<Kubernetes> {
        let cluster = Cluster::given(WHAT)?;
        if std::env::var(MAY_BREAK).is_err() {
            return skipped(WHAT, &format!("{MAY_BREAK} is not set, so the cluster may not be broken"));
        }
        let mut folder = Folder::of_spec("");
        folder.set("LOCKGATE_INSECURE_REGISTRIES", &cluster.registry);
        let proxy = ApiProxy::open(&cluster.kubeconfig);
        let calm = json!({
            "apiVersion": "v1", "kind": "Config", "current-context": "proxy",
            "clusters": [{"name": "proxy", "cluster": {"server": format!("http://{}", proxy.address)}}],
            "users": [{"name": "proxy", "user": {}}],
            "contexts": [{"name": "proxy", "context": {"cluster": "proxy", "user": "proxy"}}],
        });
        std::fs::write(folder.path().join("kubeconfig"), calm.to_string()).unwrap();
        let namespace = Namespace::new(&cluster, "chaos");
        let (ledger, image) = (Ledger::open(), shop::image());
        namespace.apply(
            "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: shop}\n\
             spec: {gatewayClassName: traefik, listeners: [{name: web, port: 8000, protocol: HTTP}]}\n",
        );
        let (broken, releases) = (vec![], 0);
        Some(Kubernetes { cluster, namespace, folder, ledger, image, proxy, broken, releases })
    }

    /// The API server may be away.
    fn try_kubectl(&self, args: &[&str]) -> Result<String, String> {
        let kubectl = program("kubectl").expect("kubectl is on the path beside the cluster");
        let mut command = Command::new(kubectl);
        command.arg("--kubeconfig").arg(&self.cluster.kubeconfig).arg("--request-timeout=20s");
        let done = command.args(["--namespace", &self.namespace.name]).args(args).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        if done.status.success() { Ok(text(&done.stdout)) } else { Err(text(&done.stderr)) }
    }

    fn host(&self, service: &str) -> String {
        format!("{service}.{}.test", self.namespace.name)
    }

    fn gateway(&self) -> &str {
        self.cluster.gateway.trim_start_matches("http://")
    }
}

/// The tool that runs the cluster.
fn cluster(args: &[&str]) {
    let tool: PathBuf = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/cluster/cluster");
    output(Command::new(tool).args(args).stdin(Stdio::null()));
}

fn part(fault: Fault) -> String {
    match fault {
        Fault::ApiServer => "apiserver".to_owned(),
        Fault::Etcd => "etcd".to_owned(),
        Fault::Controllers => "controllers".to_owned(),
        Fault::Scheduler => "scheduler".to_owned(),
        Fault::Gateway => "gateway".to_owned(),
        Fault::Registry => "registry".to_owned(),
        Fault::Kubelet(node) => format!("kubelet-{node}"),
        Fault::Containerd(node) => format!("containerd-{node}"),
        other => panic!("{other:?} is no part of a cluster"),
    }
}

impl Platform for Kubernetes {
    const NAME: &'static str = "Kubernetes";

    fn faults(&self) -> Vec<Fault> {
        use Trouble::{Cut, Internal, LostAnswer, Reset, Silent, TooMany, Unavailable};
        let api = [TooMany, Internal, Unavailable, Reset, Cut, Silent, LostAnswer].map(Fault::Api);
        let parts = [
            Fault::Command,
            Fault::Driver,
            Fault::CommandAndDriver,
            Fault::ApiServer,
            Fault::ApiServer,
            Fault::Etcd,
            Fault::Controllers,
            Fault::Scheduler,
            Fault::Gateway,
            Fault::Registry,
            Fault::Kubelet(1),
            Fault::Kubelet(2),
            Fault::Containerd(2),
            Fault::Cut(2),
            Fault::Cut(1),
        ];
        parts.into_iter().chain(api).collect()
    }

    fn folder(&self) -> &Folder {
        &self.folder
    }

    fn ledger(&self) -> &Ledger {
        &self.ledger
    }

    fn offer(&mut self, version: &str, make: Make) -> String {
        let target = format!("{{kubernetes: {{namespace: {}, traffic: gateway-api}}}}", self.namespace.name);
        let reached =
            |it: &str| format!("port: {}, ingress: {{hosts: {}, paths: /}}", shop::port(it), self.host(it));
        self.folder.write(&shop::spec(make, self.ledger.address, &target, reached));
        let image =
            self.image.push(&self.cluster.registry, &format!("chaos/shop:{version}-{}", self.namespace.name));
        shop::missing_if(make, image)
    }

    fn users(&self) -> Users {
        let targets = SERVICES.map(|it| format!("http://{}/work", self.host(it)));
        Users::of(targets.to_vec(), Some(self.gateway().parse().unwrap()), REQUESTS_PER_SECOND)
    }

    fn version_served(&self, service: &str) -> Option<String> {
        ask(self.gateway(), &self.host(service))
    }

    /// Every other release goes to the API server itself, so that it is seen to be gone, and not a proxy before it.
    fn expect(&mut self, strikes: &[Strike]) {
        self.releases += 1;
        let proxied =
            strikes.iter().any(|it| matches!(it.fault, Fault::Api(_))) || self.releases.is_multiple_of(2);
        let own = self.folder.path().join("kubeconfig");
        let config = if proxied { own } else { self.cluster.kubeconfig.clone() };
        self.folder.set("KUBECONFIG", config.display().to_string());
    }

    fn strike(&mut self, fault: Fault) {
        match fault {
            Fault::Api(trouble) => self.proxy.trouble(trouble),
            Fault::Cut(node) => cluster(&["cut", &node.to_string()]),
            other => cluster(&["kill", &part(other)]),
        }
        self.broken.push(fault);
    }

    fn mend(&mut self, fault: Fault) {
        match fault {
            Fault::Api(_) => self.proxy.calm(),
            Fault::Cut(node) => cluster(&["heal", &node.to_string()]),
            other => cluster(&["start", &part(other)]),
        }
        self.broken.retain(|it| *it != fault);
    }

    fn things(&self, in_place: &str) -> Vec<String> {
        let Ok(listed) = self.try_kubectl(&["get", KINDS, "--output", "json"]) else {
            return vec!["?".to_owned()];
        };
        let listed: Value = serde_json::from_str(&listed).unwrap();
        let items = listed["items"].as_array().unwrap();
        items.iter().filter_map(|it| thing(it, in_place)).collect()
    }

    fn is_well(&self) -> bool {
        let ready = "jsonpath={.items[*].status.conditions[?(@.type==\"Ready\")].status}";
        let nodes = self.try_kubectl(&["get", "nodes", "--output", ready]);
        nodes.is_ok_and(|it| it.split_whitespace().all(|it| it == "True") && !it.is_empty())
            && SERVICES.iter().all(|it| self.version_served(it).is_some())
    }
}

/// One object in a word, with what must be told apart in it.
fn thing(object: &Value, in_place: &str) -> Option<String> {
    let (kind, name) = (object["kind"].as_str()?, object["metadata"]["name"].as_str()?);
    let general = |it: &str| it.replace(&format!("-{in_place}"), "-rN");
    match kind {
        // Finished ones stay for a while, to be read.
        "Job" | "Pod" if is_finished(object) => None,
        "Pod" => {
            let owner = object["metadata"]["labels"]["lockgate.dev/release"].as_str().unwrap_or("nobody");
            let service = object["metadata"]["labels"]["app.kubernetes.io/name"].as_str().unwrap_or(name);
            Some(format!("Pod of {service}-{}", if owner == in_place { "rN" } else { owner }))
        }
        "HTTPRoute" => {
            let backends = object["spec"]["rules"][0]["backendRefs"].as_array()?;
            let weights: Vec<String> =
                backends.iter().map(|it| format!("{} {}", it["name"], it["weight"])).collect();
            Some(format!("{kind} {name}: {}", weights.join(", ")))
        }
        // Without weight it leads nobody anywhere, and says still which version was tried last.
        "Service" if name.ends_with("-canary") => Some(format!("{kind} {name}")),
        "Service" => Some(
            general(&format!("{kind} {name} of {}", object["spec"]["selector"]))
                .replace(&format!("\"{in_place}\""), "rN"),
        ),
        // What a job that was taken back has read goes with the next release that is done.
        "ConfigMap" | "Secret" if name.starts_with("migrate-") => None,
        "ConfigMap" | "Secret" => Some(format!("{kind} {}", general(without_digest(name)))),
        _ => Some(format!("{kind} {}", general(name))),
    }
}

/// `web` of `web-43e9dc6c`, which is named by what is in it.
fn without_digest(name: &str) -> &str {
    let is_digest = |it: &str| it.len() == 8 && it.bytes().all(|it| it.is_ascii_hexdigit());
    name.rsplit_once('-').filter(|it| is_digest(it.1)).map_or(name, |it| it.0)
}

fn is_finished(object: &Value) -> bool {
    let phase = object["status"]["phase"].as_str().unwrap_or_default();
    let conditions = object["status"]["conditions"].as_array().cloned().unwrap_or_default();
    let ended =
        |it: &Value| matches!(it["type"].as_str(), Some("Complete" | "Failed")) && it["status"] == "True";
    let on_record = |it: &str| object["metadata"]["annotations"].get(it).is_some();
    let never_began = on_record("lockgate.dev/report") || on_record("lockgate.dev/never-ran");
    matches!(phase, "Succeeded" | "Failed")
        || never_began
        || (object["kind"] == "Job" && conditions.iter().any(ended))
}

/// Whatever came of it, the cluster is whole for those who come next.
impl Drop for Kubernetes {
    fn drop(&mut self) {
        for fault in std::mem::take(&mut self.broken) {
            self.mend(fault);
        }
    }
}

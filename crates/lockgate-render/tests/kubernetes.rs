//! Objects of Kubernetes: what they say, that all forms of them mean the same, and that any value survives.

mod common;

use std::collections::{BTreeMap, BTreeSet};

use common::manifests::{Objects, objects};
use common::validator::{report, validator};
use common::{EXAMPLES, example_request, on_disk, rendered, request, text};
use lockgate_render::{Artifact, Kind, Rendered, Request, Selection, render};
use proptest::prelude::*;
use serde_json::{Value, json};

const SHOP: &str = r#"
lockgate: v1
system: shop
build: {preset: node, image: "registry.example.org/${service.name}"}
dependencies:
  postgres: {type: postgres, version: "17", database: shop, storage: 5Gi, extensions: [pgcrypto]}
  redis: {type: redis, external: {url: "rediss://cache.example.org:7000"}}
defaults: {resources: {requests: {cpu: 50m, memory: 64Mi}, limits: {cpu: "1", memory: 256Mi}}}
services:
  web:
    port: 8080
    env:
      GREETING: "costs $5"
      VERSION: "${release.version}"
      BANNER: "web ${release.version} of ${git.sha7}"
      REGION: {required: true}
    secrets: {TOKEN: {about: of the API}, EXTRA: {required: false}}
    health: {live: {tcp: http}, ready: /up, path: /up, ready_within: 90s}
    depends_on: [api, redis]
    replicas: 3
    disruption_budget: {min_available: 50%}
    volumes: {cache: {path: /cache, size: 1Gi, access: scratch}}
    resources: {requests: {cpu: 100m, memory: 128Mi}, limits: {cpu: 500m, memory: 1Gi}}
    ingress: {hosts: shop.example.org, class: public}
    egress: ["https://api.example.org", "tcp://10.1.2.3:25"]
    metrics: /metrics
    stop: {drain: 20s, grace: 15s}
  api:
    command: [node, api.js, "--price=$(free)"]
    ports: {http: 9000, grpc: 9001}
    health: /up
    depends_on: [postgres]
    replicas: 2
    autoscaling: {max: 6, cpu: 70%}
    resources: {requests: {cpu: 250m}}
    volumes: {uploads: {path: /data, size: 2Gi, access: shared}}
  worker: {command: [node, worker.js], depends_on: [postgres]}
migrations: {command: [node, migrate.js], in: api, timeout: 2m, keep_for: 30m, retry: {attempts: 6, initial: 2s, max: 60s}}
seeds: {command: [node, seed.js], in: api, run: once}
cron:
  report: {schedule: "0 7 * * 1", timezone: Europe/Berlin, command: [node, report.js], in: api}
environments:
  prod:
    target: {kubernetes: {namespace: shop, via: apply, traffic: gateway-api, pull_secret: registry}}
    tag: v*
    stores: {secrets: {kubernetes: shop-secrets}}
    rollout: {strategy: canary, steps: [{weight: 10%, pause: 5m}, {weight: 100%}]}
"#;

/// Plain manifests and Kustomize of every environment on Kubernetes, whatever it is shipped with.
fn both_forms(request: Request) -> Rendered {
    let kinds = BTreeSet::from([Kind::Manifests, Kind::Kustomize]);
    let selection = Selection { kinds: Some(kinds), ..request.selection };
    render(&Request { selection, ..request }).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

fn manifests<'r>(rendered: &'r Rendered, environment: &str) -> impl Iterator<Item = &'r Artifact> {
    let folder = format!("deploy/kubernetes/{environment}/");
    rendered.artifacts.iter().filter(move |it| it.path.starts_with(&folder))
}

fn of_shop(spec: &str) -> Objects {
    objects(manifests(&rendered(spec), "prod").map(|it| it.text.clone()))
}

fn object<'o>(objects: &'o Objects, kind: &str, name: &str) -> &'o Value {
    let found = objects.get(&(kind.to_owned(), name.to_owned()));
    found.unwrap_or_else(|| panic!("no {kind} {name}; there are {:?}", objects.keys()))
}

/// The one whose name begins so, where a digest follows.
fn by_content<'o>(objects: &'o Objects, kind: &str, name: &str) -> &'o Value {
    let begin = format!("{name}-");
    let mut found = objects.iter().filter(|it| it.0.0 == kind && it.0.1.starts_with(&begin));
    found.next().unwrap_or_else(|| panic!("no {kind} {name}-...")).1
}

#[test]
fn a_service_and_what_it_needs() {
    let rendered = rendered(SHOP);
    let paths: Vec<&str> = manifests(&rendered, "prod").map(|it| it.path.as_str()).collect();
    insta::assert_snapshot!("files", paths.join("\n"));
    for (name, file) in [
        ("namespace", "00-namespace"),
        ("dependency", "10-postgres"),
        ("migration", "20-migrate"),
        ("service", "30-web"),
        ("cron", "40-report"),
    ] {
        insta::assert_snapshot!(name, text(&rendered, &format!("deploy/kubernetes/prod/{file}.yaml")));
    }
    let ours = |it: &&String| it.starts_with("environment `prod`") || it.starts_with("a job of Kubernetes");
    insta::assert_snapshot!(
        "notes",
        rendered.notes.iter().filter(ours).cloned().collect::<Vec<_>>().join("\n")
    );
}

#[test]
fn an_autoscaler_and_a_number_of_replicas_do_not_take_turns() {
    let objects = of_shop(SHOP);
    assert_eq!(object(&objects, "Deployment", "api")["spec"].get("replicas"), None);
    assert_eq!(object(&objects, "HorizontalPodAutoscaler", "api")["spec"]["minReplicas"], json!(2));
    assert_eq!(object(&objects, "Deployment", "worker")["spec"]["replicas"], json!(1));
}

#[test]
fn an_instance_drains_before_it_is_told_to_end() {
    let objects = of_shop(SHOP);
    let pod = &object(&objects, "Deployment", "web")["spec"]["template"]["spec"];
    assert_eq!(pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"], json!(20));
    assert_eq!(pod["terminationGracePeriodSeconds"], json!(35));
    let worker = &object(&objects, "Deployment", "worker")["spec"]["template"]["spec"];
    assert_eq!(worker["containers"][0].get("lifecycle"), None, "a worker has no requests to wait for");
}

#[test]
fn a_new_instance_has_its_time_before_liveness_counts() {
    let objects = of_shop(SHOP);
    let startup =
        &object(&objects, "Deployment", "web")["spec"]["template"]["spec"]["containers"][0]["startupProbe"];
    let number = |key: &str| startup[key].as_i64().unwrap();
    assert!(90 <= number("periodSeconds") * number("failureThreshold"), "{startup}");
}

#[test]
fn a_changed_variable_is_a_new_config_map_and_new_pods() {
    let name = |spec: &str| -> String {
        let objects = of_shop(spec);
        let map = by_content(&objects, "ConfigMap", "web")["metadata"]["name"].clone();
        let pod = &object(&objects, "Deployment", "web")["spec"]["template"]["spec"];
        assert_eq!(pod["containers"][0]["envFrom"][0]["configMapRef"]["name"], map);
        map.as_str().unwrap().to_owned()
    };
    assert_ne!(name(SHOP), name(&SHOP.replace("costs $5", "costs $6")));
    assert_eq!(name(SHOP), name(&SHOP.replace("cpu: 100m", "cpu: 200m")));
}

#[test]
fn traffic_is_let_in_and_out_where_the_spec_refers_and_nowhere_else() {
    let objects = of_shop(SHOP);
    let deny = &object(&objects, "NetworkPolicy", "default-deny")["spec"];
    assert_eq!(deny, &json!({"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}));
    let names = |policy: &str| -> Vec<String> {
        let spec = &object(&objects, "NetworkPolicy", policy)["spec"];
        let rules = spec["ingress"].as_array().into_iter().flatten();
        let peers = rules.flat_map(|it| it["from"].as_array().into_iter().flatten());
        let name = |it: &Value| {
            it["podSelector"]["matchLabels"]["app.kubernetes.io/name"].as_str().map(str::to_owned)
        };
        peers.filter_map(name).collect()
    };
    assert_eq!(
        names("postgres"),
        ["api", "worker", "migrate", "seed", "report", "postgres-setup", "prometheus"]
    );
    assert_eq!(names("api"), ["web"]);
    assert_eq!(names("web"), ["prometheus"]);
    let out = &object(&objects, "NetworkPolicy", "web")["spec"]["egress"];
    let ports = |rule: &Value| -> Vec<i64> {
        rule["ports"].as_array().unwrap().iter().map(|it| it["port"].as_i64().unwrap()).collect()
    };
    let rules = out.as_array().unwrap();
    let all: Vec<Vec<i64>> = rules.iter().map(ports).collect();
    assert_eq!(all, [vec![53, 53], vec![9001, 9000], vec![443, 7000], vec![25]]);
    assert_eq!(rules[3]["to"][0]["ipBlock"]["cidr"], json!("10.1.2.3/32"));
}

#[test]
fn values_of_secrets_are_read_by_name_before_what_is_made_of_them() {
    let objects = of_shop(SHOP);
    let env = &object(&objects, "Deployment", "api")["spec"]["template"]["spec"]["containers"][0]["env"];
    let entries: Vec<(&str, Option<&str>)> = env
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["name"].as_str().unwrap(), it["value"].as_str()))
        .collect();
    let url = "postgresql://shop:$(POSTGRES_PASSWORD)@postgres:5432/shop";
    assert_eq!(entries, [("POSTGRES_PASSWORD", None), ("DATABASE_URL", Some(url))]);
    for artifact in &rendered(SHOP).artifacts {
        assert!(!artifact.text.contains("kind: Secret\n"), "{} has a Secret with values", artifact.path);
    }
}

#[test]
fn a_secret_is_read_where_the_store_keeps_it() {
    let with = |rule: &str| SHOP.replace("TOKEN: {about: of the API}", &format!("TOKEN: {{{rule}}}"));
    let place = |rule: &str| -> Value {
        let objects = of_shop(&with(rule));
        let env = &object(&objects, "Deployment", "web")["spec"]["template"]["spec"]["containers"][0]["env"];
        let token = env.as_array().unwrap().iter().find(|it| it["name"] == "TOKEN").unwrap();
        token["valueFrom"]["secretKeyRef"].clone()
    };
    assert_eq!(place("from: api-token"), json!({"name": "shop-secrets", "key": "api-token"}));
    assert_eq!(place("from: api, key: token"), json!({"name": "api", "key": "token"}));
    let problems = render(&request(&with("from: shop/token"))).unwrap_err();
    insta::assert_snapshot!(format!("{}\nhelp: {}", problems[0].message, problems[0].help));
}

#[test]
fn external_secrets_are_asked_for_and_what_may_be_missing_keeps_nothing_back() {
    let spec = SHOP.replace("{kubernetes: shop-secrets}", "{external-secrets: vault}");
    let objects = of_shop(&spec);
    let keys = |name: &str| -> Vec<String> {
        let data = object(&objects, "ExternalSecret", name)["spec"]["data"].as_array().unwrap();
        data.iter().map(|it| it["secretKey"].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(keys("shop-secrets"), ["POSTGRES_PASSWORD", "REGION", "TOKEN"]);
    assert_eq!(keys("shop-extra"), ["EXTRA"]);
    let env = &object(&objects, "Deployment", "web")["spec"]["template"]["spec"]["containers"][0]["env"];
    let extra = env.as_array().unwrap().iter().find(|it| it["name"] == "EXTRA").unwrap();
    let wanted = json!({"name": "shop-extra", "key": "EXTRA", "optional": true});
    assert_eq!(extra["valueFrom"]["secretKeyRef"], wanted);
}

#[test]
fn an_ingress_leads_to_the_stable_version_where_there_is_no_gateway() {
    let spec = SHOP.replace("traffic: gateway-api", "traffic: ingress-nginx");
    let objects = of_shop(&spec);
    let ingress = object(&objects, "Ingress", "web");
    assert_eq!(ingress["spec"]["ingressClassName"], json!("public"));
    assert_eq!(ingress["spec"]["tls"][0]["secretName"], json!("shop-example-org-tls"));
    let second = object(&objects, "Ingress", "web-canary");
    let backend = &second["spec"]["rules"][0]["http"]["paths"][0]["backend"]["service"];
    assert_eq!(backend["name"], json!("web-canary"));
    let weight = "nginx.ingress.kubernetes.io/canary-weight";
    assert_eq!(second["metadata"]["annotations"][weight], json!("0"));
    let rolling = spec.replace(
        "{strategy: canary, steps: [{weight: 10%, pause: 5m}, {weight: 100%}]}",
        "{strategy: rolling, max_surge: 1, max_unavailable: 0}",
    );
    let objects = of_shop(&rolling);
    assert!(!objects.contains_key(&("Ingress".to_owned(), "web-canary".to_owned())));
    let strategy = &object(&objects, "Deployment", "web")["spec"]["strategy"];
    assert_eq!(strategy["rollingUpdate"], json!({"maxSurge": 1, "maxUnavailable": 0}));
}

#[test]
fn a_patch_changes_one_object_in_every_form() {
    let patch = "patches: [{kind: Deployment, name: web, set: {spec: {template: {spec: {priorityClassName: high}}}}}, {kind: ConfigMap, name: web, set: {data: {MORE: x}}}]\n";
    let patched = SHOP.to_owned() + patch;
    let objects = of_shop(&patched);
    let of =
        |name: &str| &object(&objects, "Deployment", name)["spec"]["template"]["spec"]["priorityClassName"];
    assert_eq!((of("web"), of("api")), (&json!("high"), &Value::Null));
    // What is patched is what counts for its name.
    assert_ne!(
        by_content(&objects, "ConfigMap", "web")["metadata"]["name"],
        by_content(&of_shop(SHOP), "ConfigMap", "web")["metadata"]["name"]
    );
    let rendered = both_forms(request(&patched));
    assert!(text(&rendered, "deploy/kustomize/base/30-web.yaml").contains("priorityClassName: high"));
    let wrong = SHOP.to_owned() + "patches: [{kind: Deployment, name: wbe, set: {spec: {paused: true}}}]\n";
    let problems = render(&request(&wrong)).unwrap_err();
    insta::assert_snapshot!(format!("{}\nhelp: {}", problems[0].message, problems[0].help));
}

#[test]
fn two_owners_of_one_name_are_told_apart() {
    let spec = SHOP.replace("  worker: {command", "  migrate: {command");
    let problems = render(&request(&spec)).unwrap_err();
    insta::assert_snapshot!(format!("{}\nhelp: {}", problems[0].message, problems[0].help));
}

#[test]
fn a_changed_fact_changes_the_files_that_state_it_and_no_other() {
    let files = |spec: &str| -> BTreeMap<String, String> {
        let spec = spec.to_owned()
            + "  staging:\n    target: {kubernetes: {namespace: shop-staging, via: apply}}\n    branch: main\n    stores: {secrets: {kubernetes: shop-secrets}}\n    services: {web: {replicas: 2}}\n";
        let artifacts = both_forms(request(&spec)).artifacts.into_iter();
        artifacts.map(|it| (it.path.replace("deploy/", ""), it.text)).collect()
    };
    let before = files(SHOP);
    let changed = |from: &str, to: &str| -> Vec<String> {
        assert!(SHOP.contains(from), "{from}");
        let after = files(&SHOP.replace(from, to));
        let paths: BTreeSet<&String> = before.keys().chain(after.keys()).collect();
        paths.into_iter().filter(|it| before.get(*it) != after.get(*it)).cloned().collect()
    };
    let everywhere =
        ["kubernetes/prod/30-web.yaml", "kubernetes/staging/30-web.yaml", "kustomize/base/30-web.yaml"];
    assert_eq!(changed("cpu: 100m", "cpu: 200m"), everywhere);
    assert_eq!(changed("costs $5", "costs $6"), everywhere);
    assert_eq!(
        changed("storage: 5Gi", "storage: 6Gi"),
        everywhere.map(|it| it.replace("30-web", "10-postgres"))
    );
    assert_eq!(
        changed("replicas: 3", "replicas: 4"),
        ["kubernetes/prod/30-web.yaml", "kustomize/overlays/prod/patches/deployment-web.yaml"]
    );
    assert_eq!(changed("of the API", "of another API"), Vec::<String>::new());
    assert_eq!(
        changed("pull_secret: registry", "pull_secret: other")
            .iter()
            .filter(|it| it.contains("staging"))
            .count(),
        0
    );
}

#[test]
fn an_overlay_is_the_plain_manifests_of_its_environment() {
    let Some(kubectl) = validator("kubectl") else { return };
    let mut read = 0;
    for (name, request) in requests() {
        let rendered = both_forms(request);
        let folder = on_disk(&rendered.artifacts);
        let overlays: BTreeSet<&str> = rendered
            .artifacts
            .iter()
            .filter_map(|it| it.path.strip_prefix("deploy/kustomize/overlays/")?.split('/').next())
            .collect();
        for environment in overlays {
            let overlay = format!("deploy/kustomize/overlays/{environment}");
            let built = kubectl.run(["kustomize", &overlay], folder.path()).passed();
            let plain = objects(manifests(&rendered, environment).map(|it| &it.text));
            let built = objects([built]);
            assert_eq!(
                built.keys().collect::<Vec<_>>(),
                plain.keys().collect::<Vec<_>>(),
                "{name} {environment}"
            );
            for (key, value) in plain {
                assert_eq!(built[&key], value, "{name} {environment} {key:?}");
            }
            read += 1;
        }
    }
    report("kubectl kustomize", read);
}

#[test]
fn a_pipeline_sets_version_and_digest_in_one_place() {
    let Some(kubectl) = validator("kubectl") else { return };
    let folder = on_disk(&both_forms(request(SHOP)).artifacts);
    let path = folder.path().join("deploy/kustomize/overlays/prod/kustomization.yaml");
    let digest = format!("sha256:{}", "1".repeat(64));
    let text = std::fs::read_to_string(&path).unwrap();
    let text = text
        .replace("version=unreleased", "version=1.2.3+4")
        .replace(&format!("sha256:{}", "0".repeat(64)), &digest);
    std::fs::write(&path, text).unwrap();
    let built = kubectl.run(["kustomize", "deploy/kustomize/overlays/prod"], folder.path()).passed();
    assert!(!built.contains("0000000000"), "every image of the release has its digest");
    let built = objects([built]);
    for (kind, name) in [("Deployment", "web"), ("Deployment", "api"), ("Job", "migrate"), ("Job", "seed")] {
        let template = &object(&built, kind, name)["spec"]["template"];
        assert_eq!(template["metadata"]["annotations"]["lockgate.dev/version"], json!("1.2.3+4"), "{name}");
    }
    assert!(!by_content(&built, "Job", "postgres-setup").to_string().contains("1.2.3+4"));
}

#[test]
fn manifests_are_what_kubernetes_reads() {
    let Some(validator) = validator("kubernetes-validate") else { return };
    let files = manifests_of_all();
    let folder = on_disk(&files);
    for version in ["1.30.0", "1.37.0"] {
        let args = ["-k", version, "--strict", "--quiet"].into_iter();
        let said = validator.run(args.chain(files.iter().map(|it| it.path.as_str())), folder.path());
        let is_custom = |line: &str| {
            CUSTOM.iter().any(|it| line.contains(&format!("kind {} with api version {}", it.0, it.1)))
        };
        let lines: Vec<&str> = said.stderr.lines().chain(said.stdout.lines()).collect();
        let unread: Vec<&&str> = lines.iter().filter(|it| it.starts_with("WARN") && !is_custom(it)).collect();
        assert!(unread.is_empty(), "{unread:#?}");
        said.passed();
        report(&format!("kubernetes-validate {version}"), files.len());
    }
}

/// Plain manifests of everything that is tried here.
fn manifests_of_all() -> Vec<Artifact> {
    let all = requests().into_iter().flat_map(|(name, request)| {
        let artifacts = both_forms(request).artifacts.into_iter();
        artifacts.map(move |it| Artifact { path: format!("{name}/{}", it.path), ..it }).collect::<Vec<_>>()
    });
    all.filter(|it| it.kind == Kind::Manifests).collect()
}

/// Kinds that are no part of Kubernetes, which its schemas do not have.
const CUSTOM: [(&str, &str); 4] = [
    ("Gateway", "gateway.networking.k8s.io/v1"),
    ("HTTPRoute", "gateway.networking.k8s.io/v1"),
    ("GRPCRoute", "gateway.networking.k8s.io/v1"),
    ("ExternalSecret", "external-secrets.io/v1"),
];

mod custom {
    //! The parts of their specifications that are used here, closed.

    use serde::Deserialize;

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    pub(crate) struct Route {
        #[serde(default)]
        pub(crate) hostnames: Vec<String>,
        pub(crate) parent_refs: Vec<Parent>,
        pub(crate) rules: Vec<Rule>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct Parent {
        pub(crate) name: String,
        pub(crate) group: Option<String>,
        pub(crate) kind: Option<String>,
        pub(crate) port: Option<u16>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    pub(crate) struct Rule {
        pub(crate) backend_refs: Vec<Backend>,
        #[serde(default)]
        pub(crate) matches: Vec<Match>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct Backend {
        pub(crate) name: String,
        pub(crate) port: u16,
        pub(crate) weight: u32,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct Match {
        pub(crate) path: Path,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct Path {
        pub(crate) r#type: PathType,
        pub(crate) value: String,
    }

    #[derive(Deserialize)]
    pub(crate) enum PathType {
        PathPrefix,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    pub(crate) struct Gateway {
        pub(crate) gateway_class_name: String,
        pub(crate) listeners: Vec<Listener>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct Listener {
        pub(crate) name: String,
        pub(crate) hostname: String,
        pub(crate) port: u16,
        pub(crate) protocol: ListenerProtocol,
        pub(crate) tls: Option<Tls>,
    }

    #[derive(Deserialize, PartialEq)]
    pub(crate) enum ListenerProtocol {
        #[serde(rename = "HTTP")]
        Http,
        #[serde(rename = "HTTPS")]
        Https,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    pub(crate) struct Tls {
        pub(crate) mode: TlsMode,
        pub(crate) certificate_refs: Vec<Named>,
    }

    #[derive(Deserialize)]
    pub(crate) enum TlsMode {
        Terminate,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct Named {
        pub(crate) name: String,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    pub(crate) struct ExternalSecret {
        pub(crate) refresh_interval: String,
        pub(crate) secret_store_ref: StoreRef,
        pub(crate) target: Target,
        pub(crate) data: Vec<Datum>,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct StoreRef {
        pub(crate) kind: StoreKind,
        pub(crate) name: String,
    }

    #[derive(Deserialize)]
    pub(crate) enum StoreKind {
        SecretStore,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    pub(crate) struct Target {
        pub(crate) name: String,
        pub(crate) creation_policy: CreationPolicy,
    }

    #[derive(Deserialize)]
    pub(crate) enum CreationPolicy {
        Owner,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields, rename_all = "camelCase")]
    pub(crate) struct Datum {
        pub(crate) secret_key: String,
        pub(crate) remote_ref: Remote,
    }

    #[derive(Deserialize)]
    #[serde(deny_unknown_fields)]
    pub(crate) struct Remote {
        pub(crate) key: String,
        pub(crate) property: Option<String>,
    }
}

/// What is checked of them is what their own definitions demand: required fields, closed maps, and names that lead
/// to something.
#[test]
fn kinds_of_others_have_the_shape_that_their_definitions_demand() {
    let mut read = 0;
    for (name, request) in requests() {
        let rendered = both_forms(request);
        let environments: BTreeSet<&str> = rendered
            .artifacts
            .iter()
            .filter_map(|it| it.path.strip_prefix("deploy/kubernetes/")?.split('/').next())
            .collect();
        for environment in environments {
            let objects = objects(manifests(&rendered, environment).map(|it| &it.text));
            for ((kind, of), value) in &objects {
                read += usize::from(CUSTOM.iter().any(|it| it.0 == kind));
                custom_is_sound(&objects, kind, &value["spec"])
                    .unwrap_or_else(|error| panic!("{name} {kind} {of}: {error}"));
            }
        }
    }
    report("the test of custom kinds", read);
}

fn custom_is_sound(objects: &Objects, kind: &str, spec: &Value) -> Result<(), serde_json::Error> {
    let is_there = |kind: &str, name: &str| objects.contains_key(&(kind.to_owned(), name.to_owned()));
    match kind {
        "HTTPRoute" | "GRPCRoute" => {
            let route: custom::Route = serde_json::from_value(spec.clone())?;
            let backends = route.rules.iter().flat_map(|it| &it.backend_refs);
            for it in backends.clone() {
                assert!(is_there("Service", &it.name) && it.port != 0);
            }
            assert_eq!(backends.map(|it| it.weight).sum::<u32>(), 100);
            let [parent] = route.parent_refs.as_slice() else { panic!("one parent") };
            if parent.kind.as_deref() == Some("Service") {
                assert!(
                    is_there("Service", &parent.name)
                        && parent.group.as_deref() == Some("")
                        && parent.port.is_some()
                );
            } else {
                assert!(!parent.name.is_empty() && !route.hostnames.is_empty());
            }
            for it in route.rules.iter().flat_map(|it| &it.matches) {
                assert!(
                    matches!(it.path.r#type, custom::PathType::PathPrefix) && it.path.value.starts_with('/')
                );
            }
        }
        "Gateway" => {
            let gateway: custom::Gateway = serde_json::from_value(spec.clone())?;
            assert!(!gateway.gateway_class_name.is_empty());
            let names: BTreeSet<&str> = gateway.listeners.iter().map(|it| it.name.as_str()).collect();
            assert_eq!(names.len(), gateway.listeners.len(), "listeners have names of their own");
            for it in &gateway.listeners {
                assert_eq!(it.tls.is_some(), it.protocol == custom::ListenerProtocol::Https);
                assert!(!it.hostname.is_empty() && it.port != 0);
                let certificates = it
                    .tls
                    .as_ref()
                    .map_or(0, |it| it.certificate_refs.iter().filter(|it| !it.name.is_empty()).count());
                assert_eq!(certificates, usize::from(it.tls.is_some()));
                assert!(it.tls.as_ref().is_none_or(|it| matches!(it.mode, custom::TlsMode::Terminate)));
            }
        }
        "ExternalSecret" => {
            let it: custom::ExternalSecret = serde_json::from_value(spec.clone())?;
            assert!(matches!(it.secret_store_ref.kind, custom::StoreKind::SecretStore));
            assert!(matches!(it.target.creation_policy, custom::CreationPolicy::Owner));
            assert!(
                !it.refresh_interval.is_empty()
                    && !it.secret_store_ref.name.is_empty()
                    && !it.target.name.is_empty()
            );
            assert!(it.data.iter().all(|it| !it.secret_key.is_empty() && !it.remote_ref.key.is_empty()));
            assert!(it.data.iter().all(|it| it.remote_ref.property.as_deref() != Some("")));
        }
        _ => {}
    }
    Ok(())
}

/// Checks that do not hold here, and why.
const SKIPPED: [(&str, &str); 4] = [
    ("CKV_K8S_35", "applications read their secrets as variables, which is what the spec names"),
    ("CKV_K8S_40", "the number of the user is the image's, and the spec says it"),
    ("CKV_K8S_8", "an instance is restarted for the reason that the spec says, and for no other"),
    ("CKV_K8S_9", "nobody waits for workers and exporters, which take no requests"),
];

/// Of dependencies beyond that: their images and amounts are not ours.
const SKIPPED_OF_DEPENDENCIES: [(&str, &str); 7] = [
    ("CKV_K8S_10", "nothing says how much of a processor a dependency needs"),
    ("CKV_K8S_11", "a limit that nobody measured slows it down"),
    ("CKV_K8S_12", "nothing says how much memory it needs"),
    ("CKV_K8S_13", "a limit that nobody measured ends it"),
    ("CKV_K8S_22", "their images write beside their data"),
    ("CKV_K8S_15", "what is pinned by a digest is the same whoever pulled it"),
    ("CKV_K8S_43", "the lock has their digests once a registry was asked"),
];

#[test]
fn manifests_keep_to_what_checkov_asks_for() {
    let Some(validator) = validator("checkov") else { return };
    let mut read = 0;
    for (dependencies, more) in [(false, &[][..]), (true, &SKIPPED_OF_DEPENDENCIES[..])] {
        let files: Vec<Artifact> =
            manifests_of_all().into_iter().filter(|it| it.path.contains("/10-") == dependencies).collect();
        let folder = on_disk(&files);
        let skipped: Vec<&str> = SKIPPED.iter().chain(more).map(|it| it.0).collect();
        let skipped = skipped.join(",");
        let args = [
            "--framework",
            "kubernetes",
            "-d",
            ".",
            "--compact",
            "--quiet",
            "--skip-download",
            "--skip-check",
            &skipped,
        ];
        validator.run(args, folder.path()).passed();
        read += files.len();
    }
    report("checkov --framework kubernetes", read);
}

/// The examples, and the small system in the variants that they do not have.
fn requests() -> Vec<(String, Request)> {
    let examples = EXAMPLES.iter().map(|it| ((*it).to_owned(), example_request(it)));
    let second = "  staging:\n    target: {kubernetes: {namespace: shop-staging, via: apply, traffic: ingress-nginx}}\n    branch: main\n    stores: {secrets: {external-secrets: vault}}\n    services: {web: {replicas: 1, env: {MORE: x}}, worker: null}\n    dependencies: {redis: {external: null, version: \"8.2\", auth: true}}\n    cron: null\n";
    let variants = [
        ("shop".to_owned(), SHOP.to_owned()),
        ("shop-twice".to_owned(), SHOP.to_owned() + second),
        (
            "shop-blue-green".to_owned(),
            SHOP.replace(
                "{strategy: canary, steps: [{weight: 10%, pause: 5m}, {weight: 100%}]}",
                "{strategy: blue-green}",
            ),
        ),
        (
            "shop-recreate".to_owned(),
            SHOP.replace(
                "{strategy: canary, steps: [{weight: 10%, pause: 5m}, {weight: 100%}]}",
                "{strategy: recreate}",
            ),
        ),
    ];
    examples.chain(variants.into_iter().map(|it| (it.0, request(&it.1)))).collect()
}

/// As the kubelet fills `$(NAME)` in: `$$` is a dollar, and what is not known stays.
fn expanded(text: &str, known: &BTreeMap<&str, String>) -> String {
    let mut result = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        result.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('$') {
            result.push('$');
            rest = after;
        } else if let Some((name, after)) = rest.strip_prefix('(').and_then(|it| it.split_once(')')) {
            result.push_str(known.get(name).map_or(&format!("$({name})"), |it| it));
            rest = after;
        } else {
            result.push('$');
        }
    }
    result + rest
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn any_value_reads_back(value in prop_oneof![any::<String>(), "[ -~\n]{0,40}", "(\\$\\$|\\$\\{\\{ x \\}\\}|\\{\\{ y \\}\\}|\\$\\(z\\)|\\$\\(TOKEN\\)|#|: |'|\"|\\\\|\n){1,6}"]) {
        // What begins as a reference of the spec is one.
        let value = value.replace("${", "$ {").replace('\0', "");
        let mut request = request(SHOP);
        for system in &mut request.systems {
            let web = system.services.iter_mut().find(|it| it.0.as_str() == "web").unwrap().1;
            web.env.insert("GREETING".to_owned(), value.clone());
            web.env.insert("COMPOSED".to_owned(), format!("x{value}${{secrets.TOKEN}}"));
            web.command = vec!["node".to_owned(), value.clone()];
        }
        let objects = objects([text(&render(&request).unwrap(), "deploy/kubernetes/prod/30-web.yaml")]);
        let greeting = &by_content(&objects, "ConfigMap", "web")["data"]["GREETING"];
        prop_assert_eq!(greeting.as_str().unwrap(), &value);
        let container = &object(&objects, "Deployment", "web")["spec"]["template"]["spec"]["containers"][0];
        let known = BTreeMap::from([("TOKEN", "secret".to_owned())]);
        let entry = container["env"].as_array().unwrap().iter().find(|it| it["name"] == "COMPOSED").unwrap();
        prop_assert_eq!(expanded(entry["value"].as_str().unwrap(), &known), format!("x{value}secret"));
        let argument = container["args"][1].as_str().unwrap();
        prop_assert_eq!(expanded(argument, &known), value);
    }
}

//! What the objects of a system say, in each of their forms.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_render::render;
use serde_json::{Value, json};

use crate::common::manifests::objects;
use crate::common::validator::{report, validator};
use crate::common::{on_disk, rendered, request, text};
use crate::shop::{SHOP, both_forms, by_content, manifests, object, of_shop, requests};

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

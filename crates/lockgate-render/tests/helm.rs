//! The chart makes the very objects of the plain manifests, with every Helm; and it refuses what it must.

mod common;

use std::collections::BTreeMap;

use common::chart::{SUPPLIED, Tree, helms, normalised};
use common::manifests::{Objects, documents, key};
use common::validator::{report, validator};
use common::{EXAMPLES, example_request, request, text};
use lockgate_model::Digest;
use lockgate_render::{Artifact, Request};
use proptest::prelude::*;
use serde_json::{Value, json};

/// Two clusters that differ in most ways in which environments differ.
const SPEC: &str = r#"
lockgate: v1
system: shop
build: {image: "registry.example.org/shop/${service.name}"}
services:
  web:
    build: {preset: node}
    port: 3000
    env:
      LOG: {value: info, about: least level that is logged}
      VERSION: "${release.version}"
    secrets: {SESSION: {}}
    health: /health
    depends_on: [postgres]
    resources: {requests: {cpu: 100m, memory: 64Mi}}
    ingress: {hosts: "${environment.host}"}
    volumes: {uploads: {path: /uploads, size: 2Gi, access: shared}}
dependencies:
  postgres: {type: postgres, version: "17", storage: 1Gi}
migrations: {command: [node, migrate.js]}
seeds: {command: [node, seed.js], run: once}
environments:
  small:
    target: {kubernetes: {context: small, namespace: shop-small, via: helmfile}}
    host: small.example.org
    stores: {secrets: {kubernetes: shop}}
    patches:
      - {kind: PersistentVolumeClaim, name: web-uploads, set: {metadata: {annotations: {team: shop}}}}
      - {kind: Job, name: seed, set: {metadata: {annotations: {"{{ a": "{{ b }}"}}}}
  large:
    target: {kubernetes: {context: large, namespace: shop, via: helmfile, pull_secret: registry}}
    host: example.org
    stores: {secrets: {external-secrets: vault}}
    dependencies: {postgres: {external: {secret: DATABASE_URL}}}
    services:
      web:
        env: {LOG: warn, EXTRA: "1"}
        volumes: null
        replicas: 3
        autoscaling: {max: 9, cpu: 70%}
    patches:
      - {kind: Job, name: migrate, set: {metadata: {annotations: {team: shop}}}}
      - {kind: ServiceAccount, name: migrate, set: {metadata: {annotations: {team: shop}}}}
      - kind: Deployment
        name: web
        set: {metadata: {annotations: {team: shop}}, spec: {template: {spec: {hostAliases: [{ip: 10.0.0.1, hostnames: [a]}]}}}}
"#;

fn assert_same(label: &str, found: &Objects, wanted: &Objects) {
    let names = |it: &Objects| it.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(found), names(wanted), "{label}");
    for (key, object) in wanted {
        assert_eq!(&found[key], object, "{label}: {key:?}");
    }
}

/// On a first install and on an upgrade: how many objects there were.
fn assert_as_the_manifests(label: &str, tree: &Tree) -> usize {
    let mut count = 0;
    for (helm, (environment, namespace)) in
        helms().iter().flat_map(|helm| tree.environments().into_iter().map(move |it| (helm, it)))
    {
        let plain = tree.plain(&environment);
        count += plain.len();
        for more in [["-f", SUPPLIED].as_slice(), &["-f", SUPPLIED, "--is-upgrade"]] {
            let text = tree.template(helm, &environment, &namespace, more).passed();
            assert_same(&format!("{label} {environment} {more:?}"), &normalised(&text), &plain);
        }
    }
    count
}

#[test]
fn the_chart_makes_the_objects_of_the_plain_manifests_in_every_environment() {
    let examples = EXAMPLES.iter().filter_map(|name| Some((*name, Tree::new(example_request(name))?)));
    let own = Tree::new(request(SPEC)).unwrap();
    let count: usize =
        examples.chain([("own", own)]).map(|(name, tree)| assert_as_the_manifests(name, &tree)).sum();
    if !helms().is_empty() {
        report("helm template", count);
    }
}

#[test]
fn helm_finds_nothing_to_say_about_the_charts() {
    for helm in helms() {
        for tree in EXAMPLES.iter().filter_map(|it| Tree::new(example_request(it))) {
            for (environment, namespace) in tree.environments() {
                let values = format!("deploy/helm/values-{environment}.yaml");
                let chart = tree.chart();
                let args = ["lint", "--strict", &chart, "-n", &namespace, "-f", &values, "-f", SUPPLIED];
                helm.run(args, tree.folder.path()).passed();
            }
        }
    }
}

#[test]
fn a_release_that_says_too_little_or_what_is_unknown_is_refused() {
    let tree = Tree::new(request(SPEC)).unwrap();
    let digest = "images.web.digest=sha256:0000000000000000000000000000000000000000000000000000000000000000";
    let cases: [(&[&str], &str); 5] = [
        (&["--set-string", "version=v1"], "images.web.digest is not set: name the bytes that are released"),
        (&["--set-string", digest], "version is not set: name the version that is released"),
        (&["-f", SUPPLIED, "--set", "images.web.digest=latest"], "does not match pattern"),
        (&["-f", SUPPLIED, "--set", "services.web.replica=2"], "replica"),
        (&["-f", SUPPLIED, "--set", "services.web.autoscaling.enabled=true"], "'/services/web/autoscaling'"),
    ];
    for helm in helms() {
        for (args, message) in cases {
            let output = tree.template(&helm, "small", "shop-small", args);
            assert!(output.code != Some(0), "{args:?} was taken");
            // Helm 3 says `Does not match pattern` and `autoscaling: min is required`.
            let said = output.stderr.replace("Does not match", "does not match");
            let said = said.replace("services.web.autoscaling:", "'/services/web/autoscaling':");
            assert!(said.contains(message), "{args:?}: {output}");
        }
        let chart = tree.chart();
        let alone = helm.run(["template", "shop", &chart, "-f", SUPPLIED], tree.folder.path());
        assert!(alone.code != Some(0), "the chart was taken without the values of an environment");
    }
}

/// Texts that mean something to a template, to YAML or to a shell.
fn texts() -> impl Strategy<Value = Vec<String>> {
    let nasty = prop_oneof![
        any::<String>().prop_map(|it| it.replace('\0', "")),
        "[ a-z:#{}$\n\t\"'|>%@&*!\\\\-]{0,24}",
        "(\\{\\{ \\.Values \\}\\}|\\{\\{- end \\}\\}|\\{\\{/\\*|\\}\\}|`|yes|~|1e3|0x1f|---|\n---\n|null|\\$\\{\\{ x \\}\\}|\\$\\(y\\))",
    ];
    prop::collection::vec(nasty, 40)
}

/// A chart whose variables and patches hold these texts: half of them the same in both environments.
fn spec_of(texts: &[String]) -> String {
    // References are not the matter here.
    let quoted = |it: &str| lockgate_yaml::scalar(&it.replace("${", "$ {"));
    let env = |from: usize, to: usize| {
        let lines = texts.iter().enumerate().take(to).skip(from);
        lines.map(|(idx, it)| format!("V{idx}: {{value: {}}}", quoted(it))).collect::<Vec<_>>().join(", ")
    };
    let annotations = |from: usize| {
        let lines = texts.iter().enumerate().skip(from).take(10);
        lines.map(|(idx, it)| format!("a{}: {}", idx % 10, quoted(it))).collect::<Vec<_>>().join(", ")
    };
    let environment = |name: &str, from: usize| {
        format!(
            "  {name}:\n    target: {{kubernetes: {{namespace: shop, via: helm}}}}\n    services: {{web: {{env: {{{}}}}}}}\n    patches: [{{kind: Deployment, name: web, set: {{metadata: {{annotations: {{{}}}}}, spec: {{template: {{metadata: {{annotations: {{{}}}}}}}}}}}}}]\n",
            env(from, from + 10),
            annotations(from),
            annotations(20),
        )
    };
    format!(
        "lockgate: v1\nsystem: shop\nservices:\n  web: {{build: {{preset: node, image: registry.example.org/shop/web}}, port: 3000, health: /, env: {{{}}}}}\nenvironments:\n{}{}",
        env(0, 20),
        environment("one", 20),
        environment("two", 30),
    )
}

proptest! {
    // Each case is a chart of 80 texts, and runs Helm eight times.
    #![proptest_config(ProptestConfig { cases: 4, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn every_text_comes_out_of_helm_as_it_was(texts in texts()) {
        let tree = Tree::new(request(&spec_of(&texts))).unwrap();
        assert_as_the_manifests("texts", &tree);
    }
}

/// Anything that a patch can set, in which environments agree now and then.
fn things() -> impl Strategy<Value = Value> {
    let leaf = prop_oneof![
        "(a|b|\\{\\{ c \\}\\}|yes|7)".prop_map(Value::from),
        (-3..3_i64).prop_map(Value::from),
        any::<i32>().prop_map(Value::from),
        any::<bool>().prop_map(Value::from),
        Just(json!(1.5)),
    ];
    leaf.prop_recursive(4, 24, 4, |inner| {
        let named = prop::collection::btree_map("[a-d]", inner.clone(), 0..4).prop_map(|it| {
            let item = |(name, value)| json!({"name": name, "value": value});
            it.into_iter().map(item).collect::<Value>()
        });
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            (named, any::<bool>()).prop_map(|(mut list, turn)| {
                list.as_array_mut().filter(|_| turn).into_iter().for_each(|it| it.reverse());
                list
            }),
            prop::collection::btree_map("([a-d]|enabled|x-y|\\{\\{ z|é\u{feff}\")", inner, 0..4)
                .prop_map(|it| Value::Object(it.into_iter().collect())),
        ]
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 0, ..ProptestConfig::default() })]

    #[test]
    fn environments_may_differ_in_any_way(patches in prop::collection::vec(prop::collection::vec(things(), 12), 2)) {
        let environment = |(idx, things): (usize, &Vec<Value>)| {
            let things: Vec<Value> = things.iter().map(|it| json!({"of": it, "list": [it, {"deep": it}]})).collect();
            let patch = json!({"kind": "Deployment", "name": "web", "set": {"things": things, "first": things[0]}});
            let target = json!({"kubernetes": {"namespace": "shop", "via": "helm"}});
            (format!("e{idx}"), json!({"target": target, "patches": [patch]}))
        };
        let environments: Value = patches.iter().enumerate().map(environment).collect::<serde_json::Map<_, _>>().into();
        let image = "registry.example.org/shop/web";
        let web = json!({"build": {"preset": "node", "image": image}, "port": 3000, "health": "/"});
        let spec = json!({"lockgate": "v1", "system": "shop", "services": {"web": web}, "environments": environments});
        let spec = lockgate_yaml::write(&spec, &lockgate_yaml::WriteStyle::default());
        assert_as_the_manifests(&spec, &Tree::new(request(&spec)).unwrap());
    }
}

#[test]
fn values_say_what_differs_and_templates_the_rest() {
    let tree = Tree::new(request(SPEC)).unwrap();
    for path in [
        "shop/values.yaml",
        "values-large.yaml",
        "values-small.yaml",
        "shop/templates/web-deployment.yaml",
        "shop/templates/web-configmap.yaml",
        "shop/templates/migrate-job.yaml",
    ] {
        let name = path.replace('/', "-");
        insta::assert_snapshot!(name, text(&tree.rendered, &format!("deploy/helm/{path}")));
    }
}

/// What each object of Helm's own is for Helm: its events, its weight and what deletes it.
fn hooks_of(output: &str) -> Vec<String> {
    let hook = |object: &Value| {
        let note = |name: &str| object["metadata"]["annotations"][name].as_str().map(str::to_owned);
        let events = note("helm.sh/hook")?;
        let (kind, name) = key(object);
        let (weight, policy) = (note("helm.sh/hook-weight")?, note("helm.sh/hook-delete-policy")?);
        Some(format!("{weight:>3} {events}: {kind} {name}, {policy}"))
    };
    let mut hooks: Vec<String> = documents(output).iter().filter_map(hook).collect();
    hooks.sort();
    hooks
}

#[test]
fn a_migration_runs_before_what_needs_it_with_copies_of_what_it_needs_itself() {
    let tree = Tree::new(request(SPEC)).unwrap();
    for helm in helms() {
        let hooks = |environment: &str, more: &[&str]| {
            let args: Vec<&str> = ["-f", SUPPLIED].iter().chain(more).copied().collect();
            hooks_of(&tree.template(&helm, environment, "shop", &args).passed()).join("\n")
        };
        insta::assert_snapshot!("hooks-database-elsewhere", hooks("large", &[]));
        assert_eq!(hooks("large", &["--is-upgrade"]), hooks("large", &[]));
        insta::assert_snapshot!("hooks-database-of-the-release", hooks("small", &[]));
        insta::assert_snapshot!("hooks-database-of-the-release-upgrade", hooks("small", &["--is-upgrade"]));
    }
}

#[test]
fn what_a_release_is_known_to_be_is_said_in_the_values_of_each_environment() {
    let digest = Digest::of(b"web");
    let release = Request {
        images: BTreeMap::from([("web".parse().unwrap(), digest)]),
        version: Some("v1.2.3".parse().unwrap()),
        ..request(SPEC)
    };
    let tree = Tree::new(release).unwrap();
    for helm in helms() {
        let text = tree.template(&helm, "large", "shop", &[]).passed();
        assert_same("known", &normalised(&text), &tree.plain("large"));
        assert!(text.contains(&digest.to_string()) && text.contains("v1.2.3"));
    }
}

#[test]
fn a_change_of_one_fact_changes_the_values_or_the_template_that_say_it() {
    let before = Tree::new(request(SPEC)).unwrap();
    let changed = |from: &str, to: &str| {
        assert!(SPEC.contains(from), "{from}");
        let after = Tree::new(request(&SPEC.replace(from, to))).unwrap();
        let is_ours = |it: &&Artifact| it.path.starts_with("deploy/helm");
        let files = after.rendered.artifacts.iter().filter(is_ours);
        let different = files.filter(|it| !before.rendered.artifacts.contains(it));
        let paths: Vec<String> =
            different.map(|it| it.path.trim_start_matches("deploy/helm/").to_owned()).collect();
        paths
    };
    assert_eq!(changed("cpu: 100m", "cpu: 150m"), ["shop/values.yaml"]);
    assert_eq!(changed("max: 9", "max: 8"), ["values-large.yaml"]);
    assert_eq!(changed("value: info", "value: debug"), ["values-small.yaml"]);
    assert_eq!(changed("host: small.example.org", "host: s.example.org"), ["values-small.yaml"]);
    assert_eq!(changed("storage: 1Gi", "storage: 4Gi"), ["values-small.yaml"]);
    assert_eq!(changed("[node, migrate.js]", "[node, m.js]"), ["shop/templates/migrate-job.yaml"]);
    assert_eq!(changed("run: once", "run: always"), ["shop/values.yaml"]);
    assert_eq!(changed("health: /health", "health: /ok"), ["shop/templates/web-deployment.yaml"],);
}

/// Every map of the schema is closed, but for those whose keys are the users' own.
#[test]
fn a_schema_is_one_and_knows_every_value() {
    fn open(schema: &Value, path: &str, found: &mut Vec<String>) {
        let properties = schema["properties"].as_object().into_iter().flatten();
        for (key, value) in properties.clone() {
            open(value, &format!("{path}.{key}"), found);
        }
        if properties.count() != 0 && schema["additionalProperties"] != json!(false) {
            found.push(path.to_owned());
        }
    }
    let checker = validator("check-jsonschema");
    for name in EXAMPLES {
        let Some(tree) = Tree::new(example_request(name)) else { continue };
        let path = format!("{}/values.schema.json", tree.chart());
        let mut schema: Value = serde_json::from_str(text(&tree.rendered, &path)).unwrap();
        schema.as_object_mut().unwrap().remove("allOf");
        let mut found = vec![];
        open(&schema, "", &mut found);
        found.retain(|it| !it.ends_with(".config"));
        assert_eq!(found, Vec::<String>::new(), "{name}");
        if let Some(checker) = &checker {
            checker.run(["--check-metaschema", &path], tree.folder.path()).passed();
        }
    }
}

#[test]
fn templates_ask_no_cluster_and_throw_no_dice() {
    for tree in EXAMPLES.iter().filter_map(|it| Tree::new(example_request(it))) {
        for artifact in tree.rendered.artifacts.iter().filter(|it| it.path.contains("/templates/")) {
            for word in ["lookup ", "tpl ", "rand", "uuid", "genCA", "genSelfSigned", "now "] {
                let found =
                    artifact.text.split("{{").skip(1).any(|it| it.split("}}").next().unwrap().contains(word));
                assert!(!found, "{} uses {word}", artifact.path);
            }
        }
    }
}

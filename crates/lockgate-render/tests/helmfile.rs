//! Helmfile hands every environment's values to the chart, and releases nothing that was not said.

mod common;

use common::chart::{SUPPLIED, Tree, helms, normalised};
use common::manifests::documents;
use common::validator::extra;
use common::{EXAMPLES, example_request, request, text};
use lockgate_render::Kind;
use serde_json::Value;

/// What Helmfile's reference of its configuration knows, as far as it is used here.
const STATE: [&str; 3] = ["kubeContext", "missingFileHandler", "values"];
const DEFAULTS: [&str; 7] =
    ["atomic", "cleanupOnFail", "createNamespace", "historyMax", "timeout", "wait", "waitForJobs"];
const RELEASE: [&str; 5] = ["chart", "missingFileHandler", "name", "namespace", "values"];

fn trees() -> impl Iterator<Item = Tree> {
    let trees = EXAMPLES.iter().filter_map(|it| Tree::new(example_request(it)));
    trees.filter(|it| it.rendered.artifacts.iter().any(|it| it.kind == Kind::Helmfile))
}

fn assert_known(value: &Value, known: &[&str]) {
    for key in value.as_object().expect("it is a map").keys() {
        assert!(known.contains(&key.as_str()), "Helmfile knows no {key}");
    }
}

#[test]
fn every_key_is_one_of_helmfile_and_every_file_is_there() {
    for tree in trees() {
        let documents = documents(text(&tree.rendered, "deploy/helmfile/helmfile.yaml"));
        let [states, release] = documents.as_slice() else { panic!("environments, then releases") };
        for (environment, _) in tree.environments() {
            assert_known(&states["environments"][&environment], &STATE);
            assert_eq!(states["environments"][&environment]["missingFileHandler"], "Error");
            let values = tree.folder.path().join(format!("deploy/helm/values-{environment}.yaml"));
            assert!(values.is_file(), "{}", values.display());
        }
        assert_known(&release["helmDefaults"], &DEFAULTS);
        let releases = release["releases"].as_array().unwrap();
        for release in releases {
            assert_known(release, &RELEASE);
            let chart = tree.folder.path().join("deploy/helmfile").join(release["chart"].as_str().unwrap());
            assert!(chart.join("Chart.yaml").is_file(), "{}", chart.display());
        }
        assert_eq!(releases.len(), 1);
    }
}

#[test]
fn helmfile_makes_the_objects_of_the_plain_manifests() {
    let Some(helmfile) = extra("helmfile") else { return };
    for (tree, helm) in trees().flat_map(|tree| {
        let tree = std::rc::Rc::new(tree);
        helms().into_iter().map(move |helm| (tree.clone(), helm))
    }) {
        let folder = tree.folder.path().join("deploy/helmfile");
        let program = helm.program();
        for (environment, _) in tree.environments() {
            let args = ["--helm-binary", program, "--quiet", "-e", &environment];
            let supplied = format!("../../{SUPPLIED}");
            let more = ["--state-values-file", &supplied, "template", "--set", "namespace.create=true"];
            let text = helmfile.run(args.iter().chain(&more), &folder).passed();
            assert_eq!(normalised(&text), tree.plain(&environment), "{environment}");
            let output = helmfile.run(args.iter().chain(&["template"]), &folder);
            assert!(output.code != Some(0) && output.stderr.contains("digest is not set"), "{output}");
        }
    }
}

#[test]
fn a_helmfile_names_contexts_namespaces_and_what_a_release_must_say() {
    let spec = r#"
lockgate: v1
system: shop
build: {image: "registry.example.org/shop/${service.name}"}
services: {web: {build: {preset: node}, port: 3000, health: /}}
migrations: {command: [node, migrate.js], timeout: 30m}
environments:
  dev: {target: {kubernetes: {namespace: shop-dev, via: helmfile}}}
  prod: {target: {kubernetes: {context: prod, namespace: shop, via: helmfile}}}
"#;
    let tree = Tree::new(request(spec)).unwrap();
    let file = |name: &str| text(&tree.rendered, &format!("deploy/helmfile/{name}")).to_owned();
    insta::assert_snapshot!(file("helmfile.yaml"));
    insta::assert_snapshot!(file("release.yaml.gotmpl"));
}

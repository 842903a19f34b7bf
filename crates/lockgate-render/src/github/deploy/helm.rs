//! Kubernetes with Helm or Helmfile: migrations are hooks of the chart, and a release that fails goes back by itself.

use lockgate_model::{KubernetesTarget, Via};
use serde_json::json;

use super::super::workflow::{Permissions, Step};
use super::super::{images, text};
use super::{Parts, VERSION, kubernetes};
use crate::facts::Environment;
use crate::output::Output;

/// Values of this release: each image's digest, under the service whose build makes it.
const VALUES: &str = r#"jq --arg version "$VERSION" --argjson repositories "$REPOSITORIES" \
  '. as $digests | {version: $version, images: ($repositories | map_values({digest: $digests[.]}))}' images.json > release.json
jq --exit-status 'all(.images[]; .digest != null)' release.json
"#;

const UPGRADE: &str = r#"helm upgrade --install "$RELEASE" "$CHART" --namespace "$NAMESPACE" \
  --values "$VALUES" --values release.json --atomic --wait --wait-for-jobs --timeout "$TIMEOUT"
"#;

pub(super) fn parts(
    environment: &Environment<'_>,
    target: &KubernetesTarget,
    output: &mut Output<'_>,
) -> Parts {
    kubernetes::note_the_rollout(environment, output);
    if target.via == Via::Helmfile {
        output.note(format!(
            "GitHub Actions: deploy-{}.yml upgrades the chart of the Helmfile with Helm itself, which every runner has",
            environment.name()
        ));
    }
    let system = environment.system.name.as_str();
    let repositories: serde_json::Map<String, serde_json::Value> = images::built(environment, output)
        .into_iter()
        .map(|(repository, (owner, _))| (owner.to_string(), json!(repository)))
        .collect();
    let values = Step::run("Fill in the release", VALUES)
        .env("REPOSITORIES", text::literal(&serde_json::Value::Object(repositories).to_string()))
        .env("VERSION", VERSION);
    let named = |step: Step| step.env("NAMESPACE", text::literal(&target.namespace)).env("RELEASE", system);
    let upgrade = named(Step::run("Roll out", UPGRADE))
        .id("rollout")
        .env("CHART", format!("deploy/helm/{system}"))
        .env("TIMEOUT", format!("{}s", super::needed(environment).0 / 1_000))
        .env("VALUES", format!("deploy/helm/values-{}.yaml", environment.name()));
    let back = "helm rollback \"$RELEASE\" --namespace \"$NAMESPACE\" --wait --timeout \"$TIMEOUT\"";
    Parts {
        sign_in: kubernetes::sign_in(environment, target, output),
        fill: vec![values],
        before: vec![],
        roll_out: vec![upgrade],
        after: vec![],
        // What failed while it was rolled out is back already.
        go_back: vec![
            named(Step::run("Roll back", back))
                .env("TIMEOUT", kubernetes::seconds())
                .when("failure() && steps.rollout.outcome == 'success'"),
        ],
        permissions: Permissions::new(),
    }
}

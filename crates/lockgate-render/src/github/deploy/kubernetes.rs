//! Kubernetes with `kubectl`: parts are applied in order, by the label that says what each object is.

use lockgate_model::{KubernetesTarget, SecretFormat, Strategy, Via};

use super::super::text;
use super::super::workflow::{Permissions, Step};
use super::{Parts, ROLLOUT, VERSION, migrates_after, time_for};
use crate::facts::{Environment, JobFact};
use crate::output::Output;

/// Puts the digests and the version where the rendered objects have none. What is left unknown is never applied.
const FILL: &str = r#"jq --raw-output 'to_entries[] | "\(.key) \(.value)"' images.json | while read -r repository digest; do
  sed -i "s|$repository@sha256:0\{64\}|$repository@$digest|" release/*.yaml
done
sed -i -e "s|lockgate.dev/version: unreleased|lockgate.dev/version: \"$VERSION\"|" \
  -e "s|lockgate.dev/git-sha: unreleased|lockgate.dev/git-sha: \"$GITHUB_SHA\"|" \
  -e "s|lockgate.dev/git-sha7: unreleased|lockgate.dev/git-sha7: \"${GITHUB_SHA::7}\"|" release/*.yaml
if grep --line-number 'sha256:0\{64\}' release/*.yaml; then
  echo "::error::the digest of an image is not known"
  exit 1
fi
"#;

/// Fails as soon as the job has failed, and shows what it said in either case.
const JOB: &str = r#"kubectl delete job "$JOB" --ignore-not-found --wait
kubectl apply --filename release --selector "app.kubernetes.io/component=$COMPONENT"
ended() { kubectl get job "$JOB" --output "jsonpath={.status.conditions[?(@.type==\"$1\")].status}"; }
until [ "$(ended Complete)" = True ] || [ "$(ended Failed)" = True ] || [ "$SECONDS" -gt "$LIMIT" ]; do
  sleep 5
done
kubectl logs "job/$JOB" --all-containers --prefix --tail -1 || true
[ "$(ended Complete)" = True ]
"#;

/// What runs now, by the number that Kubernetes gave it.
const ROLL_OUT: &str = r#"kubectl get deployments --selector "$OWN" \
  --output jsonpath='{range .items[*]}{.metadata.name} {.metadata.annotations.deployment\.kubernetes\.io/revision}{"\n"}{end}' > before.txt
kubectl apply --filename release --selector "app.kubernetes.io/component $SELECTOR"
kubectl rollout status deployments --selector "$OWN" --timeout "$TIMEOUT"
"#;

/// Where the release had not come to yet, this changes nothing.
const UNDO: &str = r#"while read -r deployment revision; do
  kubectl rollout undo "deployment/$deployment" --to-revision "$revision" < /dev/null
done < before.txt
kubectl rollout status deployments --selector "$SELECTOR" --timeout "$TIMEOUT"
"#;

pub(super) fn parts(
    environment: &Environment<'_>,
    target: &KubernetesTarget,
    output: &mut Output<'_>,
) -> Parts {
    note_the_rollout(environment, output);
    let mut before = vec![apply("Apply what services need", "in (environment,dependency)")];
    if !environment.bundled.is_empty() {
        let wait = "kubectl rollout status statefulsets --selector \"$SELECTOR\" --timeout \"$TIMEOUT\"";
        let selector = format!(
            "app.kubernetes.io/part-of={},app.kubernetes.io/component=dependency",
            environment.system.name
        );
        before.push(
            Step::run("Wait for dependencies", wait).env("SELECTOR", selector).env("TIMEOUT", seconds()),
        );
    }
    let migrate = environment.migration.as_ref().map(|it| job("Migrate", "migrate", "migration", it));
    let seed = environment.seed.as_ref().map(|it| job("Seed", "seed", "seed", it));
    let (migrate, after) = if migrates_after(environment) { (None, migrate) } else { (migrate, None) };
    before.extend(migrate);
    before.extend(seed);
    let roll_out = Step::run("Roll out", ROLL_OUT)
        .id("rollout")
        .env("OWN", selector(environment))
        .env("SELECTOR", "in (service,cron)")
        .env("TIMEOUT", seconds());
    let fill = match target.via {
        Via::Kustomize => format!(
            "mkdir release\nkubectl kustomize {} > release/release.yaml\n{FILL}",
            text::word(&format!("deploy/kustomize/overlays/{}", environment.name()))
        ),
        Via::Apply | Via::Helm | Via::Helmfile => {
            format!(
                "cp -r {} release\n{FILL}",
                text::word(&format!("deploy/kubernetes/{}", environment.name()))
            )
        }
    };
    Parts {
        sign_in: sign_in(environment, target, output),
        fill: vec![Step::run("Fill in the release", fill).env("VERSION", VERSION)],
        before,
        roll_out: vec![roll_out],
        after: after.into_iter().collect(),
        go_back: vec![
            Step::run("Roll back", UNDO)
                .env("SELECTOR", selector(environment))
                .env("TIMEOUT", seconds())
                .when(super::BEGUN_AND_FAILED),
        ],
        permissions: Permissions::new(),
    }
}

pub(super) fn seconds() -> String {
    format!("{}s", ROLLOUT.0 / 1_000)
}

pub(in super::super) fn selector(environment: &Environment<'_>) -> String {
    format!("app.kubernetes.io/part-of={},app.kubernetes.io/component=service", environment.system.name)
}

fn apply(name: &str, component: &str) -> Step {
    let script = "kubectl apply --filename release --selector \"app.kubernetes.io/component $SELECTOR\"";
    Step::run(name, script).env("SELECTOR", component)
}

fn job(name: &str, job: &str, component: &str, fact: &JobFact<'_>) -> Step {
    Step::run(name, JOB)
        .env("COMPONENT", component)
        .env("JOB", job)
        .env("LIMIT", (time_for(fact).0 / 1_000).to_string())
}

/// The kubeconfig of this environment and of no other.
pub(in super::super) fn sign_in(
    environment: &Environment<'_>,
    target: &KubernetesTarget,
    output: &mut Output<'_>,
) -> Vec<Step> {
    let name = target.kubeconfig.as_deref().unwrap_or("KUBECONFIG_BASE64");
    let rule = environment.system.secrets.get(name);
    let coded = target.kubeconfig.is_none() || rule.is_some_and(|it| it.format == Some(SecretFormat::Base64));
    output.note(format!(
        "GitHub Actions: the environment `{}` of the repository needs the secret {name}: a kubeconfig{}",
        environment.name(),
        if coded { ", in base64" } else { "" }
    ));
    let write = if coded {
        "base64 --decode <<< \"$CONFIG\" > ~/.kube/config"
    } else {
        "printf '%s\\n' \"$CONFIG\" > ~/.kube/config"
    };
    let mut script = format!("umask 077\nmkdir -p ~/.kube\n{write}\n");
    let mut step = Step::run("Sign in to the cluster", "").env("CONFIG", text::secret(name));
    if let Some(context) = &target.context {
        script += "kubectl config use-context \"$CONTEXT\"\n";
        step = step.env("CONTEXT", text::literal(context));
    }
    script += "kubectl config set-context --current --namespace \"$NAMESPACE\"\n";
    step.run = Some(script);
    vec![step.env("NAMESPACE", text::literal(&target.namespace))]
}

pub(super) fn note_the_rollout(environment: &Environment<'_>, output: &mut Output<'_>) {
    let strategy = match environment.system.rollout.strategy {
        Strategy::Canary => "canary",
        Strategy::BlueGreen => "blue-green",
        Strategy::Rolling | Strategy::Recreate => return,
    };
    output.note(format!(
        "GitHub Actions: deploy-{}.yml replaces instances one after the other and checks them; the spec's `{strategy}` is carried out by `lockgate deploy`",
        environment.name()
    ));
}

//! Amazon's platforms: task definitions and services from the rendered documents, waited for until they stand.

use lockgate_model::TargetKind;

use super::super::workflow::{Permissions, Step};
use super::super::{images, text};
use super::{BEGUN_AND_FAILED, Parts, VERSION, migrates_after, needed, time_for};
use crate::facts::{Environment, JobFact, ServiceFact};
use crate::output::Output;

/// Values that only AWS knows stand between «»; a document with one left in it is not sent.
const FILL: &str = r#"jq --raw-output 'to_entries[] | "\(.key) \(.value)"' images.json | while read -r repository digest; do
  find "$FOLDER" -name '*.json' -exec sed -i "s|$repository@sha256:0\{64\}|$repository@$digest|" {} +
done
find "$FOLDER" -name '*.json' -exec sed -i -e "s|«release.version»|$VERSION|g" \
  -e "s|«git.sha»|$GITHUB_SHA|g" -e "s|«git.sha7»|${GITHUB_SHA::7}|g" {} +
if grep --recursive --line-number --include '*task-definition.json' --include '*-update.json' -e 'sha256:0\{64\}' -e '«' "$FOLDER"; then
  echo "::error::the release does not know these values"
  exit 1
fi
"#;

/// One task, in the network of a service that runs; its exit code is what counts.
const JOB: &str = r#"definition="$(aws ecs register-task-definition --cli-input-json "file://$FOLDER/jobs/$JOB/task-definition.json" \
  --query taskDefinition.taskDefinitionArn --output text)"
network="$(aws ecs describe-services --cluster "$CLUSTER" --services "$SERVICE" --query 'services[0].networkConfiguration')"
task="$(aws ecs run-task --cluster "$CLUSTER" --launch-type FARGATE --task-definition "$definition" \
  --network-configuration "$network" --started-by github --query 'tasks[0].taskArn' --output text)"
until [ "$(aws ecs describe-tasks --cluster "$CLUSTER" --tasks "$task" --query 'tasks[0].lastStatus' --output text)" = STOPPED ]; do
  [ "$SECONDS" -lt "$LIMIT" ] || { aws ecs stop-task --cluster "$CLUSTER" --task "$task" --reason "took too long" > /dev/null; break; }
  sleep 10
done
result="$(aws ecs describe-tasks --cluster "$CLUSTER" --tasks "$task" --query 'tasks[0].{code: containers[0].exitCode, reason: stoppedReason}')"
echo "$result"
jq --exit-status '.code == 0' <<< "$result"
"#;

/// Registers, updates all, then waits for each: ECS moves the traffic as the service's own strategy says.
const ROLL_OUT: &str = r#"while read -r service path; do
  echo "$service $(aws ecs describe-services --cluster "$CLUSTER" --services "$service" --query 'services[0].taskDefinition' --output text)" >> before.txt
  definition="$(aws ecs register-task-definition --cli-input-json "file://$FOLDER/services/$path/task-definition.json" \
    --query taskDefinition.taskDefinitionArn --output text)"
  aws ecs list-service-deployments --cluster "$CLUSTER" --service "$service" --query 'serviceDeployments[0].serviceDeploymentArn' > "last-$service.json"
  aws ecs update-service --cluster "$CLUSTER" --service "$service" --task-definition "$definition" > /dev/null
done <<< "$SERVICES"
"#;

/// A deployment appears a moment after it was asked for; where nothing changed, none does.
const WAIT: &str = r#"newest() { aws ecs list-service-deployments --cluster "$CLUSTER" --service "$1" --query "serviceDeployments[0].$2"; }
while read -r service _; do
  until [ "$(newest "$service" serviceDeploymentArn)" != "$(cat "last-$service.json")" ] || [ "$SECONDS" -gt 300 ]; do
    sleep 5
  done
  status=PENDING
  until [ "$status" = SUCCESSFUL ]; do
    status="$(newest "$service" status | tr -d '"')"
    echo "$service: $status"
    case "$status" in STOPPED | ROLLBACK_*) exit 1 ;; esac
    [ "$SECONDS" -lt "$LIMIT" ] || exit 1
    [ "$status" = SUCCESSFUL ] || sleep 15
  done
done <<< "$SERVICES"
"#;

const GO_BACK: &str = r#"while read -r service definition; do
  aws ecs update-service --cluster "$CLUSTER" --service "$service" --task-definition "$definition" > /dev/null
done < before.txt
while read -r service _; do
  aws ecs wait services-stable --cluster "$CLUSTER" --services "$service"
done < before.txt
"#;

const EXPRESS: &str = r#"while read -r service path; do
  aws ecs list-service-deployments --cluster "$CLUSTER" --service "$service" --query 'serviceDeployments[0].serviceDeploymentArn' > "last-$service.json"
  arn="$(jq --raw-output .serviceArn "$FOLDER/services/$path/express-service-update.json")"
  aws ecs describe-express-gateway-service --service-arn "$arn" \
    --query 'service.activeConfigurations[0].{serviceArn: `'"$arn"'`, primaryContainer: primaryContainer}' > "before-$path.json"
  aws ecs update-express-gateway-service --cli-input-json "file://$FOLDER/services/$path/express-service-update.json" > /dev/null
done <<< "$SERVICES"
"#;

const EXPRESS_BACK: &str = r#"for before in before-*.json; do
  aws ecs update-express-gateway-service --cli-input-json "file://$before" > /dev/null
done
"#;

const APP_RUNNER: &str = r#"while read -r service path; do
  arn="$(aws apprunner list-services --query "ServiceSummaryList[?ServiceName=='$service'].ServiceArn | [0]" --output text)"
  aws apprunner describe-service --service-arn "$arn" --query Service.SourceConfiguration > "before-$path.json"
  aws apprunner update-service --service-arn "$arn" \
    --cli-input-json "$(jq --arg arn "$arn" '.ServiceArn = $arn' "$FOLDER/services/$path/service-update.json")" > /dev/null
  until status="$(aws apprunner describe-service --service-arn "$arn" --query Service.Status --output text)" && [ "$status" != OPERATION_IN_PROGRESS ]; do
    [ "$SECONDS" -lt "$LIMIT" ] || exit 1
    sleep 10
  done
  [ "$status" = RUNNING ]
  operation="$(aws apprunner list-operations --service-arn "$arn" --max-results 1 --query 'OperationSummaryList[0].Status' --output text)"
  echo "$service: $operation"
  [ "$operation" = SUCCEEDED ]
done <<< "$SERVICES"
"#;

const APP_RUNNER_BACK: &str = r#"while read -r service path; do
  [ -f "before-$path.json" ] || continue
  arn="$(aws apprunner list-services --query "ServiceSummaryList[?ServiceName=='$service'].ServiceArn | [0]" --output text)"
  aws apprunner update-service --service-arn "$arn" --source-configuration "file://before-$path.json" > /dev/null
done <<< "$SERVICES"
"#;

/// Cluster, and name of each service, with `${service.name}`.
struct Place<'a> {
    region: &'a str,
    cluster: &'a str,
    names: Option<&'a str>,
}

fn place(target: &TargetKind) -> Option<Place<'_>> {
    Some(match target {
        TargetKind::Ecs(it) => Place { region: &it.region, cluster: &it.cluster, names: Some(&it.service) },
        TargetKind::EcsExpress(it) => Place {
            region: &it.region,
            cluster: it.cluster.as_deref().unwrap_or("default"),
            names: it.service.as_deref(),
        },
        TargetKind::AppRunner(it) => Place { region: &it.region, cluster: "", names: it.service.as_deref() },
        TargetKind::Local(_) | TargetKind::Docker(_) | TargetKind::Kubernetes(_) => return None,
    })
}

pub(in super::super) fn region<'a>(environment: &Environment<'a>) -> Option<&'a str> {
    place(&environment.system.target).map(|it| it.region)
}

pub(super) fn parts(environment: &Environment<'_>, output: &mut Output<'_>) -> Option<Parts> {
    let target = &environment.system.target;
    let place = place(target)?;
    let role = images::role(target);
    if role.is_none() {
        output.note(format!(
            "GitHub Actions: no role is named for `{0}`; say `role` in its target, or set the variable AWS_ROLE of the environment `{0}` of the repository",
            environment.name()
        ));
    }
    let folder = format!("deploy/{}/{}", target.as_str(), environment.name());
    let on_ecs = |step: Step| step.env("CLUSTER", text::literal(place.cluster)).env("FOLDER", folder.clone());
    let (express, ordinary): (Vec<_>, Vec<_>) =
        environment.services.values().partition(|it| is_express(target, it));
    let limit = (needed(environment).0 / 1_000).to_string();
    let lines = |facts: &[&ServiceFact<'_>]| -> String {
        let line =
            |it: &&ServiceFact<'_>| format!("{} {}", name_of(environment, &place, it.name.as_str()), it.name);
        facts.iter().map(line).collect::<Vec<_>>().join("\n")
    };
    let mut roll_out = vec![];
    let mut go_back = vec![];
    if let TargetKind::AppRunner(_) = target {
        let all: Vec<_> = environment.services.values().collect();
        roll_out.push(
            on_ecs(Step::run("Roll out", APP_RUNNER))
                .env("SERVICES", lines(&all))
                .env("LIMIT", limit)
                .id("rollout"),
        );
        go_back.push(
            Step::run("Roll back", APP_RUNNER_BACK).env("SERVICES", lines(&all)).when(BEGUN_AND_FAILED),
        );
    } else {
        let all: Vec<_> = express.iter().chain(&ordinary).copied().collect();
        if !express.is_empty() {
            roll_out
                .push(on_ecs(Step::run("Roll out", EXPRESS)).env("SERVICES", lines(&express)).id("rollout"));
            go_back.push(Step::run("Roll back", EXPRESS_BACK).when(BEGUN_AND_FAILED));
        }
        if !ordinary.is_empty() {
            let mut step = on_ecs(Step::run(
                if express.is_empty() { "Roll out" } else { "Roll out the others" },
                ROLL_OUT,
            ));
            step.id = express.is_empty().then_some("rollout");
            roll_out.push(step.env("SERVICES", lines(&ordinary)));
            let back = if express.is_empty() { "Roll back" } else { "Roll back the others" };
            go_back.push(on_ecs(Step::run(back, GO_BACK)).when(BEGUN_AND_FAILED));
        }
        roll_out.push(on_ecs(Step::run("Wait", WAIT)).env("LIMIT", limit).env("SERVICES", lines(&all)));
    }
    let job = |name: &str, job: &str, fact: &JobFact<'_>| {
        on_ecs(Step::run(name, JOB))
            .env("JOB", job)
            .env("LIMIT", (time_for(fact).0 / 1_000).to_string())
            .env("SERVICE", name_of(environment, &place, fact.service.as_str()))
    };
    let has_jobs = !matches!(target, TargetKind::AppRunner(_));
    let migrate = environment.migration.as_ref().filter(|_| has_jobs).map(|it| job("Migrate", "migrate", it));
    let seed = environment.seed.as_ref().filter(|_| has_jobs).map(|it| job("Seed", "seed", it));
    let (before, after) = if migrates_after(environment) { (None, migrate) } else { (migrate, None) };
    Some(Parts {
        sign_in: vec![images::aws_role(place.region, role)],
        fill: vec![
            Step::run("Fill in the release", FILL).env("FOLDER", folder.clone()).env("VERSION", VERSION),
        ],
        before: before.into_iter().chain(seed).collect(),
        roll_out,
        after: after.into_iter().collect(),
        go_back,
        permissions: Permissions::from([("contents", "read"), ("id-token", "write")]),
    })
}

/// New tasks read their secrets anew.
pub(in super::super) fn restart(environment: &Environment<'_>) -> Step {
    let script = "for service in $SERVICES; do\n  aws ecs update-service --cluster \"$CLUSTER\" --service \"$service\" --force-new-deployment > /dev/null\ndone\n";
    let Some(place) = place(&environment.system.target) else {
        return Step::run("Let services read them", script);
    };
    let services = environment.services.keys().map(|it| name_of(environment, &place, it.as_str()));
    Step::run("Let services read them", script)
        .env("CLUSTER", text::literal(place.cluster))
        .env("SERVICES", services.collect::<Vec<_>>().join(" "))
}

/// Services that users reach are what Express Mode is for; workers are services of ECS as ever.
fn is_express(target: &TargetKind, fact: &ServiceFact<'_>) -> bool {
    let reached = fact.service.ingress.is_some() && fact.service.main_port().is_some();
    matches!(target, TargetKind::EcsExpress(_)) && reached
}

/// As the rendered documents name it.
fn name_of(environment: &Environment<'_>, place: &Place<'_>, part: &str) -> String {
    let services = &environment.services;
    match place.names {
        None => format!("{}-{part}", environment.system.name),
        Some(names) if names.contains("${service.name}") => names.replace("${service.name}", part),
        Some(name) if services.len() == 1 && services.keys().any(|it| it.as_str() == part) => name.to_owned(),
        Some(name) => format!("{name}-{part}"),
    }
}

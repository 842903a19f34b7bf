//! What a person types at 3 a.m., for each kind of target, with all names filled in.

use lockgate_model::{
    EcsExpressTarget, EcsTarget, KubernetesTarget, ServiceName, Store, TargetKind, Via, When,
};

use crate::aws::Cloud;
use crate::facts::{Environment, shell};

/// Commands of one environment. Each list may be empty where the platform has no such thing.
pub(super) struct Commands {
    /// What runs, and what happened lately.
    pub(super) look: Vec<String>,
    /// Before the first release.
    pub(super) prepare: Vec<String>,
    pub(super) release: Vec<String>,
    pub(super) migrate: Vec<String>,
    pub(super) seed: Vec<String>,
    pub(super) rollback: Vec<String>,
    /// Lists the secrets that are there, by name.
    pub(super) secrets: Vec<String>,
    services: Services,
}

/// What is done to one service.
enum Services {
    Local { environment: String },
    Compose { compose: String },
    Kubernetes { kubectl: String },
    Ecs { aws: String, cluster: String, template: String, logs: String },
    AppRunner { aws: String },
}

impl Commands {
    pub(super) fn of(environment: &Environment<'_>) -> Commands {
        match &environment.system.target {
            TargetKind::Local(_) => local(environment),
            TargetKind::Docker(_) => compose(environment),
            TargetKind::Kubernetes(target) => kubernetes(environment, target),
            TargetKind::Ecs(target) => ecs(environment, target),
            TargetKind::EcsExpress(target) => ecs_express(environment, target),
            TargetKind::AppRunner(target) => apprunner(environment, &target.region),
        }
    }

    pub(super) fn logs(&self, service: &ServiceName) -> Vec<String> {
        vec![match &self.services {
            Services::Local { environment } => format!("lockgate logs {service} --env {environment}"),
            Services::Compose { compose } => format!("{compose} logs --tail 200 --timestamps {service}"),
            Services::Kubernetes { kubectl } => {
                format!("{kubectl} logs deployment/{service} --all-containers --prefix --tail 200")
            }
            Services::Ecs { aws, logs, .. } => {
                format!("{aws} logs tail {logs} --since 1h --log-stream-name-prefix {service}")
            }
            Services::AppRunner { aws } => {
                format!("{aws} logs tail /aws/apprunner/{service} --since 1h")
            }
        }]
    }

    /// Instances begin anew, with what the stores hold now.
    pub(super) fn restart(&self, service: &ServiceName) -> Vec<String> {
        vec![match &self.services {
            Services::Local { environment } => format!("lockgate deploy {environment}"),
            Services::Compose { compose } => {
                format!("{compose} up --detach --no-deps --force-recreate --wait {service}")
            }
            Services::Kubernetes { kubectl } => {
                return vec![
                    format!("{kubectl} rollout restart deployment/{service}"),
                    format!("{kubectl} rollout status deployment/{service} --timeout 10m"),
                ];
            }
            Services::Ecs { aws, cluster, template, .. } => {
                let name = named(template, service);
                format!(
                    "{aws} ecs update-service --cluster {cluster} --service {name} --force-new-deployment"
                )
            }
            Services::AppRunner { aws } => {
                format!("{aws} apprunner start-deployment --service-arn \"$SERVICE_ARN\"")
            }
        }]
    }

    /// A command inside of an instance.
    pub(super) fn inside(&self, service: &ServiceName, command: &[String]) -> Vec<String> {
        let line = shell::line(command);
        match &self.services {
            Services::Local { .. } | Services::AppRunner { .. } => vec![],
            Services::Compose { compose } => vec![format!("{compose} exec {service} {line}")],
            Services::Kubernetes { kubectl } => {
                vec![format!("{kubectl} exec deployment/{service} -- {line}")]
            }
            Services::Ecs { aws, cluster, .. } => vec![format!(
                "{aws} ecs execute-command --cluster {cluster} --task \"$TASK\" --container {service} --interactive --command {}",
                shell::word(&line)
            )],
        }
    }

    /// What stands between two of the system's parts.
    pub(super) fn between(&self) -> Vec<String> {
        match &self.services {
            Services::Kubernetes { kubectl } => {
                vec![format!("{kubectl} get networkpolicies,services,endpointslices")]
            }
            Services::Compose { compose } => vec![format!("{compose} ps --all")],
            Services::Local { .. } | Services::Ecs { .. } | Services::AppRunner { .. } => vec![],
        }
    }

    /// What the platform knows of a service that does not come up.
    pub(super) fn describe(&self, service: &ServiceName) -> Vec<String> {
        vec![match &self.services {
            Services::Local { environment } => format!("lockgate status {environment}"),
            Services::Compose { compose } => format!("{compose} ps --all {service}"),
            Services::Kubernetes { kubectl } => {
                format!("{kubectl} describe pods --selector app.kubernetes.io/name={service}")
            }
            Services::Ecs { aws, cluster, template, .. } => {
                let name = named(template, service);
                format!(
                    "{aws} ecs describe-services --cluster {cluster} --services {name} --query 'services[].events[:10]'"
                )
            }
            Services::AppRunner { aws } => {
                format!("{aws} apprunner list-operations --service-arn \"$SERVICE_ARN\"")
            }
        }]
    }
}

/// What services are called on AWS, with `${service.name}`.
fn names(environment: &Environment<'_>) -> String {
    Cloud::of(environment).map_or_else(|| "${service.name}".to_owned(), |it| it.names())
}

fn named(template: &str, service: &ServiceName) -> String {
    shell::word(&template.replace("${service.name}", service.as_str()))
}

fn local(environment: &Environment<'_>) -> Commands {
    let name = environment.name();
    Commands {
        look: vec![format!("lockgate status {name}"), format!("lockgate history {name}")],
        prepare: vec![],
        release: vec![format!("lockgate plan {name}"), format!("lockgate deploy {name} --version v1.2.3")],
        migrate: vec![],
        seed: vec![],
        rollback: vec![format!("lockgate rollback {name}")],
        secrets: vec![],
        services: Services::Local { environment: name.to_owned() },
    }
}

fn compose(environment: &Environment<'_>) -> Commands {
    let name = environment.name();
    let file = match &environment.system.stores.secrets {
        Some(Store::File(file)) => file.as_str(),
        _ => ".env",
    };
    let file = shell::word(file);
    let compose = format!("docker compose --env-file {file} -f deploy/compose/{name}/compose.yaml");
    let once = |job: &str, there: bool| {
        if there { vec![format!("{compose} run --rm {job}")] } else { vec![] }
    };
    Commands {
        look: vec![format!("{compose} ps"), format!("{compose} events --since 1h --until 0s")],
        prepare: vec![
            format!("cp deploy/env/{name}.env.example {file}"),
            format!("\"${{EDITOR:-vi}}\" {file}"),
        ],
        release: vec![format!("RELEASE_VERSION=v1.2.3 {compose} up --build --detach --wait")],
        migrate: once("migrate", environment.migration.is_some()),
        seed: once("seed", environment.seed.is_some()),
        rollback: vec![format!("RELEASE_VERSION=v1.2.2 {compose} up --no-build --detach --wait")],
        secrets: vec![format!("grep -o '^[A-Z_0-9]*=' {file}")],
        services: Services::Compose { compose },
    }
}

fn kubernetes(environment: &Environment<'_>, target: &KubernetesTarget) -> Commands {
    let (system, name) = (&environment.system.name, environment.name());
    let namespace = shell::word(&target.namespace);
    let context = target.context.as_deref().map(shell::word);
    let kubectl = match &context {
        Some(context) => format!("kubectl --context {context} --namespace {namespace}"),
        None => format!("kubectl --namespace {namespace}"),
    };
    let helm = match &context {
        Some(context) => format!("helm --kube-context {context} --namespace {namespace}"),
        None => format!("helm --namespace {namespace}"),
    };
    let deployments = environment.services.keys();
    let undo = || deployments.clone().map(|it| format!("{kubectl} rollout undo deployment/{it}")).collect();
    let helm_back =
        || vec![format!("{helm} history {system}"), format!("{helm} rollback {system} --wait --timeout 15m")];
    let (release, rollback): (Vec<String>, Vec<String>) = match target.via {
        Via::Apply => (in_order(environment, &kubectl, &format!("deploy/kubernetes/{name}")), undo()),
        Via::Kustomize => {
            let folder = format!("deploy/kustomize/overlays/{name}");
            let mut lines: Vec<String> = images(environment)
                .map(|(_, it)| format!("(cd {folder} && kustomize edit set image {it}={it}@\"$DIGEST\")"))
                .collect();
            lines.push(format!("kubectl kustomize {folder} > release.yaml"));
            lines.extend(in_order(environment, &kubectl, "release.yaml"));
            (lines, undo())
        }
        Via::Helm => {
            let digests = digests(environment, "--set");
            let values = format!("deploy/helm/values-{name}.yaml");
            let line = format!(
                "{helm} upgrade --install {system} deploy/helm/{system} --values {values} --set version=v1.2.3 {digests} --wait --timeout 15m"
            );
            (vec![line], helm_back())
        }
        Via::Helmfile => {
            let digests = digests(environment, "--state-values-set-string");
            let line = format!(
                "helmfile --file deploy/helmfile/helmfile.yaml --environment {name} apply --state-values-set-string version=v1.2.3 {digests}"
            );
            (vec![line], helm_back())
        }
    };
    let mut look = vec![
        format!("{kubectl} get deployments,statefulsets,pods,jobs,horizontalpodautoscalers"),
        format!("{kubectl} get events --sort-by .lastTimestamp"),
    ];
    if matches!(target.via, Via::Helm | Via::Helmfile) {
        look.push(format!("{helm} status {system}"));
    }
    let job = |name: &str, there: bool| {
        if there { vec![format!("{kubectl} logs job/{name} --all-pods --prefix --tail -1")] } else { vec![] }
    };
    Commands {
        look,
        prepare: vec![],
        release,
        migrate: job("migrate", environment.migration.is_some()),
        seed: job("seed", environment.seed.is_some()),
        rollback,
        secrets: vec![format!(
            "{kubectl} get secrets --output custom-columns=NAME:.metadata.name,KEYS:.data --no-headers | sed 's/:[^ ]*//g'"
        )],
        services: Services::Kubernetes { kubectl },
    }
}

/// Images that are built for the system: the service whose build makes it, and its repository.
fn images<'e>(environment: &'e Environment<'_>) -> impl Iterator<Item = (&'e ServiceName, String)> {
    let images = environment.services.iter().filter_map(|(name, it)| {
        let image = it.image.as_ref()?;
        (image.build?.0 == *name).then(|| (*name, shell::word(&image.repository)))
    });
    images.collect::<std::collections::BTreeMap<_, _>>().into_iter()
}

/// Each image by its digest, as Helm and Helmfile are told.
fn digests(environment: &Environment<'_>, option: &str) -> String {
    let digests = images(environment).map(|(it, _)| format!("{option} images.{it}.digest=\"$DIGEST\""));
    digests.collect::<Vec<_>>().join(" ")
}

/// What services need, then migrations, then services, unless a migration is to come last; one that fails ends it.
fn in_order(environment: &Environment<'_>, kubectl: &str, files: &str) -> Vec<String> {
    const COMPONENT: &str = "app.kubernetes.io/component";
    let apply = |which: &str| format!("{kubectl} apply --filename {files} --selector '{COMPONENT}{which}'");
    let mut lines = vec![apply(" in (environment,dependency)")];
    let mut migrate = vec![];
    if environment.migration.is_some() {
        migrate.push(format!("{kubectl} delete job migrate --ignore-not-found --wait"));
        migrate.push(apply("=migration"));
        migrate.push(format!("{kubectl} wait job/migrate --for condition=complete --timeout 60m"));
    }
    let after = environment.system.migrations.as_ref().is_some_and(|it| it.when == When::AfterRollout);
    if !after {
        lines.append(&mut migrate);
    }
    lines.push(apply(" in (service,cron)"));
    let selector = format!("app.kubernetes.io/part-of={},{COMPONENT}=service", environment.system.name);
    lines.push(format!("{kubectl} rollout status deployments --selector {selector} --timeout 15m"));
    lines.append(&mut migrate);
    lines
}

fn ecs(environment: &Environment<'_>, target: &EcsTarget) -> Commands {
    let name = environment.name();
    let mut commands = on_ecs(environment, &target.region, &target.cluster);
    let aws = format!("aws --region {}", shell::word(&target.region));
    let cluster = shell::word(&target.cluster);
    let register = |of: &str| {
        format!(
            "{aws} ecs register-task-definition --cli-input-json file://deploy/ecs/{name}/{of}/task-definition.json"
        )
    };
    let job = |of: &str| {
        let run =
            format!("{aws} ecs run-task --cli-input-json file://deploy/ecs/{name}/jobs/{of}/run-task.json");
        vec![register(&format!("jobs/{of}")), run]
    };
    commands.migrate = environment.migration.iter().flat_map(|_| job("migrate")).collect();
    commands.seed = environment.seed.iter().flat_map(|_| job("seed")).collect();
    commands.release.clone_from(&commands.migrate);
    for service in environment.services.keys() {
        let of = named(&names(environment), service);
        commands.release.push(register(&format!("services/{service}")));
        commands.release.push(format!(
            "{aws} ecs update-service --cluster {cluster} --service {of} --task-definition {of}"
        ));
    }
    commands
}

fn ecs_express(environment: &Environment<'_>, target: &EcsExpressTarget) -> Commands {
    let name = environment.name();
    let cluster = target.cluster.as_deref().unwrap_or("default");
    let mut commands = on_ecs(environment, &target.region, cluster);
    let aws = format!("aws --region {}", shell::word(&target.region));
    let update = |it: &ServiceName| {
        format!(
            "{aws} ecs update-express-gateway-service --cli-input-json file://deploy/ecs-express/{name}/services/{it}/express-service-update.json"
        )
    };
    commands.release = environment.services.keys().map(|it| update(it)).collect();
    commands
}

fn on_ecs(environment: &Environment<'_>, region: &str, cluster: &str) -> Commands {
    let template = names(environment);
    let aws = format!("aws --region {}", shell::word(region));
    let cluster = shell::word(cluster);
    let services: Vec<String> = environment.services.keys().map(|it| named(&template, it)).collect();
    let back = services.iter().flat_map(|it| {
        let list = format!("{aws} ecs list-task-definitions --family-prefix {it} --sort DESC --max-items 3");
        let update = format!(
            "{aws} ecs update-service --cluster {cluster} --service {it} --task-definition \"$PREVIOUS\""
        );
        [list, update]
    });
    let rollback = back.collect();
    Commands {
        look: vec![
            format!("{aws} ecs describe-services --cluster {cluster} --services {}", services.join(" ")),
            format!("{aws} ecs list-tasks --cluster {cluster} --desired-status STOPPED"),
        ],
        prepare: vec![],
        release: vec![],
        migrate: vec![],
        seed: vec![],
        rollback,
        secrets: vec![
            format!(
                "{aws} secretsmanager list-secrets --query 'SecretList[].[Name,LastChangedDate]' --output table"
            ),
            format!(
                "{aws} ssm describe-parameters --query 'Parameters[].[Name,LastModifiedDate]' --output table"
            ),
        ],
        services: Services::Ecs { aws, cluster, template, logs: shell::word(&environment.log_group()) },
    }
}

fn apprunner(environment: &Environment<'_>, region: &str) -> Commands {
    let aws = format!("aws --region {}", shell::word(region));
    let name = environment.name();
    let update = |it: &&ServiceName| {
        format!(
            "{aws} apprunner update-service --cli-input-json file://deploy/apprunner/{name}/services/{it}/service-update.json"
        )
    };
    Commands {
        look: vec![format!("{aws} apprunner list-services")],
        prepare: vec![],
        release: environment.services.keys().map(update).collect(),
        migrate: vec![],
        seed: vec![],
        rollback: vec![format!(
            "{aws} apprunner update-service --service-arn \"$SERVICE_ARN\" --source-configuration file://previous.json"
        )],
        secrets: vec![format!(
            "{aws} secretsmanager list-secrets --query 'SecretList[].[Name,LastChangedDate]' --output table"
        )],
        services: Services::AppRunner { aws },
    }
}

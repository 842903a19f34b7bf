//! Environments: what is different there, who may release, and where things live.

use super::{
    BOOL, SECRET, SERVICES, SPAN, TEMPLATE, TEXT, TEXTS, delivery, dependency, key, must, named, number,
    one_of, operations, release, rollout, service, with,
};
use crate::schema::{Keys, Leaf, NameRule, Pick, Shape, Short};

pub(super) const ENVIRONMENTS: Shape = Shape::Named(&named(NameRule::Environment, Shape::Keys(&ENVIRONMENT)));

/// Its own and those of the root that it may override.
pub(crate) static ENVIRONMENT: Keys = Keys::new(
    "an environment",
    &[
        must("target", TARGET, "Where it runs."),
        key("branch", TEXT, "A push to this branch is released here."),
        key("tag", TEXT, "A tag of this pattern, such as `v*`, is released here."),
        key("version", TEMPLATE, "What a version is called here, such as `staging-${git.sha7}`."),
        key(
            "promote",
            Shape::Scalar(Leaf::EnvironmentName),
            "Environment whose images are released here, by digest; nothing is built.",
        ),
        key("host", TEXT, "Name by which users reach it; `${environment.host}` is replaced by it."),
        key("protection", PROTECTION, "Who must agree, and when."),
        key("stores", STORES, "Where secrets and configuration live."),
        key("owner", TEXT, "Who answers for it here."),
        key("conventions", service::CONVENTIONS, "What holds for every service here."),
        key("build", delivery::BUILD, "What is different in builds."),
        key(
            "defaults",
            service::SERVICE,
            "Keys of a service that every service has here unless it says otherwise.",
        ),
        key(
            "dependencies",
            dependency::DEPENDENCIES,
            "What is different in dependencies, such as where they are.",
        ),
        key("services", SERVICES, "What is different in single services."),
        key("cron", release::CRON, "What is different in cron jobs."),
        key("migrations", release::MIGRATIONS, "What is different in migrations."),
        key("seeds", release::SEEDS, "What is different in seeds."),
        key("smoke", release::SMOKE, "Smoke checks here, instead of the root's."),
        key("slo", operations::SLO, "What is different in objectives."),
        key("alerts", operations::ALERTS, "What is different in alerts."),
        key("monitoring", operations::MONITORING, "What is different in monitoring."),
        key("rollout", rollout::ROLLOUT, "What is different in the rollout."),
        key("notifications", operations::NOTIFICATIONS, "Who is told here."),
        key("secrets", service::SECRETS, "What is different in the release's own secrets."),
        key("checks", operations::CHECKS, "Diagnostics that are seen otherwise here."),
        key("patches", operations::PATCHES, "Changes of what is rendered here, instead of the root's."),
    ],
);

const TARGET: Shape = Shape::Keys(
    &Keys::new(
        "a target",
        &[
            key("local", LOCAL, "Processes of this machine."),
            key("docker", DOCKER, "Containers of Docker."),
            key("kubernetes", KUBERNETES, "A Kubernetes cluster."),
            key("ecs", ECS, "Amazon ECS on Fargate."),
            key("ecs-express", ECS_EXPRESS, "Amazon ECS Express Mode."),
            key("apprunner", APPRUNNER, "AWS App Runner."),
        ],
    )
    .pick(Pick::ExactlyOne(&["local", "docker", "kubernetes", "ecs", "ecs-express", "apprunner"]))
    .short(Short::Key),
);

const LOCAL: Shape = Shape::Keys(&Keys::new(
    "the local target",
    &[with("bind", Shape::Scalar(Leaf::Address), "127.0.0.1", "Address that ports are opened on.")],
));

const REGISTRY: &str = "Registry that images are pushed to; `${target.registry}` names it.";
const REGION: &str = "Region of AWS.";
const ROLE: &str = "Role that a pipeline takes on, by OIDC.";

const DOCKER: Shape = Shape::Keys(&Keys::new(
    "the docker target",
    &[
        key("hosts", TEXTS, "Sockets or `ssh://` addresses of the engines; this machine's unless said."),
        key("registry", TEXT, REGISTRY),
    ],
));

const KUBERNETES: Shape = Shape::Keys(&Keys::new(
    "the kubernetes target",
    &[
        key("context", TEXT, "Context of the kubeconfig."),
        with("namespace", Shape::Scalar(Leaf::Template), "${system.name}", "Namespace of the objects."),
        with(
            "via",
            one_of(&["apply", "kustomize", "helm", "helmfile"]),
            "apply",
            "How objects reach the cluster.",
        ),
        with(
            "traffic",
            one_of(&["auto", "gateway-api", "ingress-nginx", "replicas"]),
            "auto",
            "What splits the traffic.",
        ),
        key("kubeconfig", SECRET, "Secret that holds the kubeconfig, where a pipeline needs one."),
        key("registry", TEXT, REGISTRY),
        key("pull_secret", TEXT, "Name of the pull secret in the namespace."),
    ],
));

const ECS: Shape = Shape::Keys(&Keys::new(
    "the ecs target",
    &[
        must("region", TEXT, REGION),
        must("cluster", TEXT, "Name of the cluster."),
        with("service", TEXT, "${system.name}-${service.name}", "Name of each ECS service."),
        key("load_balancer", TEXT, "Name of the load balancer."),
        key("subnets", TEXTS, "Subnets of the tasks."),
        key("security_groups", TEXTS, "Security groups of the tasks."),
        key("role", TEXT, ROLE),
        key("registry", TEXT, REGISTRY),
    ],
));

const ECS_EXPRESS: Shape = Shape::Keys(&Keys::new(
    "the ecs-express target",
    &[
        must("region", TEXT, REGION),
        key("cluster", TEXT, "Name of the cluster."),
        key("service", TEXT, "Name of each ECS service, with `${service.name}`."),
        key("role", TEXT, ROLE),
        key("registry", TEXT, REGISTRY),
    ],
));

const APPRUNNER: Shape = Shape::Keys(&Keys::new(
    "the apprunner target",
    &[
        must("region", TEXT, REGION),
        key("service", TEXT, "Name of the App Runner service."),
        key("role", TEXT, ROLE),
        key("registry", TEXT, REGISTRY),
    ],
));

const PROTECTION: Shape = Shape::Keys(&Keys::new(
    "protection",
    &[
        with("reviewers", number(0, 20), "0", "Approvals that a release needs."),
        key("from", TEXTS, "Who may approve: `team/sre`, or a name."),
        with("wait_timer", SPAN, "0s", "Time between the request and the release."),
        key("branches", TEXTS, "Branches that may be released."),
        key("tags", TEXTS, "Tags that may be released."),
        with("prevent_self_review", BOOL, "false", "Nobody approves a release of their own."),
        with(
            "enforced_by",
            one_of(&["lockgate", "github"]),
            "lockgate",
            "Who holds the release back until it is approved.",
        ),
    ],
));

pub(super) const STORES: Shape = Shape::Keys(&Keys::new(
    "stores",
    &[
        key("secrets", STORE, "Where secrets live."),
        key("config", STORE, "Where plain variables live; in what is deployed unless said."),
    ],
));

const STORE: Shape = Shape::Keys(
    &Keys::new(
        "a store",
        &[
            key("aws-secrets-manager", TEMPLATE, "Secret whose JSON keys are the variables."),
            key("aws-parameter-store", TEMPLATE, "Path above one parameter for each variable."),
            key("kubernetes", TEMPLATE, "Name of a Secret or ConfigMap."),
            key("external-secrets", TEMPLATE, "Name of a store of External Secrets."),
            key("file", Shape::Scalar(Leaf::InnerPath), "File beside the spec that is never committed."),
            key("github", TEMPLATE, "Environment of GitHub Actions."),
        ],
    )
    .pick(Pick::ExactlyOne(&[
        "aws-secrets-manager",
        "aws-parameter-store",
        "kubernetes",
        "external-secrets",
        "file",
        "github",
    ])),
);

//! Services.

use super::{
    BOOL, POSITIVE_SPAN, SECRET, SPAN, TEMPLATE, TEMPLATES, TEXT, delivery, key, named, number, one_of, with,
};
use crate::schema::{Keys, Leaf, NameRule, Named, Pick, Shape, Short};

const URL_PATH: Shape = Shape::Scalar(Leaf::UrlPath);
const PORT_NAME: Shape = Shape::Scalar(Leaf::PortName);
const CPU: Shape = Shape::Scalar(Leaf::Cpu);
const MEMORY: Shape = Shape::Scalar(Leaf::Memory);
const PERCENT: Shape = Shape::Scalar(Leaf::Percent);
const COUNT_OR_SHARE: Shape = Shape::Scalar(Leaf::CountOrShare);

pub(super) const CONVENTIONS: Shape = Shape::Keys(&Keys::new(
    "conventions",
    &[
        key("ports", PORT_RULES, "Ports that follow from another one, such as `grpc: http + 1000`."),
        with("health", URL_PATH, "/health", "Path of the health check of services that give none."),
        with("metrics", URL_PATH, "/metrics", "Path of the metrics of services that give none."),
    ],
));

const PORT_RULES: Shape = Shape::Named(&named(NameRule::Port, Shape::Scalar(Leaf::PortRule)));

/// The shorthand `port: 8080` is `ports: {http: 8080}` before layers are merged.
pub(super) const SERVICE: Shape = Shape::Keys(&Keys::new(
    "a service",
    &[
        key("extends", Shape::Scalar(Leaf::ServiceName), "A service whose image, command, files, variables, secrets, dependencies, resources and egress this one shares."),
        key("image", TEMPLATE, "An image that is not built here."),
        key("build", delivery::BUILD, "How its image is built."),
        key("port", PORT, "The port `http`: `port: 8080` is `ports: {http: 8080}`."),
        key("ports", PORTS, "Ports by name; a service without any takes no requests."),
        key("command", Shape::Argv, "What is run; the image's own command where there is one."),
        key("files", Shape::Scalar(Leaf::InnerPath), "Folder or file that is kept with each release and is its working directory on `local`."),
        key("env", ENV, "Variables of the process."),
        key("secrets", SECRETS, "Variables whose values are never in the spec."),
        key("health", HEALTH, "How an instance is asked whether it is well."),
        key("depends_on", DEPENDS_ON, "Services and dependencies that it needs; their addresses become variables."),
        with("replicas", number(1, 1_000), "1", "Number of instances."),
        key("autoscaling", AUTOSCALING, "Bounds and aims of a number of instances that follows the load."),
        key("disruption_budget", DISRUPTION_BUDGET, "How many instances may be missing when machines are emptied."),
        key("resources", RESOURCES, "What an instance is given, and may take."),
        key("volumes", VOLUMES, "What outlives an instance."),
        key("ingress", INGRESS, "How users reach it."),
        key("egress", Shape::Many(&Shape::Scalar(Leaf::Endpoint)), "Addresses beyond the system that it calls."),
        key("metrics", METRICS, "Where its metrics are read."),
        key("stop", STOP, "How an instance ends."),
    ],
).pick(Pick::AtMostOne(&["image", "build"])));

const PORTS: Shape = Shape::Named(&named(NameRule::Port, PORT));

const PORT: Shape = Shape::Keys(
    &Keys::new(
        "a port",
        &[
            key(
                "number",
                number(1, 65_535),
                "The number, of which no other port of the system has the same.",
            ),
            with(
                "protocol",
                one_of(&["http", "grpc"]),
                "http",
                "What is spoken; `grpc` for a port of that name.",
            ),
            key(
                "publish",
                number(1, 65_535),
                "Number on the machine itself, where containers have addresses of their own.",
            ),
        ],
    )
    .short(Short::Field("number")),
);

const ENV: Shape = Shape::Named(&named(NameRule::Variable, VARIABLE));

const VARIABLE: Shape = Shape::Keys(
    &Keys::new(
        "a variable",
        &[
            key("value", Shape::Scalar(Leaf::VariableValue), "The value."),
            key("about", TEXT, "What it is for."),
            with(
                "required",
                BOOL,
                "false",
                "It has no value here and must have one in the environment's store.",
            ),
        ],
    )
    .short(Short::Field("value")),
);

pub(super) const SECRETS: Shape = Shape::Named(&Named {
    name: NameRule::Variable,
    value: Shape::Keys(
        &Keys::new(
            super::SECRET_WHAT,
            &[
                key(
                    "generate",
                    one_of(&[
                        "hex32",
                        "hex64",
                        "base64-32",
                        "base64-64",
                        "password",
                        "uuid",
                        "rsa-2048",
                        "rsa-4096",
                        "ed25519",
                    ]),
                    "What is made when there is no value yet, and kept.",
                ),
                key("public_of", SECRET, "Public half of the key pair of another secret."),
                key("rotate", POSITIVE_SPAN, "How old the value may become."),
                key("from", TEXT, "Name in the store, where it is not the variable's."),
                key("key", TEXT, "Key within a secret of several values."),
                key(
                    "format",
                    one_of(&["text", "url", "pem", "hex", "base64", "json", "json-one-line"]),
                    "What the value must look like.",
                ),
                with("required", BOOL, "true", "Without it nothing starts."),
                key("about", TEXT, "What it is for."),
            ],
        )
        .pick(Pick::AtMostOne(&["generate", "public_of"])),
    ),
    short: Short::Items,
});

const INTERVAL: &str = "Time between two questions.";
const TIMEOUT: &str = "Time for an answer.";
const HEALTHY_AFTER: &str = "Good answers in a row that make an instance ready.";
const UNHEALTHY_AFTER: &str = "Failures in a row that take it out of service.";

const HEALTH: Shape = Shape::Keys(
    &Keys::new(
        "a health check",
        &[
            with("path", URL_PATH, "/health", "Path that answers 200 to 299."),
            with(
                "port",
                PORT_NAME,
                "http",
                "Port that is asked; without `http`, the first one that speaks HTTP.",
            ),
            with("interval", POSITIVE_SPAN, "2s", INTERVAL),
            with("timeout", POSITIVE_SPAN, "2s", TIMEOUT),
            with("healthy_after", number(1, 100), "1", HEALTHY_AFTER),
            with("unhealthy_after", number(1, 100), "3", UNHEALTHY_AFTER),
            with("ready_within", POSITIVE_SPAN, "60s", "Time that a new instance has to become ready."),
            key("live", PROBE, "An instance is restarted when it fails."),
            key("ready", PROBE, "An instance gets traffic while it holds; what `health` says unless said."),
            key("startup", PROBE, "The other probes wait until it has held once."),
        ],
    )
    .short(Short::Field("path")),
);

const PROBE: Shape = Shape::Keys(
    &Keys::new(
        "a probe",
        &[
            key("path", URL_PATH, "Path that answers 200 to 299."),
            key(
                "body",
                Shape::Named(&named(NameRule::JsonPath, TEXT)),
                "What the body must hold, by JSON path; `\"*\"` is any value.",
            ),
            key(
                "grpc",
                TEXT,
                "Name of a service for the gRPC health protocol; `\"\"` is the server as a whole.",
            ),
            key("tcp", PORT_NAME, "Port that must accept connections."),
            key("command", Shape::Argv, "Command in the instance that must succeed."),
            key("port", PORT_NAME, "Port that is asked; `http`, or `grpc` for gRPC."),
            key("interval", POSITIVE_SPAN, "Time between two questions; as in `health` unless said."),
            key("timeout", POSITIVE_SPAN, "Time for an answer; as in `health` unless said."),
            key(
                "healthy_after",
                number(1, 100),
                "Good answers in a row that count; as in `health` unless said.",
            ),
            key(
                "unhealthy_after",
                number(1, 100),
                "Failures in a row that count; as in `health` unless said.",
            ),
        ],
    )
    .pick(Pick::ExactlyOne(&["path", "grpc", "tcp", "command"]))
    .short(Short::Field("path")),
);

const DEPENDS_ON: Shape = Shape::Named(&Named {
    name: NameRule::Existing,
    value: Shape::Keys(&Keys::new(
        "an entry of depends_on",
        &[key("as", SECRET, "Variable that carries the address, where it is not the usual one.")],
    )),
    short: Short::Items,
});

const AUTOSCALING: Shape = Shape::Keys(&Keys::new(
    "autoscaling",
    &[
        key("min", number(1, 1_000), "Fewest instances; `replicas` unless said."),
        super::must("max", number(1, 1_000), "Most instances."),
        key("cpu", PERCENT, "Share of the requested CPU that is aimed at."),
        key("memory", PERCENT, "Share of the requested memory that is aimed at."),
        key("requests_per_second", number(1, 1_000_000), "Requests to each instance that are aimed at."),
    ],
));

const DISRUPTION_BUDGET: Shape = Shape::Keys(
    &Keys::new(
        "a disruption budget",
        &[
            key("min_available", COUNT_OR_SHARE, "Instances that must stay."),
            key("max_unavailable", COUNT_OR_SHARE, "Instances that may be missing."),
        ],
    )
    .pick(Pick::ExactlyOne(&["min_available", "max_unavailable"]))
    .short(Short::Field("max_unavailable")),
);

const RESOURCES: Shape = Shape::Keys(&Keys::new(
    "resources",
    &[
        key("requests", QUANTITIES, "What is set aside for an instance."),
        key("limits", QUANTITIES, "What it may take at most."),
    ],
));

const QUANTITIES: Shape = Shape::Keys(&Keys::new(
    "quantities",
    &[key("cpu", CPU, "Cores: `500m` or `2`."), key("memory", MEMORY, "Bytes: `256Mi` or `1Gi`.")],
));

const VOLUMES: Shape = Shape::Named(&named(NameRule::Volume, VOLUME));

const VOLUME: Shape = Shape::Keys(
    &Keys::new(
        "a volume",
        &[
            super::must("path", Shape::Scalar(Leaf::AbsolutePath), "Where instances see it."),
            key("size", MEMORY, "How much it holds."),
            with(
                "access",
                one_of(&["single", "shared", "scratch"]),
                "single",
                "Who sees it: one instance, all of them, or each instance its own, which goes with it.",
            ),
            key("class", TEXT, "Storage class of the cluster."),
        ],
    )
    .short(Short::Field("path")),
);

const INGRESS: Shape = Shape::Keys(
    &Keys::new(
        "ingress",
        &[
            super::must("hosts", TEMPLATES, "Names that lead to it."),
            with("paths", Shape::Many(&URL_PATH), "/", "Paths that lead to it."),
            with("tls", BOOL, "true", "Served over HTTPS only."),
            key("class", TEXT, "Class of the ingress or gateway."),
        ],
    )
    .short(Short::Field("hosts")),
);

const METRICS: Shape = Shape::Keys(
    &Keys::new(
        "metrics",
        &[
            with("path", URL_PATH, "/metrics", "Path of the metrics."),
            key("port", PORT_NAME, "Port that is asked."),
        ],
    )
    .short(Short::Field("path")),
);

const STOP: Shape = Shape::Keys(&Keys::new(
    "stop",
    &[
        with("signal", one_of(&["SIGTERM", "SIGINT", "SIGQUIT"]), "SIGTERM", "Signal that asks it to end."),
        with("drain", SPAN, "30s", "Time for requests to end before the signal."),
        with("grace", SPAN, "10s", "Time between the signal and SIGKILL."),
    ],
));

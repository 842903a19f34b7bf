//! The language: every key that a spec may hold, what it holds, and its default.

use lockgate_model::Millis;

use crate::schema::{Field, Keys, Leaf, NameRule, Named, Shape, Short};

const fn key(key: &'static str, shape: Shape) -> Field {
    Field { key, shape, default: "" }
}

const fn with(key: &'static str, shape: Shape, default: &'static str) -> Field {
    Field { key, shape, default }
}

const TEXT: Shape = Shape::Scalar(Leaf::Text);
const TEMPLATE: Shape = Shape::Scalar(Leaf::Template);
const SPAN: Shape = Shape::Scalar(Leaf::Duration { min: Millis::ZERO });
/// Looking more often than this costs more than it shows.
const POSITIVE_SPAN: Shape = Shape::Scalar(Leaf::Duration { min: Millis(100) });

const fn number(min: u64, max: u64) -> Shape {
    Shape::Scalar(Leaf::Integer { min, max })
}

const fn decimal(min: f64, max: f64) -> Shape {
    Shape::Scalar(Leaf::Decimal { min, max })
}

pub(crate) static ROOT: Shape = Shape::Keys(&Keys {
    what: "a spec",
    fields: &[
        key("lockgate", Shape::Scalar(Leaf::Version)),
        key("system", Shape::Scalar(Leaf::SystemName)),
        key("owner", TEXT),
        key("conventions", CONVENTIONS),
        key("defaults", SERVICE),
        key("dependencies", DEPENDENCIES),
        key("services", SERVICES),
        key("migrations", MIGRATIONS),
        key("smoke", SMOKE),
        key("slo", SLO),
        key("rollout", ROLLOUT),
        key("environments", ENVIRONMENTS),
    ],
    later: ROOT_LATER,
    short: Short::None,
});

const ROOT_LATER: &[&str] = &[
    "build",
    "secrets",
    "stores",
    "seeds",
    "workers",
    "cron",
    "notifications",
    "ci",
    "checks",
    "alerts",
    "maintenance",
];

/// Keys of the root that an environment may override, and its own.
pub(crate) static ENVIRONMENT: Keys = Keys {
    what: "an environment",
    fields: &[
        key("target", TARGET),
        key("owner", TEXT),
        key("conventions", CONVENTIONS),
        key("defaults", SERVICE),
        key("dependencies", DEPENDENCIES),
        key("services", SERVICES),
        key("migrations", MIGRATIONS),
        key("smoke", SMOKE),
        key("slo", SLO),
        key("rollout", ROLLOUT),
    ],
    later: &[
        "build",
        "secrets",
        "stores",
        "seeds",
        "workers",
        "cron",
        "notifications",
        "ci",
        "checks",
        "alerts",
        "branch",
        "tag",
        "promote",
        "protection",
        "version",
        "host",
        "schedule",
    ],
    short: Short::None,
};

const ENVIRONMENTS: Shape = Shape::Named(&Named {
    name: NameRule::Environment,
    value: Shape::Keys(&ENVIRONMENT),
    short: Short::None,
});

const TARGET: Shape = Shape::Keys(&Keys {
    what: "a target",
    fields: &[key("local", LOCAL)],
    later: &["docker", "kubernetes", "ecs", "apprunner"],
    short: Short::Key,
});

const LOCAL: Shape = Shape::Keys(&Keys {
    what: "the local target",
    fields: &[with("bind", Shape::Scalar(Leaf::Address), "127.0.0.1")],
    later: &[],
    short: Short::None,
});

const CONVENTIONS: Shape = Shape::Keys(&Keys {
    what: "conventions",
    fields: &[
        key("ports", PORT_RULES),
        with("health", Shape::Scalar(Leaf::UrlPath), "/health"),
        with("metrics", Shape::Scalar(Leaf::UrlPath), "/metrics"),
    ],
    later: &[],
    short: Short::None,
});

const PORT_RULES: Shape =
    Shape::Named(&Named { name: NameRule::Port, value: Shape::Scalar(Leaf::PortRule), short: Short::None });

const DEPENDENCIES: Shape = Shape::Named(&Named {
    name: NameRule::Dependency,
    value: Shape::Keys(&Keys {
        what: "a dependency",
        fields: &[key("type", TEXT), key("version", TEXT), key("database", TEXT), key("external", EXTERNAL)],
        later: &["tls", "storage", "image", "port", "resources", "backup", "extensions", "user", "topics"],
        short: Short::None,
    }),
    short: Short::None,
});

const EXTERNAL: Shape = Shape::Keys(&Keys {
    what: "an external dependency",
    fields: &[key("url", TEMPLATE)],
    later: &["rds", "elasticache", "atlas", "secret"],
    short: Short::None,
});

const SERVICES: Shape = Shape::Named(&Named { name: NameRule::Service, value: SERVICE, short: Short::None });

/// The shorthand `port: 8080` is `ports: {http: 8080}` before layers are merged.
const SERVICE: Shape = Shape::Keys(&Keys {
    what: "a service",
    fields: &[
        key("port", PORT),
        key("ports", PORTS),
        key("command", Shape::Argv),
        key("files", Shape::Scalar(Leaf::InnerPath)),
        key("env", ENV),
        key("health", HEALTH),
        key("depends_on", DEPENDS_ON),
        with("replicas", number(1, 100), "1"),
        key("stop", STOP),
    ],
    later: &[
        "build",
        "image",
        "extends",
        "secrets",
        "ingress",
        "volumes",
        "autoscaling",
        "resources",
        "metrics",
        "egress",
        "workers",
        "cron",
        "schedule",
        "platforms",
        "labels",
        "annotations",
        "security",
        "user",
        "rollout",
        "migrations",
        "logs",
        "sticky",
    ],
    short: Short::None,
});

const PORTS: Shape = Shape::Named(&Named { name: NameRule::Port, value: PORT, short: Short::None });

const PORT: Shape = Shape::Keys(&Keys {
    what: "a port",
    fields: &[
        key("number", number(1, 65_535)),
        with("protocol", Shape::Scalar(Leaf::OneOf(&["http", "grpc"])), "http"),
    ],
    later: &["public"],
    short: Short::Field("number"),
});

const ENV: Shape = Shape::Named(&Named {
    name: NameRule::Variable,
    value: Shape::Scalar(Leaf::VariableValue),
    short: Short::None,
});

const HEALTH: Shape = Shape::Keys(&Keys {
    what: "a health check",
    fields: &[
        with("path", Shape::Scalar(Leaf::UrlPath), "/health"),
        with("port", Shape::Scalar(Leaf::PortName), "http"),
        with("interval", POSITIVE_SPAN, "2s"),
        with("timeout", POSITIVE_SPAN, "2s"),
        with("healthy_after", number(1, 100), "1"),
        with("unhealthy_after", number(1, 100), "3"),
        with("ready_within", POSITIVE_SPAN, "60s"),
    ],
    later: &["command", "liveness", "readiness", "startup"],
    short: Short::Field("path"),
});

const DEPENDS_ON: Shape = Shape::Named(&Named {
    name: NameRule::Existing,
    value: Shape::Keys(&Keys {
        what: "an entry of depends_on",
        fields: &[key("as", Shape::Scalar(Leaf::VariableName))],
        later: &["condition"],
        short: Short::None,
    }),
    short: Short::Items,
});

const STOP: Shape = Shape::Keys(&Keys {
    what: "stop",
    fields: &[
        with("signal", Shape::Scalar(Leaf::OneOf(&["SIGTERM", "SIGINT", "SIGQUIT"])), "SIGTERM"),
        with("drain", SPAN, "30s"),
        with("grace", SPAN, "10s"),
    ],
    later: &[],
    short: Short::None,
});

const MIGRATION_TOOL: Leaf =
    Leaf::Growing { now: &["sqlx"], later: &["alembic", "diesel", "flyway", "goose", "liquibase", "prisma"] };

const MIGRATIONS: Shape = Shape::Keys(&Keys {
    what: "migrations",
    fields: &[
        key("tool", Shape::Scalar(MIGRATION_TOOL)),
        key("source", Shape::Scalar(Leaf::InnerPath)),
        key("command", Shape::Argv),
        key("in", Shape::Scalar(Leaf::ServiceName)),
        with("when", Shape::Scalar(Leaf::OneOf(&["before-rollout"])), "before-rollout"),
        with("timeout", POSITIVE_SPAN, "10m"),
        with("compatible", Shape::Scalar(Leaf::Bool), "true"),
        key("retry", RETRY),
    ],
    later: &["database", "lint"],
    short: Short::None,
});

const RETRY: Shape = Shape::Keys(&Keys {
    what: "retry",
    fields: &[
        with("attempts", number(1, 32), "1"),
        with("initial", SPAN, "2s"),
        with("max", SPAN, "60s"),
        with("factor", number(1, 10), "2"),
    ],
    later: &[],
    short: Short::None,
});

const SMOKE: Shape = Shape::List(&Shape::Keys(&Keys {
    what: "a smoke check",
    fields: &[
        key("get", Shape::Scalar(Leaf::UrlPath)),
        with("status", number(100, 599), "200"),
        key("service", Shape::Scalar(Leaf::ServiceName)),
        key("run", Shape::Argv),
        key("in", Shape::Scalar(Leaf::ServiceName)),
        with("timeout", POSITIVE_SPAN, "10s"),
    ],
    later: &["json", "bearer", "headers", "body", "post", "contains"],
    short: Short::None,
}));

const SLO: Shape = Shape::Keys(&Keys {
    what: "slo",
    fields: &[
        key("availability", SLO_RULE),
        key("error_rate", SLO_RULE),
        key("latency_p50", SLO_RULE),
        key("latency_p95", SLO_RULE),
        key("latency_p99", SLO_RULE),
        key("restarts", SLO_RULE),
    ],
    later: &["rate_limited", "deploy_success", "migration_duration", "saturation", "throughput"],
    short: Short::None,
});

const SLO_RULE: Shape = Shape::Keys(&Keys {
    what: "an SLO",
    fields: &[
        key("objective", Shape::Scalar(Leaf::Objective)),
        key("alert", Shape::Scalar(Leaf::Alert)),
        with("severity", Shape::Scalar(Leaf::OneOf(&["warning", "critical"])), "warning"),
    ],
    later: &["window", "runbook"],
    short: Short::None,
});

const STRATEGY: Leaf =
    Leaf::Growing { now: &["canary", "rolling"], later: &["blue-green", "blue_green", "recreate"] };

const ROLLOUT: Shape = Shape::Keys(&Keys {
    what: "rollout",
    fields: &[
        with("strategy", Shape::Scalar(STRATEGY), "rolling"),
        with("steps", Shape::List(&STEP), "10% for 5m, 50% for 5m, 100%"),
        key("rollback_on", Shape::List(&ROLLBACK_ON)),
        with("bake", SPAN, "0s"),
        key("analysis", ANALYSIS),
    ],
    later: &["blue_green", "recreate", "max_surge", "max_unavailable", "window", "sticky"],
    short: Short::None,
});

const STEP: Shape = Shape::Keys(&Keys {
    what: "a canary step",
    fields: &[key("weight", Shape::Scalar(Leaf::Weight)), with("pause", SPAN, "0s")],
    later: &["approval"],
    short: Short::None,
});

const ROLLBACK_ON: Shape = Shape::Scalar(Leaf::OneOf(&[
    "availability",
    "error_rate",
    "latency_p50",
    "latency_p95",
    "latency_p99",
    "restarts",
    "crash_loop",
]));

const ANALYSIS: Shape = Shape::Keys(&Keys {
    what: "analysis",
    fields: &[
        with("tick", Shape::Scalar(Leaf::Duration { min: Millis(100) }), "10s"),
        with("alpha", decimal(0.000_001, 0.5), "0.01"),
        with("beta", decimal(0.000_001, 0.5), "0.05"),
        with("tolerance", decimal(1.0, 10.0), "1.1"),
        key("margin", MARGIN),
        with("warmup", SPAN, "60s"),
        with("min_time", SPAN, "2m"),
        with("min_requests", number(1, 1_000_000_000), "500"),
        with("max_time", POSITIVE_SPAN, "1h"),
        with("promote_early", Shape::Scalar(Leaf::Bool), "true"),
        with("on_undecided", Shape::Scalar(Leaf::OneOf(&["hold", "promote", "rollback"])), "hold"),
    ],
    later: &[],
    short: Short::None,
});

const MARGIN: Shape = Shape::Keys(&Keys {
    what: "margin",
    fields: &[with("ratio", decimal(1.0, 10.0), "1.25"), with("abs", Shape::Scalar(Leaf::Share), "0.25%")],
    later: &[],
    short: Short::None,
});

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = include_str!("../../../docs/reference/spec.md");

    fn visit(shape: &'static Shape, missing: &mut Vec<String>) {
        match shape {
            Shape::Scalar(_) | Shape::Argv => {}
            Shape::List(item) => visit(item, missing),
            Shape::Named(named) => visit(&named.value, missing),
            Shape::Keys(keys) => {
                for field in keys.fields {
                    let row = format!("| `{}` |", field.key);
                    let default = format!("| `{}` |", field.default);
                    let mut rows = PAGE.lines().filter(|it| it.starts_with(&row));
                    if !rows.any(|it| field.default.is_empty() || it.contains(&default)) {
                        missing.push(format!("{} of {}: {}", field.key, keys.what, field.default));
                    }
                    visit(&field.shape, missing);
                }
            }
        }
    }

    #[test]
    fn the_reference_page_has_every_key_with_its_default() {
        let mut missing = vec![];
        visit(&ROOT, &mut missing);
        assert_eq!(missing, Vec::<String>::new());
    }

    #[test]
    fn keys_of_the_future_are_not_keys_of_today() {
        fn visit(shape: &'static Shape) {
            match shape {
                Shape::Scalar(_) | Shape::Argv => {}
                Shape::List(item) => visit(item),
                Shape::Named(named) => visit(&named.value),
                Shape::Keys(keys) => {
                    assert!(keys.later.iter().all(|it| keys.field(it).is_none()), "{}", keys.what);
                    keys.fields.iter().for_each(|it| visit(&it.shape));
                }
            }
        }
        visit(&ROOT);
    }
}

//! Objectives, alerts, notifications, and what the user has decided about diagnostics and rendered files.

use super::{POSITIVE_SPAN as SPAN, SECRET, TEMPLATE, TEMPLATES, TEXT, key, must, named, one_of, with};
use crate::schema::{Keys, Leaf, NameRule, Pick, Shape, Short};

const SEVERITY: Shape = one_of(&["warning", "critical"]);
const RUNBOOK: &str = "Address of the page that says what to do.";

pub(super) const SLO: Shape = Shape::Named(&named(
    NameRule::Metric,
    Shape::Keys(&Keys::new(
        "an SLO",
        &[
            key("objective", Shape::Scalar(Leaf::Objective), "What must hold."),
            key("alert", Shape::Scalar(Leaf::Alert), "What must not be seen, and how long."),
            with("severity", SEVERITY, "warning", "Whether somebody is woken."),
            key("runbook", TEXT, RUNBOOK),
        ],
    )),
));

pub(super) const ALERTS: Shape = Shape::Named(&named(
    NameRule::Alert,
    Shape::Keys(
        &Keys::new(
            "an alert",
            &[
                key(
                    "metric",
                    Shape::Scalar(Leaf::Metric),
                    "What is measured, such as `postgres.up`; or `query`.",
                ),
                key("query", TEXT, "What is measured, in PromQL; or `metric`."),
                must("alert", Shape::Scalar(Leaf::Threshold), "What must not be seen, and how long."),
                with("severity", SEVERITY, "warning", "Whether somebody is woken."),
                key("summary", TEXT, "What it means, in one line."),
                key("runbook", TEXT, RUNBOOK),
            ],
        )
        .pick(Pick::ExactlyOne(&["metric", "query"])),
    ),
));

pub(super) const NOTIFICATIONS: Shape = Shape::Keys(&Keys::new(
    "notifications",
    &[
        key("slack", SLACK, "A channel of Slack."),
        key("pagerduty", PAGERDUTY, "A service of PagerDuty."),
        key("email", EMAIL, "Mail."),
        key("sns", SNS, "A topic of Amazon SNS."),
        key("webhook", WEBHOOK, "A request to an address of yours."),
    ],
));

const EVENTS: Shape = Shape::Many(&one_of(&[
    "started",
    "approval",
    "success",
    "failure",
    "rollback",
    "held",
    "alert",
    "rotation",
    "weekly-summary",
]));
const EVENTS_ABOUT: &str = "What is told; everything but `started` and `weekly-summary` unless said.";
const FROM_SEVERITY: &str = "Alerts from this severity on; all of them unless said.";
const ONLY_IN: Shape = Shape::Many(&Shape::Scalar(Leaf::EnvironmentName));
const ONLY_IN_ABOUT: &str = "Environments that are told about; all of them unless said.";

const SLACK: Shape = Shape::Keys(
    &Keys::new(
        "slack",
        &[
            must("channel", Shape::Scalar(Leaf::Channel), "Name of the channel."),
            key("webhook", SECRET, "Secret that holds the address of the webhook."),
            key("events", EVENTS, EVENTS_ABOUT),
            key("severity", SEVERITY, FROM_SEVERITY),
            key("environments", ONLY_IN, ONLY_IN_ABOUT),
        ],
    )
    .short(Short::Field("channel")),
);

const PAGERDUTY: Shape = Shape::Keys(&Keys::new(
    "pagerduty",
    &[
        key("key", SECRET, "Secret that holds the integration key."),
        key("events", EVENTS, EVENTS_ABOUT),
        key("severity", SEVERITY, FROM_SEVERITY),
        key("environments", ONLY_IN, ONLY_IN_ABOUT),
    ],
));

const EMAIL: Shape = Shape::Keys(
    &Keys::new(
        "email",
        &[
            must("to", TEMPLATES, "Receivers."),
            key("from", TEMPLATE, "Sender."),
            key("events", EVENTS, EVENTS_ABOUT),
            key("severity", SEVERITY, FROM_SEVERITY),
            key("environments", ONLY_IN, ONLY_IN_ABOUT),
        ],
    )
    .short(Short::Field("to")),
);

const WEBHOOK: Shape = Shape::Keys(
    &Keys::new(
        "webhook",
        &[
            must("url", TEMPLATE, "Address that is called."),
            key("secret", SECRET, "Secret that signs the body."),
            key("events", EVENTS, EVENTS_ABOUT),
            key("severity", SEVERITY, FROM_SEVERITY),
            key("environments", ONLY_IN, ONLY_IN_ABOUT),
        ],
    )
    .short(Short::Field("url")),
);

const SNS: Shape = Shape::Keys(
    &Keys::new(
        "sns",
        &[
            must("topic", TEMPLATE, "Name of the topic."),
            key("to", TEMPLATES, "Addresses that subscribe to it; a topic without any tells nobody."),
            key("events", EVENTS, EVENTS_ABOUT),
            key("severity", SEVERITY, FROM_SEVERITY),
            key("environments", ONLY_IN, ONLY_IN_ABOUT),
        ],
    )
    .short(Short::Field("topic")),
);

pub(super) const MONITORING: Shape = Shape::Keys(&Keys::new(
    "monitoring",
    &[
        with("services_every", SPAN, "10s", "Time between two readings of a service's metrics."),
        with("dependencies_every", SPAN, "30s", "Time between two readings of a dependency's metrics."),
        with(
            "cluster",
            super::BOOL,
            "false",
            "Whether the cluster's own servers, nodes and pods are read as well.",
        ),
        key(
            "prometheus",
            TEXT,
            "Where Prometheus answers releases, such as `http://prometheus.monitoring:9090`; on Kubernetes it is looked for.",
        ),
        key("dashboard", DASHBOARD, "What the overview shows."),
        key("logs", LOGS, "Where logs are kept, and how long."),
    ],
));

const DASHBOARD: Shape = Shape::Keys(&Keys::new(
    "a dashboard",
    &[
        with("refresh", SPAN, "30s", "Time between two looks."),
        with("range", SPAN, "1h", "Time that is shown."),
        with("variables", super::TEXTS, "service", "What the overview can be narrowed to."),
    ],
));

const LOGS: Shape = Shape::Keys(&Keys::new(
    "logs",
    &[
        key("group", TEMPLATE, "Name of the log group."),
        with("retention", SPAN, "30d", "How long they are kept."),
    ],
));

pub(super) const CHECKS: Shape = Shape::Named(&named(
    NameRule::Code,
    Shape::Keys(&Keys::new(
        "an entry of checks",
        &[
            must("level", one_of(&["off", "info", "warning", "error"]), "How it is reported."),
            must("reason", TEXT, "Why, for those who come after."),
        ],
    )),
));

pub(super) const PATCHES: Shape = Shape::List(&Shape::Keys(&Keys::new(
    "a patch",
    &[
        must("kind", TEXT, "Kind of the object, such as `Deployment`."),
        must("name", TEMPLATE, "Name of the object."),
        must(
            "set",
            Shape::Any,
            "Laid over the object; maps merge, everything else replaces, `null` removes.",
        ),
    ],
)));

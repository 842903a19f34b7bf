//! What a release runs beside its services.

use super::{BOOL, POSITIVE_SPAN, SECRET, SPAN, TEMPLATE, TEXT, key, must, named, number, one_of, with};
use crate::schema::{Keys, Leaf, NameRule, Pick, Shape, Short};

const SERVICE_NAME: Shape = Shape::Scalar(Leaf::ServiceName);
const IN: &str = "Service whose image or files, and whose variables, it runs with; the only one unless said.";

/// Tools, and the command that migrates with each. `sqlx` needs none: its migrations are run by Lockgate.
pub(crate) const TOOLS: &[(&str, &[&str])] = &[
    ("sqlx", &[]),
    ("alembic", &["alembic", "upgrade", "head"]),
    ("diesel", &["diesel", "migration", "run"]),
    ("django", &["python", "manage.py", "migrate", "--noinput"]),
    ("flyway", &["flyway", "migrate"]),
    ("goose", &["goose", "up"]),
    ("liquibase", &["liquibase", "update"]),
    ("prisma", &["npx", "prisma", "migrate", "deploy"]),
];

const TOOL_NAMES: &[&str] =
    &["sqlx", "alembic", "diesel", "django", "flyway", "goose", "liquibase", "prisma"];

pub(super) const MIGRATIONS: Shape = Shape::Keys(
    &Keys::new(
        "migrations",
        &[
            key("tool", one_of(TOOL_NAMES), "What migrates; or `command`."),
            key("source", Shape::Scalar(Leaf::InnerPath), "Folder of the migrations, for `sqlx`."),
            key("command", Shape::Argv, "Command that migrates; or `tool`."),
            key("in", SERVICE_NAME, IN),
            with(
                "when",
                one_of(&["before-rollout", "after-rollout"]),
                "before-rollout",
                "When the schema changes; a failure before the rollout stops the release.",
            ),
            with("timeout", POSITIVE_SPAN, "10m", "Time for each attempt."),
            with("compatible", BOOL, "true", "Whether the old version works with the new schema."),
            key("retry", RETRY, "Attempts, and the waits between them."),
            with(
                "keep_for",
                POSITIVE_SPAN,
                "1h",
                "How long what ran it is kept; its log stays with the release.",
            ),
        ],
    )
    .pick(Pick::ExactlyOne(&["tool", "command"])),
);

const RETRY: Shape = Shape::Keys(&Keys::new(
    "retry",
    &[
        with("attempts", number(1, 32), "1", "Attempts in all."),
        with("initial", SPAN, "2s", "Wait after the first attempt."),
        with("max", SPAN, "60s", "Longest wait."),
        with("factor", number(1, 10), "2", "Each wait is this many times the last."),
    ],
));

pub(super) const SEEDS: Shape = Shape::Keys(&Keys::new(
    "seeds",
    &[
        must("command", Shape::Argv, "Command that fills the database."),
        key("in", SERVICE_NAME, IN),
        with(
            "run",
            one_of(&["once", "always"]),
            "once",
            "With the first release of an environment, or with every one.",
        ),
        with("timeout", POSITIVE_SPAN, "10m", "Time for each attempt."),
        key("retry", RETRY, "Attempts, and the waits between them."),
        with(
            "keep_for",
            POSITIVE_SPAN,
            "1h",
            "How long what ran it is kept; its log stays with the release.",
        ),
    ],
));

pub(super) const CRON: Shape = Shape::Named(&named(
    NameRule::Job,
    Shape::Keys(&Keys::new(
        "a cron job",
        &[
            must(
                "schedule",
                Shape::Scalar(Leaf::Cron),
                "Minute, hour, day of the month, month, day of the week.",
            ),
            with("timezone", Shape::Scalar(Leaf::Timezone), "UTC", "Time zone of the schedule."),
            must("command", Shape::Argv, "What is run."),
            key("in", SERVICE_NAME, IN),
            with("timeout", POSITIVE_SPAN, "1h", "Longest run."),
            with(
                "concurrency",
                one_of(&["allow", "forbid", "replace"]),
                "forbid",
                "What happens when a run is due and the last one has not ended.",
            ),
        ],
    )),
));

pub(super) const SMOKE: Shape = Shape::List(&Shape::Keys(
    &Keys::new(
        "a smoke check",
        &[
            key("get", Shape::Scalar(Leaf::UrlPath), "Path that is asked."),
            with("status", number(100, 599), "200", "Status that is wanted."),
            key("service", SERVICE_NAME, "Service that is asked; the only one with a port unless said."),
            key("json", JSON, "What the answer must hold, by JSON path; `\"*\"` is any value."),
            key("contains", TEXT, "Text that the answer must contain."),
            key("headers", Shape::Named(&named(NameRule::Header, TEMPLATE)), "Sent with the request."),
            key("bearer", SECRET, "Secret that holds the token."),
            key("run", Shape::Argv, "Command that must succeed."),
            key("mail", MAIL, "Mail that must go out."),
            key("in", SERVICE_NAME, IN),
            with("timeout", POSITIVE_SPAN, "10s", "Time for the answer, or for the command."),
        ],
    )
    .pick(Pick::ExactlyOne(&["get", "run", "mail"])),
));

const JSON: Shape =
    Shape::Named(&crate::schema::Named { name: NameRule::JsonPath, value: TEXT, short: Short::Item("*") });

const MAIL: Shape = Shape::Keys(&Keys::new(
    "a mail",
    &[must("from", TEMPLATE, "Sender."), must("to", TEMPLATE, "Receiver.")],
));

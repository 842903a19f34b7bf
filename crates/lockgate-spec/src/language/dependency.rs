//! Dependencies.

use super::{BOOL, TEMPLATE, TEXT, TEXTS, key, must, named, number, one_of, with};
use crate::schema::{Keys, Leaf, NameRule, Pick, Shape};

pub(super) const DEPENDENCIES: Shape = Shape::Named(&named(
    NameRule::Dependency,
    Shape::Keys(&Keys::new(
        "a dependency",
        &[
            must("type", one_of(KINDS), "What it is; decides the variable that carries the address."),
            key("version", TEXT, "Version that is started, and expected."),
            key("database", TEXT, "Database in it."),
            key("user", TEXT, "User that services sign in as; called as the database unless said."),
            with("auth", BOOL, "false", "Whether clients sign in with a password, where that is a choice."),
            with("tls", one_of(&["required", "off"]), "off", "Whether connections without TLS are refused."),
            key("port", number(1, 65_535), "Port, where it is not the usual one."),
            key("image", TEXT, "Image, where it is not the usual one."),
            key(
                "publish",
                number(1, 65_535),
                "Number on the machine itself, where it is started with the system.",
            ),
            key("storage", Shape::Scalar(Leaf::Memory), "Size of its volume."),
            key("class", TEXT, "Class of its volume, or of the machine that a managed one runs on."),
            key("backup", BACKUP, "What is kept of it, and how long."),
            key("topics", TEXTS, "Topics that are made at the start."),
            key("extensions", TEXTS, "Extensions that are made at the start."),
            with("monitored", BOOL, "true", "Whether its metrics are read."),
            key(
                "external",
                EXTERNAL,
                "Where it is, when somebody else runs it; else it is started with the system.",
            ),
        ],
    )),
));

/// With the aliases that people write.
pub(crate) const KINDS: &[&str] = &[
    "postgres",
    "postgresql",
    "mysql",
    "mariadb",
    "mongodb",
    "clickhouse",
    "redis",
    "valkey",
    "memcached",
    "kafka",
    "rabbitmq",
    "nats",
    "elasticsearch",
    "opensearch",
    "smtp",
    "s3",
    "nginx",
    "http",
];

const BACKUP: Shape = Shape::Keys(&Keys::new(
    "a backup",
    &[
        must("schedule", Shape::Scalar(Leaf::Cron), "When it is made."),
        with("keep", super::POSITIVE_SPAN, "7d", "How long it is kept."),
    ],
));

const EXTERNAL: Shape = Shape::Keys(
    &Keys::new(
        "an external dependency",
        &[
            key("url", TEMPLATE, "Its address."),
            key("secret", TEXT, "Name of the secret that holds its address."),
            key("rds", TEXT, "Identifier of a database of Amazon RDS."),
            key("elasticache", TEXT, "Identifier of a cache of Amazon ElastiCache."),
            key("atlas", TEXT, "Name of a cluster of MongoDB Atlas."),
        ],
    )
    .pick(Pick::ExactlyOne(&["url", "secret", "rds", "elasticache", "atlas"])),
);

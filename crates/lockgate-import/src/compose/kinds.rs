//! Images that are known: what the spec calls a dependency, and how Compose files set it up.

/// A type of dependency.
#[derive(Debug)]
pub(super) struct Kind {
    /// As the spec calls it.
    pub(super) name: &'static str,
    /// Repositories of its image, the usual one first.
    pub(super) images: &'static [&'static str],
    pub(super) port: u16,
    /// Of its address, the usual one first.
    pub(super) schemes: &'static [&'static str],
    /// Whether services always sign in.
    pub(super) signs_in: bool,
    /// Who signs in when nothing is said.
    pub(super) default_user: &'static str,
    /// Variables of its image.
    pub(super) user: &'static [&'static str],
    pub(super) password: &'static [&'static str],
    pub(super) database: &'static [&'static str],
    /// A version is the tag of the usual image, and nothing is added to it.
    pub(super) plain_tags: bool,
    /// Settings of what is rendered that do not go with those of a file that has its own.
    pub(super) instead: &'static [&'static str],
    /// Where it keeps its data.
    pub(super) data: &'static [&'static str],
    /// Programs and paths by which it is usually asked whether it is well.
    pub(super) checks: &'static [&'static str],
}

const NONE: Kind = Kind {
    name: "",
    images: &[],
    port: 0,
    schemes: &["http"],
    signs_in: false,
    default_user: "",
    user: &[],
    password: &[],
    database: &[],
    plain_tags: false,
    instead: &[],
    data: &[],
    checks: &[],
};

const KINDS: &[Kind] = &[
    Kind {
        name: "postgres",
        images: &["postgres", "postgis/postgis", "timescale/timescaledb", "pgvector/pgvector"],
        port: 5432,
        schemes: &["postgresql", "postgres"],
        signs_in: true,
        default_user: "postgres",
        user: &["POSTGRES_USER"],
        password: &["POSTGRES_PASSWORD"],
        database: &["POSTGRES_DB"],
        plain_tags: true,
        instead: &[],
        data: &["/var/lib/postgresql/data", "/var/lib/postgresql"],
        checks: &["pg_isready"],
    },
    Kind {
        name: "mysql",
        images: &["mysql"],
        port: 3306,
        schemes: &["mysql"],
        signs_in: true,
        default_user: "root",
        user: &["MYSQL_USER"],
        password: &["MYSQL_PASSWORD"],
        database: &["MYSQL_DATABASE"],
        plain_tags: true,
        instead: &[],
        data: &["/var/lib/mysql"],
        checks: &["mysqladmin"],
    },
    Kind {
        name: "mariadb",
        images: &["mariadb"],
        port: 3306,
        schemes: &["mysql", "mariadb"],
        signs_in: true,
        default_user: "root",
        user: &["MARIADB_USER", "MYSQL_USER"],
        password: &["MARIADB_PASSWORD", "MYSQL_PASSWORD"],
        database: &["MARIADB_DATABASE", "MYSQL_DATABASE"],
        plain_tags: true,
        instead: &[],
        data: &["/var/lib/mysql"],
        checks: &["mysqladmin", "mariadb-admin", "healthcheck.sh"],
    },
    Kind {
        name: "mongodb",
        images: &["mongo"],
        port: 27017,
        schemes: &["mongodb"],
        signs_in: true,
        default_user: "mongodb",
        user: &["MONGO_INITDB_ROOT_USERNAME"],
        password: &["MONGO_INITDB_ROOT_PASSWORD"],
        database: &["MONGO_INITDB_DATABASE"],
        plain_tags: true,
        instead: &[],
        data: &["/data/db"],
        checks: &["mongosh", "mongo"],
    },
    Kind {
        name: "redis",
        images: &["redis"],
        port: 6379,
        schemes: &["redis"],
        plain_tags: true,
        data: &["/data"],
        checks: &["redis-cli"],
        ..NONE
    },
    Kind {
        name: "valkey",
        images: &["valkey/valkey"],
        port: 6379,
        schemes: &["redis", "valkey"],
        plain_tags: true,
        data: &["/data"],
        checks: &["valkey-cli", "redis-cli"],
        ..NONE
    },
    Kind { name: "memcached", images: &["memcached"], port: 11211, schemes: &["memcached"], ..NONE },
    Kind {
        name: "rabbitmq",
        images: &["rabbitmq"],
        port: 5672,
        schemes: &["amqp"],
        signs_in: true,
        default_user: "guest",
        user: &["RABBITMQ_DEFAULT_USER"],
        password: &["RABBITMQ_DEFAULT_PASS"],
        database: &[],
        plain_tags: false,
        instead: &[],
        data: &["/var/lib/rabbitmq"],
        checks: &["rabbitmq-diagnostics", "rabbitmqctl"],
    },
    Kind { name: "nats", images: &["nats"], port: 4222, schemes: &["nats"], ..NONE },
    Kind {
        name: "clickhouse",
        images: &["clickhouse/clickhouse-server"],
        port: 8123,
        plain_tags: true,
        instead: &["CLICKHOUSE_SKIP_USER_SETUP"],
        data: &["/var/lib/clickhouse"],
        checks: &["clickhouse-client", "8123/ping"],
        ..NONE
    },
    Kind {
        name: "kafka",
        images: &["apache/kafka", "confluentinc/cp-kafka"],
        port: 9092,
        schemes: &["kafka"],
        data: &["/var/lib/kafka/data"],
        checks: &["kafka-topics", "kafka-broker-api-versions"],
        ..NONE
    },
    Kind {
        name: "elasticsearch",
        images: &["elasticsearch", "docker.elastic.co/elasticsearch/elasticsearch"],
        port: 9200,
        data: &["/usr/share/elasticsearch/data"],
        checks: &["_cluster/health", "localhost:9200"],
        ..NONE
    },
    Kind {
        name: "opensearch",
        images: &["opensearchproject/opensearch"],
        port: 9200,
        data: &["/usr/share/opensearch/data"],
        checks: &["_cluster/health", "localhost:9200"],
        ..NONE
    },
    Kind { name: "nginx", images: &["nginx"], port: 80, plain_tags: true, ..NONE },
    Kind {
        name: "smtp",
        images: &["axllent/mailpit", "mailhog/mailhog"],
        port: 1025,
        schemes: &["smtp"],
        checks: &["/livez", "/readyz"],
        ..NONE
    },
];

/// An image by its parts.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Reference<'a> {
    /// Without what Docker adds by itself.
    pub(super) repository: &'a str,
    pub(super) tag: Option<&'a str>,
    pub(super) has_digest: bool,
}

pub(super) fn reference(image: &str) -> Reference<'_> {
    let (name, digest) = image.split_once('@').map_or((image, None), |it| (it.0, Some(it.1)));
    let after_slash = name.rfind('/').map_or(0, |it| it + 1);
    let colon = name[after_slash..].find(':').map(|it| after_slash + it);
    let (repository, tag) = colon.map_or((name, None), |it| (&name[..it], Some(&name[it + 1..])));
    let short = repository.strip_prefix("docker.io/").unwrap_or(repository);
    let short = short.strip_prefix("library/").unwrap_or(short);
    Reference { repository: short, tag: tag.filter(|it| !it.is_empty()), has_digest: digest.is_some() }
}

/// What an image is of, and whether it is the usual image of it.
pub(super) fn of_image(image: &str) -> Option<(&'static Kind, bool)> {
    let repository = reference(image).repository;
    let kind = KINDS.iter().find(|it| it.images.contains(&repository))?;
    Some((kind, kind.images[0] == repository))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_told_apart_by_their_repositories() {
        let kind = |image| of_image(image).map(|it| (it.0.name, it.1));
        assert_eq!(kind("postgres:16"), Some(("postgres", true)));
        assert_eq!(kind("docker.io/library/redis"), Some(("redis", true)));
        assert_eq!(kind("mailhog/mailhog:v1.0.1@sha256:ab"), Some(("smtp", false)));
        assert_eq!(kind("example.org:5000/postgres:16"), None);
        let own = reference("example.org:5000/a/b:c");
        assert_eq!((own.repository, own.tag), ("example.org:5000/a/b", Some("c")));
    }
}

//! What keeps data.

use super::{Bundled, Exporter, Wanted, settings, words};

/// Extension that counts how long statements take.
const STATEMENTS: &str = "pg_stat_statements";

pub(super) fn postgres(wanted: &Wanted<'_>) -> Bundled {
    let image = wanted.image("postgres", "17");
    let (user, database, password) = (wanted.user(), wanted.database(), wanted.password_reference());
    let port = wanted.port(5432);
    let major: u32 = wanted.dependency.version.as_deref().and_then(major).unwrap_or(17);
    let mut it = Bundled::new(image, port, &["pg_isready", "-U", user, "-d", database]);
    it.env = settings([
        ("POSTGRES_USER", user),
        ("POSTGRES_DB", database),
        ("POSTGRES_PASSWORD", password.as_str()),
    ]);
    // From 18 on the volume is one level higher, so that an upgrade finds the old data beside the new.
    it.data = Some(if major < 18 { "/var/lib/postgresql/data" } else { "/var/lib/postgresql" });
    if major < 18 {
        // A fresh volume holds `lost+found`, and the server wants an empty folder.
        it.env.extend(settings([("PGDATA", "/var/lib/postgresql/data/pgdata")]));
    }
    it.user = 999;
    it.password = Some(wanted.password());
    let mut extensions = wanted.dependency.extensions.clone();
    if wanted.dependency.monitored && !extensions.iter().any(|it| it == STATEMENTS) {
        extensions.push(STATEMENTS.to_owned());
    }
    if extensions.iter().any(|it| it == STATEMENTS) {
        // It counts from the server's start on, or not at all.
        it.args = words(&["postgres", "-c", &format!("shared_preload_libraries={STATEMENTS}")]);
    }
    if !extensions.is_empty() {
        it.env.extend(settings([("PGPASSWORD", password.as_str())]));
        let create = |name: &String| {
            let statement = format!("CREATE EXTENSION IF NOT EXISTS \"{}\"", name.replace('"', "\"\""));
            words(&["psql", "-h", wanted.name, "-U", user, "-d", database, "-c", &statement])
        };
        it.setup = extensions.iter().map(create).collect();
    }
    let address = format!("{}:{port}/{database}?sslmode=disable", wanted.name);
    it.exporter = Some(Exporter {
        image: "quay.io/prometheuscommunity/postgres-exporter:v0.18.1",
        port: 9187,
        env: settings([
            ("DATA_SOURCE_URI", address.as_str()),
            ("DATA_SOURCE_USER", user),
            ("DATA_SOURCE_PASS", password.as_str()),
        ]),
        args: words(&["--collector.stat_statements"]),
    });
    it
}

fn major(version: &str) -> Option<u32> {
    version.split(|it: char| !it.is_ascii_digit()).next()?.parse().ok()
}

pub(super) fn mysql(wanted: &Wanted<'_>) -> Bundled {
    let image = wanted.image("mysql", "8.4");
    let mut it = Bundled::new(image, wanted.port(3306), &["mysqladmin", "ping", "-h", "127.0.0.1"]);
    it.env = settings([
        ("MYSQL_USER", wanted.user()),
        ("MYSQL_PASSWORD", wanted.password_reference().as_str()),
        ("MYSQL_DATABASE", wanted.database()),
        ("MYSQL_RANDOM_ROOT_PASSWORD", "yes"),
    ]);
    it.data = Some("/var/lib/mysql");
    it.user = 999;
    it.password = Some(wanted.password());
    it.exporter = Some(mysql_exporter(wanted));
    it
}

pub(super) fn mariadb(wanted: &Wanted<'_>) -> Bundled {
    let image = wanted.image("mariadb", "11.8");
    let check = ["healthcheck.sh", "--connect", "--innodb_initialized"];
    let mut it = Bundled::new(image, wanted.port(3306), &check);
    it.env = settings([
        ("MARIADB_USER", wanted.user()),
        ("MARIADB_PASSWORD", wanted.password_reference().as_str()),
        ("MARIADB_DATABASE", wanted.database()),
        ("MARIADB_RANDOM_ROOT_PASSWORD", "yes"),
    ]);
    it.data = Some("/var/lib/mysql");
    it.user = 999;
    it.password = Some(wanted.password());
    it.exporter = Some(mysql_exporter(wanted));
    it
}

fn mysql_exporter(wanted: &Wanted<'_>) -> Exporter {
    let address = format!("--mysqld.address={}:{}", wanted.name, wanted.port(3306));
    Exporter {
        image: "quay.io/prometheus/mysqld-exporter:v0.18.0",
        port: 9104,
        env: settings([("MYSQLD_EXPORTER_PASSWORD", wanted.password_reference().as_str())]),
        args: vec![address, format!("--mysqld.username={}", wanted.user())],
    }
}

pub(super) fn mongodb(wanted: &Wanted<'_>) -> Bundled {
    let image = wanted.image("mongo", "8.0");
    let ping = "quit(db.adminCommand({ping: 1}).ok ? 0 : 1)";
    let mut it = Bundled::new(image, wanted.port(27017), &["mongosh", "--quiet", "--eval", ping]);
    let (user, password) = (wanted.user(), wanted.password_reference());
    it.env = settings([
        ("MONGO_INITDB_ROOT_USERNAME", user),
        ("MONGO_INITDB_ROOT_PASSWORD", password.as_str()),
        ("MONGO_INITDB_DATABASE", wanted.database()),
    ]);
    it.data = Some("/data/db");
    it.user = 999;
    it.password = Some(wanted.password());
    let address = format!("mongodb://{user}:{password}@{}:{}/admin", wanted.name, it.port);
    it.exporter = Some(Exporter {
        image: "percona/mongodb_exporter:0.47",
        port: 9216,
        env: settings([("MONGODB_URI", address.as_str())]),
        args: words(&["--collect-all"]),
    });
    it
}

pub(super) fn redis(wanted: &Wanted<'_>, repository: &str, version: &str, program: &str) -> Bundled {
    let image = wanted.image(repository, version);
    let port = wanted.port(6379);
    let cli = format!("{program}-cli");
    let mut it = Bundled::new(image, port, &[&cli, "ping"]);
    it.data = Some("/data");
    it.user = 999;
    let server = format!("{program}-server");
    let mut exporter = settings([("REDIS_ADDR", format!("redis://{}:{port}", wanted.name).as_str())]);
    if wanted.dependency.auth {
        let password = wanted.password_reference();
        it.password = Some(wanted.password());
        it.env = settings([("REDISCLI_AUTH", password.as_str())]);
        exporter.extend(settings([("REDIS_PASSWORD", password.as_str())]));
        // Settings come by standard input: arguments are seen by everybody on the machine.
        let script =
            format!("printf 'requirepass \"%s\"\\n' \"$REDISCLI_AUTH\" | exec {server} - --appendonly yes");
        it.args = words(&["sh", "-c", &script]);
    } else {
        it.args = words(&[&server, "--appendonly", "yes"]);
    }
    it.exporter =
        Some(Exporter { image: "oliver006/redis_exporter:v1.80.0", port: 9121, env: exporter, args: vec![] });
    it
}

pub(super) fn clickhouse(wanted: &Wanted<'_>) -> Bundled {
    let image = wanted.image("clickhouse/clickhouse-server", "26.3");
    let mut it = Bundled::new(image, wanted.port(8123), &["clickhouse-client", "--query", "SELECT 1"]);
    // Without a password, the server answers on its own machine only unless it is told to leave its user as it is.
    it.env = settings([("CLICKHOUSE_SKIP_USER_SETUP", "1")]);
    it.args = words(&[
        "--",
        "--prometheus.port=9363",
        "--prometheus.endpoint=/metrics",
        "--prometheus.metrics=true",
        "--prometheus.events=true",
        "--prometheus.asynchronous_metrics=true",
    ]);
    it.data = Some("/var/lib/clickhouse");
    it.user = 101;
    it.metrics = Some(("/metrics", 9363));
    it
}

pub(super) fn elasticsearch(wanted: &Wanted<'_>) -> Bundled {
    let image = wanted.image_of_patch("docker.elastic.co/elasticsearch/elasticsearch", "9.1");
    let mut it = search(wanted, image);
    it.env = settings([("discovery.type", "single-node"), ("xpack.security.enabled", "false")]);
    it.data = Some("/usr/share/elasticsearch/data");
    it
}

pub(super) fn opensearch(wanted: &Wanted<'_>) -> Bundled {
    let image = wanted.image_of_patch("opensearchproject/opensearch", "3.3");
    let mut it = search(wanted, image);
    it.env = settings([
        ("discovery.type", "single-node"),
        ("DISABLE_SECURITY_PLUGIN", "true"),
        ("DISABLE_INSTALL_DEMO_CONFIG", "true"),
    ]);
    it.data = Some("/usr/share/opensearch/data");
    it
}

fn search(wanted: &Wanted<'_>, image: String) -> Bundled {
    let health = "http://127.0.0.1:9200/_cluster/health?wait_for_status=yellow&timeout=1s";
    let port = wanted.port(9200);
    let mut it = Bundled::new(image, port, &["curl", "-fsS", health]);
    it.user = 1000;
    it.exporter = Some(Exporter {
        image: "quay.io/prometheuscommunity/elasticsearch-exporter:v1.9.0",
        port: 9114,
        env: settings([]),
        args: vec![format!("--es.uri=http://{}:{port}", wanted.name)],
    });
    it
}

//! Hits in a real PostgreSQL and a real Redis, started by the script of the example.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on says where")]

mod support;

use std::path::{Path, PathBuf};
use std::process::Command;

use lockgate_sample::SampleConfig;
use support::{Running, get};

struct Dependencies {
    folder: tempfile::TempDir,
    postgres: u16,
    redis: u16,
}

impl Dependencies {
    async fn up() -> Dependencies {
        let folder = tempfile::Builder::new().prefix("lockgate-sample-").tempdir().unwrap();
        // PostgreSQL runs as another user when the tests run as root, and must get through to its own folder.
        let open = std::os::unix::fs::PermissionsExt::from_mode(0o755);
        std::fs::set_permissions(folder.path(), open).unwrap();
        let (postgres, redis) = (support::closed_port().await, support::closed_port().await);
        let this = Dependencies { folder, postgres, redis };
        assert!(this.script("up"), "PostgreSQL and Redis are needed: `scripts/setup` installs them");
        this
    }

    fn script(&self, what: &str) -> bool {
        let status = Command::new(example().join("dependencies"))
            .arg(what)
            .env("NOVA_DATA", self.folder.path())
            .env("NOVA_PG_PORT", self.postgres.to_string())
            .env("NOVA_REDIS_PORT", self.redis.to_string())
            .status();
        status.unwrap().success()
    }

    fn psql(&self, arguments: &[&str]) {
        let status = Command::new("psql")
            .args(["-q", "-v", "ON_ERROR_STOP=1", "-h", "127.0.0.1", "-p", &self.postgres.to_string()])
            .args(["-U", "nova", "-d", "nova"])
            .args(arguments)
            .status();
        assert!(status.unwrap().success(), "psql {arguments:?} failed");
    }

    fn config(&self) -> SampleConfig {
        SampleConfig {
            service: "feed-service".to_owned(),
            database_url: Some(format!("postgres://nova@127.0.0.1:{}/nova", self.postgres)),
            redis_url: Some(format!("redis://127.0.0.1:{}", self.redis)),
            ..SampleConfig::default()
        }
    }
}

impl Drop for Dependencies {
    fn drop(&mut self) {
        self.script("down");
    }
}

fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/nova")
}

#[tokio::test]
async fn hits_outlive_the_instance_and_health_follows_the_database() {
    let dependencies = Dependencies::up().await;

    let running = Running::start(dependencies.config()).await;
    assert_eq!(get(running.http, "/health").await.0, 200);
    let (status, body) = get(running.http, "/work").await;
    assert_eq!(status, 500, "there is no table yet: {body}");
    assert!(body.contains("hits") && !body.contains("injected"), "{body}");

    let mut migrations: Vec<PathBuf> =
        example().join("migrations").read_dir().unwrap().map(|it| it.unwrap().path()).collect();
    migrations.sort();
    for migration in &migrations {
        dependencies.psql(&["-f", migration.to_str().unwrap()]);
    }
    assert!(get(running.http, "/work").await.1.contains("\"hits\":1"));
    running.end().await.unwrap();

    let running = Running::start(dependencies.config()).await;
    assert!(get(running.http, "/work").await.1.contains("\"hits\":2"));

    let waits = SampleConfig { needs_migration: Some(7), ..dependencies.config() };
    let waiting = Running::start(waits).await;
    let (status, body) = get(waiting.http, "/health/ready").await;
    assert!(status == 503 && body.contains("migrations"), "{status} {body}");
    assert_eq!(get(waiting.http, "/health/live").await.0, 200);
    let ledger = "CREATE TABLE _sqlx_migrations (version bigint, success boolean)";
    dependencies.psql(&["-c", ledger, "-c", "INSERT INTO _sqlx_migrations VALUES (7, true)"]);
    assert_eq!(get(waiting.http, "/health/ready").await.0, 200);
    waiting.end().await.unwrap();

    assert!(dependencies.script("down"));
    let (status, body) = get(running.http, "/health").await;
    assert_eq!(status, 503);
    assert!(body.contains("postgres") && body.contains("redis"), "{body}");
    running.end().await.unwrap();
}

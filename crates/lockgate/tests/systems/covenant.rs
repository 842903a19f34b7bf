//! Covenant Connect: API, worker and web UI with PostgreSQL and Redis behind a password. A version that is ready only
//! once its migration ran, a migration that fails, jobs that the worker does, and a command by the clock.

use std::net::SocketAddr;

use lockgate_testbed::{Cluster, Engine, Image, Namespace, Networks, Server, image_of_server};

use crate::folder::Folder;
use crate::images::sample_with;
use crate::users::{Users, ask, assert_nothing_was_lost, until};

const OF_BACKEND: [&str; 2] = ["backend", "worker"];
const REQUESTS_PER_SECOND: f64 = 50.0;
const HITS: (&str, &str) =
    ("0001_hits.sql", "CREATE TABLE hits (service text PRIMARY KEY, n bigint NOT NULL DEFAULT 0);\n");
const MEMBERS: (&str, &str) = ("0002_members.sql", "CREATE TABLE members (name text PRIMARY KEY);\n");
const BROKEN: (&str, &str) = ("0003_families.sql", "ALTER TABLE familes ADD COLUMN name text;\n");
/// What each version brings to the database.
const MIGRATIONS: [(&str, &[(&str, &str)]); 3] =
    [("v1", &[HITS]), ("v2", &[HITS, MEMBERS]), ("v3", &[HITS, MEMBERS, BROKEN])];

#[test]
fn on_kubernetes_a_version_waits_for_its_migration_and_stays_out_when_that_fails() {
    let Some(cluster) = Cluster::given("covenant-connect on Kubernetes") else { return };
    let namespace = Namespace::new(&cluster, "covenant-drill");
    let (Some(postgres), Some(redis)) = (
        image_of_server(Server::Postgres, "systems/postgres:17"),
        image_of_server(Server::Redis, "systems/redis:8"),
    ) else {
        return;
    };
    let host = format!("{}.test", namespace.name);
    let cron = "    cron: {digest: {schedule: \"0 7 * * 1\", command: [sample, task, digest], in: worker}}\n";
    let target = format!("{{kubernetes: {{namespace: {}, traffic: ingress-nginx}}}}", namespace.name);
    let own = Own {
        backend: format!("ingress: {{hosts: {host}, class: nginx, tls: false, paths: [/work, /jobs, /env]}}"),
        frontend: format!("ingress: {{hosts: {host}, class: nginx, tls: false}}"),
    };
    let text = environment(&target, &host, &postgres, &redis, &own) + cron;
    let mut folder = Folder::of_example("covenant-connect", &text);
    folder.set("KUBECONFIG", cluster.kubeconfig.display().to_string());
    folder.set("LOCKGATE_INSECURE_REGISTRIES", &cluster.registry);
    let images = MIGRATIONS.map(|(version, migrations)| {
        let tag = format!("systems/covenant:{}-{version}", std::process::id());
        sample_with(migrations.iter().copied()).push(&cluster.registry, &tag)
    });
    let ingress: SocketAddr = cluster.ingress.trim_start_matches("http://").parse().unwrap();
    let covenant = Covenant {
        folder,
        images: images.to_vec(),
        backend: (ingress, host.clone()),
        frontend: (ingress, host),
    };
    covenant.releases(|| {
        namespace.kubectl(&["create", "job", "--from=cronjob/digest", "digest-now"]);
        namespace.kubectl(&["wait", "--for=condition=complete", "--timeout=60s", "job/digest-now"]);
        assert_eq!(namespace.kubectl(&["logs", "job/digest-now"]).trim(), "digest: run 1 of v2 is done");
    });
}

#[test]
fn on_docker_a_version_waits_for_its_migration_and_stays_out_when_that_fails() {
    let Some(engine) = Engine::start("covenant-connect on Docker", Networks::Bridges) else { return };
    let what = "covenant-connect on Docker";
    let (Some(postgres), Some(redis)) = (Server::Postgres.image(what), Server::Redis.image(what)) else {
        return;
    };
    let samples: Vec<(String, Image)> = MIGRATIONS
        .iter()
        .map(|it| (format!("covenant:{}", it.0), sample_with(it.1.iter().copied())))
        .collect();
    engine.load(&[(&postgres, "postgres:drill"), (&redis, "redis:drill")]);
    let named: Vec<(&Image, &str)> = samples.iter().map(|it| (&it.1, it.0.as_str())).collect();
    engine.load(&named);
    let id = |name: &str| engine.run(["image", "inspect", "--format", "{{.Id}}", name]).trim().to_owned();
    let (web, api) = (free_port(), free_port());
    let own = Own {
        backend: format!("ports: {{http: {{publish: {api}}}}}\n        ingress: null"),
        frontend: format!("ports: {{http: {{publish: {web}}}}}\n        ingress: null"),
    };
    let text = environment("docker", "localhost", "postgres:drill", "redis:drill", &own);
    let mut folder = Folder::of_example("covenant-connect", &text);
    folder.set("DOCKER_HOST", engine.host());
    let covenant = Covenant {
        folder,
        images: samples.iter().map(|it| id(&it.0)).collect(),
        backend: (SocketAddr::from(([127, 0, 0, 1], api)), "localhost".to_owned()),
        frontend: (SocketAddr::from(([127, 0, 0, 1], web)), "localhost".to_owned()),
    };
    covenant.releases(|| {});
}

/// The example on some platform, and where users reach it.
struct Covenant {
    folder: Folder,
    /// Of each version, in order.
    images: Vec<String>,
    backend: (SocketAddr, String),
    frontend: (SocketAddr, String),
}

impl Covenant {
    fn releases(mut self, run_by_the_clock: impl FnOnce()) {
        self.folder.run(&["check"]).ended(0);
        self.deploy("v1").ended(0);
        let token = self.get("/env?key=SAMPLE_TOKEN");
        assert_eq!(token.len(), 64, "a secret was made: {token}");
        self.worker_does_a_job("v1");

        let (of_api, of_web) = (users("/work", &self.backend), users("/", &self.frontend));
        self.folder.edit("SAMPLE_VERSION:", "SAMPLE_NEEDS_MIGRATION: \"2\", SAMPLE_VERSION:");
        self.deploy("v2").ended(0);
        self.worker_does_a_job("v2");
        assert_eq!(self.get("/env?key=SAMPLE_TOKEN"), token, "secrets are made once");
        self.migrated_before_anything_started();
        run_by_the_clock();

        self.folder.edit("SAMPLE_NEEDS_MIGRATION: \"2\"", "SAMPLE_NEEDS_MIGRATION: \"3\"");
        let said = self.deploy("v3").ended(3);
        said.says("`run migrate` failed").says("migration 3 failed: relation \"familes\" does not exist");
        assert!(self.get("/work").contains("\"version\":\"v2\""));
        self.worker_does_a_job("v2");
        for report in [of_api.leave(), of_web.leave()] {
            assert_nothing_was_lost(&report);
            assert!(0 < report.answered_by("v1") && 0 < report.answered_by("v2"), "{report:?}");
            assert_eq!(report.answered_by("v3"), 0, "{report:?}");
        }
    }

    #[track_caller]
    fn deploy(&mut self, version: &str) -> lockgate_testbed::Said {
        let idx = MIGRATIONS.iter().position(|it| it.0 == version).unwrap();
        self.folder.run_image(OF_BACKEND.into_iter().chain(["frontend"]), &self.images[idx]);
        self.folder.deploy("drill", version)
    }

    fn get(&self, path: &str) -> String {
        let (status, body) = ask(self.backend.0, "GET", &self.backend.1, path).unwrap();
        assert_eq!(status, 200, "{path}: {body}");
        body
    }

    /// What the API leaves is done by a worker of this version.
    fn worker_does_a_job(&self, version: &str) {
        let path = format!("/jobs?by={version}");
        let before = self.get(&path);
        until(&format!("a job that a worker of {version} does"), || {
            let (status, said) = ask(self.backend.0, "POST", &self.backend.1, "/jobs").unwrap();
            assert_eq!(status, 202, "{said}");
            (self.get(&path) != before).then_some(())
        });
    }

    fn migrated_before_anything_started(&self) {
        let said = self.folder.run(&["history", "drill", "--release", "r2"]).ended(0).stdout;
        let at = |what: &str| said.find(what).unwrap_or_else(|| panic!("no `{what}`:\n{said}"));
        assert!(at("run migrate: applied 2 members") < at("of backend"), "{said}");
    }
}

fn users(path: &str, (at, host): &(SocketAddr, String)) -> Users {
    Users::of(vec![format!("http://{host}{path}")], Some(*at), REQUESTS_PER_SECOND)
}

/// What the platforms say in their own ways.
struct Own {
    backend: String,
    frontend: String,
}

fn environment(target: &str, host: &str, postgres: &str, redis: &str, own: &Own) -> String {
    let Own { backend, frontend } = own;
    format!(
        "  drill:
    target: {target}
    host: {host}
    build: {{image: \"covenant-connect/${{service.name}}\"}}
    defaults:
      env: {{SAMPLE_VERSION: \"${{release.version}}\"}}
      health: {{interval: 1s, timeout: 2s}}
      stop: {{drain: 2s, grace: 5s}}
    dependencies:
      postgres: {{image: \"{postgres}\", storage: 1Gi, monitored: false}}
      redis: {{image: \"{redis}\", monitored: false}}
    services:
      backend:
        command: [sample]
        env: {{AWS_S3_BUCKET: {{value: uploads}}}}
        secrets: {{SAMPLE_TOKEN: {{generate: hex32}}, AWS_ACCESS_KEY_ID: null, AWS_SECRET_ACCESS_KEY: null}}
        resources: {{requests: {{cpu: 5m, memory: 16Mi}}}}
        {backend}
      worker: {{command: [sample, worker]}}
      frontend:
        command: [sample]
        resources: {{requests: {{cpu: 5m, memory: 16Mi}}}}
        {frontend}
    migrations: {{tool: null, command: [node, sqlx-migrate, --source, /migrations]}}
    notifications: null
"
    )
}

fn free_port() -> u16 {
    std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap().local_addr().unwrap().port()
}

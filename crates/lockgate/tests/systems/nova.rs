//! Nova: eleven services with PostgreSQL and Redis, released as one. One canary that is promoted, and one with errors
//! in one service that is taken back whole, both while users are there.

use std::net::SocketAddr;
use std::path::Path;

use lockgate_testbed::{Cluster, Engine, Image, Namespace, Networks, Server, image_of_server};

use crate::folder::Folder;
use crate::images::sample_with;
use crate::nova_services::SERVICES;
use crate::users::{Users, assert_nothing_was_lost};

/// Over all services together: small machines carry it.
const REQUESTS_PER_SECOND: f64 = 100.0;
/// One service has two thirds of the load, as in life. Half of that to a version with 3 % of errors makes the judge sure
/// among eleven services within twenty seconds; an eleventh of the load would take three minutes.
const BUSY: &str = "feed-service";
/// Beside its own turn among the eleven.
const TURNS_OF_BUSY: usize = 21;

#[test]
fn on_kubernetes_no_user_notices_a_release_that_is_promoted_nor_one_that_is_taken_back() {
    let Some(cluster) = Cluster::given("nova on Kubernetes") else { return };
    let namespace = Namespace::new(&cluster, "nova-drill");
    // What the example expects to be there.
    namespace.apply(
        "apiVersion: gateway.networking.k8s.io/v1\nkind: Gateway\nmetadata: {name: nova}\n\
         spec: {gatewayClassName: traefik, listeners: [{name: web, port: 8000, protocol: HTTP}]}\n",
    );
    let (Some(postgres), Some(redis)) = (
        image_of_server(Server::Postgres, "systems/postgres:17"),
        image_of_server(Server::Redis, "systems/redis:8"),
    ) else {
        return;
    };
    let target = format!("{{kubernetes: {{namespace: {}, traffic: gateway-api}}}}", namespace.name);
    // Gateways of a cluster share its names.
    let host = |it: &str| format!("{it}.{}.test", namespace.name);
    let routed = |it: &str| format!("ingress: {{hosts: {}, paths: /}}", host(it));
    let mut nova = Folder::of_example("nova", &environment(&target, &postgres, &redis, routed));
    nova.set("KUBECONFIG", cluster.kubeconfig.display().to_string());
    nova.set("LOCKGATE_INSECURE_REGISTRIES", &cluster.registry);
    let image = image().push(&cluster.registry, "systems/nova:drill");
    nova.run_image(SERVICES.map(|it| it.0), &image);
    let gateway = cluster.gateway.trim_start_matches("http://").parse().unwrap();
    release(&nova, || users(|name, _| format!("http://{}/work", host(name)), Some(gateway)));
}

#[test]
fn on_docker_no_user_notices_a_release_that_is_promoted_nor_one_that_is_taken_back() {
    let Some(engine) = Engine::start("nova on Docker", Networks::Bridges) else { return };
    let (Some(postgres), Some(redis)) =
        (Server::Postgres.image("nova on Docker"), Server::Redis.image("nova on Docker"))
    else {
        return;
    };
    let nova_image = image();
    engine.load(&[(&nova_image, "nova:drill"), (&postgres, "postgres:drill"), (&redis, "redis:drill")]);
    let id = |name: &str| engine.run(["image", "inspect", "--format", "{{.Id}}", name]).trim().to_owned();
    let base = free_block();
    let published = |it: &str| {
        let number = SERVICES.iter().find(|known| known.0 == it).unwrap().1;
        format!("ports: {{http: {{publish: {}}}}}", base + number - 8080)
    };
    let text = environment("docker", "postgres:drill", "redis:drill", published);
    let mut nova = Folder::of_example("nova", &text);
    nova.set("DOCKER_HOST", engine.host());
    nova.run_image(SERVICES.map(|it| it.0), &id("nova:drill"));
    release(&nova, || users(|_, port| format!("http://127.0.0.1:{}/work", base + port - 8080), None));
}

fn release(nova: &Folder, users: impl Fn() -> Users) {
    nova.run(&["check"]).ended(0);
    nova.deploy("drill", "v1").ended(0);
    let users = users();
    nova.deploy("drill", "v2").ended(0);
    nova.edit("    port: 8082\n", "    port: 8082\n    env: {SAMPLE_ERROR_RATE: \"0.03\"}\n");
    nova.deploy("drill", "v3").ended(3).says("rolled back: feed-service: error rate");
    let report = users.leave();
    assert_nothing_was_lost(&report);
    assert!(0 < report.injected, "the fault was never met: {report:?}");
    for version in ["v1", "v2", "v3"] {
        assert!(0 < report.answered_by(version), "{version} never answered: {report:?}");
    }
}

fn users(url: impl Fn(&str, u16) -> String, at: Option<SocketAddr>) -> Users {
    let busy = SERVICES.into_iter().filter(|it| it.0 == BUSY);
    let turns = SERVICES.into_iter().chain(busy.cycle().take(TURNS_OF_BUSY));
    Users::of(turns.map(|(name, port)| url(name, port)).collect(), at, REQUESTS_PER_SECOND)
}

/// One more environment: what the sample service does not use is taken away, and times are short. A machine that is
/// slow for a while makes no service unhealthy.
fn environment(target: &str, postgres: &str, redis: &str, reached: impl Fn(&str) -> String) -> String {
    let own = |it: &str| match it {
        "auth-service" => "env: {GOOGLE_CLIENT_ID: null}, secrets: null, ",
        "media-service" => "env: {S3_BUCKET: null}, secrets: null, ",
        "notification-service" => "secrets: null, ",
        _ => "",
    };
    let line = |it: &str| format!("      {it}: {{{}{}}}\n", own(it), reached(it));
    let services = SERVICES.map(|it| line(it.0)).concat();
    format!(
        "  drill:
    target: {target}
    stores: {{secrets: {{file: .env.drill}}}}
    defaults:
      command: [sample]
      env: {{SAMPLE_VERSION: \"${{release.version}}\"}}
      secrets: null
      replicas: 1
      resources: {{requests: {{cpu: 5m, memory: 16Mi}}}}
      health: {{interval: 1s, timeout: 2s, unhealthy_after: 20}}
      stop: {{drain: 3s, grace: 5s}}
    dependencies:
      postgres: {{image: \"{postgres}\", storage: 1Gi, monitored: false}}
      redis: {{image: \"{redis}\", storage: 1Gi, monitored: false}}
      clickhouse: null
      kafka: null
      elasticsearch: null
    services:
{services}    migrations: {{tool: null, source: null, command: [node, sqlx-migrate, --source, /migrations], in: user-service}}
    secrets: null
    notifications: null
    rollout:
      steps: [{{weight: 5%, pause: 3s}}, {{weight: 50%, pause: 30s}}, {{weight: 100%}}]
      bake: 2s
      analysis: {{tick: 500ms, warmup: 500ms, min_time: 1s, min_requests: 30, max_time: 5m}}
"
    )
}

/// The first of 14 free ports, below the system's own ports for connections.
fn free_block() -> u16 {
    let is_free = |port: u16| std::net::TcpListener::bind(("127.0.0.1", port)).is_ok();
    let offset = u16::try_from(std::process::id() % 450).unwrap() * 20;
    let mut blocks = (0..450).map(|idx| 20_000 + (offset + idx * 20) % 9_000);
    blocks.find(|base| (0..14).all(|it| is_free(base + it))).expect("a machine has room for eleven services")
}

/// All hits of a service are counted in one row, which a disk that writes each one down would bound.
const QUICK: &str = "DO $$ BEGIN
  EXECUTE format('ALTER DATABASE %I SET synchronous_commit = off', current_database());
END $$;
";

/// The sample service, with nova's migrations beside it.
fn image() -> Image {
    let migrations = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples/nova/migrations");
    let files = std::fs::read_dir(migrations)
        .unwrap()
        .flatten()
        .map(|it| (it.file_name().into_string().unwrap(), std::fs::read_to_string(it.path()).unwrap()));
    sample_with(files.chain([("9999_quick.sql".to_owned(), QUICK.to_owned())]))
}

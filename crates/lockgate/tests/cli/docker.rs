//! Releases to a real Docker engine: containers behind the node's router, images by digest, kills in the middle.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use lockgate_testbed::{Engine, Image, Networks, Registry, Said, output};
use serde_json::json;

use crate::world::{World, kill, until};

const WHAT: &str = "releases to Docker";

/// The sample service as `web` and `api`; `knobs` are variables of `web`. The environment is called `local` as in
/// the other tests.
fn spec(world: &World, knobs: &str) -> String {
    format!(
        "lockgate: v1
system: shop
defaults:
  command: [sample]
  replicas: 2
  health: {{path: /health, interval: 100ms, timeout: 1s, ready_within: 10s}}
  stop: {{drain: 5s, grace: 2s}}
services:
  web:
    image: shop/web
    ports: {{http: {{number: 8080, publish: {web}}}}}
    env: {{LABEL: \"${{release.version}}\"{knobs}}}
    secrets: {{GIVEN_TOKEN: {{generate: hex32}}}}
    depends_on: [api]
  api:
    image: shop/web
    ports: {{http: {{number: 8081, publish: {api}}}}}
    env: {{LABEL: \"${{release.version}}\"}}
smoke: [{{get: /health, service: web}}]
slo:
  error_rate: {{objective: \"< 1%\", alert: \"> 3% for 30s\"}}
rollout:
  strategy: canary
  steps: [{{weight: 25%, pause: 1s}}, {{weight: 50%, pause: 1s}}, {{weight: 100%}}]
  analysis: {{tick: 100ms, warmup: 100ms, min_time: 500ms, min_requests: 30, margin: {{ratio: 1.25, abs: 2%}}}}
environments:
  local: {{target: docker}}
",
        web = world.web,
        api = world.api,
    )
}

/// The sample's image in a registry, each tag with a digest of its own.
struct Shop {
    world: World,
    image: Image,
    registry: Registry,
    engine: Engine,
}

impl Shop {
    fn open() -> Option<Shop> {
        let engine = Engine::start(WHAT, Networks::Bridges)?;
        let registry = Registry::start(WHAT)?;
        let image = Image::of_program(Path::new(env!("CARGO_BIN_EXE_lockgate")));
        let world = World::new().with_variable("DOCKER_HOST", &engine.host());
        world.write_text(&spec(&world, ""));
        Some(Shop { world, image, registry, engine })
    }

    /// What a release of the version is asked for with.
    fn args(&self, verb: &str, version: &str) -> Vec<String> {
        let image = self.image.push(&self.registry.address, &format!("shop/web:{version}"));
        let of = |service: &str| format!("{service}={image}");
        let (web, api) = (of("web"), of("api"));
        [verb, "local", "--version", version, "--image", &web, "--image", &api].map(str::to_owned).to_vec()
    }

    fn run(&self, args: &[String]) -> Said {
        let args: Vec<&str> = args.iter().map(String::as_str).collect();
        self.world.run(&args)
    }

    fn containers(&self) -> Vec<String> {
        let listed = self.engine.run(["ps", "--all", "--format", "{{.Names}} {{.Image}} {{.State}}"]);
        listed.lines().map(str::to_owned).collect()
    }
}

#[test]
fn versions_go_out_and_back_in_containers_without_a_lost_request() {
    let Some(shop) = Shop::open() else { return };
    let world = &shop.world;
    shop.run(&shop.args("deploy", "v1")).ended(0);
    assert_eq!(world.versions_served(), ["v1"]);
    let said = shop.run(&shop.args("plan", "v2")).ended(0);
    said.says("images     api: ").says(" → ");

    let traffic = world.traffic(200.0);
    shop.run(&shop.args("deploy", "v2")).ended(0);
    let report = traffic.stop_without_loss();
    assert_eq!(report.http_4xx + report.http_5xx, 0, "{report:?}");
    assert_eq!(world.versions_served(), ["v2"]);

    let traffic = world.traffic(200.0);
    world.write_text(&spec(world, ", SAMPLE_READY: never"));
    shop.run(&shop.args("deploy", "v3")).ended(3).says("instances are ready");
    world.run(&["rollback", "local"]).ended(0);
    let report = traffic.stop_without_loss();
    assert_eq!(report.http_4xx + report.http_5xx, 0, "{report:?}");
    assert_eq!(world.versions_served(), ["v1"], "by its digest, whatever the spec says now");
    world.run(&["status", "local"]).ended(0).says("v1").says("2/2");
    world.run(&["logs", "web"]).ended(0);
    let world = shop.world;
    world.close();
}

#[test]
fn a_release_goes_on_when_its_driver_and_the_node_are_killed() {
    let Some(shop) = Shop::open() else { return };
    let world = &shop.world;
    shop.run(&shop.args("deploy", "v1")).ended(0);
    world.write_text(&spec(world, "").replace("pause: 1s", "pause: 2s"));
    let mut args = shop.args("deploy", "v2");
    args.push("--detach".to_owned());
    let traffic = world.traffic(100.0);
    shop.run(&args).ended(0);
    world.until_gated();
    let (driver, node) = (world.driver_pid(), world.node_process());
    kill(driver.expect("a driver is at work"));
    kill(node.expect("a node runs"));
    world.run(&["watch", "local"]).ended(0);
    traffic.stop();
    assert_eq!(world.versions_served(), ["v2"]);
    until("the end of the old containers", || {
        let all = shop.containers();
        all.iter().all(|it| it.contains("running")).then_some(()).filter(|()| all.len() == 4)
    });
    let world = shop.world;
    world.close();
}

/// A registry that wants a name and a password, which the user's Docker has in a credential helper.
#[test]
fn images_are_pulled_with_the_credentials_of_dockers_configuration() {
    let Some(engine) = Engine::start(WHAT, Networks::Bridges) else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let hashed = output(Command::new("htpasswd").args(["-nbB", "ann", "secret"])).0;
    std::fs::write(path("htpasswd"), hashed).unwrap();
    let auth = json!({"auth": {"htpasswd": {"realm": "test", "path": path("htpasswd")}}});
    let Some(registry) = Registry::start_with(WHAT, auth) else { return };
    let name = format!("{}/shop/web:v1", registry.address);
    engine.load(&[(&Image::of_program(Path::new(env!("CARGO_BIN_EXE_lockgate"))), &name)]);
    engine.run(["login", "--username", "ann", "--password", "secret", &registry.address]);
    engine.run(["push", "--quiet", &name]);
    let image = engine.run(["inspect", "--format", "{{index .RepoDigests 0}}", &name]);
    engine.run(["rmi", &name]);

    let helper = |password: &str| {
        let script = format!("#!/bin/sh\necho '{{\"Username\": \"ann\", \"Secret\": \"{password}\"}}'\n");
        std::fs::write(path("docker-credential-test"), script).unwrap();
        std::fs::set_permissions(path("docker-credential-test"), std::fs::Permissions::from_mode(0o755))
            .unwrap();
    };
    let config = json!({"credHelpers": {registry.address.as_str(): "test"}});
    std::fs::write(path("config.json"), config.to_string()).unwrap();
    let world = World::new()
        .with_variable("DOCKER_HOST", &engine.host())
        .with_variable("DOCKER_CONFIG", folder.path().to_str().unwrap())
        .with_variable("PATH", &format!("{}:{}", folder.path().display(), std::env::var("PATH").unwrap()));
    world.write_text(&spec(&world, ""));
    let (web, api) = (format!("web={image}"), format!("api={image}"));
    let args = ["deploy", "local", "--version", "v1", "--image", &web, "--image", &api];
    helper("wrong");
    world.run(&args).ended(3).says("does not let this machine pull").says("docker login");
    helper("secret");
    world.run(&args).ended(0);
    assert_eq!(world.versions_served(), ["v1"]);
    world.close();
}

//! What a release is told whose images are not there.

use lockgate_testbed::{Config, Image, Registry};
use serde_json::Value;

use crate::world::{World, free_port};
use lockgate_testbed::Said;

const WHAT: &str = "images of a release are found";

/// `web` is built, `worker` runs the same, `cache` is somebody else's.
fn spec(registry: &str) -> String {
    format!(
        "lockgate: v1
system: shop
services:
  web:
    port: 8080
    build: {{image: \"{registry}/shop/web\"}}
  worker:
    extends: web
    port: 8082
    command: [work]
  cache:
    port: 8090
    image: \"{registry}/other/cache:7\"
environments:
  staging: {{target: docker}}
  production: {{target: docker, promote: staging}}
"
    )
}

fn plan(world: &World, environment: &str, more: &[&str]) -> Said {
    world.run(&[&["plan", environment, "--version", "1.0", "--format", "json"], more].concat())
}

#[test]
fn images_that_are_missing_are_told_all_at_once_with_what_to_do() {
    let Some(registry) = Registry::start(WHAT) else { return };
    let world = World::new();
    world.write_text(&spec(&registry.address));
    Image::empty(Config::default()).push(&registry.address, "shop/web:0.9");
    let said = plan(&world, "staging", &[]).ended(1);
    let error: Value = serde_json::from_str(said.stderr.lines().last().unwrap()).unwrap();
    let address = &registry.address;
    let message = format!(
        "2 services have no image:\n  `cache`: {address} has no repository other/cache\n  `web`: there is no {address}/shop/web:1.0; it has 0.9"
    );
    assert_eq!(error["error"]["message"], message);
    assert_eq!(error["error"]["hint"], "`lockgate build --version 1.0 --push` makes it");
    let said = plan(&world, "staging", &["--image", "db=a:1"]).ended(1);
    said.says("`--image db=...` names no service of the spec");

    let said = plan(&world, "production", &[]).ended(1);
    said.says("`production` takes its images from `staging`").says("`lockgate deploy staging` comes first");

    let nowhere = format!("127.0.0.1:{}", free_port());
    world.write_text(&spec(&nowhere));
    plan(&world, "staging", &[]).ended(5).says("is not reached: nothing listens there");
}

//! Which image a release runs: settled by digest when it is planned, promoted without a build, told when it is missing.

use std::collections::BTreeMap;

use lockgate_driver::Ending;
use lockgate_driver::store::{NewRelease, ReleaseKind, Store};
use lockgate_engine::End;
use lockgate_images::{Client, Config as Registries, Reference};
use lockgate_model::{Container, Form, Limits, Scope, ServiceName, Snapshot, System, Timestamp, Version};
use lockgate_testbed::{Config, Image, Registry};
use serde_json::{Value, json};

use crate::world::{Said, World, free_port};

const WHAT: &str = "images of a release are found";
const PIN: &str = "sha256:6f4c2d1e0b9a88776655443322110ffeeddccbbaa99887766554433221100ffe";

/// A small image; gives `repository@sha256:...`.
fn push(registry: &Registry, name_and_tag: &str) -> String {
    Image::empty(Config::default()).push(&registry.address, name_and_tag)
}

/// `web` is built, `worker` runs the same, `cache` is somebody else's.
fn spec(registry: &str, production: &str) -> String {
    format!(
        "lockgate: v1
system: shop
services:
  web:
    port: 8080
    build: {{image: \"{registry}/shop/web\"}}
  worker:
    image: {{same_as: web}}
    command: [work]
  cache:
    port: 8090
    image: \"{registry}/other/cache:7\"
environments:
  staging: {{target: docker}}
  production:
    target: docker
    promote: staging
    services: {{web: {{build: {{image: \"{production}/live/web\"}}}}}}
"
    )
}

fn world(registry: &str, production: &str) -> World {
    let world = World::new();
    world.write_text(&spec(registry, production));
    std::fs::write(world.path().join("Dockerfile"), "FROM scratch\nCOPY Dockerfile /\n").unwrap();
    world
}

fn plan(world: &World, environment: &str, more: &[&str]) -> Said {
    world.run(&[&["plan", environment, "--version", "1.0", "--format", "json"], more].concat())
}

/// What each service would run.
#[track_caller]
fn images(said: Said) -> BTreeMap<String, String> {
    let said = said.ended(0).json();
    let all = said["images"].as_object().unwrap().iter();
    all.map(|(name, it)| (name.clone(), it["to"].as_str().unwrap().to_owned())).collect()
}

#[test]
fn a_version_is_looked_up_once_and_everything_is_planned_by_digest() {
    let Some(registry) = Registry::start(WHAT) else { return };
    let world = world(&registry.address, &registry.address);
    let web = push(&registry, "shop/web:1.0");
    let cache = push(&registry, "other/cache:7");
    let found = images(plan(&world, "staging", &[]));
    assert_eq!(found, [("cache", &cache), ("web", &web), ("worker", &web)].map(owned).into());

    let other = push(&registry, "shop/web:1.1");
    let named = format!("web={}/shop/web:1.1", registry.address);
    let found = images(plan(&world, "staging", &["--image", &named]));
    assert_eq!((&found["web"], &found["worker"]), (&other, &other));

    let name = format!("{}/other/cache:7", registry.address);
    let pins = json!({"images": {name: {"tag": "7", "digest": PIN, "date": "2026-01-01"}}, "actions": {}});
    std::fs::write(world.path().join("lockgate.lock"), pins.to_string()).unwrap();
    assert_eq!(
        images(plan(&world, "staging", &[]))["cache"],
        format!("{}/other/cache@{PIN}", registry.address)
    );
}

fn owned((name, image): (&str, &String)) -> (String, String) {
    (name.to_owned(), image.clone())
}

#[test]
fn images_that_are_missing_are_told_all_at_once_with_what_to_do() {
    let Some(registry) = Registry::start(WHAT) else { return };
    let world = world(&registry.address, &registry.address);
    push(&registry, "shop/web:0.9");
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

    let nowhere = format!("127.0.0.1:{}", free_port());
    world.write_text(&spec(&nowhere, &nowhere));
    plan(&world, "staging", &[]).ended(5).says("is not reached: nothing listens there");
}

/// Writes down a release as if it had gone well.
async fn released(world: &World, environment: &str, version: &str, image: &str) {
    let spec = std::fs::read_to_string(world.path().join("lockgate.yaml")).unwrap();
    let (spec, _) = lockgate_spec::Spec::parse("lockgate.yaml", &spec);
    let environment = environment.parse().unwrap();
    let system: System = spec.resolve(&environment, &lockgate_spec::Facts::default()).0.unwrap();
    let scope = Scope { system: system.name.clone(), environment };
    let container = Container {
        image: image.to_owned(),
        entrypoint: vec![],
        user: None,
        templates: BTreeMap::new(),
        networks: vec![],
        limits: Limits::default(),
        mounts: vec![],
        writable: false,
        init: false,
    };
    let forms =
        BTreeMap::from([("web".parse::<ServiceName>().unwrap(), Form::Container(Box::new(container)))]);
    let snapshot = Snapshot { forms, ..Snapshot::new(version.parse::<Version>().unwrap(), system) };
    let store = Store::open(&world.state().join("state.db")).await.unwrap();
    let new = NewRelease { scope, kind: ReleaseKind::Deploy, snapshot, by: "tester".to_owned() };
    let id = store.request(&new, Timestamp(1)).await.unwrap();
    store.end(id, &Ending::Engine(End::Done { leftovers: vec![] }), Timestamp(2)).await.unwrap();
}

#[test]
fn a_promotion_takes_the_images_that_were_released_before_and_keeps_their_digests() {
    let (Some(staging), Some(production)) = (Registry::start(WHAT), Registry::start(WHAT)) else { return };
    let world = world(&staging.address, &production.address);
    push(&staging, "other/cache:7");
    let [first, second] = ["1.0", "1.1"].map(|it| push(&staging, &format!("shop/web:{it}")));
    plan(&world, "production", &[])
        .ended(1)
        .says("`production` takes its images from `staging`")
        .says("`lockgate deploy staging` comes first");

    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(released(&world, "staging", "1.0", &first));
    runtime.block_on(released(&world, "staging", "1.1", &second));
    let there = |image: &str| {
        let digest = image.split_once('@').unwrap().1;
        format!("{}/live/web@{digest}", production.address)
    };
    let found = images(plan(&world, "production", &[]));
    assert_eq!((&found["web"], &found["worker"]), (&there(&first), &there(&first)));
    let found = images(world.run(&["plan", "production", "--version", "2026", "--format", "json"]));
    assert_eq!(found["web"], there(&second), "the newest, as nothing of that version was released");

    // Looking copies nothing.
    let client = Client::new(Registries::default());
    let copied: Reference = there(&first).parse().unwrap();
    assert!(client.resolve(&copied).is_err());
}

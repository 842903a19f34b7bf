//! Values of secrets: found, made, checked, given to instances, restored by a rollback, and seen nowhere else.

use std::collections::BTreeMap;
use std::path::Path;

use crate::world::{World, until};

/// A service that writes down what it was given.
fn spec(world: &World) -> String {
    let program = env!("CARGO_BIN_EXE_lockgate");
    format!(
        "lockgate: v1
system: shop
secrets:
  DB_PASSWORD: {{required: true}}
dependencies:
  cache: {{type: redis, external: {{secret: CACHE_ADDRESS}}}}
services:
  web:
    port: {web}
    command: [sh, -c, 'env | grep ^GIVEN_ | sort > given.txt; exec \"{program}\" sample']
    env:
      GIVEN_URL: \"postgres://shop:${{secrets.DB_PASSWORD}}@db/shop\"
      GIVEN_CACHE: \"${{cache.url}}\"
      GIVEN_PLAIN: {{required: true, about: told by the environment}}
    secrets:
      GIVEN_TOKEN: {{required: true}}
      GIVEN_CERT: {{format: pem, required: true}}
      GIVEN_OPTIONAL: {{required: false}}
      GIVEN_MADE: {{generate: hex32}}
      GIVEN_PRIVATE: {{generate: ed25519}}
      GIVEN_PUBLIC: {{public_of: GIVEN_PRIVATE}}
      GIVEN_PART: {{from: BUNDLE, key: part}}
    health: {{path: /health, interval: 100ms, timeout: 1s, ready_within: 3s}}
    stop: {{drain: 1s, grace: 1s}}
rollout: {{strategy: rolling, bake: 0s}}
environments:
  local: {{target: local, stores: {{secrets: {{file: .env.local}}}}}}
",
        web = world.web,
    )
}

const CERT: &str = "-----BEGIN X-----\nYWJj\n-----END X-----";

fn store(token: &str) -> String {
    format!(
        "# of this machine\nDB_PASSWORD='p@ss word'\nGIVEN_TOKEN={token}\nGIVEN_CERT=\"{CERT}\"\n\
         CACHE_ADDRESS=redis://cache.example.org\nBUNDLE='{{\"part\": \"half\"}}'\n"
    )
}

fn write_store(world: &World, text: &str) {
    std::fs::write(world.path().join(".env.local"), text).unwrap();
}

/// Variables of the instance that started last. Values of several lines are told by their first one.
fn given(world: &World) -> BTreeMap<String, String> {
    until("what the instance was given", || {
        let text = std::fs::read_to_string(world.path().join("given.txt")).ok()?;
        let pairs = text.lines().filter_map(|it| it.split_once('='));
        Some(pairs.map(|it| (it.0.to_owned(), it.1.to_owned())).collect())
    })
}

fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap().map(|it| it.unwrap().path());
    entries.flat_map(|it| if it.is_dir() { files(&it) } else { vec![it] }).collect()
}

#[test]
fn all_that_is_missing_or_wrong_is_told_at_once() {
    let world = World::new();
    world.write_text(&spec(&world));
    let said = world.run(&["deploy", "local"]).ended(1);
    insta::assert_snapshot!(said.stderr);
    write_store(&world, &format!("{}GIVEN_PLAIN=x\n", store("t").replace("BEGIN X", "START X")));
    let said = world.run(&["plan", "local"]).ended(1);
    insta::assert_snapshot!(said.stderr);
    assert!(!said.stderr.contains("YWJj"));
    write_store(&world, "GIVEN_TOKEN='never ends\n");
    world.run(&["plan", "local"]).ended(1).says("line 1 of").says("neither `NAME=value` nor a comment");
    world.close();
}

#[test]
fn values_reach_instances_and_a_rollback_restores_those_of_its_time() {
    let world = World::new();
    world.write_text(&spec(&world));
    write_store(&world, &store("first-token"));
    let deploy = |version: &str| {
        let mut command = world.command(&["deploy", "local", "--version", version]);
        let output = command.env("GIVEN_PLAIN", "of the shell").env("GIVEN_TOKEN", "not this one").output();
        lockgate_testbed::Said::of(&output.unwrap()).ended(0)
    };
    deploy("v1");
    let first = given(&world);
    assert_eq!(first["GIVEN_URL"], "postgres://shop:p@ss word@db/shop");
    assert_eq!(first["GIVEN_CACHE"], "redis://cache.example.org");
    assert_eq!(first["GIVEN_PLAIN"], "of the shell");
    assert_eq!(first["GIVEN_TOKEN"], "first-token");
    assert_eq!(first["GIVEN_CERT"], "-----BEGIN X-----");
    assert_eq!(first["GIVEN_PRIVATE"], "-----BEGIN PRIVATE KEY-----");
    assert_eq!(first["GIVEN_PUBLIC"], "-----BEGIN PUBLIC KEY-----");
    assert_eq!(first["GIVEN_PART"], "half");
    assert_eq!(first["GIVEN_MADE"].len(), 64);
    assert!(!first.contains_key("GIVEN_OPTIONAL"));

    deploy("v1-again").says("nothing to do");
    write_store(&world, &store("second-token"));
    deploy("v2");
    let second = given(&world);
    assert_eq!(second["GIVEN_TOKEN"], "second-token");
    assert_eq!(second["GIVEN_MADE"], first["GIVEN_MADE"], "what was made stays");
    world.run(&["rollback", "local"]).ended(0);
    assert_eq!(given(&world), first);

    let said = world.run(&["plan", "local", "--format", "json"]).all()
        + &world.run(&["history", "local", "--release", "r1", "--format", "json"]).all()
        + &world.run(&["status", "local", "--format", "json"]).all();
    let hidden = ["p@ss word", "first-token", "second-token", &first["GIVEN_MADE"]];
    for value in hidden {
        assert!(!said.contains(value), "`{value}` is shown");
    }
    for path in files(&world.state()) {
        let is_in_vault = path.parent().is_some_and(|it| it.ends_with("secrets"));
        let bytes = std::fs::read(&path).unwrap_or_default();
        let leaks = hidden.iter().any(|it| bytes.windows(it.len()).any(|part| part == it.as_bytes()));
        assert!(is_in_vault || !leaks, "a value is in {}", path.display());
    }
    world.close();
}

#[test]
fn a_public_half_is_derived_from_an_rsa_key_that_somebody_made() {
    let made = std::process::Command::new("openssl")
        .args(["genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048"])
        .output();
    let Ok(made) = made else {
        assert!(std::env::var_os("CI").is_none_or(|it| it != "true"), "openssl is not installed");
        println!("skipped: public halves of RSA keys: openssl is not installed");
        return;
    };
    let world = World::new();
    let private = String::from_utf8(made.stdout).unwrap();
    let text = spec(&world).replace("ed25519", "rsa-2048").replace("^GIVEN_ | sort", "-A12 ^GIVEN_PUBLIC");
    world.write_text(&text);
    write_store(&world, &format!("{}GIVEN_PLAIN=x\n", store("t")));
    let said = world.run(&["plan", "local"]).ended(1);
    said.says("GIVEN_PRIVATE").says("openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048");
    write_store(&world, &format!("{}GIVEN_PLAIN=x\nGIVEN_PRIVATE='{private}'\n", store("t")));
    world.deploy("v1").ended(0);
    let given = std::fs::read_to_string(world.path().join("given.txt")).unwrap();
    std::fs::write(world.path().join("private.pem"), private).unwrap();
    let public = std::process::Command::new("openssl")
        .args(["pkey", "-pubout", "-in", "private.pem"])
        .current_dir(world.path())
        .output();
    let public = String::from_utf8(public.unwrap().stdout).unwrap();
    assert!(given.contains(&format!("GIVEN_PUBLIC={public}")), "{given}\n{public}");
    world.close();
}

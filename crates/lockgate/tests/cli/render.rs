//! `render`: the tree is written, checked and looked through, and nobody's work is lost.

use std::path::Path;
use std::process::Command;

use crate::world::World;

const SHOP: &str = "lockgate: v1
system: shop
build: {preset: node, image: shop}
services:
  web: {port: 8080, health: /up, env: {GREETING: hello, COLOUR: red}}
environments:
  dev: {target: docker, services: {web: {ports: {http: {publish: 8080}}}}}
  local: {target: local, defaults: {command: [./web]}}
";
const COMPOSE: &str = "deploy/compose/dev/compose.yaml";
const DOTENV: &str = "deploy/env/dev.env.example";

fn rendered() -> World {
    let world = World::new();
    world.write_text(SHOP);
    world.run(&["render"]).ended(0).says("wrote");
    world
}

fn text(world: &World, path: &str) -> String {
    std::fs::read_to_string(world.path().join(path)).unwrap()
}

fn change(world: &World, path: &str, from: &str, to: &str) {
    let before = text(world, path);
    assert!(before.contains(from), "{before}");
    std::fs::write(world.path().join(path), before.replace(from, to)).unwrap();
}

#[test]
fn what_is_written_is_clean_and_written_once() {
    let world = rendered();
    assert!(text(&world, COMPOSE).contains("GREETING: hello"));
    world.run(&["render", "--check"]).ended(0).says("as the spec says");
    world.run(&["render"]).ended(0).says("wrote 0 files");
    let json = world.run(&["render", "--check", "--format", "json"]).ended(0).json();
    assert_eq!(json["clean"], true);
}

#[test]
fn a_check_tells_changed_missing_new_and_orphaned_files() {
    let world = rendered();
    change(&world, COMPOSE, "hello", "hallo");
    let said = world.run(&["render", "--check"]).ended(1);
    assert!(said.stdout.contains("-      GREETING: hallo\n+      GREETING: hello"), "{said:?}");
    std::fs::remove_file(world.path().join(COMPOSE)).unwrap();
    world.run(&["render", "--check"]).ended(1).says("missing   deploy/compose/dev/compose.yaml");
    world.run(&["render"]).ended(0);

    world.write_text(&SHOP.replace("  dev: {", "  test: {"));
    let json = world.run(&["render", "--check", "--format", "json"]).ended(1).json();
    let of =
        |path: &str| json["differences"].as_array().unwrap().iter().find(|it| it["path"] == path).cloned();
    assert_eq!(of(COMPOSE).unwrap()["difference"], "orphaned");
    assert_eq!(of("deploy/compose/test/compose.yaml").unwrap()["difference"], "new");
    world.run(&["render"]).ended(0).says("removed");
    assert!(!world.path().join(COMPOSE).exists());
    world.run(&["render", "--check"]).ended(0);
}

#[test]
fn what_somebody_edited_or_wrote_is_never_overwritten_unasked() {
    let world = rendered();
    change(&world, COMPOSE, "hello", "mine");
    world.run(&["render"]).ended(1).says(COMPOSE).says("--force");
    assert!(text(&world, COMPOSE).contains("mine"));
    world.run(&["render", "--force"]).ended(0);
    assert!(text(&world, COMPOSE).contains("hello"));

    let other = World::new();
    other.write_text(SHOP);
    std::fs::create_dir_all(other.path().join("deploy/env")).unwrap();
    std::fs::write(other.path().join(DOTENV), "MINE=1\n").unwrap();
    other.run(&["render"]).ended(1).says(DOTENV);
    assert_eq!(text(&other, DOTENV), "MINE=1\n");
    assert!(!other.path().join(COMPOSE).exists(), "nothing is written by halves");
}

#[test]
fn a_marked_block_is_filled_and_the_rest_of_the_file_stays() {
    let world = World::new();
    world.write_text(SHOP);
    std::fs::create_dir_all(world.path().join("deploy/env")).unwrap();
    let mine = "MINE=1\n# lockgate:begin artifact\n# lockgate:end artifact\nALSO=mine\n";
    std::fs::write(world.path().join(DOTENV), mine).unwrap();
    world.run(&["render"]).ended(0);
    let text = text(&world, DOTENV);
    assert!(
        text.starts_with("MINE=1\n") && text.ends_with("ALSO=mine\n") && text.contains("COLOUR=red"),
        "{text}"
    );
    world.run(&["render", "--check"]).ended(0);
}

#[test]
fn one_environment_or_one_kind_leaves_the_others_alone() {
    let world = World::new();
    world.write_text(SHOP);
    world.run(&["render", "--env", "local"]).ended(0);
    assert!(!world.path().join(COMPOSE).exists());
    world.run(&["render", "--env", "dev", "--only", "dotenv"]).ended(0);
    assert!(world.path().join(DOTENV).exists() && !world.path().join(COMPOSE).exists());
    world.run(&["render"]).ended(0);
    world.run(&["render", "--only", "compose", "--check"]).ended(0);
    world.run(&["render", "--env", "prod"]).ended(1).says("there is no environment `prod`");
    world.run(&["render", "--only", "terraform"]).ended(2).says("these are: dockerfile, compose");
}

#[test]
fn keys_that_vanished_since_a_revision_are_named() {
    let world = rendered();
    let git = |args: &[&str]| {
        let identity = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
        let status =
            Command::new("git").arg("-C").arg(world.path()).args(identity).args(args).output().unwrap();
        assert!(status.status.success(), "{status:?}");
    };
    git(&["init", "-q"]);
    git(&["add", "."]);
    git(&["commit", "-qm", "all"]);
    world.run(&["render", "--against", "HEAD"]).ended(0).says("nothing vanished");
    world.write_text(&SHOP.replace(", COLOUR: red", ""));
    let said = world.run(&["render", "--against", "HEAD"]).ended(1);
    assert!(said.stdout.contains(&format!("{COMPOSE}: services.web.environment.COLOUR\n")), "{said:?}");
    assert!(said.stdout.contains(&format!("{DOTENV}: COLOUR\n")), "{said:?}");
    world.run(&["render", "--against", "v9"]).ended(1).says("`v9` is no revision");
}

#[test]
fn bad_input_is_named_and_nothing_is_written() {
    let world = World::new();
    world.write_text(&format!("{SHOP}patches: [{{kind: ComposeService, name: wbe, set: {{init: null}}}}]\n"));
    world.run(&["render"]).ended(1).says("the patch of ComposeService `wbe` matches nothing");
    world.write_text(SHOP);
    std::fs::write(world.path().join("images.json"), "{\"web\": \"latest\"}").unwrap();
    world
        .run(&["render", "--images", "images.json"])
        .ended(1)
        .says("the image of `web`: a digest starts with");
    std::fs::write(world.path().join("lockgate.lock"), "{").unwrap();
    world.run(&["render"]).ended(1).says("lockgate.lock");
    std::fs::remove_file(world.path().join("lockgate.lock")).unwrap();
    std::os::unix::fs::symlink("/tmp", world.path().join("deploy")).unwrap();
    world.run(&["render"]).ended(1).says("is a link");
    assert!(!Path::new("/tmp/compose/dev").exists());
}

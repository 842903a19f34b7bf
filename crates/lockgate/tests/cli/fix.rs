//! `check --fix`: what is mended, what is shown, and what is left alone.

use std::os::unix::fs::PermissionsExt as _;

use crate::world::World;

/// Commands in one string, in the spec and in a file that it includes, and a port that is used twice.
fn world() -> World {
    let world = World::new();
    world.write_text(
        "lockgate: v1\nsystem: shop\ninclude: more.yaml\nservices:\n  web: {port: 8080, command: ./web run}\n\
         environments: {local: {target: local}}\n",
    );
    std::fs::write(world.path().join("more.yaml"), MORE).unwrap();
    world
}

const MORE: &str = "services:\r\n  # the API\r\n  api:\r\n    port: 8080\r\n    command: \"./api\"\r\n";

fn texts(world: &World) -> [String; 2] {
    ["lockgate.yaml", "more.yaml"].map(|it| std::fs::read_to_string(world.path().join(it)).unwrap())
}

#[test]
fn safe_fixes_are_applied_in_all_files_and_what_is_left_is_reported() {
    let world = world();
    let rights = std::fs::Permissions::from_mode(0o604);
    std::fs::set_permissions(world.path().join("more.yaml"), rights).unwrap();
    let said = world.run(&["check", "--fix"]).ended(1);
    insta::assert_snapshot!(said.stderr);
    let [spec, more] = texts(&world);
    assert!(spec.contains("command: [./web, run]}"), "{spec}");
    assert_eq!(more, MORE.replace("\"./api\"", "[./api]"));
    assert_eq!(world.path().join("more.yaml").metadata().unwrap().permissions().mode() & 0o777, 0o604);
    world.run(&["check", "--fix"]).ended(1).says("nothing to fix by itself");
}

#[test]
fn a_dry_run_shows_a_diff_that_can_be_applied_and_changes_nothing() {
    let world = world();
    let before = texts(&world);
    let said = world.run(&["check", "--fix", "--dry-run"]).ended(1);
    assert_eq!(said.stderr, "");
    assert_eq!(texts(&world), before);
    let changed: Vec<&str> = said.stdout.lines().filter(|it| it.starts_with(['-', '+'])).collect();
    assert_eq!(
        changed,
        [
            "--- a/lockgate.yaml",
            "+++ b/lockgate.yaml",
            "-  web: {port: 8080, command: ./web run}",
            "+  web: {port: 8080, command: [./web, run]}",
            "--- a/more.yaml",
            "+++ b/more.yaml",
            "-    command: \"./api\"",
            "+    command: [./api]",
        ]
    );
    world.run(&["check", "--fix"]).ended(1);
    assert_eq!(world.run(&["check", "--fix", "--dry-run"]).ended(0).stdout, "");
    world.run(&["check", "--dry-run"]).ended(2).says("--fix");
}

#[test]
fn who_asks_for_json_is_told_in_json_what_was_fixed() {
    let world = world();
    let said = world.run(&["check", "--fix", "--format", "json"]).ended(1);
    assert_eq!(said.json()["diagnostics"][0]["code"], "LG101");
    let fixed: serde_json::Value = serde_json::from_str(&said.stderr).unwrap();
    let titles = [r"write `[./web, run]`", r"write `[./api]`"];
    assert_eq!(fixed["fixed"]["titles"], serde_json::json!(titles), "{fixed:#}");
}

#[test]
fn a_file_that_may_not_be_written_is_left_alone() {
    // Whoever may do everything is not stopped by a mode.
    if rustix::process::geteuid().is_root() {
        return;
    }
    let world = world();
    let before = texts(&world);
    let read_only = std::fs::Permissions::from_mode(0o444);
    std::fs::set_permissions(world.path().join("lockgate.yaml"), read_only).unwrap();
    world.run(&["check", "--fix"]).ended(1).says("cannot write lockgate.yaml");
    assert_eq!(texts(&world), before);
}

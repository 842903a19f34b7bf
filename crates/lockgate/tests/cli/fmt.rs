//! `fmt`: files are put in order, or only looked at.

use std::io::Write as _;
use std::process::Stdio;

use crate::world::World;

const UNTIDY: &str = "system:     shop # ours\nlockgate: v1\ninclude: [ more.yaml ]\nenvironments: { local: {target: local} }\n";
const TIDY: &str = "lockgate: v1\nsystem: shop                            # ours\ninclude: [more.yaml]\nenvironments: {local: {target: local}}\n";
const MORE: &str = "services:\n    web:\n        command: [ \"./web\" ]\n";
const MORE_TIDY: &str = "services:\n  web:\n    command: [./web]\n";

fn world() -> World {
    let world = World::new();
    world.write_text(UNTIDY);
    std::fs::write(world.path().join("more.yaml"), MORE).unwrap();
    world
}

fn texts(world: &World) -> [String; 2] {
    ["lockgate.yaml", "more.yaml"].map(|it| std::fs::read_to_string(world.path().join(it)).unwrap())
}

#[test]
fn the_spec_and_what_it_includes_are_put_in_order() {
    let world = world();
    world.run(&["fmt"]).ended(0).says("formatted lockgate.yaml\nformatted more.yaml");
    assert_eq!(texts(&world), [TIDY, MORE_TIDY]);
    world.run(&["fmt"]).ended(0).says("nothing to format");
    world.run(&["fmt", "--check"]).ended(0);
}

#[test]
fn a_check_shows_what_would_change_and_changes_nothing() {
    let world = world();
    let said = world.run(&["fmt", "--check"]).ended(1);
    assert_eq!(said.stderr, "");
    assert!(
        said.stdout.contains("--- a/lockgate.yaml") && said.stdout.contains("+    command: [./web]"),
        "{said:?}"
    );
    assert_eq!(texts(&world), [UNTIDY, MORE]);
    let json = world.run(&["fmt", "--check", "--format", "json"]).ended(1).json();
    assert_eq!(json["changed"], serde_json::json!(["lockgate.yaml", "more.yaml"]));
}

#[test]
fn one_file_alone_is_formatted_when_it_is_named() {
    let world = world();
    world.run(&["fmt", "more.yaml"]).ended(0).says("formatted more.yaml");
    assert_eq!(texts(&world), [UNTIDY, MORE_TIDY]);
    world.run(&["fmt", "none.yaml"]).ended(1).says("cannot read");
}

#[test]
fn a_file_that_cannot_be_read_is_left_as_it_is() {
    let world = world();
    std::fs::write(world.path().join("more.yaml"), "services: {web: {}\n").unwrap();
    world.run(&["fmt"]).ended(1).says("`{` is not closed").says("more.yaml is left as it is");
    assert_eq!(texts(&world), [TIDY, "services: {web: {}\n"], "the others are formatted");
}

#[test]
fn editors_send_text_and_get_text() {
    let world = world();
    let mut child = world.command(&["fmt", "-"]);
    let mut child = child.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(UNTIDY.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stdout).unwrap()), (Some(0), TIDY.to_owned()));
}

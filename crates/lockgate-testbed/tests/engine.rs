//! An engine of the test's own runs what the testbed makes, survives being killed, and leaves nothing behind.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

use std::process::Command;

use lockgate_testbed::{Engine, Image, Networks};

const IMAGE: &str = "testbed/engine:1";

#[test]
fn an_image_without_an_engine_runs_in_one_that_is_killed_and_started_again() {
    let Some(mut engine) = Engine::start("a Docker engine of its own", Networks::Bridges) else { return };
    let this = Image::of_program(&std::env::current_exe().unwrap());
    engine.load(&[(&this, IMAGE)]);
    engine.run(["network", "create", "testbed"]);
    let bridge =
        format!("br-{}", &engine.run(["network", "inspect", "testbed", "--format", "{{.Id}}"])[..12]);
    assert!(interfaces().contains(&bridge));
    let listed = |engine: &Engine| {
        engine.run(["run", "--rm", "--network=testbed", "--read-only", "--cap-drop=ALL", IMAGE, "--list"])
    };
    assert!(listed(&engine).contains("killed_and_started_again: test"));

    engine.kill();
    engine.start_again();
    assert!(listed(&engine).contains("killed_and_started_again: test"));

    let folder = engine.folder().to_owned();
    drop(engine);
    assert!(!folder.exists());
    assert!(!interfaces().contains(&bridge));
}

fn interfaces() -> String {
    let (stdout, _) = lockgate_testbed::output(Command::new("ip").args(["-oneline", "link"]));
    String::from_utf8(stdout).unwrap()
}

//! Orders to a release that runs, releases that queue, and the way back to an earlier one.

use std::os::unix::fs::PermissionsExt as _;

use rustix::process::{Pid, Signal, kill_process};

use crate::knobs::Knobs;
use crate::world::{World, get, until};

/// A release that stays at its first gate until somebody says something.
fn slow() -> Knobs {
    Knobs { pause: "60s", ..Knobs::default() }
}

/// `v1` in place, and `v2` at its first gate without traffic that could decide it.
fn at_the_gate() -> World {
    let world = World::new();
    world.deploy("v1").ended(0);
    world.write(&slow());
    world.run(&["deploy", "--version", "v2", "--detach"]).ended(0);
    world.until_gated();
    world
}

#[test]
fn an_abort_in_the_middle_goes_back_without_loss() {
    let world = at_the_gate();
    let traffic = world.traffic(100.0);
    world.run(&["abort"]).ended(1).says("add --yes");
    world.run(&["abort", "--yes", "--reason", "wrong day"]).ended(0).says("being taken back");
    world.run(&["watch"]);
    traffic.stop_without_loss();
    assert_eq!(world.versions_served(), ["v1"]);
    world.run(&["history"]).ended(0).says("wrong day");
    world.run(&["abort", "--yes"]).ended(1).says("no release of shop/local runs");
    world.close();
}

#[test]
fn a_paused_release_goes_on_when_it_is_resumed_and_promoted() {
    let world = at_the_gate();
    world.run(&["pause"]).ended(0).says("holds");
    let status = world.run(&["status", "--format", "json"]).ended(0).json();
    assert!(status["status"]["phase"].to_string().contains("paused"), "{status}");
    world.run(&["resume"]).ended(0);
    world.run(&["promote"]).ended(0);
    // The second step has a gate too.
    until("the end of the release", || {
        world.run(&["promote"]);
        world.history()[0]["ended_at"].is_u64().then_some(())
    });
    assert_eq!(world.versions_served(), ["v2"]);
    world.run(&["history"]).ended(0).says("done");
    world
        .run(&["history", "--release", "r2"])
        .ended(0)
        .says("promoted it")
        .says("paused by")
        .says("resumed by");
    world.close();
}

#[test]
fn of_the_releases_that_wait_the_newest_replaces_the_older() {
    let world = at_the_gate();
    world.write(&Knobs::default());
    world.run(&["deploy", "--version", "v3", "--detach"]).ended(0).says("queued behind r2");
    world.run(&["deploy", "--version", "v4", "--detach"]).ended(0);
    world.run(&["abort", "--yes"]).ended(0);
    let traffic = world.traffic(400.0);
    until("v4 in place", || {
        world.run(&["watch"]);
        world.history()[0]["ended_at"].is_u64().then_some(())
    });
    traffic.stop_without_loss();
    assert_eq!(world.versions_served(), ["v4"]);
    world.run(&["history"]).ended(0).says("superseded").says("aborted");
    world.close();
}

#[test]
fn ctrl_c_ends_the_watching_and_not_the_release() {
    let world = at_the_gate();
    let watching = world.start(&["watch"]);
    // It has its handler once it follows; one that had not would be ended by the signal, without a code.
    let journal_open = |pid: u32| {
        let files = std::fs::read_dir(format!("/proc/{pid}/fd")).ok()?;
        let mut paths = files.flatten().filter_map(|it| std::fs::read_link(it.path()).ok());
        paths.any(|it| it.ends_with("state.db")).then_some(())
    };
    until("the watching to have begun", || journal_open(watching.id()));
    until("the handler of SIGINT", || catches_sigint(watching.id()).then_some(()));
    kill_process(Pid::from_child(&watching), Signal::INT).unwrap();
    let output = watching.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(4));
    assert!(world.driver_pid().is_some(), "the driver goes on");
    let traffic = world.traffic(400.0);
    world.run(&["watch"]).ended(0);
    traffic.stop_without_loss();
    assert_eq!(world.versions_served(), ["v2"]);
    world.close();
}

fn catches_sigint(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let caught = status.lines().find_map(|it| it.strip_prefix("SigCgt:")).unwrap_or("0").trim().to_owned();
    u64::from_str_radix(&caught, 16).unwrap_or(0) & (1 << (Signal::INT.as_raw() - 1)) != 0
}

/// Files of a version: a program that passes on what is written beside it.
fn write_files(world: &World, mark: &str) {
    let folder = world.path().join("web");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("mark"), mark).unwrap();
    let program = env!("CARGO_BIN_EXE_lockgate");
    let script = format!("#!/bin/sh\nSAMPLE_MARK=$(cat mark)-$1 exec '{program}' sample\n");
    std::fs::write(folder.join("start"), script).unwrap();
    std::fs::set_permissions(folder.join("start"), std::fs::Permissions::from_mode(0o755)).unwrap();
}

fn of_files(word: &str, knob: &str) -> Knobs {
    Knobs {
        web: "files: web".to_owned(),
        command: format!("[./start, {word}]"),
        strategy: "rolling",
        ..Knobs::with("SAMPLE_KNOB", knob)
    }
}

/// What the instances were started with: files, command, environment.
fn origin(world: &World) -> (Option<String>, Option<String>) {
    (get(world.web, "/env?key=SAMPLE_MARK"), get(world.web, "/env?key=SAMPLE_KNOB"))
}

#[test]
fn a_rollback_restores_command_environment_and_files() {
    let world = World::new();
    let some = |text: &str| Some(text.to_owned());
    for (version, mark) in [("v1", "one"), ("v2", "two"), ("v3", "three")] {
        write_files(&world, mark);
        world.write(&of_files(version, mark));
        world.deploy(version).ended(0);
        assert_eq!(origin(&world), (some(&format!("{mark}-{version}")), some(mark)));
    }
    // What stands on disk now is of no matter to what was released before.
    std::fs::remove_dir_all(world.path().join("web")).unwrap();
    let traffic = world.traffic(100.0);
    world.run(&["rollback"]).ended(0).says("back to v2");
    assert_eq!(origin(&world), (some("two-v2"), some("two")));
    world.run(&["rollback", "--to", "v1"]).ended(0).says("back to v1");
    assert_eq!(origin(&world), (some("one-v1"), some("one")));
    world.run(&["rollback", "--to", "r3"]).ended(0).says("back to v3");
    assert_eq!(origin(&world), (some("three-v3"), some("three")));
    traffic.stop_without_loss();
    world.run(&["history"]).ended(0).says("rollback");
    world.close();
}

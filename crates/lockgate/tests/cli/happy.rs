//! Releases that go well, and what the other commands say of them.

use crate::knobs::Knobs;
use crate::world::World;
use lockgate_testbed::Said;

#[test]
fn a_canary_takes_over_under_load_and_every_command_can_tell() {
    let world = World::new();
    world.deploy("v1").ended(0).says("r1 v1: done");
    let traffic = world.traffic(400.0);

    world.write(&Knobs { pause: "30s", ..Knobs::default() });
    let said = world.run(&["deploy", "local", "--version", "v2", "--format", "json"]).ended(0);
    assert!(said.stdout.contains("early-evidence"), "{}", said.stdout);
    for line in said.stdout.lines() {
        let line: serde_json::Value = serde_json::from_str(line).unwrap();
        assert_eq!(line["release"], "r2", "{line}");
    }
    let report = traffic.stop_without_loss();
    assert!(0 < report.answered_by("v1") && 0 < report.answered_by("v2"), "{report:?}");
    assert_eq!(world.versions_served(), ["v2"]);

    world.run(&["deploy", "local", "--version", "v2"]).ended(0).says("nothing");
    tells_what_was(&world);
    world.close();
}

fn tells_what_was(world: &World) {
    let history = world.run(&["history", "local"]).ended(0);
    insta::assert_snapshot!(without_times(&history));
    let rows = world.history();
    assert_eq!((rows[1]["version"].as_str(), rows[2]["version"].as_str()), (Some("v2"), Some("v1")));
    world.run(&["history", "--release", "r2"]).ended(0).says("passed early");
    let journal = world.run(&["history", "--release", "r2", "--format", "json"]).ended(0);
    for line in journal.stdout.lines() {
        drop(serde_json::from_str::<serde_json::Value>(line).unwrap());
    }
    world.run(&["status"]).ended(0).says("web").says("v2").says("2/2");
    let status = world.run(&["status", "--format", "json"]).ended(0).json();
    assert_eq!((&status["node"], status["slots"].as_array().unwrap().len()), (&true.into(), 2), "{status}");
    world.run(&["logs", "web"]).ended(0);
    for line in world.run(&["logs", "web", "--format", "json"]).ended(0).stdout.lines() {
        drop(serde_json::from_str::<serde_json::Value>(line).unwrap());
    }
    world.run(&["watch"]).ended(0).says("no release of shop/local runs");
}

/// Dates, times and durations change from run to run; they are the words that begin with a digit.
fn without_times(said: &Said) -> String {
    let is_time = |word: &str| word.starts_with(|it: char| it.is_ascii_digit());
    let mut text = String::new();
    for line in said.stdout.lines() {
        let words: Vec<&str> = line.split_whitespace().map(|it| if is_time(it) { "#" } else { it }).collect();
        text.push_str(&words.join(" "));
        text.push('\n');
    }
    text
}

#[test]
fn a_rolling_update_loses_no_request() {
    let world = World::new();
    let rolling = Knobs { strategy: "rolling", ..Knobs::default() };
    world.write(&rolling);
    world.deploy("v1").ended(0);
    let traffic = world.traffic(300.0);
    for version in ["v2", "v3"] {
        world.deploy(version).ended(0);
        assert_eq!(world.versions_served(), [version]);
    }
    traffic.stop_without_loss();
    world.close();
}

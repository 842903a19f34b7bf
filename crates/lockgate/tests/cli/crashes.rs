//! The command, the driver and the node are killed at random moments of real canaries: every release ends as it
//! should, and nobody notices but those who asked while no node ran.

use std::time::{Duration, Instant};

use crate::dice::Dice;
use crate::knobs::Knobs;
use crate::world::{Traffic, World, kill, until};

/// Canaries of each test; five tests make fifty.
const CANARIES: u32 = 10;
/// Bad canaries are over before this and good ones after it, so kills hit every part of both, and the quiet after.
const SPAN: Duration = Duration::from_millis(2_500);

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Victim {
    Command,
    Driver,
    Node,
}

#[test]
fn killing_the_command_harms_nothing() {
    shaken(1, &[Victim::Command]);
}

#[test]
fn killing_the_driver_harms_nothing() {
    shaken(2, &[Victim::Driver]);
}

#[test]
fn killing_command_and_driver_at_once_harms_nothing() {
    shaken(3, &[Victim::Driver, Victim::Command]);
}

#[test]
fn killing_the_node_costs_only_the_requests_while_none_ran() {
    shaken(4, &[Victim::Node]);
}

#[test]
fn killing_all_of_them_at_once_is_survived() {
    shaken(5, &[Victim::Node, Victim::Driver, Victim::Command]);
}

/// Canaries under load, good and bad ones in turn, with a kill in each.
fn shaken(test: u64, victims: &[Victim]) {
    let mut dice = Dice::new("LOCKGATE_TEST_SEED", test);
    let world = World::new();
    world.deploy("v0").ended(0);
    let mut in_place = "v0".to_owned();
    let mut hits = 0;
    for number in 1..=CANARIES {
        let bad = number.is_multiple_of(2);
        let version = format!("v{number}");
        let before = (world.instances("web"), world.instances("api"));
        let traffic = world.traffic(250.0);
        let knobs = if bad { bad_version(&mut dice) } else { Knobs::default() };
        world.write(&knobs);
        let after = dice.moment(SPAN);
        println!("{version}: {:?}, kills {victims:?} after {after:?}", knobs.env);
        hits += u32::from(killed(&world, &version, victims, after));
        ends_as_it_should(&world, &version, bad);
        if !bad {
            in_place = version;
        }
        everything_is_served(&world, &in_place, victims, traffic);
        if bad {
            let after = (world.instances("web"), world.instances("api"));
            assert_eq!(before, after, "instances of the old version are the same processes");
        }
    }
    println!("{hits} of {CANARIES} were under way when they were hit");
    assert!(0 < hits, "the kills came too late to try anything");
    no_record_is_left_open(&world);
    world.close();
}

fn bad_version(dice: &mut Dice) -> Knobs {
    match dice.below(3) {
        0 => Knobs::with("SAMPLE_ERROR_RATE", "0.3"),
        1 => Knobs::with("SAMPLE_READY", "never"),
        _ => Knobs::with("SAMPLE_CRASH", "at-start"),
    }
}

/// Starts a release and kills the victims at a moment of it, or of what follows when it was quick.
/// Whether it was under way.
fn killed(world: &World, version: &str, victims: &[Victim], after: Duration) -> bool {
    let start = Instant::now();
    let mut command = world.start(&["deploy", "local", "--version", version]);
    let queued = |it: &serde_json::Value| it["version"] == version;
    until("the release to be queued", || world.history().iter().any(queued).then_some(()));
    // The moment itself is what is tried here, not an event.
    until("the moment of the kill", || (after <= start.elapsed()).then_some(()));
    let instances = world.instance_pids();
    let under_way = world.driver_pid().is_some();
    for victim in victims {
        match victim {
            Victim::Command => command.kill().unwrap(),
            Victim::Driver => world.driver_pid().into_iter().for_each(kill),
            Victim::Node => kill_node(world, &instances),
        }
    }
    command.wait().unwrap();
    under_way
}

/// Instances outlive their node.
fn kill_node(world: &World, instances: &[u32]) {
    let Some(node) = world.node_process() else { return };
    kill(node);
    until("the end of the node", || (world.node_process() != Some(node)).then_some(()));
    let left = world.instance_pids();
    // One that was being stopped may go at this very moment.
    let gone = instances.iter().filter(|it| !left.contains(it)).count();
    assert!(gone <= 2, "{gone} of {instances:?} went with the node");
}

/// Whoever looks next makes the release go on, and it ends as if nothing had been.
fn ends_as_it_should(world: &World, version: &str, bad: bool) {
    let code = if bad { 3 } else { 0 };
    let row = until("the end of the release", || {
        let said = world.run(&["watch", "local"]);
        // It may have ended before, and then there is nothing to watch.
        assert!(matches!(said.code, Some(0)) || said.code == Some(code), "{said:?}");
        world.history().into_iter().find(|it| it["version"] == version && it["ended_at"].is_u64())
    });
    let outcome = row["outcome"].to_string();
    let wanted = if bad { "rolled-back" } else { "done" };
    assert!(outcome.contains(wanted), "{version}: {outcome}\n{}", world.driver_log());
    let id = row["id"].as_str().unwrap();
    // It is told by replaying the journal.
    world.run(&["history", "--release", id]).ended(0);
}

fn everything_is_served(world: &World, in_place: &str, victims: &[Victim], traffic: Traffic) {
    if victims.contains(&Victim::Node) {
        // A release that goes on has started a node by itself; after its end somebody must say so.
        if world.run(&["status"]).ended(0).stdout.contains("`lockgate node run` serves what is in place") {
            drop(world.start(&["node", "run"]));
        }
        until("a node that serves both services", || {
            (world.run(&["status"]).stdout.matches("2/2").count() == 2).then_some(())
        });
        assert_eq!(world.versions_served(), [in_place]);
        let before = traffic.so_far();
        until("more requests", || (before.requests + 50 < traffic.so_far().requests).then_some(()));
        let report = traffic.stop();
        assert_eq!(report.lost(), before.lost(), "lost while the node ran: {report:?}");
    } else {
        traffic.stop_without_loss();
        assert_eq!(world.versions_served(), [in_place]);
    }
    for service in ["web", "api"] {
        assert_eq!(world.instances(service).len(), 2, "instances of {service}");
    }
    assert_eq!(world.instance_pids().len(), 4, "no orphans");
}

fn no_record_is_left_open(world: &World) {
    for row in world.history() {
        assert!(row["ended_at"].is_u64(), "{row}");
    }
    assert!(world.driver_pid().is_none(), "the driver ends when nothing waits");
}

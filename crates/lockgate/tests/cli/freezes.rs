//! Times at which nothing is released, and what is done when something must be.

use crate::knobs::Knobs;
use crate::world::World;

/// From long ago to a day that no test sees.
const FREEZE: &str = "rollout:\n  freeze: [{from: 2020-01-01, to: 2199-12-31, timezone: Europe/Berlin, reason: books are closed}]";

#[test]
fn a_frozen_environment_takes_a_release_only_with_a_reason_that_stays_on_record() {
    let world = World::new();
    world.write(&Knobs { strategy: "rolling", ..Knobs::default() });
    let spec = std::fs::read_to_string(world.path().join("lockgate.yaml")).unwrap();
    world.write_text(&spec.replacen("rollout:", FREEZE, 1));
    let until = "frozen     until Wed 2200-01-01 00:00 Europe/Berlin: books are closed";
    world.run(&["plan", "--version", "v1"]).ended(0).says(until);
    let plan = world.run(&["plan", "--version", "v1", "--format", "json"]).ended(0).json();
    assert_eq!(plan["frozen"]["until"], "2199-12-31T23:00:00Z", "{}", plan["frozen"]);
    let said = world.deploy("v1").ended(1).says("`local` is frozen until Wed 2200-01-01");
    said.says("--despite-freeze REASON");

    let despite = ["--despite-freeze", "the shop is down"];
    world.run(&[&["deploy", "--version", "v1"], &despite[..]].concat()).ended(0);
    world.run(&["history", "--release", "r1"]).ended(0).says("released in a freeze: the shop is down");
    world.run(&[&["deploy", "--version", "v2"], &despite[..]].concat()).ended(0);
    world.run(&["rollback"]).ended(0);
    assert_eq!(world.versions_served(), ["v1"], "the way back is never frozen");
    world.close();
}

//! Versions that are no good: the old one serves on, nobody loses a request, and the reason is given.

use std::net::TcpListener;

use crate::knobs::Knobs;
use crate::world::World;
use lockgate_testbed::Said;

/// Releases `v2` over a good `v1` under load; it must end with `code`, and `v1` serve as if nothing had been.
#[track_caller]
fn v2_goes_back(world: &World, v2: &Knobs, code: i32) -> Said {
    world.deploy("v1").ended(0);
    v2_goes_back_over(world, v2, code)
}

#[track_caller]
fn v2_goes_back_over(world: &World, v2: &Knobs, code: i32) -> Said {
    let traffic = world.traffic(300.0);
    world.write(v2);
    let said = world.deploy("v2").ended(code);
    let report = traffic.stop_without_loss();
    assert_eq!(report.http_4xx + report.http_5xx, 0, "{report:?}");
    assert_eq!(world.versions_served(), ["v1"]);
    assert_eq!(world.instances("web").len(), 2, "instances of v1 only");
    assert_eq!(world.instances("api").len(), 2, "instances of v1 only");
    said
}

#[test]
fn a_version_that_never_gets_ready_is_taken_back() {
    let world = World::new();
    v2_goes_back(&world, &Knobs::with("SAMPLE_READY", "never"), 3)
        .says("0 of 1 instances are ready after 3s")
        .says("503");
    world.close();
}

#[test]
fn a_version_that_crashes_at_start_is_taken_back_with_its_last_words() {
    let world = World::new();
    v2_goes_back(&world, &Knobs::with("SAMPLE_CRASH", "at-start"), 3).says("exit");
    world.close();
}

#[test]
fn a_version_that_crashes_under_traffic_is_taken_back() {
    let world = World::new();
    world.deploy("v1").ended(0);
    let traffic = world.traffic(300.0);
    world.write(&Knobs { pause: "20s", ..Knobs::with("SAMPLE_CRASH", "after-ready:1s") });
    world.deploy("v2").ended(3).says("web: no instance of the new version is ready any more");
    // Requests that a dying instance had taken are its own failures; everything else is served.
    let report = traffic.stop();
    assert_eq!(report.failures.total(), 0, "{report:?}");
    assert!(report.proxy_errors < report.requests / 20, "{report:?}");
    assert_eq!(world.versions_served(), ["v1"]);
    world.close();
}

#[test]
fn a_version_with_five_percent_of_errors_is_judged_and_taken_back() {
    let world = World::new();
    let v2 = Knobs { pause: "20s", ..Knobs::with("SAMPLE_ERROR_RATE", "0.05") };
    v2_goes_back(&world, &v2, 3).says("web").says("error");
    world.close();
}

#[test]
fn a_failed_migration_starts_nothing() {
    let world = World::new();
    let migrations = "migrations: {command: [sh, -c, \"echo the table is locked; exit 7\"], in: web, \
                      retry: {attempts: 2, initial: 100ms, max: 100ms}}";
    let v2 = Knobs { extra: migrations.to_owned(), ..Knobs::default() };
    world.deploy("v1").ended(0);
    let before = world.instances("web");
    v2_goes_back_over(&world, &v2, 3).says("exit code 7").says("the table is locked").says("attempt 2");
    assert_eq!(world.instances("web"), before, "no instance was touched");
    let journal = world.run(&["history", "--release", "r2", "--format", "json"]).ended(0);
    assert!(!journal.stdout.contains("sampled"), "no gate was reached:\n{}", journal.stdout);
    world.close();
}

#[test]
fn a_program_that_does_not_exist_is_named() {
    let world = World::new();
    let v2 = Knobs { command: "[./no-such-program]".to_owned(), ..Knobs::default() };
    v2_goes_back(&world, &v2, 3).says("no-such-program");
    world.close();
}

#[test]
fn a_port_that_is_taken_is_named() {
    let world = World::new();
    let taken = TcpListener::bind(("127.0.0.1", world.web)).unwrap();
    let said = world.deploy("v1").ended(3);
    assert!(said.all().contains(&world.web.to_string()), "{said:?}");
    drop(taken);
    world.deploy("v1").ended(0);
    assert_eq!(world.versions_served(), ["v1"]);
    world.close();
}

#[test]
fn a_failed_smoke_check_shifts_nothing() {
    let world = World::new();
    let v2 = Knobs { smoke: "{get: /no-such-page, service: web}".to_owned(), ..Knobs::default() };
    let v2 = Knobs { env: vec![("NEW", "1".to_owned())], ..v2 };
    v2_goes_back(&world, &v2, 3).says("/no-such-page").says("404");
    world.close();
}

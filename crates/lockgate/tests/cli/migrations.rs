//! Migrations in sqlx's format against a real PostgreSQL.

use crate::knobs::Knobs;
use crate::postgres::Postgres;
use crate::world::{World, until};

const LEDGER: &str = "SELECT version, description, success FROM _sqlx_migrations ORDER BY version";

fn world(postgres: &Postgres) -> World {
    let world = World::new();
    std::fs::create_dir(world.path().join("migrations")).unwrap();
    let extra = format!(
        "dependencies: {{postgres: {{type: postgres, external: {{url: \"{}\"}}}}}}
migrations: {{tool: sqlx, source: migrations, in: web, retry: {{attempts: 20, initial: 200ms, max: 1s}}}}",
        postgres.url()
    );
    let web = "depends_on: [postgres]".to_owned();
    world.write(&Knobs { extra, web, strategy: "rolling", ..Knobs::default() });
    migration(&world, "0001_hits.sql", include_str!("../../../../examples/nova/migrations/0001_hits.sql"));
    world
}

fn migration(world: &World, name: &str, sql: &str) {
    std::fs::write(world.path().join("migrations").join(name), sql).unwrap();
}

#[test]
fn each_migration_is_applied_once_and_a_failing_one_ends_the_release_at_once() {
    let mut postgres = Postgres::prepare();
    postgres.up();
    let world = world(&postgres);
    world.deploy("v1").ended(0);
    assert_eq!(postgres.query(LEDGER), "1|hits|t");
    let installed = postgres.query("SELECT installed_on FROM _sqlx_migrations WHERE version = 1");

    migration(&world, "0002_notes.sql", "CREATE TABLE notes (id BIGINT PRIMARY KEY);");
    world.deploy("v2").ended(0).says("applied 2 notes");
    assert_eq!(postgres.query(LEDGER), "1|hits|t\n2|notes|t");
    let kept = postgres.query("SELECT installed_on FROM _sqlx_migrations WHERE version = 1");
    assert_eq!(kept, installed, "the first one was left alone");

    let instances = world.instances("web");
    migration(&world, "0003_bad.sql", "CREATE TABLE half (id BIGINT); INSERT INTO nowhere VALUES (1);");
    let said = world.deploy("v3").ended(3);
    let said = said.says("migration 3 failed").says("\"nowhere\" does not exist").says("attempt 1");
    assert!(!said.all().contains("attempt 2"), "another attempt would fail too: {said:?}");
    assert_eq!(postgres.query(LEDGER), "1|hits|t\n2|notes|t");
    assert_eq!(
        postgres.query("SELECT to_regclass('half') IS NULL"),
        "t",
        "a failed migration leaves nothing"
    );
    assert_eq!(world.instances("web"), instances, "no instance was touched");
    world.close();
}

#[test]
fn a_database_that_comes_up_late_is_waited_for() {
    let mut postgres = Postgres::prepare();
    let world = world(&postgres);
    world.run(&["deploy", "--version", "v1", "--detach"]).ended(0);
    until("a first attempt to fail", || {
        let said = world.run(&["history", "--release", "r1"]);
        said.all().contains("attempt 1").then_some(())
    });
    postgres.up();
    world.run(&["watch"]).ended(0);
    assert_eq!(postgres.query(LEDGER), "1|hits|t");
    assert_eq!(world.versions_served(), ["v1"]);
    world.close();
}

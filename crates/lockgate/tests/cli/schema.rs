//! `schema`: what editors know of the language.

use crate::world::World;

const PUBLISHED: &str = include_str!("../../../../schema/lockgate.schema.json");

#[test]
fn the_schema_is_the_published_one_and_needs_no_spec() {
    let world = World::new();
    std::fs::remove_file(world.path().join("lockgate.yaml")).unwrap();
    let said = world.run(&["schema"]).ended(0);
    assert_eq!(said.stdout, PUBLISHED);
    assert_eq!(said.stderr, "");
}

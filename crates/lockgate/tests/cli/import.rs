//! `import`: a Compose file becomes a spec, with a report.

use crate::world::World;

const COMPOSE: &str = "services:\n  db:\n    image: postgres:17\n    environment: {POSTGRES_USER: shop, POSTGRES_PASSWORD: hush}\n  \
                       web:\n    image: registry.example.org/web:${TAG}\n    ports: [\"8080:8000\"]\n    \
                       volumes: [\".:/src\"]\n    environment:\n      DATABASE_URL: postgres://shop:hush@db/shop\n      LEVEL: ${LEVEL}\n";
const LOSSY: &str = "services:\n  web: {image: \"web:1\", enviroment: {A: b}}\n";

fn world(compose: &str) -> World {
    let world = World::new();
    std::fs::remove_file(world.path().join("lockgate.yaml")).unwrap();
    std::fs::write(world.path().join("compose.yaml"), compose).unwrap();
    std::fs::write(world.path().join(".env"), "# here\nTAG=1.4\nLEVEL=info\n").unwrap();
    world
}

#[test]
fn the_spec_is_data_and_the_report_is_told() {
    let world = world(&format!("name: shop\n{COMPOSE}"));
    let said = world.run(&["import", "compose", "compose.yaml"]).ended(0);
    assert!(!said.all().contains("hush"));
    insta::assert_snapshot!(format!("{}\n---\n{}", said.stdout, said.stderr));
    let quiet = world.run(&["import", "compose", "compose.yaml", "--quiet"]).ended(0);
    assert_eq!((quiet.stdout, quiet.stderr.as_str()), (said.stdout, ""));
}

#[test]
fn a_spec_that_is_written_passes_the_check_and_is_rendered() {
    let world = world(&format!("name: shop\n{COMPOSE}"));
    let args = ["import", "compose", "compose.yaml", "--out", "lockgate.yaml"];
    world.run(&args).ended(0).says("wrote lockgate.yaml");
    world.run(&["check"]).ended(0);
    world.run(&["fmt", "--check"]).ended(0);
    world.run(&["render", "--env", "local"]).ended(0);
    let rendered = std::fs::read_to_string(world.path().join("deploy/compose/local/compose.yaml")).unwrap();
    assert!(
        rendered.contains("registry.example.org/web:1.4") && rendered.contains("../../..:/src"),
        "{rendered}"
    );
    world.run(&args).ended(1).says("lockgate.yaml is there already; `--force` replaces it");
    world.run(&[&args[..], &["--force"]].concat()).ended(0);
}

#[test]
fn what_is_dropped_is_a_failure_unless_it_is_accepted() {
    let world = world(LOSSY);
    let said = world.run(&["import", "compose", "compose.yaml"]).ended(1);
    assert!(said.stdout.contains("image: \"web:1\""), "{}", said.stdout);
    let said = said.says("Compose has no key `enviroment`: is `environment` meant?");
    said.says("1 dropped; `--lossy` accepts that");
    world.run(&["import", "compose", "compose.yaml", "--lossy"]).ended(0).says("1 dropped");
}

#[test]
fn the_report_is_told_to_programs() {
    let world = world(LOSSY);
    let json = world.run(&["import", "compose", "compose.yaml", "--format", "json"]).ended(1).json();
    assert_eq!(json["counts"], serde_json::json!({"mapped": 2, "patch": 0, "dropped": 1}));
    assert_eq!(json["fields"][2]["path"], "services.web.enviroment");
    assert_eq!(json["fields"][2]["fate"], "dropped");
    assert!(json["spec"].as_str().unwrap().contains("lockgate: v1"));
}

#[test]
fn what_is_no_compose_file_is_refused_with_its_place() {
    let world = world("services: {a: {extends: b}, b: {extends: a}}\n");
    let said = world.run(&["import", "compose", "compose.yaml"]).ended(1);
    assert_eq!(said.stdout, "");
    said.says("LG110").says("compose.yaml:1:");
    world.run(&["import", "compose", "none.yaml"]).ended(1).says("cannot read");
    std::fs::write(world.path().join("compose.yaml"), "a: [\n").unwrap();
    world.run(&["import", "compose", "compose.yaml", "--format", "json"]).ended(1).says("LG001");
}

//! `audit`: contradictions of files that Lockgate did not write, in every form.

use crate::world::World;

const RUNBOOK: &str = "# Shop\n\nAlert thresholds:\n\n- Error rate: > 5% for 5 minutes\n\nRollback triggers:\n\n- Error rate > 1% for 5 minutes\n";

const COMPOSE: &str = "services:\n  web:\n    image: shop:v1\n    volumes: [./web.conf:/etc/web.conf]\n";

fn world() -> World {
    let world = World::new();
    let ops = world.path().join("ops");
    std::fs::create_dir_all(ops.join("node_modules/x")).unwrap();
    std::fs::write(ops.join("runbook.md"), RUNBOOK).unwrap();
    std::fs::write(ops.join("compose.yml"), COMPOSE).unwrap();
    std::fs::write(ops.join("node_modules/x/README.md"), RUNBOOK).unwrap();
    std::fs::write(ops.join("chart.yaml"), "a: {{ .Values.a }}\n").unwrap();
    world
}

#[test]
fn a_folder_is_audited_with_all_places() {
    let world = world();
    let said = world.run(&["audit", "ops", "-v"]).ended(1);
    assert_eq!(said.stdout, "");
    insta::assert_snapshot!(said.stderr);
}

#[test]
fn every_form_has_the_same_findings() {
    let world = world();
    let json = world.run(&["audit", "ops", "--format", "json"]).ended(1).json();
    let codes: Vec<_> = json["diagnostics"].as_array().unwrap().iter().map(|it| it["code"].clone()).collect();
    assert_eq!(codes, ["LG709", "LG703"]);
    assert_eq!(json["diagnostics"][1]["labels"][0]["file"], "ops/runbook.md");
    let sarif = world.run(&["audit", "ops", "--format", "sarif"]).ended(1).json();
    let results = sarif["runs"][0]["results"].as_array().unwrap().clone();
    assert_eq!(results.iter().map(|it| it["ruleId"].clone()).collect::<Vec<_>>(), codes);
    let github = world.run(&["audit", "ops", "--format", "github"]).ended(1);
    assert!(github.stdout.contains("::error file=ops/runbook.md,line="), "{}", github.stdout);
}

#[test]
fn one_file_is_audited_by_itself() {
    let world = world();
    world.run(&["audit", "ops/compose.yml"]).ended(0).says("read Compose 1").says("0 errors");
    world.run(&["audit", "ops/runbook.md"]).ended(1).says("LG703");
}

#[test]
fn what_cannot_be_audited_is_refused() {
    let world = world();
    world.run(&["audit", "nothing"]).ended(1).says("cannot read nothing");
    std::fs::write(world.path().join("a.bin"), [0xff, 0xfe]).unwrap();
    world.run(&["audit", "a.bin"]).ended(1).says("of no kind that is audited");
    std::fs::write(world.path().join("a.md"), [0xff, 0xfe]).unwrap();
    world.run(&["audit", "a.md"]).ended(1).says("not UTF-8");
    std::fs::create_dir(world.path().join("empty")).unwrap();
    world.run(&["audit", "empty"]).ended(0).says("read nothing that is audited");
}

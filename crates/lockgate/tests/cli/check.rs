//! `check`: the same findings in every form, and failures in the form that was asked for.

use crate::world::World;

/// A port twice, a command in one string, a misspelt key.
const BAD: &str = r#"lockgate: v1
system: shop
services:
  web: {port: 8080, command: "./web run", stop: {drian: 5s}}
  api: {port: 8080, command: [./api]}
environments: {local: {target: local}}
"#;

fn bad() -> World {
    let world = World::new();
    world.write_text(BAD);
    world
}

#[test]
fn findings_are_shown_on_the_lines_that_they_are_about() {
    let world = bad();
    let said = world.run(&["check"]).ended(1);
    assert_eq!(said.stdout, "");
    insta::assert_snapshot!(said.stderr);
}

#[test]
fn every_form_has_the_same_findings() {
    let world = bad();
    let json = world.run(&["check", "--format", "json"]).ended(1).json();
    let codes: Vec<_> = json["diagnostics"].as_array().unwrap().iter().map(|it| it["code"].clone()).collect();
    assert_eq!(codes, ["LG101", "LG203", "LG010"]);

    let sarif = world.run(&["check", "--format", "sarif"]).ended(1).json();
    let results = sarif["runs"][0]["results"].as_array().unwrap().clone();
    assert_eq!(results.iter().map(|it| it["ruleId"].clone()).collect::<Vec<_>>(), codes);

    let said = world.run(&["check", "--format", "github"]).ended(1);
    let titles = said.stdout.lines().map(|it| it.split_once("title=").unwrap().1.split(' ').next().unwrap());
    assert_eq!(titles.collect::<Vec<_>>(), codes);
    assert!(said.stderr.contains("error[LG101]"), "the log has no places: {}", said.stderr);
}

#[test]
fn other_programs_are_told_paths_from_the_root_of_the_repository() {
    let world = bad();
    let root = world.path();
    std::fs::create_dir_all(root.join(".git")).unwrap();
    std::fs::create_dir_all(root.join("ops/here")).unwrap();
    std::fs::rename(root.join("lockgate.yaml"), root.join("ops/lockgate.yaml")).unwrap();
    let run = |format| {
        let args = ["check", "--file", "../lockgate.yaml", "--format", format];
        let output = world.command(&args).current_dir(root.join("ops/here")).output().unwrap();
        String::from_utf8(output.stdout).unwrap()
    };
    assert!(run("github").starts_with("::error file=ops/lockgate.yaml,line=4,"), "{}", run("github"));
    let sarif: serde_json::Value = serde_json::from_str(&run("sarif")).unwrap();
    let location = &sarif["runs"][0]["results"][0]["locations"][0]["physicalLocation"];
    assert_eq!(location["artifactLocation"]["uri"], "ops/lockgate.yaml");
    assert!(!sarif.to_string().contains(root.to_str().unwrap()), "{sarif:#}");
}

#[test]
fn a_spec_without_findings_is_an_empty_log() {
    let world = World::new();
    let sarif = world.run(&["check", "--format", "sarif"]).ended(0).json();
    assert_eq!(sarif["runs"][0]["results"], serde_json::json!([]));
    assert_eq!(world.run(&["check", "--format", "github"]).ended(0).stdout, "");
}

#[test]
fn forms_of_findings_are_refused_by_other_commands() {
    let world = World::new();
    world.run(&["status", "--format", "sarif"]).ended(2).says("`sarif` and `github` are for `check`");
    world.run(&["check", "--format", "xml"]).ended(2).says("human, json, sarif, github");
}

#[test]
fn who_asks_for_json_gets_failures_as_json() {
    let world = World::new();
    for (args, exit, message) in [
        (&["check", "--file", "nothing.yaml"][..], 1, "cannot read"),
        (&["explain", "LG999"], 1, "there is no code LG999"),
        (&["status"], 1, "nothing was ever released"),
        (&["deploy", "production"], 1, "no environment `production`"),
        (&["node", "status"], 5, "no node serves"),
        (&["chek"], 2, "unrecognized subcommand 'chek'"),
        (&["status", "--format", "sarif", "--no-such"], 2, "--no-such"),
    ] {
        let said = world.run(&[args, &["--format=json"]].concat());
        let failure: serde_json::Value =
            serde_json::from_str(&said.stderr).unwrap_or_else(|_| panic!("{said:?}"));
        let error = &failure["error"];
        assert_eq!((said.code, error["exit"].as_i64()), (Some(exit), Some(exit.into())), "{said:?}");
        assert!(error["message"].as_str().unwrap().contains(message), "{said:?}");
        assert!(error["causes"].is_array(), "{said:?}");
        assert_eq!(said.stdout, "");
    }
}

#[test]
fn who_asks_for_json_gets_the_findings_that_stop_a_command_as_json() {
    let world = bad();
    let said = world.run(&["plan", "--format", "json"]).ended(1);
    let values = serde_json::Deserializer::from_str(&said.stderr).into_iter::<serde_json::Value>();
    let values: Vec<_> = values.map(Result::unwrap).collect();
    assert_eq!(values[0]["diagnostics"][0]["code"], "LG203", "{said:?}");
    assert_eq!(values[1]["error"]["message"], "lockgate.yaml cannot be used as it is", "{said:?}");
}

#[test]
fn colour_is_for_who_asks_and_for_terminals() {
    let world = bad();
    let colored = |args: &[&str], env: &[(&str, &str)]| {
        let mut command = world.command(&[&["check"], args].concat());
        for name in ["NO_COLOR", "CLICOLOR", "CLICOLOR_FORCE", "TERM"] {
            command.env_remove(name);
        }
        let output = command.envs(env.iter().copied()).output().unwrap();
        String::from_utf8(output.stderr).unwrap().contains("\u{1b}[")
    };
    assert!(!colored(&[], &[]), "no terminal reads this");
    assert!(colored(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!colored(&[], &[("CLICOLOR_FORCE", "1"), ("NO_COLOR", "1")]));
    assert!(colored(&["--color", "always"], &[("NO_COLOR", "1")]));
    assert!(!colored(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
}

#[test]
fn a_dockerfile_of_the_users_own_is_looked_through() {
    let world = World::new();
    world.write_text(
        "lockgate: v1\nsystem: shop\nservices:\n  web: {port: 8080, build: {dockerfile: Dockerfile, stage: runtime, image: shop}}\nenvironments: {dev: {target: docker}}\n",
    );
    std::fs::write(world.path().join("Dockerfile"), "FROM node:24-slim AS build\nUSER node\nCMD node a.js\n")
        .unwrap();
    let json = world.run(&["check", "--format", "json"]).ended(1).json();
    let found: Vec<(&str, &str)> = json["diagnostics"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["code"].as_str().unwrap(), it["labels"][0]["file"].as_str().unwrap()))
        .collect();
    assert_eq!(found, [("LG734", "Dockerfile"), ("LG737", "Dockerfile")]);
}

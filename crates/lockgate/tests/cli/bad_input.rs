//! What cannot be done is refused, with a reason and an exit code.

use std::os::unix::fs::PermissionsExt as _;
use std::process::Stdio;

use crate::world::World;

#[test]
fn without_a_spec_it_says_where_it_looked() {
    let world = World::new();
    std::fs::remove_file(world.path().join("lockgate.yaml")).unwrap();
    world.run(&["check"]).ended(1).says("there is no lockgate.yaml in").says("--file");
    world.run(&["deploy"]).ended(1).says("there is no lockgate.yaml in");
    assert!(!world.state().exists(), "a refused command leaves no state");
}

#[test]
fn a_broken_spec_is_shown_where_it_breaks_and_nothing_is_queued() {
    let world = World::new();
    world.write_text("lockgate: v1\nsystem: shop\nservices:\n  web: {port: 80\n");
    world.run(&["check"]).ended(1).says("lockgate.yaml:");
    world.deploy("v1").ended(1).says("lockgate.yaml cannot be used as it is");
    assert!(!world.state().exists(), "a refused command leaves no state");
}

#[test]
fn names_that_do_not_exist_are_answered_with_those_that_do() {
    let world = World::new();
    world.run(&["deploy", "production"]).ended(1).says("no environment `production`").says("`local`");
    world.run(&["deploy", "local", "--bad-option"]).ended(2).says("--bad-option");
    world.run(&["status", "local"]).ended(1).says("nothing was ever released");
    world.deploy("v1").ended(0);
    world.run(&["status", "production"]).ended(1).says("`local`");
    world.run(&["logs", "wbe"]).ended(1).says("no instance of `wbe`");
    world.run(&["history", "--release", "r99"]).ended(1).says("r99");
    world.run(&["rollback"]).ended(1).says("only version");
    world.run(&["rollback", "--to", "v9"]).ended(1).says("`v9` cannot be gone back to");
    world.close();
}

#[test]
fn orders_without_a_release_are_refused() {
    let world = World::new();
    for order in [&["abort", "--yes"][..], &["pause"], &["resume"], &["promote"]] {
        world.run(order).ended(1).says("nothing was ever released");
    }
    world.deploy("v1").ended(0);
    for order in [&["abort", "--yes"][..], &["pause"], &["resume"], &["promote"]] {
        world.run(order).ended(1).says("no release of shop/local runs");
    }
    world.close();
}

#[test]
fn a_spec_that_broke_meanwhile_stops_neither_watching_nor_steering() {
    let world = World::new();
    world.deploy("v1").ended(0);
    world.write(&crate::knobs::Knobs { pause: "60s", ..crate::knobs::Knobs::default() });
    world.run(&["deploy", "--version", "v2", "--detach"]).ended(0);
    world.until_gated();
    world.write_text("this: is [not a spec");
    world.run(&["status"]).ended(0).says("v2");
    world.run(&["abort", "--yes", "--reason", "too slow"]).ended(0);
    world.run(&["watch", "local"]);
    world.run(&["history"]).ended(0).says("too slow");
    assert_eq!(world.versions_served(), ["v1"]);
    world.close();
}

#[test]
fn a_reader_that_goes_away_is_no_failure() {
    let world = World::new();
    let mut child = world.command(&["show", "--format", "json"]);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stdout.take());
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), String::from_utf8(output.stderr).unwrap()), (Some(0), String::new()));
}

#[test]
fn a_release_goes_on_when_the_reader_of_its_events_goes_away() {
    let world = World::new();
    let mut child = world.command(&["deploy", "--version", "v1", "--format", "json"]);
    let mut child = child.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
    drop(child.stdout.take());
    child.wait().unwrap();
    world.run(&["watch"]);
    assert_eq!(world.history()[0]["version"], "v1");
    assert_eq!(world.versions_served(), ["v1"]);
    world.close();
}

#[test]
fn a_state_folder_that_cannot_be_written_is_named() {
    let world = World::new();
    std::fs::write(world.path().join("file"), "").unwrap();
    world.run(&["deploy", "--state", "file"]).ended(1).says("file");
    // Whoever may do everything is not stopped by a mode.
    if rustix::process::geteuid().is_root() {
        return;
    }
    let locked = world.path().join("locked");
    std::fs::create_dir(&locked).unwrap();
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o500)).unwrap();
    world.run(&["deploy", "--state", "locked"]).ended(1).says("locked");
}

#[test]
fn what_this_version_does_not_carry_out_is_refused_by_name() {
    let world = World::new();
    let spec = |environment: &str, more: &str| {
        format!(
            "lockgate: v1\nsystem: shop\nservices: {{web: {{port: 80, command: [./web], image: \"a/web:1\", secrets: [KEY]}}}}\n\
             {more}environments: {{local: {environment}}}\n"
        )
    };
    world.write_text(&spec("{target: {apprunner: {region: eu-west-1}}}", ""));
    world.run(&["check"]).ended(0);
    world.run(&["show"]).ended(0).says("region: eu-west-1");
    for command in ["plan", "deploy"] {
        world.run(&[command]).ended(1).says("environment `local` is on `apprunner`");
    }
    let cron = "cron: {tidy: {schedule: \"0 3 * * *\", command: [./tidy]}}\n";
    world.write_text(&spec("{target: local}", &format!("{cron}rollout: {{strategy: recreate}}\n")));
    let refused = "does not carry out on `local`: cron, rollout.strategy: recreate";
    world.run(&["deploy"]).ended(1).says(refused);
    assert!(!world.state().exists(), "a refused command leaves no state");
}

#[test]
fn included_files_are_read_and_their_mistakes_shown_in_them() {
    let world = World::new();
    std::fs::create_dir(world.path().join("services")).unwrap();
    let api = world.path().join("services/api.yaml");
    std::fs::write(&api, "services: {api: {port: 81, command: [./api]}}\n").unwrap();
    world.write_text(
        "lockgate: v1\nsystem: shop\ninclude: services/*.yaml\nservices: {web: {port: 80, command: [./web]}}\n\
         environments: {local: {target: local}}\n",
    );
    world.run(&["show", "--explain", "services.api.port"]).ended(0).says("81");
    std::fs::write(&api, "services: {api: {port: 81, comand: [./api]}}\n").unwrap();
    world.run(&["check"]).ended(1).says("services/api.yaml:1:").says("did you mean `command`?");
    std::fs::remove_file(&api).unwrap();
    world.run(&["check"]).ended(1).says("`services/*.yaml` includes nothing");
}

#[test]
fn a_file_is_included_once_and_never_the_spec_itself() {
    let world = World::new();
    std::fs::write(world.path().join("api.yaml"), "services: {api: {port: 81, command: [./api]}}\n").unwrap();
    let spec = |include: &str| {
        format!(
            "lockgate: v1\nsystem: shop\ninclude: {include}\nservices: {{web: {{port: 80, command: [./web]}}}}\n\
             environments: {{local: {{target: local}}}}\n"
        )
    };
    for include in ["\"*.yaml\"", "[api.yaml, \"*.yaml\", ./api.yaml, \"a*.yaml\"]"] {
        world.write_text(&spec(include));
        world.run(&["check"]).ended(0);
        world.run(&["show", "--explain", "services.api.port"]).ended(0).says("81");
    }
    world.write_text(&spec("lockgate.yaml"));
    world.run(&["check"]).ended(1).says("only the spec itself has such a name");
    std::fs::write(world.path().join("api.yaml"), "include: lockgate.yaml\n").unwrap();
    world.write_text(&spec("api.yaml"));
    world.run(&["check"]).ended(1).says("an included file includes others");
}

#[test]
fn files_that_are_no_utf_8_are_named_with_what_they_are() {
    let world = World::new();
    let path = world.path().join("lockgate.yaml");
    let spec = "lockgate: v1\nsystem: shop\nservices: {web: {port: 80, command: [./web]}}\nenvironments: {local: {target: local}}\n";
    let bytes = |order: fn(u16) -> [u8; 2]| {
        std::iter::once(0xfeff).chain(spec.encode_utf16()).flat_map(order).collect()
    };
    let utf_16: [Vec<u8>; 2] = [bytes(u16::to_le_bytes), bytes(u16::to_be_bytes)];
    for bytes in utf_16 {
        std::fs::write(&path, &bytes).unwrap();
        world.run(&["check"]).ended(1).says("this is UTF-16 text").says("save it as UTF-8");
        // Without its mark it is recognised by the zeros in it.
        std::fs::write(&path, &bytes[2..]).unwrap();
        world.run(&["check"]).ended(1).says("U+0000").says("save the file as plain UTF-8 text");
    }
    std::fs::write(&path, [spec.as_bytes(), b"# caf\xe9\n"].concat()).unwrap();
    world.run(&["check"]).ended(1).says("line 5 of").says("not UTF-8 text");
    std::fs::write(&path, vec![b' '; 50 << 20]).unwrap();
    world.run(&["check"]).ended(1).says("the file has 52428800 bytes");
    world.run(&["check", "--file", "/dev/zero"]).ended(1).says("bytes; a spec has at most");
    world.run(&["check", "--file", "."]).ended(1).says("cannot read");
}

//! `build`: images are made by a real engine, sent to a real registry, and not made twice.

use std::path::Path;
use std::process::Command;

use lockgate_images::{Client, Config, Reference};
use lockgate_testbed::{Engine, Networks, Registry};
use serde_json::{Value, json};

use crate::world::{World, free_port};
use lockgate_testbed::Said;

const WHAT: &str = "images are built";
/// `U*U`, from the vectors that bcrypt's implementations are tested by.
const HTPASSWD: &str = "alice:$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n";

/// A system of images from nothing but a file, and the engine that builds them.
struct Yard {
    world: World,
    engine: Engine,
    docker_config: tempfile::TempDir,
    /// Before all other programs.
    programs: tempfile::TempDir,
}

impl Yard {
    fn new(registry: &str) -> Option<Yard> {
        let engine = Engine::start(WHAT, Networks::Machine)?;
        let world = World::new();
        let service = |name: &str, port: u16| {
            format!(
                "  {name}:\n    port: {port}\n    build: {{context: {name}, image: \"{registry}/shop/{name}\"}}\n"
            )
        };
        world.write_text(&format!(
            "lockgate: v1\nsystem: shop\nservices:\n{}{}environments:\n  live: {{target: docker}}\n",
            service("api", 8081),
            service("web", 8080)
        ));
        for name in ["api", "web"] {
            let folder = world.path().join(name);
            std::fs::create_dir(&folder).unwrap();
            std::fs::write(folder.join("Dockerfile"), "FROM scratch\nARG GREETING=hello\nCOPY . /\n")
                .unwrap();
            std::fs::write(folder.join(".dockerignore"), "*\n!hello\n").unwrap();
            std::fs::write(folder.join("hello"), name).unwrap();
        }
        let [docker_config, programs] = [(); 2].map(|()| tempfile::tempdir().unwrap());
        let docker = lockgate_testbed::program("docker").expect("the engine was found with it");
        std::os::unix::fs::symlink(docker, programs.path().join("docker")).unwrap();
        Some(Yard { world, engine, docker_config, programs })
    }

    fn command(&self, args: &[&str]) -> Command {
        let mut command = self.world.command(&[&["build"], args].concat());
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.programs.path().display()));
        command.env("DOCKER_HOST", self.engine.host()).env("DOCKER_CONFIG", self.docker_config.path());
        command.env_remove("DOCKER_BUILDKIT");
        command
    }

    fn build(&self, args: &[&str]) -> Said {
        Said::of(&self.command(args).output().unwrap())
    }

    /// What became of one service's image.
    #[track_caller]
    fn web(&self, args: &[&str]) -> Value {
        let said = self.build(&[args, &["--service", "web", "--format", "json"]].concat()).ended(0);
        said.json()["images"][0].clone()
    }

    fn write(&self, path: &str, text: &str) {
        std::fs::write(self.world.path().join(path), text).unwrap();
    }
}

fn resolve(image: &str) -> String {
    let reference: Reference = image.parse().unwrap();
    Client::new(Config::default()).resolve(&reference).unwrap().to_string()
}

#[test]
fn what_was_made_is_pushed_recorded_and_not_made_again() {
    let Some(registry) = Registry::start(WHAT) else { return };
    let Some(yard) = Yard::new(&registry.address) else { return };
    let image = format!("{}/shop/web", registry.address);

    let said = yard.build(&["--version", "1.0", "--push"]).ended(0);
    let first = resolve(&format!("{image}:1.0"));
    let said = said.says(&format!("web  built  {image}@{first}"));
    said.says(&format!("api  built  {}/shop/api@sha256:", registry.address));
    let labels = Client::new(Config::default()).labels(&format!("{image}:1.0").parse().unwrap()).unwrap();
    assert_eq!(labels["org.opencontainers.image.version"], "1.0");
    assert_eq!(labels["org.opencontainers.image.title"], "web");

    yard.build(&["--version", "1.0", "--push"])
        .ended(0)
        .says(&format!("web  already there  {image}@{first}"));
    // What is not sent to the builder changes nothing, and a new version of the same is the same image.
    yard.write("web/notes.txt", "for nobody");
    let same = yard.web(&["--version", "1.1", "--push"]);
    assert_eq!((same["happened"].as_str(), same["digest"].as_str()), (Some("already-there"), Some(&*first)));
    assert_eq!(resolve(&format!("{image}:1.1")), first);

    yard.write("web/hello", "something else");
    let changed = yard.web(&["--version", "1.2", "--push"]);
    assert_eq!(changed["happened"], "built");
    let second = resolve(&format!("{image}:1.2"));
    assert_eq!(changed["digest"].as_str(), Some(&*second));
    assert_ne!(first, second);

    // Another machine knows it by what the image says of itself.
    std::fs::remove_file(yard.world.state().join("images.json")).unwrap();
    let there = yard.web(&["--version", "1.2", "--push"]);
    assert_eq!(
        (there["happened"].as_str(), there["digest"].as_str()),
        (Some("already-there"), Some(&*second))
    );
    assert_eq!(yard.web(&["--version", "1.2", "--push", "--no-cache"])["happened"], "built");
}

#[test]
fn an_image_that_cannot_be_made_is_told_with_what_the_builder_said_and_keeps_no_other_back() {
    let Some(yard) = Yard::new("registry.example.org") else { return };
    yard.write("api/Dockerfile", "FROM scratch\nCOPY missing /\n");
    let said = yard.build(&["--version", "1.0"]).ended(1);
    let said = said.says("error: `api` has no image: the build ended with exit code 1").says("missing");
    said.says("web  built  registry.example.org/shop/web:1.0  sha256:");
    let said = yard.build(&["--version", "1.0", "--format", "json"]).ended(1).json();
    assert_eq!(said["images"][0]["happened"], "failed");
    assert_eq!(said["images"][1]["happened"], "already-there");

    std::fs::remove_file(yard.world.path().join("api/Dockerfile")).unwrap();
    yard.build(&["--service", "api"]).ended(1).says("there is no api/Dockerfile");
    yard.build(&["--service", "db"]).ended(1).says("there is no service `db`");
    let mut command = yard.command(&["--service", "web", "--version", "2"]);
    let nowhere = format!("unix://{}", yard.world.path().join("nowhere").display());
    yard.write("web/hello", "other");
    let said = Said::of(&command.env("DOCKER_HOST", nowhere).output().unwrap());
    said.ended(5).says("the Docker engine is not reached").says("`docker version` shows whether it runs");
}

#[test]
fn the_classic_builder_is_sent_what_the_ignore_file_beside_the_dockerfile_says() {
    let Some(registry) = Registry::start(WHAT) else { return };
    let Some(yard) = Yard::new(&registry.address) else { return };
    yard.write("web/Dockerfile.dockerignore", "*\n!kept\n");
    yard.write("web/kept", "yes");
    let mut command = yard.command(&["--service", "web", "--version", "1", "--push"]);
    Said::of(&command.env("DOCKER_BUILDKIT", "0").output().unwrap()).ended(0).says("web  built");
    let id = yard.engine.run(["create", &format!("{}/shop/web:1", registry.address), "none"]);
    let archive = yard.world.path().join("files.tar");
    yard.engine.run(["export", "--output", archive.to_str().unwrap(), &id]);
    let (listed, _) = lockgate_testbed::output(Command::new("tar").arg("-tf").arg(&archive));
    let listed = String::from_utf8(listed).unwrap();
    assert!(listed.lines().any(|it| it == "kept"), "{listed}");
    for left_out in ["hello", "Dockerfile", ".dockerignore", ".dockerfile.lockgate"] {
        assert!(!listed.lines().any(|it| it == left_out), "{left_out} is in\n{listed}");
    }
}

#[test]
fn credentials_come_from_a_helper_and_a_push_that_is_refused_says_why() {
    let users = tempfile::tempdir().unwrap();
    let file = users.path().join("htpasswd");
    std::fs::write(&file, HTPASSWD).unwrap();
    let auth = json!({"auth": {"htpasswd": {"realm": "tests", "path": file}}});
    let Some(registry) = Registry::start_with(WHAT, auth) else { return };
    let Some(yard) = Yard::new(&registry.address) else { return };
    let args = ["--service", "web", "--version", "1", "--push"];
    let said = yard.build(&args).ended(1);
    said.says("asked without credentials").says(&format!("`docker login {}`", registry.address));

    let helper = yard.programs.path().join("docker-credential-lockgatetest");
    let answer = json!({"ServerURL": registry.address, "Username": "alice", "Secret": "U*U"});
    std::fs::write(&helper, format!("#!/bin/sh\nread -r server\n[ \"$server\" = {} ] || {{ echo credentials not found in native keychain; exit 1; }}\necho '{answer}'\n", registry.address)).unwrap();
    executable(&helper);
    let config = json!({"credsStore": "lockgatetest"}).to_string();
    std::fs::write(yard.docker_config.path().join("config.json"), config).unwrap();
    yard.build(&args).ended(0).says("web  built");
    yard.build(&args).ended(0).says("web  already there");
}

fn executable(path: &Path) {
    let mode = <std::fs::Permissions as std::os::unix::fs::PermissionsExt>::from_mode(0o755);
    std::fs::set_permissions(path, mode).unwrap();
}

#[test]
fn a_registry_that_takes_nothing_and_one_that_is_not_there_are_named() {
    let data = tempfile::tempdir().unwrap();
    let storage =
        json!({"filesystem": {"rootdirectory": data.path()}, "maintenance": {"readonly": {"enabled": true}}});
    let Some(registry) = Registry::start_with(WHAT, json!({"storage": storage})) else { return };
    let Some(yard) = Yard::new(&registry.address) else { return };
    let args = ["--service", "web", "--version", "1", "--push"];
    let image = format!("{}/shop/web:1", registry.address);
    yard.build(&args).ended(1).says(&format!("pushing {image}")).says("the registry takes no images");

    let nowhere = format!("127.0.0.1:{}", free_port());
    let spec = std::fs::read_to_string(yard.world.path().join("lockgate.yaml")).unwrap();
    yard.world.write_text(&spec.replace(&registry.address, &nowhere));
    yard.build(&args).ended(5).says(&format!("{nowhere} is not reached: nothing listens there"));
}

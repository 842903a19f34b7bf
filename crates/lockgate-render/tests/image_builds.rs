//! Images of the presets as an engine builds and runs them: the sample service, a workspace of Node, and Flask.
//!
//! The builds are what a user's would be. Only the base images are made here instead of pulled.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use lockgate_testbed::{Builder, Container, Engine, Networks, bases, program, skipped};
use serde_json::{Value, json};

const GIVEN: [&str; 3] = ["APP_VERSION=1.2.3", "APP_REVISION=4a5b6c", "APP_SOURCE=https://example.org/shop"];
/// What every notation has a meaning for.
const HARD: &str = r#"it's "$HOME" $PATH $(id) `id` \n \\ # {{x}} ünï |&;<>*"#;

#[test]
fn images_of_presets_are_built_run_and_stopped() {
    let Some(engine) = engine("images of presets are built") else { return };
    bases::debian(&engine);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            bases::rust(&engine);
            sample(&engine);
        });
        scope.spawn(|| {
            bases::node(&engine);
            node(&engine);
        });
        scope.spawn(|| {
            bases::python(&engine);
            python(&engine);
        });
    });
}

fn engine(what: &str) -> Option<Engine> {
    for name in ["debootstrap", "npm"] {
        if program(name).is_none() {
            return skipped(what, &format!("{name} is not installed"));
        }
    }
    Engine::start(what, Networks::Machine)
}

/// The sample service, as a package of a workspace.
fn sample(engine: &Engine) {
    let port = free_port();
    let project = project(engine, "sample", sample_workspace);
    render(
        &project,
        &format!(
            "
lockgate: v1
system: shop
build: {{preset: rust, package: apps/sample, image: shop/sample}}
services: {{sample: {{port: {port}, health: /health}}}}
environments: {{dev: {{target: docker}}}}
"
        ),
    );
    build(engine, Builder::BuildKit, &project, "sample");
    let main = project.join("apps/sample/src/main.rs");
    let code = fs::read_to_string(&main).unwrap();
    fs::write(&main, code.replace("first", "second")).unwrap();
    let said = build(engine, Builder::BuildKit, &project, "sample");
    assert!(is_kept(&said, "RUN cargo build"), "dependencies are compiled again:\n{said}");

    let container = engine.container("shop/sample", &[], &[]);
    container.becomes_healthy();
    assert!(get(port, "/").contains("second"), "the change is in the program: {}", get(port, "/"));
    assert_eq!(container.inspect("{{json .Config.Cmd}}"), r#"["sample"]"#);
    is_as_labelled(&container, "sample");
    container.stops();
}

/// A service that needs a package of its own workspace, one of the registry, and one to be built with.
fn node(engine: &Engine) {
    let port = free_port();
    let project = project(engine, "node", |folder| copy(&fixture("node"), folder));
    let hard = serde_json::to_string(HARD).unwrap();
    render(
        &project,
        &format!(
            "
lockgate: v1
system: shop
build: {{preset: node, package: apps/web, image: shop/web, args: {{NOTE: {hard}}}}}
services: {{web: {{port: {port}, health: /health, command: [node, apps/web, {hard}]}}}}
environments: {{dev: {{target: docker}}}}
"
        ),
    );
    build(engine, Builder::Classic, &project, "web");
    fs::write(project.join("packages/greeting/index.js"), "exports.greeting = 'second';\n").unwrap();
    let said = build(engine, Builder::Classic, &project, "web");
    assert!(is_kept(&said, "RUN npm ci"), "dependencies are installed again:\n{said}");

    let container = engine.container("shop/web", &[], &[]);
    container.becomes_healthy();
    let about: Value = serde_json::from_str(&get(port, "/")).unwrap();
    let wanted = json!({
        "note": HARD,
        "words": [HARD],
        "escaped": r"a\.b",
        "greeting": "second",
        "day": 86_400_000,
        "development": false,
        "version": "1.2.3",
    });
    assert_eq!(about, wanted);
    is_as_labelled(&container, "web");
    container.stops();
}

/// What gunicorn serves without being told.
fn python(engine: &Engine) {
    let port = free_port();
    let project = project(engine, "python", |folder| copy(&fixture("python"), folder));
    fs::write(project.join(".env"), "PASSWORD=nobody's business\n").unwrap();
    render(
        &project,
        &format!(
            "
lockgate: v1
system: shop
build: {{preset: python, image: shop/api, user: 4711}}
services: {{api: {{port: {port}, health: /health}}}}
environments: {{dev: {{target: docker}}}}
"
        ),
    );
    build(engine, Builder::BuildKit, &project, "api");
    let app = fs::read_to_string(project.join("app.py")).unwrap();
    fs::write(project.join("app.py"), app.replace("first", "second")).unwrap();
    let said = build(engine, Builder::BuildKit, &project, "api");
    assert!(is_kept(&said, "pip install"), "dependencies are installed again:\n{said}");

    let container = engine.container("shop/api", &[], &[]);
    container.becomes_healthy();
    let about: Value = serde_json::from_str(&get(port, "/")).unwrap();
    assert_eq!(about, json!({"greeting": "second", "user": 4711, "version": "1.2.3"}));
    assert_eq!(container.inspect("{{.Config.User}}"), "4711:4711");
    assert_eq!(container.exec(&["id", "-un"]), "app", "the number has a name");
    assert_eq!(container.exec(&["ls", "-A"]), "app.py\nrequirements.txt", "nothing else is of use there");
    container.stops();
}

/// A workspace of the sample service and a program that is nothing else, with the versions of this repository.
fn sample_workspace(folder: &Path) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let manifest = fs::read_to_string(root.join("Cargo.toml")).unwrap();
    let shared = manifest.find("[workspace.package]").unwrap()..manifest.find("[profile").unwrap();
    let workspace = format!(
        "[workspace]\nresolver = \"3\"\nmembers = [\"apps/*\", \"crates/*\"]\n\n{}\n[profile.release]\nopt-level = 0\n",
        &manifest[shared]
    );
    fs::write(folder.join("Cargo.toml"), workspace).unwrap();
    fs::copy(root.join("Cargo.lock"), folder.join("Cargo.lock")).unwrap();
    for name in ["lockgate-sample", "lockgate-model"] {
        copy(&root.join("crates").join(name), &folder.join("crates").join(name));
    }
    copy(&fixture("rust"), &folder.join("apps/sample"));
    // The lock file forgets what only others need.
    let metadata = ["metadata", "--offline", "--format-version=1"];
    let done = Command::new(env!("CARGO")).args(metadata).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

fn project(engine: &Engine, name: &str, fill: impl FnOnce(&Path)) -> PathBuf {
    let folder = engine.folder().join("projects").join(name);
    fs::create_dir_all(&folder).unwrap();
    fill(&folder);
    folder
}

fn render(project: &Path, spec: &str) {
    fs::write(project.join("lockgate.yaml"), spec).unwrap();
    for artifact in common::rendered(spec).artifacts {
        let place = project.join(&artifact.path);
        fs::create_dir_all(place.parent().unwrap()).unwrap();
        fs::write(place, &artifact.text).unwrap();
    }
}

fn build(engine: &Engine, builder: Builder, project: &Path, service: &str) -> String {
    let dockerfile = project.join(format!("deploy/docker/{service}/Dockerfile"));
    engine.build(builder, &format!("shop/{service}"), &dockerfile, project, &GIVEN)
}

/// Did the builder take the layer of this instruction from the last build?
fn is_kept(said: &str, instruction: &str) -> bool {
    let lines: Vec<&str> = said.lines().collect();
    let begins = lines.iter().position(|it| it.contains(instruction));
    begins.is_some_and(|at| {
        lines[at..].iter().take(3).any(|it| it.contains("CACHED") || it.contains("Using cache"))
    })
}

fn is_as_labelled(container: &Container<'_>, service: &str) {
    let labels: Value = serde_json::from_str(&container.inspect("{{json .Config.Labels}}")).unwrap();
    let wanted = json!({
        "org.opencontainers.image.title": format!("shop/{service}"),
        "org.opencontainers.image.version": "1.2.3",
        "org.opencontainers.image.revision": "4a5b6c",
        "org.opencontainers.image.source": "https://example.org/shop",
    });
    assert_eq!(labels, wanted);
    assert_eq!(container.inspect("{{.Config.User}}"), "1000:1000");
    assert_eq!(container.inspect("{{.Config.StopSignal}}"), "SIGTERM");
    assert_eq!(container.exec(&["id", "-u"]), "1000");
}

fn get(port: u16, path: &str) -> String {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(10))).unwrap();
    write!(stream, "GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    let (head, body) = answer.split_once("\r\n\r\n").unwrap();
    assert!(head.contains(" 200 "), "{head}");
    body.to_owned()
}

/// The container has the machine's own network, so its port must be free here.
fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::UNSPECIFIED, 0)).unwrap().local_addr().unwrap().port()
}

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/images").join(name)
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}

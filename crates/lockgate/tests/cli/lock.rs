//! `lock`: what is known is pinned, registries are asked, and what is not reached is named.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::world::{World, free_port, until};
use lockgate_testbed::Said;

const DIGEST: &str = "sha256:6f4c2d1e0b9a88776655443322110ffeeddccbbaa99887766554433221100ffe";
const COMMIT: &str = "3333333333333333333333333333333333333333";

fn spec(base: &str) -> String {
    format!(
        "lockgate: v1
system: shop
build: {{preset: python, base: \"{base}\", image: ghcr.io/shop/web}}
dependencies:
  redis: {{type: redis, version: \"8.2\", monitored: false}}
services:
  web: {{port: 8080, health: /up, depends_on: [redis]}}
ci: {{unit: [pytest]}}
environments:
  dev: {{target: docker, services: {{web: {{ports: {{http: {{publish: 8080}}}}}}}}}}
"
    )
}

/// Nothing but the base is to be asked for.
fn alone(base: &str) -> String {
    let redis = "dependencies:\n  redis: {type: redis, version: \"8.2\", monitored: false}\n";
    spec(base).replace(redis, "").replace(", depends_on: [redis]", "")
}

fn written(world: &World) -> Value {
    serde_json::from_str(&std::fs::read_to_string(world.path().join("lockgate.lock")).unwrap()).unwrap()
}

/// Answers as a registry that gives a token to everybody, and as GitHub's API.
struct Server {
    host: String,
}

impl Server {
    fn start() -> Server {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let own = host.clone();
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                answer(stream, &own);
            }
        });
        Server { host }
    }

    fn lock(&self, world: &World, args: &[&str]) -> Said {
        let mut command = world.command(&[&["lock"], args].concat());
        Said::of(&command.env("GITHUB_API_URL", format!("http://{}", self.host)).output().unwrap())
    }
}

fn answer(mut stream: TcpStream, host: &str) {
    let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
    let asked = lines.next().unwrap_or_default();
    let signed_in =
        lines.take_while(|it| !it.is_empty()).any(|it| it.to_lowercase() == "authorization: bearer letmein");
    let path = asked.split(' ').nth(1).unwrap_or_default();
    let (status, headers, body) = if path.starts_with("/token?") {
        assert!(path.contains("scope=repository%3Ashop%2Fbase%3Apull"), "{path}");
        ("200 OK", String::new(), json!({"token": "letmein"}).to_string())
    } else if path == "/v2/shop/base/manifests/1" && signed_in {
        ("200 OK", format!("docker-content-digest: {DIGEST}\r\n"), String::new())
    } else if path.starts_with("/v2/") && !signed_in {
        let challenge = format!(
            "www-authenticate: Bearer realm=\"http://{host}/token\",service=\"test\",scope=\"repository:shop/base:pull\"\r\n"
        );
        ("401 Unauthorized", challenge, String::new())
    } else if let Some((_, major)) = path.split_once("/git/matching-refs/tags/") {
        let tag = |version: &str, kind: &str, digit: &str| json!({"ref": format!("refs/tags/{major}{version}"), "object": {"type": kind, "sha": digit.repeat(40)}});
        let tags = json!([tag("9.1", "tag", "2"), tag("10.0-rc1", "commit", "5"), tag("0.0", "commit", "1")]);
        ("200 OK", String::new(), tags.to_string())
    } else if path.ends_with(&format!("/git/tags/{}", "2".repeat(40))) {
        ("200 OK", String::new(), json!({"object": {"type": "commit", "sha": COMMIT}}).to_string())
    } else {
        ("404 Not Found", String::new(), String::new())
    };
    let length = body.len();
    let text =
        format!("HTTP/1.1 {status}\r\n{headers}content-length: {length}\r\nconnection: close\r\n\r\n{body}");
    // Whoever asked may be gone.
    drop(stream.write_all(text.as_bytes()));
}

#[test]
fn what_comes_with_the_program_is_pinned_and_the_rest_is_named() {
    let world = World::new();
    world.write_text(&spec("registry.example.org/base:1"));
    world.run(&["lock", "--check"]).ended(1).says("redis:8.2 has no pin");
    world.run(&["lock"]).ended(0).says("registry.example.org/base:1 has no pin").says("--update");
    let lock = written(&world);
    assert!(lock["images"]["redis:8.2"]["digest"].as_str().unwrap().starts_with("sha256:"));
    assert_eq!(lock["actions"]["actions/checkout"]["tag"], "v7.0.1");
    let said = world.run(&["lock", "--check", "--format", "json"]).ended(1).json();
    assert_eq!(said, json!({"pinned": false, "missing": ["registry.example.org/base:1"]}));
}

#[test]
fn what_is_pinned_stays_and_what_nobody_needs_goes() {
    let world = World::new();
    world.write_text(&spec("registry.example.org/base:1"));
    let pin = |digest: &str| json!({"tag": "1", "digest": digest, "date": "2026-01-01"});
    let lock =
        json!({"images": {"registry.example.org/base:1": pin(DIGEST), "gone:1": pin(DIGEST)}, "actions": {}});
    std::fs::write(world.path().join("lockgate.lock"), lock.to_string()).unwrap();
    world.run(&["lock"]).ended(0);
    world.run(&["lock", "--check"]).ended(0).says("are pinned");
    let lock = written(&world);
    assert_eq!(lock["images"]["registry.example.org/base:1"], pin(DIGEST));
    assert!(lock["images"].get("gone:1").is_none());
}

#[test]
fn a_registry_that_wants_a_token_and_github_are_asked() {
    let server = Server::start();
    let world = World::new();
    let base = format!("{}/shop/base:1", server.host);
    world.write_text(&alone(&base));
    server.lock(&world, &["--update"]).ended(0).says(DIGEST);
    let lock = written(&world);
    assert_eq!(lock["images"][&base]["digest"], DIGEST);
    assert_eq!(lock["actions"]["actions/checkout"]["tag"], "v7.9.1");
    assert_eq!(lock["actions"]["actions/checkout"]["digest"], COMMIT);
    server.lock(&world, &["--update"]).ended(0).says("0 changed");
    world.run(&["render"]).ended(0);
    let text = std::fs::read_to_string(world.path().join(".github/workflows/quality.yml")).unwrap();
    assert!(text.contains(&format!("actions/checkout@{COMMIT}\" # v7.9.1")), "{text}");
}

#[test]
fn what_is_not_reached_keeps_its_pin_and_is_told() {
    let server = Server::start();
    let world = World::new();
    let base = format!("127.0.0.1:{}/base:1", free_port());
    world.write_text(&alone(&base));
    let pin = json!({"tag": "1", "digest": DIGEST, "date": "2026-01-01"});
    let lock = json!({"images": {&base: pin}, "actions": {}});
    std::fs::write(world.path().join("lockgate.lock"), lock.to_string()).unwrap();
    server.lock(&world, &["--update"]).ended(5).says(&format!("{base} was not reached"));
    let lock = written(&world);
    assert_eq!(lock["images"][&base], pin);
    assert_eq!(lock["actions"]["actions/checkout"]["digest"], COMMIT);
}

/// Debian's `docker-registry`, ended with the test.
struct Registry {
    child: Child,
    port: u16,
    _folder: tempfile::TempDir,
}

impl Registry {
    fn start() -> Option<Registry> {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let config = folder.path().join("config.yml");
        let text = format!(
            "version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: {}}}}}\nhttp: {{addr: 127.0.0.1:{port}}}\n",
            folder.path().join("data").display()
        );
        std::fs::write(&config, text).unwrap();
        let mut command = Command::new("docker-registry");
        command.arg("serve").arg(config).stdout(Stdio::null()).stderr(Stdio::null());
        let child = command.spawn().ok()?;
        let registry = Registry { child, port, _folder: folder };
        until("the registry", || TcpStream::connect(("127.0.0.1", port)).ok());
        Some(registry)
    }

    /// An index without images: whatever it holds, its digest is what is asked for.
    fn push(&self, repository: &str, tag: &str) -> String {
        let body = json!({"schemaVersion": 2, "mediaType": "application/vnd.oci.image.index.v1+json", "manifests": []});
        let body = body.to_string();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        write!(
            stream,
            "PUT /v2/{repository}/manifests/{tag} HTTP/1.1\r\nhost: 127.0.0.1\r\nconnection: close\r\ncontent-type: application/vnd.oci.image.index.v1+json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
        .unwrap();
        let mut said = String::new();
        stream.read_to_string(&mut said).unwrap();
        assert!(said.starts_with("HTTP/1.1 201"), "{said}");
        let digest = said.lines().find_map(|it| it.strip_prefix("Docker-Content-Digest: "));
        digest.unwrap().to_owned()
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

#[test]
fn a_real_registry_is_understood() {
    let Some(registry) = Registry::start() else {
        assert!(std::env::var_os("CI").is_none_or(|it| it != "true"), "docker-registry is not installed");
        writeln!(std::io::stderr(), "skipped: docker-registry is not installed").unwrap();
        return;
    };
    let digest = registry.push("shop/base", "1");
    let server = Server::start();
    let world = World::new();
    let base = format!("127.0.0.1:{}/shop/base:1", registry.port);
    world.write_text(&alone(&base));
    server.lock(&world, &["--update"]).ended(0).says(&digest);
    assert_eq!(written(&world)["images"][&base]["digest"], digest);
    world.write_text(
        &std::fs::read_to_string(world.path().join("lockgate.yaml")).unwrap().replace("base:1\"", "base:2\""),
    );
    server
        .lock(&world, &["--update"])
        .ended(5)
        .says(&format!("there is no 127.0.0.1:{}/shop/base:2; it has 1", registry.port));
}

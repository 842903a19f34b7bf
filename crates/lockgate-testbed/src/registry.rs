//! Registries in plain HTTP: pushing an image to one, and one of the test's own.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::image::digest_of;
use crate::{Image, program, skipped};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar";
const CONFIG_NAME: &str = "config.yml";
/// It starts within a second; a busy machine gets more.
const STARTS_WITHIN: Duration = Duration::from_secs(30);

impl Image {
    /// Pushes the image as `name:tag`; gives `registry/name@sha256:..`. What the registry has already is not sent.
    pub fn push(&self, registry: &str, name_and_tag: &str) -> String {
        let (name, tag) = name_and_tag.rsplit_once(':').expect("an image is pushed as name:tag");
        let to = Repository { agent: ureq::agent(), url: format!("http://{registry}/v2/{name}") };
        let config = self.config_of(name_and_tag);
        to.send_blob(&digest_of(config.as_bytes()), config.as_bytes());
        let mut layers = Vec::new();
        for layer in &self.layers {
            to.send_blob(&layer.digest, &File::open(&layer.place).unwrap());
            layers.push(json!({"mediaType": LAYER, "digest": layer.digest, "size": layer.bytes}));
        }
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": MANIFEST,
            "config": {"mediaType": CONFIG, "digest": digest_of(config.as_bytes()), "size": config.len()},
            "layers": layers,
        });
        let manifest = manifest.to_string();
        let url = format!("{}/manifests/{tag}", to.url);
        to.agent.put(&url).header("content-type", MANIFEST).send(&manifest).unwrap();
        format!("{registry}/{name}@{}", digest_of(manifest.as_bytes()))
    }
}

struct Repository {
    agent: ureq::Agent,
    url: String,
}

impl Repository {
    fn send_blob(&self, digest: &str, body: impl ureq::AsSendBody) {
        match self.agent.head(format!("{}/blobs/{digest}", self.url)).call() {
            Ok(_) => return,
            Err(ureq::Error::StatusCode(404)) => {}
            Err(error) => panic!("{}: {error}", self.url),
        }
        let begun = self.agent.post(format!("{}/blobs/uploads/", self.url)).send_empty().unwrap();
        let location = begun.headers()["location"].to_str().unwrap();
        let join = if location.contains('?') { '&' } else { '?' };
        self.agent.put(format!("{location}{join}digest={digest}")).send(body).unwrap();
    }
}

/// Debian's `docker-registry` on a port of its own; its data and its process are gone when it is dropped.
pub struct Registry {
    child: Child,
    /// `127.0.0.1:port`
    pub address: String,
    program: PathBuf,
    folder: TempDir,
}

impl Registry {
    /// `None` where there is none, which is said.
    pub fn start(what: &str) -> Option<Registry> {
        Registry::start_with(what, json!({}))
    }

    /// With settings of its own, by the names of the registry's configuration: `{"auth": {...}}`.
    pub fn start_with(what: &str, settings: Value) -> Option<Registry> {
        let Some(program) = program("docker-registry") else {
            return skipped(what, "docker-registry is not installed");
        };
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let mut config = json!({
            "version": "0.1",
            "log": {"level": "error"},
            "storage": {"filesystem": {"rootdirectory": folder.path().join("data")}, "delete": {"enabled": true}},
            "http": {"addr": format!("127.0.0.1:{port}")},
        });
        if let (Value::Object(config), Value::Object(settings)) = (&mut config, settings) {
            config.extend(settings);
        }
        std::fs::write(folder.path().join(CONFIG_NAME), config.to_string()).unwrap();
        let child = launch(&program, folder.path());
        let registry = Registry { child, address: format!("127.0.0.1:{port}"), program, folder };
        registry.answers();
        Some(registry)
    }

    pub fn kill(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// Starts it again after `kill`, with all that was pushed to it.
    pub fn start_again(&mut self) {
        self.child = launch(&self.program, self.folder.path());
        self.answers();
    }

    fn answers(&self) {
        let begun = Instant::now();
        while TcpStream::connect(&self.address).is_err() {
            assert!(begun.elapsed() < STARTS_WITHIN, "docker-registry does not answer at {}", self.address);
            std::thread::yield_now();
        }
    }
}

impl Drop for Registry {
    fn drop(&mut self) {
        if self.child.kill().is_ok() {
            let _status = self.child.wait();
        }
    }
}

fn launch(program: &Path, folder: &Path) -> Child {
    let mut command = Command::new(program);
    command.arg("serve").arg(folder.join(CONFIG_NAME)).stdout(Stdio::null()).stderr(Stdio::null());
    command.spawn().unwrap()
}

pub(crate) fn free_port() -> u16 {
    TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port()
}

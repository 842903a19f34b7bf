//! PostgreSQL, Redis and Prometheus of Debian, as images that do what the official ones do for what is rendered.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use crate::image::Config;
use crate::{Image, debian, program, skipped};

/// One root file system for all, so that an engine or a node that has one image has most of the others.
const PACKAGES: [&str; 3] = ["postgresql-17", "redis-server", "prometheus"];
/// Two thirds of it: compiling queries, checking rules, pages for browsers, and a database that nobody uses.
const UNUSED: [&str; 7] = [
    "./usr/lib/*/libLLVM*",
    "./usr/lib/*/libz3*",
    "./usr/lib/postgresql/17/lib/llvmjit.so",
    "./usr/lib/postgresql/17/lib/bitcode",
    "./usr/bin/promtool",
    "./usr/share/javascript/*",
    "./var/lib/postgresql/17",
];
/// Anybody may make files there, and remove his own.
const SHARED: u32 = 0o1777;
const EXECUTABLE: u32 = 0o755;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Server {
    /// `POSTGRES_USER`, `POSTGRES_PASSWORD`, `POSTGRES_DB` and `PGDATA`; user 999.
    Postgres,
    /// `redis-server` with options, and data in `/data`; user 999.
    Redis,
    /// Options of Prometheus, and data in `/prometheus`; user 65534.
    Prometheus,
}

impl Server {
    /// `None` where no root file system can be made, which is said; `what` is left out then.
    pub fn image(self, what: &str) -> Option<Image> {
        if program("debootstrap").is_none() {
            return skipped(what, "debootstrap is not installed");
        }
        let folder = tempfile::tempdir().unwrap();
        // The folder for the time being is for its owner alone, and would make the image's root so.
        let root = &folder.path().join("root");
        let config = match self {
            Server::Postgres => postgres(root),
            Server::Redis => redis(root),
            Server::Prometheus => prometheus(root),
        };
        let mut image = Image::empty(config);
        image.add_archive(debian::archive("servers", &PACKAGES, &UNUSED));
        image.add_folder(root);
        Some(image)
    }
}

fn postgres(root: &Path) -> Config {
    entrypoint(root, include_str!("postgres.sh"));
    user(root, "postgres", 999);
    shared(root, "var/lib/postgresql/data");
    shared(root, "run/postgresql");
    Config {
        entrypoint: vec!["entrypoint.sh".to_owned()],
        command: vec!["postgres".to_owned()],
        env: vec![
            "PATH=/usr/lib/postgresql/17/bin:/usr/local/bin:/usr/sbin:/usr/bin".to_owned(),
            "PGDATA=/var/lib/postgresql/data".to_owned(),
            "LANG=C.UTF-8".to_owned(),
        ],
        // It ends at once, and cleanly, instead of when its last client goes.
        stop_signal: Some("SIGINT".to_owned()),
        ..Config::default()
    }
}

fn redis(root: &Path) -> Config {
    entrypoint(root, include_str!("redis.sh"));
    user(root, "redis", 999);
    shared(root, "data");
    Config {
        entrypoint: vec!["entrypoint.sh".to_owned()],
        command: vec!["redis-server".to_owned()],
        env: vec!["PATH=/usr/local/bin:/usr/sbin:/usr/bin".to_owned()],
        folder: Some("/data".to_owned()),
        ..Config::default()
    }
}

fn prometheus(root: &Path) -> Config {
    shared(root, "prometheus");
    Config {
        entrypoint: vec!["/usr/bin/prometheus".to_owned()],
        command: vec![
            "--config.file=/etc/prometheus/prometheus.yml".to_owned(),
            "--storage.tsdb.path=/prometheus".to_owned(),
        ],
        user: "65534:65534".to_owned(),
        folder: Some("/prometheus".to_owned()),
        ..Config::default()
    }
}

fn entrypoint(root: &Path, script: &str) {
    let folder = root.join("usr/local/bin");
    fs::create_dir_all(&folder).unwrap();
    let place = folder.join("entrypoint.sh");
    fs::write(&place, script).unwrap();
    fs::set_permissions(place, fs::Permissions::from_mode(EXECUTABLE)).unwrap();
}

/// The package gives its user a number as it comes; manifests ask for that of the official image.
fn user(root: &Path, name: &str, id: u32) {
    let etc = root.join("etc");
    fs::create_dir_all(&etc).unwrap();
    let users = format!("root:x:0:0:root:/root:/bin/sh\n{name}:x:{id}:{id}:{name}:/:/bin/sh\n");
    fs::write(etc.join("passwd"), users).unwrap();
    fs::write(etc.join("group"), format!("root:x:0:\n{name}:x:{id}:\n")).unwrap();
}

fn shared(root: &Path, folder: &str) {
    let place = root.join(folder);
    fs::create_dir_all(&place).unwrap();
    fs::set_permissions(place, fs::Permissions::from_mode(SHARED)).unwrap();
}

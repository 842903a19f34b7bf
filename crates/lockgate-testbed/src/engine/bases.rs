//! Base images, made on this machine: Debian by debootstrap, Node as npm serves it, Python of Debian, and the Rust
//! toolchain that runs the tests. They have the names that Dockerfiles of presets begin from.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Builder, Engine};
use crate::host::cached;
use crate::{debian, output};

const DEBIAN: &str = "debian:trixie-slim";
const NODE: &str = "24.21.0";
const NPM: &str = "11.21.2";

/// Debian without anything beyond what makes it Debian, and certificates.
pub fn debian(engine: &Engine) {
    let archive = debian::archive("minbase", &["ca-certificates"], &[]);
    engine.run(["import".as_ref(), archive.as_os_str(), "bare".as_ref()]);
    // Whoever runs the tests may trust a registry that nobody else knows.
    let context = tempfile::tempdir().unwrap();
    fs::copy("/etc/ssl/certs/ca-certificates.crt", context.path().join("ca-certificates.crt")).unwrap();
    make(engine, DEBIAN, context.path(), "FROM bare\nCOPY ca-certificates.crt /etc/ssl/certs/\n");
}

pub fn node(engine: &Engine) {
    let context = tempfile::tempdir().unwrap();
    let architecture = if cfg!(target_arch = "aarch64") { "arm64" } else { "x64" };
    let package = format!("node-linux-{architecture}");
    for (name, version, target) in [(package.as_str(), NODE, "node"), ("npm", NPM, "lib/npm")] {
        let archive = cached(&format!("{name}-{version}.tgz"), |folder, archive| {
            let mut npm = Command::new("npm");
            npm.args(["pack", "--silent", &format!("{name}@{version}"), "--pack-destination"]).arg(folder);
            output(&mut npm);
            fs::copy(folder.join(format!("{name}-{version}.tgz")), archive).unwrap();
        });
        let target = context.path().join(target);
        fs::create_dir_all(&target).unwrap();
        output(
            Command::new("tar").arg("-xzf").arg(&archive).arg("--strip-components=1").arg("-C").arg(&target),
        );
    }
    let dockerfile = format!(
        "FROM {DEBIAN}
COPY node/bin/node /usr/local/bin/node
COPY lib/npm /usr/local/lib/node_modules/npm
RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/local/bin/npm \\
 && ln -s ../lib/node_modules/npm/bin/npx-cli.js /usr/local/bin/npx \\
 && chmod +x /usr/local/lib/node_modules/npm/bin/*-cli.js \\
 && useradd --uid 1000 --user-group --create-home node
ENV NODE_EXTRA_CA_CERTS=/etc/ssl/certs/ca-certificates.crt
"
    );
    make(engine, "node:24-trixie-slim", context.path(), &dockerfile);
}

pub fn python(engine: &Engine) {
    let context = tempfile::tempdir().unwrap();
    let dockerfile = format!(
        "FROM {DEBIAN}
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends python3-venv \\
 && ln -s /usr/bin/python3 /usr/local/bin/python
ENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt
"
    );
    make(engine, "python:3.13-slim-trixie", context.path(), &dockerfile);
}

pub fn rust(engine: &Engine) {
    let sysroot = output(Command::new("rustc").args(["--print", "sysroot"])).0;
    let sysroot = PathBuf::from(String::from_utf8(sysroot).unwrap().trim());
    // Documentation, sources and other targets are most of a toolchain, and nothing here reads them.
    let folder = tempfile::tempdir().unwrap();
    let host = format!("lib/rustlib/{}-unknown-linux-gnu", std::env::consts::ARCH);
    let dockerfile = format!(
        "FROM {DEBIAN}
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev
COPY bin/cargo bin/rustc /usr/local/bin/
COPY lib/*.so* /usr/local/lib/
COPY {host}/bin /usr/local/{host}/bin
COPY {host}/lib /usr/local/{host}/lib
ENV CARGO_HOME=/usr/local/cargo CARGO_HTTP_CAINFO=/etc/ssl/certs/ca-certificates.crt
"
    );
    fs::write(folder.path().join("Dockerfile"), dockerfile).unwrap();
    engine.build(Builder::BuildKit, "rust:1.95-trixie", &folder.path().join("Dockerfile"), &sysroot, &[]);
}

fn make(engine: &Engine, tag: &str, context: &Path, dockerfile: &str) {
    let file = context.join("Dockerfile");
    fs::write(&file, dockerfile).unwrap();
    engine.build(Builder::BuildKit, tag, &file, context, &[]);
}

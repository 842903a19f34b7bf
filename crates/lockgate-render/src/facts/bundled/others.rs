//! Caches, mail catchers, object stores, and what the spec names by its image.

use super::{Bundled, Exporter, Wanted, settings, words};

pub(super) fn memcached(wanted: &Wanted<'_>) -> Bundled {
    let image = wanted.image("memcached", "1.6") + "-alpine";
    let port = wanted.port(11211);
    let mut it = Bundled::new(image, port, &["nc", "-z", "127.0.0.1", &port.to_string()]);
    it.user = 11211;
    it.exporter = Some(Exporter {
        image: "quay.io/prometheus/memcached-exporter:v0.15.3",
        port: 9150,
        env: settings([]),
        args: vec![format!("--memcached.address={}:{port}", wanted.name)],
    });
    it
}

/// Catches every mail and shows it, so that nothing leaves the machine.
pub(super) fn mailpit(wanted: &Wanted<'_>) -> Bundled {
    let image = wanted.image("axllent/mailpit", "v1.27");
    let mut it = Bundled::new(image, wanted.port(1025), &["/mailpit", "readyz"]);
    it.user = 1000;
    it.page = Some(8025);
    it
}

pub(super) fn minio(wanted: &Wanted<'_>) -> Bundled {
    let image = wanted.image("quay.io/minio/minio", "RELEASE.2025-07-23T15-54-02Z");
    let mut it = Bundled::new(image, wanted.port(9000), &["mc", "ready", "local"]);
    it.env = settings([
        ("MINIO_ROOT_USER", wanted.user()),
        ("MINIO_ROOT_PASSWORD", wanted.password_reference().as_str()),
        ("MINIO_PROMETHEUS_AUTH_TYPE", "public"),
    ]);
    it.args = words(&["server", "/data", "--console-address", ":9001"]);
    it.data = Some("/data");
    it.user = 1000;
    it.password = Some(wanted.password());
    it.metrics = Some(("/minio/v2/metrics/cluster", it.port));
    it.page = Some(9001);
    it
}

pub(super) fn nginx(wanted: &Wanted<'_>) -> Bundled {
    let port = wanted.port(80);
    let address = format!("http://127.0.0.1:{port}/");
    Bundled::new(wanted.image("nginx", "1.29"), port, &["curl", "-fsS", "-o", "/dev/null", &address])
}

pub(super) fn unknown(wanted: &Wanted<'_>) -> Option<Bundled> {
    let image = wanted.dependency.image.clone()?;
    Some(Bundled::new(image, wanted.port(80), &[]))
}

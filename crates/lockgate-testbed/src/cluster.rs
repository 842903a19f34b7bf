//! Where the cluster of the tests is; `scripts/cluster/README.md` says what is asked of it.

use std::path::{Path, PathBuf};

use crate::{Image, Server, skipped};

pub(crate) const REGISTRY: &str = "LOCKGATE_TEST_REGISTRY";

/// A cluster that runs already. Each test makes a namespace of its own in it, and removes it.
#[derive(Clone, Debug)]
pub struct Cluster {
    /// Of one who may do everything.
    pub kubeconfig: PathBuf,
    /// `host:port` of a registry in plain HTTP.
    pub registry: String,
    /// Where the Gateway `shared` of the namespace `gateway` listens.
    pub gateway: String,
    /// Where Ingresses of class `nginx` are served.
    pub ingress: String,
}

impl Cluster {
    /// `what` is left out where no cluster is given.
    pub fn given(what: &str) -> Option<Cluster> {
        let given = |name: &str| match std::env::var(name) {
            Ok(value) if !value.is_empty() => Some(value),
            _ => skipped(what, &format!("{name} is not set, see scripts/cluster/README.md")),
        };
        Some(Cluster {
            kubeconfig: given("KUBECONFIG")?.into(),
            registry: given(REGISTRY)?,
            gateway: given("LOCKGATE_TEST_GATEWAY")?,
            ingress: given("LOCKGATE_TEST_INGRESS")?,
        })
    }
}

/// Pushes a program and the libraries that it needs, as `name:tag`, to the registry of the cluster.
/// Gives `10.201.0.1:5000/name@sha256:..`; each tag has a digest of its own, whatever the program is.
pub fn image_of_program(program: &Path, name_and_tag: &str) -> String {
    Image::of_program(program).push(&registry(), name_and_tag)
}

/// The same for a server of Debian; `None` where none can be made, which is said.
pub fn image_of_server(server: Server, name_and_tag: &str) -> Option<String> {
    Some(server.image(name_and_tag)?.push(&registry(), name_and_tag))
}

fn registry() -> String {
    std::env::var(REGISTRY).unwrap_or_else(|_| panic!("{REGISTRY} is not set"))
}

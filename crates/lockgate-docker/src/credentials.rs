//! Who may pull from which registry, as it was handed in.

use std::fmt;
use std::sync::Arc;

use bollard::auth::DockerCredentials;
use lockgate_model::Secret;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Credentials {
    pub user: String,
    pub password: Secret<String>,
}

type Find = dyn Fn(&str) -> Option<Credentials> + Send + Sync;

/// Finds the credentials of a registry by its host; the default knows none.
#[derive(Clone)]
pub struct Keyring(Arc<Find>);

impl Keyring {
    pub fn new(find: impl Fn(&str) -> Option<Credentials> + Send + Sync + 'static) -> Keyring {
        Keyring(Arc::new(find))
    }

    pub(crate) fn of(&self, host: &str) -> Option<DockerCredentials> {
        let found = (self.0)(host)?;
        Some(DockerCredentials {
            username: Some(found.user),
            password: Some(found.password.reveal().clone()),
            serveraddress: Some(host.to_owned()),
            ..DockerCredentials::default()
        })
    }
}

impl Default for Keyring {
    fn default() -> Keyring {
        Keyring::new(|_| None)
    }
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Keyring(..)")
    }
}

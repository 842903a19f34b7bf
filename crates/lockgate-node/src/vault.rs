//! Values of secrets, kept apart from all that refers to them: one private file for each value.
//!
//! A snapshot names a value by a keyed digest, so a rollback finds the value of its time, and whoever reads
//! snapshots, journals or labels learns nothing of it.

use std::path::{Path, PathBuf};
use std::{fs, io};

use hmac::{Hmac, KeyInit as _, Mac as _};
use lockgate_model::{Digest, Secret, SecretRef};
use sha2::Sha256;

use crate::place::private_dir;
use crate::{NodeError, Place, private_file};

const KEY_NAME: &str = "key";
/// Half of a digest: far more than enough to tell values apart.
const VERSION_LEN: usize = 32;

#[derive(Clone, Debug)]
pub struct Vault {
    dir: PathBuf,
    key: Secret<[u8; 32]>,
}

impl Vault {
    /// Opens the vault of a state folder, and makes it when it is not there.
    pub fn open(place: &Place) -> Result<Vault, NodeError> {
        let dir = place.state_dir().join("secrets");
        private_dir(&dir)?;
        let key = private_file::key(&dir.join(KEY_NAME))?;
        Ok(Vault { dir, key: Secret::new(key) })
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Keeps a value, and says how it is referred to. The same value of the same name is kept once.
    pub fn keep(&self, name: &str, value: &Secret<String>) -> Result<SecretRef, NodeError> {
        let secret = SecretRef { name: name.to_owned(), version: self.version(name, value.reveal()) };
        let path = self.path(&secret);
        if !path.exists() {
            let written = private_file::replace(&path, value.reveal().as_bytes());
            written.map_err(NodeError::file("write", &path))?;
        }
        Ok(secret)
    }

    /// Keeps a value under the reference that another vault gave it.
    pub(crate) fn take(&self, secret: &SecretRef, value: &Secret<String>) -> Result<(), NodeError> {
        let path = self.path(secret);
        let written = if secret.version.bytes().all(|it| it.is_ascii_hexdigit()) {
            private_file::replace(&path, value.reveal().as_bytes())
        } else {
            Err(io::Error::new(io::ErrorKind::InvalidInput, "a version is a digest"))
        };
        written.map_err(NodeError::file("write", &path))
    }

    pub fn reveal(&self, secret: &SecretRef) -> Result<Secret<String>, NodeError> {
        let path = self.path(secret);
        fs::read_to_string(&path).map(Secret::new).map_err(NodeError::file("read the secret in", &path))
    }

    /// Which value it is, without a hint of the value.
    pub fn version(&self, name: &str, value: &str) -> String {
        let mut mac = Hmac::<Sha256>::new_from_slice(self.key.reveal()).expect("keys of any length fit");
        mac.update(name.as_bytes());
        mac.update(&[0]);
        mac.update(value.as_bytes());
        let digest = Digest::from_bytes(mac.finalize().into_bytes().into());
        digest.hex()[..VERSION_LEN].to_owned()
    }

    fn path(&self, secret: &SecretRef) -> PathBuf {
        // A name may hold what a file's name cannot; the version depends on it already.
        self.dir.join(&secret.version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_is_found_by_its_reference_and_by_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place::of(dir.path()).unwrap();
        let vault = Vault::open(&place).unwrap();
        let first = vault.keep("TOKEN", &Secret::new("a".to_owned())).unwrap();
        let second = Vault::open(&place).unwrap().keep("TOKEN", &Secret::new("b".to_owned())).unwrap();
        assert_ne!(first.version, second.version);
        assert_eq!(vault.keep("TOKEN", &Secret::new("a".to_owned())).unwrap(), first);
        assert_eq!(vault.reveal(&first).unwrap().reveal(), "a");
        assert_eq!(vault.reveal(&second).unwrap().reveal(), "b");
        let elsewhere = tempfile::tempdir().unwrap();
        let other = Vault::open(&Place::of(elsewhere.path()).unwrap()).unwrap();
        assert_ne!(other.keep("TOKEN", &Secret::new("a".to_owned())).unwrap(), first, "the key is its own");
    }
}

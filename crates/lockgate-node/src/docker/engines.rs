//! The engines that environments are on: one client for each, made when it is first asked for.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use lockgate_docker::{Engine, Keyring};

use super::Docker;
use crate::{Place, Vault};

pub(crate) struct Engines {
    /// Where the engine is of an environment that names none.
    usual: String,
    keyring: Keyring,
    place: Place,
    vault: Vault,
    known: Mutex<BTreeMap<String, Docker>>,
}

impl Engines {
    pub(crate) fn new(usual: String, keyring: Keyring, place: &Place, vault: &Vault) -> Engines {
        Engines { usual, keyring, place: place.clone(), vault: vault.clone(), known: Mutex::default() }
    }

    /// The engine at an address, or in its usual place. It need not be there.
    pub(crate) fn at(&self, address: Option<&str>) -> Docker {
        let address = address.unwrap_or(&self.usual);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let docker = known.entry(address.to_owned()).or_insert_with(|| Docker {
            engine: Engine::new(address, self.keyring.clone()),
            place: self.place.clone(),
            node_id: self.place.node_id(),
            vault: self.vault.clone(),
        });
        docker.clone()
    }

    /// The same engine, however it is named.
    pub(crate) fn are_one(&self, one: Option<&str>, other: Option<&str>) -> bool {
        self.at(one).engine.at() == self.at(other).engine.at()
    }
}

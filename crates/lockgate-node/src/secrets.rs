//! Values of secrets on their way from the vault to what is launched.

use std::collections::BTreeMap;

use lockgate_model::{Secret, SecretRef, with_causes};

use crate::Vault;
use crate::protocol::Failure;

/// By variable.
#[derive(Debug, Default)]
pub(crate) struct Revealed(BTreeMap<String, Secret<String>>);

impl Revealed {
    /// Reads all of them, or says which is missing.
    pub(crate) fn all(
        vault: &Vault,
        secrets: &BTreeMap<String, SecretRef>,
        whose: &str,
    ) -> Result<Revealed, Failure> {
        let read = secrets.iter().map(|(name, secret)| {
            let value = vault.reveal(secret).map_err(|error| {
                Failure::fatal(format!(
                    "{whose} cannot start: the value of its secret {} is not kept here: {}",
                    secret.name,
                    with_causes(&error)
                ))
                .hint("the values of a release are in `secrets` of the state folder; restore it, or release anew")
            });
            Ok((name.clone(), value?))
        });
        read.collect::<Result<_, _>>().map(Revealed)
    }

    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(|it| it.reveal().as_str())
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().map(|(name, value)| (name.as_str(), value.reveal().as_str()))
    }
}

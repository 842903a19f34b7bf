//! What a secret is: never its value, only where it comes from and what it must look like.

use serde::{Deserialize, Serialize};

use crate::Millis;

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SecretRule {
    /// Made by Lockgate once, and kept.
    pub generate: Option<Generate>,
    /// Public half of another secret's key pair.
    pub public_of: Option<String>,
    /// How old the value may become.
    pub rotate: Option<Millis>,
    /// Name in the store, where it is not the variable's.
    pub from: Option<String>,
    /// Key within a secret of several values.
    pub key: Option<String>,
    pub format: Option<SecretFormat>,
    pub required: bool,
    pub about: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Generate {
    /// 32 random bytes as 64 hexadecimal digits.
    Hex32,
    Hex64,
    #[serde(rename = "base64-32")]
    Base64Of32,
    #[serde(rename = "base64-64")]
    Base64Of64,
    /// 32 letters and digits.
    Password,
    Uuid,
    #[serde(rename = "rsa-2048")]
    Rsa2048,
    #[serde(rename = "rsa-4096")]
    Rsa4096,
    Ed25519,
}

impl Generate {
    /// Does it make a pair, of which `public_of` is the public half?
    pub fn is_key_pair(self) -> bool {
        matches!(self, Generate::Rsa2048 | Generate::Rsa4096 | Generate::Ed25519)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretFormat {
    Text,
    Url,
    Pem,
    Hex,
    Base64,
    Json,
    /// JSON without line breaks, as variables need it.
    JsonOneLine,
}

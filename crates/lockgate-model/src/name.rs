//! Names: what users call things. A name that exists is valid.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

/// A DNS label holds 63 characters; names become host names and labels on every platform.
const NAME_LEN_MAX: usize = 63;
/// Versions are shown in tables and become label values, which hold 63 characters on Kubernetes.
const VERSION_LEN_MAX: usize = 63;

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a valid {kind}: {reason}")]
pub struct InvalidName {
    pub kind: &'static str,
    pub text: String,
    pub reason: &'static str,
}

fn check_name(kind: &'static str, text: &str) -> Result<(), InvalidName> {
    let invalid = |reason| InvalidName { kind, text: text.to_owned(), reason };
    if text.is_empty() {
        return Err(invalid("it is empty"));
    }
    if NAME_LEN_MAX < text.len() {
        return Err(invalid("it is longer than 63 characters"));
    }
    if !text.starts_with(|it: char| it.is_ascii_lowercase()) {
        return Err(invalid("it must start with a lowercase letter a-z"));
    }
    if !text.chars().all(|it| it.is_ascii_lowercase() || it.is_ascii_digit() || it == '-') {
        return Err(invalid("only a-z, 0-9 and `-` are allowed"));
    }
    if text.ends_with('-') {
        return Err(invalid("it must not end with `-`"));
    }
    Ok(())
}

fn check_version(kind: &'static str, text: &str) -> Result<(), InvalidName> {
    let invalid = |reason| InvalidName { kind, text: text.to_owned(), reason };
    if text.is_empty() {
        return Err(invalid("it is empty"));
    }
    if VERSION_LEN_MAX < text.len() {
        return Err(invalid("it is longer than 63 characters"));
    }
    if !text.starts_with(|it: char| it.is_ascii_alphanumeric()) {
        return Err(invalid("it must start with a letter or a digit"));
    }
    if !text.chars().all(|it| it.is_ascii_alphanumeric() || matches!(it, '-' | '_' | '.')) {
        return Err(invalid("only letters, digits, `-`, `_` and `.` are allowed"));
    }
    Ok(())
}

macro_rules! name_type {
    ($(#[$doc:meta])* $name:ident, $kind:literal, $check:path) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(try_from = "String", into = "String")]
        pub struct $name(String);

        impl $name {
            pub fn new(text: impl Into<String>) -> Result<Self, InvalidName> {
                let text = text.into();
                $check($kind, &text)?;
                Ok(Self(text))
            }

            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(&self.0)
            }
        }

        impl FromStr for $name {
            type Err = InvalidName;

            fn from_str(text: &str) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl TryFrom<String> for $name {
            type Error = InvalidName;

            fn try_from(text: String) -> Result<Self, InvalidName> {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> String {
                name.0
            }
        }

        impl std::borrow::Borrow<str> for $name {
            fn borrow(&self) -> &str {
                &self.0
            }
        }
    };
}

name_type!(/** The system that one spec describes. */ SystemName, "system name", check_name);
name_type!(/** A service of a system. */ ServiceName, "service name", check_name);
name_type!(/** An environment of a system. */ EnvironmentName, "environment name", check_name);
name_type!(/** Something a system depends on and does not release, such as a database. */ DependencyName, "dependency name", check_name);
name_type!(/** A port of a service; the main one is called `http` unless the spec says otherwise. */ PortName, "port name", check_name);

impl PortName {
    /// The variable that an instance is told its number in: `ADMIN_PORT` for `admin`.
    pub fn variable(&self) -> String {
        format!("{}_PORT", self.as_str().to_ascii_uppercase().replace('-', "_"))
    }
}

name_type!(/** A one-off job of a release: `migrate`, `seed`. */ JobName, "job name", check_name);
name_type!(/** What users call the thing that is released: `v1.2.3`. */ Version, "version", check_version);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_dns_labels() {
        for good in ["a", "web", "user-service", "x1"] {
            assert_eq!(ServiceName::new(good).unwrap().as_str(), good);
        }
        for bad in ["", "1a", "A", "a_b", "a.b", "a-", "é", &"a".repeat(64)] {
            assert!(ServiceName::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn versions_are_label_values() {
        for good in ["v1.2.3", "1", "staging-0a1b2c3", "2026_01"] {
            assert!(Version::new(good).is_ok(), "{good}");
        }
        for bad in ["", "-1", "v1/2", "v 1", "ü"] {
            assert!(Version::new(bad).is_err(), "{bad}");
        }
    }
}

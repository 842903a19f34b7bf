//! What a registry could not do, or did not want to, said so that the thing and the next step are named.

use crate::reference::{BadReference, Reference, Repository};

#[derive(Debug, thiserror::Error)]
pub enum RegistryError {
    #[error(transparent)]
    BadReference(#[from] BadReference),
    #[error("there is no {reference}{}", others(.tags))]
    NoTag {
        reference: Box<Reference>,
        /// Some of those that are there.
        tags: Vec<String>,
    },
    #[error("{} has no repository {}", .0.host, .0.path)]
    NoRepository(Repository),
    #[error("{host} does not allow to {action} {path}, asked {tried}{}", said(.message))]
    Denied {
        host: String,
        path: String,
        action: &'static str,
        /// Where the credentials are from, never what they are.
        tried: String,
        message: String,
    },
    #[error("{reference} is not for {wanted}; it is for {}", .has.join(", "))]
    WrongPlatform { reference: Box<Reference>, wanted: String, has: Vec<String> },
    #[error("{host} has no room for {path}: it answered {status}{}", said(.message))]
    Full { host: String, path: String, status: u16, message: String },
    #[error("{host} takes no images for {path}: it answered {status}{}", said(.message))]
    Refused { host: String, path: String, status: u16, message: String },
    #[error("{host} allows no more requests for now{}", after(*.after_s))]
    RateLimited { host: String, after_s: Option<u64> },
    #[error("{host} is not reached: {why}")]
    Unreachable { host: String, why: String },
    #[error("{url} answered {status}{}", said(.message))]
    Answer { url: String, status: u16, message: String },
    /// It answered, and what it answered makes no sense.
    #[error("{host} {problem}")]
    Nonsense { host: String, problem: String },
    #[error("the credentials for {host} cannot be read: {problem}")]
    Credentials { host: String, problem: String },
}

impl RegistryError {
    /// Something that can be run or done.
    pub fn hint(&self) -> Option<String> {
        match self {
            RegistryError::Denied { host, .. } => {
                Some(format!("`docker login {host}` with a user who may, and again"))
            }
            RegistryError::Unreachable { host, why } if is_tls(why) => {
                Some(format!("if it speaks plain HTTP: LOCKGATE_INSECURE_REGISTRIES={host}"))
            }
            RegistryError::WrongPlatform { wanted, .. } => {
                Some(format!("build it for {wanted} too: `platforms: [{wanted}]` in `build`"))
            }
            RegistryError::Full { host, .. } => {
                Some(format!("make room in {host}, such as by removing versions that nobody runs"))
            }
            RegistryError::BadReference(_)
            | RegistryError::NoTag { .. }
            | RegistryError::NoRepository(_)
            | RegistryError::Refused { .. }
            | RegistryError::RateLimited { .. }
            | RegistryError::Unreachable { .. }
            | RegistryError::Answer { .. }
            | RegistryError::Nonsense { .. }
            | RegistryError::Credentials { .. } => None,
        }
    }

    /// The registry may have it, or do it, another time.
    pub fn is_transient(&self) -> bool {
        match self {
            RegistryError::Unreachable { .. } | RegistryError::RateLimited { .. } => true,
            RegistryError::Answer { status, .. } => 500 <= *status,
            RegistryError::BadReference(_)
            | RegistryError::NoTag { .. }
            | RegistryError::NoRepository(_)
            | RegistryError::Denied { .. }
            | RegistryError::WrongPlatform { .. }
            | RegistryError::Full { .. }
            | RegistryError::Refused { .. }
            | RegistryError::Nonsense { .. }
            | RegistryError::Credentials { .. } => false,
        }
    }
}

fn is_tls(why: &str) -> bool {
    ["tls", "certificate", "InvalidContentType", "corrupt message"].iter().any(|it| why.contains(it))
}

fn others(tags: &[String]) -> String {
    match tags {
        [] => String::new(),
        tags => format!("; it has {}", tags.join(", ")),
    }
}

fn said(message: &str) -> String {
    if message.is_empty() { String::new() } else { format!(" ({message})") }
}

fn after(seconds: Option<u64>) -> String {
    seconds.map(|it| format!("; it asks to wait {it} s")).unwrap_or_default()
}

//! What an engine refused or failed to do, by its kind, with what can be done about it.

use bollard::errors::Error;

/// What the caller can do about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EngineClass {
    /// Nobody answers, and may again: worth asking for as long as somebody waits.
    Away,
    /// Worth another attempt.
    Transient,
    /// The same request fails again.
    Fatal,
}

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error("the Docker engine at {at} cannot be reached")]
    Unreachable {
        at: String,
        #[source]
        source: Error,
    },
    #[error("{address} is no address of a Docker engine on this machine")]
    NotHere { address: String },
    #[error("there is no {thing} (any more)")]
    Missing { thing: String },
    #[error("there is no image {image}: {reason}")]
    NoImage { image: String, reason: String },
    #[error("the registry does not let this machine pull {image}: {reason}")]
    NoRight { image: String, reason: String },
    #[error("image {image} is not made for the platform of this machine: {reason}")]
    WrongPlatform { image: String, reason: String },
    #[error("the registry of {image} cannot be reached: {reason}")]
    NoRegistry { image: String, reason: String },
    #[error("no space is left for {thing}: {reason}")]
    NoSpace { thing: String, reason: String },
    #[error("the name of {thing} is in use by something else: {reason}")]
    NameTaken { thing: String, reason: String },
    #[error("a port of {thing} is in use by something else: {reason}")]
    PortTaken { thing: String, reason: String },
    /// The engine made it and could not start its program.
    #[error("{thing} cannot start: {reason}")]
    CannotStart { thing: String, reason: String },
    #[error("the Docker engine did not {doing} {thing}: {reason}")]
    Refused { doing: &'static str, thing: String, reason: String },
    #[error("the Docker engine failed to {doing} {thing}: {reason}")]
    Failed { doing: &'static str, thing: String, reason: String },
}

impl EngineError {
    pub fn class(&self) -> EngineClass {
        match self {
            EngineError::Unreachable { .. } => EngineClass::Away,
            // A name that nobody knows is wrong more often than away.
            EngineError::NoRegistry { reason, .. } if !reason.contains("no such host") => EngineClass::Away,
            EngineError::Missing { .. }
            | EngineError::NoRegistry { .. }
            | EngineError::NoSpace { .. }
            | EngineError::Failed { .. } => EngineClass::Transient,
            EngineError::NotHere { .. }
            | EngineError::NoImage { .. }
            | EngineError::NoRight { .. }
            | EngineError::WrongPlatform { .. }
            | EngineError::NameTaken { .. }
            | EngineError::PortTaken { .. }
            | EngineError::CannotStart { .. }
            | EngineError::Refused { .. } => EngineClass::Fatal,
        }
    }

    /// What to run or do.
    pub fn hint(&self) -> Option<String> {
        match self {
            EngineError::Unreachable { at, .. } => Some(format!("docker -H {at} version")),
            EngineError::NotHere { .. } => {
                Some("set DOCKER_HOST to unix:///var/run/docker.sock, or to where its socket is".to_owned())
            }
            EngineError::NoImage { image, .. } | EngineError::NoRegistry { image, .. } => {
                Some(format!("docker pull {image}"))
            }
            EngineError::NoRight { image, .. } => Some(format!("docker login {}", registry_of(image))),
            EngineError::WrongPlatform { image, .. } => {
                Some(format!("docker manifest inspect {image}, and build it for this machine too"))
            }
            EngineError::NoSpace { .. } => Some("docker system df, then: docker system prune".to_owned()),
            EngineError::NameTaken { .. } => Some("docker ps --all, then rename or remove it".to_owned()),
            EngineError::PortTaken { .. } => Some("ss -ltnp".to_owned()),
            EngineError::Missing { .. }
            | EngineError::CannotStart { .. }
            | EngineError::Refused { .. }
            | EngineError::Failed { .. } => None,
        }
    }

    pub fn is_unreachable(&self) -> bool {
        matches!(self, EngineError::Unreachable { .. })
    }

    pub fn is_missing(&self) -> bool {
        matches!(self, EngineError::Missing { .. })
    }
}

/// The host of an image's registry, as `docker login` takes it.
pub(crate) fn registry_of(image: &str) -> &str {
    match image.split_once('/') {
        Some((host, _)) if host.contains(['.', ':']) || host == "localhost" => host,
        _ => "docker.io",
    }
}

/// What was asked for, for errors that name it.
pub(crate) struct Asked<'a> {
    pub(crate) at: &'a str,
    pub(crate) doing: &'static str,
    pub(crate) thing: &'a str,
}

impl Asked<'_> {
    pub(crate) fn failed(&self, error: Error) -> EngineError {
        let thing = self.thing.to_owned();
        match error {
            Error::DockerResponseServerError { status_code, message } => self.answered(status_code, message),
            Error::DockerStreamError { error } => self.answered(500, error),
            Error::SocketNotFoundError(_)
            | Error::IOError { .. }
            | Error::HyperResponseError { .. }
            | Error::HyperLegacyError { .. }
            | Error::RequestTimeoutError => {
                EngineError::Unreachable { at: self.at.to_owned(), source: error }
            }
            other => EngineError::Failed { doing: self.doing, thing, reason: other.to_string() },
        }
    }

    /// Statuses say too little: the engine answers 500 to much that is no fault of its own.
    fn answered(&self, status: u16, reason: String) -> EngineError {
        let (thing, doing) = (self.thing.to_owned(), self.doing);
        let says = |words: &[&str]| words.iter().any(|it| reason.contains(it));
        if says(&["no space left on device"]) {
            return EngineError::NoSpace { thing, reason };
        }
        if says(&["port is already allocated", "address already in use"]) {
            return EngineError::PortTaken { thing, reason };
        }
        if says(&["is already in use by container", "already exists"]) {
            return EngineError::NameTaken { thing, reason };
        }
        if doing == "start" && says(&["OCI runtime", "failed to create shim", "exec format error"]) {
            return EngineError::CannotStart { thing, reason };
        }
        match status {
            404 => EngineError::Missing { thing },
            400..500 => EngineError::Refused { doing, thing, reason },
            _ => EngineError::Failed { doing, thing, reason },
        }
    }

    /// Of a pull, whose answers are about the registry.
    pub(crate) fn not_pulled(&self, image: &str, error: Error) -> EngineError {
        let (image, reason) = match error {
            Error::DockerResponseServerError { message, .. } => (image.to_owned(), message),
            Error::DockerStreamError { error } => (image.to_owned(), error),
            other => return self.failed(other),
        };
        let says = |words: &[&str]| words.iter().any(|it| reason.contains(it));
        if says(&["no space left on device"]) {
            return EngineError::NoSpace { thing: format!("image {image}"), reason };
        }
        if says(&["no matching manifest", "does not match the specified platform"]) {
            return EngineError::WrongPlatform { image, reason };
        }
        if says(&["unauthorized", "denied", "authentication required", "no basic auth credentials"]) {
            return EngineError::NoRight { image, reason };
        }
        if says(&["manifest unknown", "not found", "name unknown", "invalid reference"]) {
            return EngineError::NoImage { image, reason };
        }
        EngineError::NoRegistry { image, reason }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(doing: &'static str, status_code: u16, message: &str) -> EngineError {
        let asked = Asked { at: "unix:///x", doing, thing: "container web" };
        asked.failed(Error::DockerResponseServerError { status_code, message: message.to_owned() })
    }

    fn pull(message: &str) -> EngineError {
        let asked = Asked { at: "unix:///x", doing: "pull", thing: "image a/b" };
        asked.not_pulled("a.example/b", Error::DockerStreamError { error: message.to_owned() })
    }

    #[test]
    fn what_an_engine_says_is_told_apart() {
        let taken = "Conflict. The container name \"/web\" is already in use by container \"0a\". You have to remove it.";
        assert!(matches!(answer("create", 409, taken), EngineError::NameTaken { .. }));
        let port = "driver failed programming external connectivity: Bind for 0.0.0.0:80 failed: port is already allocated";
        assert!(matches!(answer("start", 500, port), EngineError::PortTaken { .. }));
        let program = "OCI runtime create failed: exec: \"no\": executable file not found in $PATH: unknown";
        assert!(matches!(answer("start", 400, program), EngineError::CannotStart { .. }));
        assert!(answer("inspect", 404, "No such container: web").is_missing());
        assert!(matches!(answer("start", 500, "oh"), EngineError::Failed { .. }));
        assert!(matches!(answer("start", 409, "oh"), EngineError::Refused { .. }));
        let space = answer("create", 500, "mkdir /var/lib/docker/x: no space left on device");
        assert_eq!((space.class(), space.hint().is_some()), (EngineClass::Transient, true));
    }

    #[test]
    fn what_a_registry_says_is_told_apart() {
        let unknown = "manifest for a.example/b@sha256:00 not found: manifest unknown: manifest unknown";
        assert!(matches!(pull(unknown), EngineError::NoImage { .. }));
        let denied =
            pull("pull access denied for b, repository does not exist or may require 'docker login'");
        assert!(matches!(denied, EngineError::NoRight { .. }));
        assert_eq!(denied.hint().unwrap(), "docker login a.example");
        let platform = "no matching manifest for linux/arm64/v8 in the manifest list entries";
        assert!(matches!(pull(platform), EngineError::WrongPlatform { .. }));
        let away = pull("Get \"https://a.example/v2/\": dial tcp: connect: connection refused");
        assert_eq!(away.class(), EngineClass::Away);
    }

    #[test]
    fn an_image_without_a_host_is_of_docker_hub() {
        for (image, host) in [
            ("nginx", "docker.io"),
            ("a/b:1", "docker.io"),
            ("ghcr.io/a/b", "ghcr.io"),
            ("localhost:5000/a", "localhost:5000"),
        ] {
            assert_eq!(registry_of(image), host);
        }
    }
}

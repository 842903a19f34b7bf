//! The connection to one engine.

use bollard::Docker;

#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    #[error(
        "the Docker engine at {at} cannot be reached; see whether it runs, as with `docker -H {at} version`"
    )]
    Unreachable {
        at: String,
        #[source]
        source: bollard::errors::Error,
    },
}

/// A client of one engine.
#[derive(Clone, Debug)]
pub struct Engine {
    at: String,
    client: Docker,
}

/// Seconds that one answer may take; waiting for the end of a container is asked for anew.
const ANSWER_WITHIN_S: u64 = 120;

impl Engine {
    /// `unix:///var/run/docker.sock`, or a path.
    pub fn connect(at: &str) -> Result<Engine, EngineError> {
        let unreachable = |source| EngineError::Unreachable { at: at.to_owned(), source };
        let client = Docker::connect_with_unix(at, ANSWER_WITHIN_S, bollard::API_DEFAULT_VERSION);
        Ok(Engine { at: at.to_owned(), client: client.map_err(unreachable)? })
    }

    pub fn at(&self) -> &str {
        &self.at
    }

    pub async fn ping(&self) -> Result<(), EngineError> {
        let unreachable = |source| EngineError::Unreachable { at: self.at.clone(), source };
        self.client.ping().await.map(drop).map_err(unreachable)
    }
}

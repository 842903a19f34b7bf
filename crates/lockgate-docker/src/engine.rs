//! The connection to one engine: opened when it is first needed, in a version of the API that both sides speak.

use std::sync::{Arc, Mutex, PoisonError};

use bollard::Docker;

use crate::error::Asked;
use crate::{EngineError, Keyring};

/// Seconds that an answer may take to begin. Waiting and pulling begin at once and may then take any time.
const ANSWER_WITHIN_S: u64 = 120;

/// Where the engine of this machine is: what `DOCKER_HOST` says, or the usual socket.
pub fn usual_address() -> String {
    let said = std::env::var("DOCKER_HOST").ok().filter(|it| !it.is_empty());
    said.unwrap_or_else(|| "unix:///var/run/docker.sock".to_owned())
}

/// A client of one engine. Clones share what they know of it.
#[derive(Clone, Debug)]
pub struct Engine {
    at: String,
    pub(crate) keyring: Keyring,
    client: Arc<Mutex<Option<Docker>>>,
}

impl Engine {
    /// `unix:///var/run/docker.sock`, or a path. The engine need not be there yet; one that is named otherwise is
    /// refused when it is first asked.
    pub fn new(at: &str, keyring: Keyring) -> Engine {
        let at = if at.starts_with('/') { format!("unix://{at}") } else { at.to_owned() };
        Engine { at, keyring, client: Arc::default() }
    }

    pub fn at(&self) -> &str {
        &self.at
    }

    /// Whether it answers.
    pub async fn ping(&self) -> Result<(), EngineError> {
        let asked = self.asked("answer", "a ping");
        self.client().await?.ping().await.map(drop).map_err(|it| asked.failed(it))
    }

    pub(crate) fn asked<'a>(&'a self, doing: &'static str, thing: &'a str) -> Asked<'a> {
        Asked { at: &self.at, doing, thing }
    }

    /// Each request opens a connection of its own, so a client that was made once outlives the engine.
    pub(crate) async fn client(&self) -> Result<Docker, EngineError> {
        if let Some(client) = self.known() {
            return Ok(client);
        }
        if !self.at.starts_with("unix:///") {
            return Err(EngineError::NotHere { address: self.at.clone() });
        }
        let asked = self.asked("answer", "the first question");
        let client = Docker::connect_with_unix(&self.at, ANSWER_WITHIN_S, bollard::API_DEFAULT_VERSION);
        let client = client.map_err(|it| asked.failed(it))?;
        let client = client.negotiate_version().await.map_err(|it| asked.failed(it))?;
        *self.client.lock().unwrap_or_else(PoisonError::into_inner) = Some(client.clone());
        Ok(client)
    }

    fn known(&self) -> Option<Docker> {
        self.client.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

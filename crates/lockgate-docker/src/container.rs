//! Containers: made, started, looked at, waited for, ended, removed.

use std::collections::{BTreeMap, HashMap};
use std::net::IpAddr;

use bollard::container::LogOutput;
use bollard::errors::Error;
use bollard::models::{ContainerInspectResponse, ContainerStateStatusEnum, NetworkConnectRequest};
use bollard::query_parameters::{
    CreateContainerOptionsBuilder, KillContainerOptionsBuilder, ListContainersOptionsBuilder,
    LogsOptionsBuilder, RemoveContainerOptionsBuilder, StopContainerOptionsBuilder,
    WaitContainerOptionsBuilder,
};
use futures_util::StreamExt as _;
use lockgate_model::Millis;

use crate::{Engine, EngineError, NewContainer};

/// A container as it is now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ContainerState {
    pub id: String,
    pub name: String,
    /// As it was asked for when the container was made.
    pub image: String,
    pub labels: BTreeMap<String, String>,
    pub phase: Phase,
    /// By the full name of the network; only of one that runs.
    pub addresses: BTreeMap<String, IpAddr>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Never started, or its program could not be.
    Created,
    Running,
    Ended(Ended),
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    pub exit_code: i64,
    /// The kernel ended it for want of memory.
    pub out_of_memory: bool,
}

/// Longest line that is shown whole.
const LINE_CHARS_MAX: usize = 500;

impl Engine {
    /// Makes a container and puts it on its networks, without starting it; answers its id.
    pub async fn create(&self, container: &NewContainer) -> Result<String, EngineError> {
        let thing = format!("container {}", container.name);
        let asked = self.asked("create", &thing);
        let client = self.client().await?;
        let options = CreateContainerOptionsBuilder::default().name(&container.name).build();
        let made = client.create_container(Some(options), container.body()).await;
        let id = match made {
            Ok(made) => made.id,
            Err(Error::DockerResponseServerError { status_code: 404, message })
                if message.contains("No such image") =>
            {
                return Err(EngineError::NoImage { image: container.image.clone(), reason: message });
            }
            Err(error) => return Err(asked.failed(error)),
        };
        // Engines before version 25 take one network at creation.
        for other in container.networks.iter().skip(1) {
            let request =
                NetworkConnectRequest { container: id.clone(), endpoint_config: Some(other.endpoint()) };
            let joined = client.connect_network(&other.network, request).await;
            joined.map_err(|it| self.asked("connect", &thing).failed(it))?;
        }
        Ok(id)
    }

    /// Starting one that runs is no error.
    pub async fn start(&self, id: &str) -> Result<(), EngineError> {
        let thing = format!("container {id}");
        let started = self.client().await?.start_container(id, None).await;
        match started {
            Err(Error::DockerResponseServerError { status_code: 304, .. }) | Ok(()) => Ok(()),
            Err(error) => Err(self.asked("start", &thing).failed(error)),
        }
    }

    /// By id or name; `None` when there is none.
    pub async fn container(&self, id: &str) -> Result<Option<ContainerState>, EngineError> {
        let thing = format!("container {id}");
        match self.client().await?.inspect_container(id, None).await {
            Ok(found) => Ok(Some(state(found))),
            Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(None),
            Err(error) => Err(self.asked("inspect", &thing).failed(error)),
        }
    }

    /// All that carry these labels, whatever they do.
    pub async fn containers(&self, labels: &[(&str, &str)]) -> Result<Vec<ContainerState>, EngineError> {
        let wanted: Vec<String> = labels.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let filters = HashMap::from([("label", wanted)]);
        let options = ListContainersOptionsBuilder::default().all(true).filters(&filters).build();
        let listed = self.client().await?.list_containers(Some(options)).await;
        let listed = listed.map_err(|it| self.asked("list", "containers").failed(it))?;
        let mut found = vec![];
        for id in listed.into_iter().filter_map(|it| it.id) {
            // One that went meanwhile is not there.
            found.extend(self.container(&id).await?);
        }
        Ok(found)
    }

    /// Waits until it does not run; `None` when it was removed. May be dropped and called again.
    pub async fn ended(&self, id: &str) -> Result<Option<Ended>, EngineError> {
        let thing = format!("container {id}");
        let asked = self.asked("wait for", &thing);
        let client = self.client().await?;
        loop {
            match self.container(id).await?.map(|it| it.phase) {
                None => return Ok(None),
                Some(Phase::Ended(ended)) => return Ok(Some(ended)),
                Some(Phase::Created | Phase::Running) => (),
            }
            let options = WaitContainerOptionsBuilder::default().condition("not-running").build();
            let mut waiting = Box::pin(client.wait_container(id, Some(options)));
            match waiting.next().await {
                Some(Ok(_) | Err(Error::DockerContainerWaitError { .. })) => (),
                Some(Err(error)) => match asked.failed(error) {
                    EngineError::Missing { .. } => return Ok(None),
                    other => return Err(other),
                },
                // The engine went away without a word.
                None => {
                    let source = Error::from(std::io::Error::from(std::io::ErrorKind::UnexpectedEof));
                    return Err(EngineError::Unreachable { at: self.at().to_owned(), source });
                }
            }
        }
    }

    /// The signal of its image, time to end, SIGKILL; one that does not run is stopped already.
    pub async fn stop(&self, id: &str, grace: Millis) -> Result<(), EngineError> {
        let thing = format!("container {id}");
        let seconds = i32::try_from(grace.0.div_ceil(1_000)).unwrap_or(i32::MAX);
        let options = StopContainerOptionsBuilder::default().t(seconds).build();
        match self.client().await?.stop_container(id, Some(options)).await {
            Ok(()) | Err(Error::DockerResponseServerError { status_code: 304 | 404, .. }) => Ok(()),
            Err(error) => Err(self.asked("stop", &thing).failed(error)),
        }
    }

    /// Sends a signal; one that does not run needs none.
    pub async fn signal(&self, id: &str, signal: &str) -> Result<(), EngineError> {
        let thing = format!("container {id}");
        let options = KillContainerOptionsBuilder::default().signal(signal).build();
        match self.client().await?.kill_container(id, Some(options)).await {
            Ok(()) | Err(Error::DockerResponseServerError { status_code: 404 | 409, .. }) => Ok(()),
            Err(error) => Err(self.asked("signal", &thing).failed(error)),
        }
    }

    /// Ends it at once if it runs; its named volumes stay. One that is gone is removed already.
    pub async fn remove(&self, id: &str) -> Result<(), EngineError> {
        let thing = format!("container {id}");
        let options = RemoveContainerOptionsBuilder::default().force(true).v(true).build();
        match self.client().await?.remove_container(id, Some(options)).await {
            Ok(()) | Err(Error::DockerResponseServerError { status_code: 404, .. }) => Ok(()),
            // Somebody removes it already; that is what was asked for.
            Err(Error::DockerResponseServerError { status_code: 409, message })
                if message.contains("already in progress") =>
            {
                Ok(())
            }
            Err(error) => Err(self.asked("remove", &thing).failed(error)),
        }
    }

    /// The last lines that it printed, empty ones left out.
    pub async fn tail(&self, id: &str, lines: usize) -> Result<Vec<String>, EngineError> {
        let thing = format!("container {id}");
        let tail = lines.to_string();
        let options = LogsOptionsBuilder::default().stdout(true).stderr(true).tail(&tail).build();
        let mut output = Box::pin(self.client().await?.logs(id, Some(options)));
        let mut bytes = vec![];
        while let Some(part) = output.next().await {
            match part.map_err(|it| self.asked("show the log of", &thing).failed(it))? {
                LogOutput::StdErr { message }
                | LogOutput::StdOut { message }
                | LogOutput::StdIn { message }
                | LogOutput::Console { message } => bytes.extend_from_slice(&message),
            }
        }
        let text = String::from_utf8_lossy(&bytes);
        let shown = text.lines().filter(|it| !it.trim().is_empty());
        let mut shown: Vec<String> = shown.map(|it| it.chars().take(LINE_CHARS_MAX).collect()).collect();
        Ok(shown.split_off(shown.len().saturating_sub(lines)))
    }
}

fn state(found: ContainerInspectResponse) -> ContainerState {
    let config = found.config.unwrap_or_default();
    let state = found.state.unwrap_or_default();
    let ended = Ended {
        exit_code: state.exit_code.unwrap_or_default(),
        out_of_memory: state.oom_killed.unwrap_or_default(),
    };
    let phase = match state.status {
        Some(ContainerStateStatusEnum::CREATED) => Phase::Created,
        Some(
            ContainerStateStatusEnum::RUNNING
            | ContainerStateStatusEnum::PAUSED
            | ContainerStateStatusEnum::RESTARTING,
        ) => Phase::Running,
        Some(_) | None => Phase::Ended(ended),
    };
    let networks = found.network_settings.and_then(|it| it.networks).unwrap_or_default();
    let addresses =
        networks.into_iter().filter_map(|(name, at)| Some((name, at.ip_address?.parse().ok()?))).collect();
    ContainerState {
        id: found.id.unwrap_or_default(),
        name: found.name.unwrap_or_default().trim_start_matches('/').to_owned(),
        image: config.image.unwrap_or_default(),
        labels: config.labels.unwrap_or_default().into_iter().collect(),
        phase,
        addresses,
    }
}

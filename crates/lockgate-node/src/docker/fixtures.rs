//! What stands beside the slots: networks, volumes, and dependencies that are started once and replaced only when
//! their own description changes, with the same volumes.

use std::sync::Arc;
use std::time::Duration;

use lockgate_docker::{ContainerState, ExecAnswer, NewContainer, Phase, Privileges, Restart};
use lockgate_model::{DependencyContainer, Digest, DockerFixtures, Millis, Scope};
use tokio::task::JoinSet;
use tokio::time::Instant;

use super::{Docker, describe, failure, files, naming};
use crate::protocol::Failure;
use crate::secrets::Revealed;

/// A database that recovers from a crash takes minutes.
const READY_WITHIN: Duration = Duration::from_mins(5);
const ASK_EVERY: Duration = Duration::from_millis(500);
/// A check or a setup that hangs is a failure too.
const CHECK_WITHIN: Duration = Duration::from_secs(10);
const SETUP_WITHIN: Duration = Duration::from_mins(2);
/// A database writes down what it has in memory first.
const STOP_GRACE: Millis = Millis::secs(60);
/// Lines that a failed dependency is told with.
const TAIL_LINES: usize = 10;

impl Docker {
    /// Everything there and ready. What is there and not asked for stays.
    pub(crate) async fn prepare(&self, scope: &Scope, fixtures: &DockerFixtures) -> Result<(), Failure> {
        let gateway = self.networks(scope, Some(fixtures), &fixtures.networks).await?;
        for volume in &fixtures.volumes {
            let (name, labels) = (naming::in_scope(scope, volume), naming::scope_labels(scope));
            self.engine.ensure_volume(&name, &labels).await.map_err(|it| failure(&it))?;
        }
        let hosts = super::hosts(fixtures.services.iter().map(ToString::to_string), gateway);
        let mut preparing = JoinSet::new();
        let shared = Arc::new((self.clone(), scope.clone(), hosts));
        for (name, dependency) in fixtures.dependencies.clone() {
            let shared = Arc::clone(&shared);
            preparing.spawn(async move {
                let (docker, scope, hosts) = &*shared;
                let one = One { docker, scope, name: &name, dependency: &dependency, hosts };
                one.prepare().await
            });
        }
        let done = preparing.join_all().await;
        done.into_iter().collect()
    }
}

/// One dependency on its way to being ready.
struct One<'a> {
    docker: &'a Docker,
    scope: &'a Scope,
    name: &'a str,
    dependency: &'a DependencyContainer,
    hosts: &'a std::collections::BTreeMap<String, std::net::IpAddr>,
}

impl One<'_> {
    async fn prepare(&self) -> Result<(), Failure> {
        let id = self.up().await?;
        if !self.dependency.ready.is_empty() {
            self.ready(&id).await?;
        }
        if !self.dependency.setup.is_empty() {
            self.set_up(&id).await?;
        }
        Ok(())
    }

    fn full_name(&self) -> String {
        naming::in_scope(self.scope, self.name)
    }

    fn labels(&self) -> naming::Labels {
        let mut labels = naming::scope_labels(self.scope);
        labels.extend(naming::labels([
            (naming::NODE, self.docker.node_id.clone()),
            (naming::DEPENDENCY, self.name.to_owned()),
            (naming::SPEC, Digest::of_value(self.dependency).to_string()),
        ]));
        labels
    }

    /// The container, started if it does not run and replaced if it is of another description.
    async fn up(&self) -> Result<String, Failure> {
        let engine = &self.docker.engine;
        let found = engine.container(&self.full_name()).await.map_err(|it| failure(&it))?;
        let spec = self.labels()[naming::SPEC].clone();
        match found {
            Some(it) if !self.is_ours(&it) => return Err(self.stranger(&it)),
            Some(it) if it.labels.get(naming::SPEC) == Some(&spec) => {
                if it.phase != Phase::Running {
                    // Its files are gone after a reboot.
                    self.describe()?;
                    engine.start(&it.id).await.map_err(|it| failure(&it))?;
                }
                return Ok(it.id);
            }
            Some(it) => {
                tracing::info!(dependency = %self.name, "its description changed, so its container is replaced");
                self.take_down(&it).await?;
            }
            None => (),
        }
        self.docker.pull(&self.dependency.container.image).await?;
        let id = engine.create(&self.describe()?).await.map_err(|it| failure(&it))?;
        engine.start(&id).await.map_err(|it| failure(&it))?;
        Ok(id)
    }

    fn is_ours(&self, found: &ContainerState) -> bool {
        let mut wanted = naming::scope_labels(self.scope);
        wanted.insert(naming::DEPENDENCY.to_owned(), self.name.to_owned());
        naming::carries(&found.labels, &wanted)
    }

    fn stranger(&self, found: &ContainerState) -> Failure {
        let name = self.full_name();
        let text = format!(
            "dependency {}: the name {name} is in use by a container that Lockgate did not make (image {})",
            self.name, found.image
        );
        Failure::fatal(text).hint(format!("docker rename {name} something-else, or: docker rm {name}"))
    }

    fn describe(&self) -> Result<NewContainer, Failure> {
        let dependency = self.dependency;
        let whose = format!("dependency {}", self.name);
        let secrets = Revealed::all(&self.docker.vault, &dependency.secrets, &whose)?;
        let name = self.full_name();
        let files = files::write(&self.docker.place, &name, &dependency.container, &secrets, &whose)?;
        let page = dependency.page.map(|it| (it, it));
        let about = describe::About {
            scope: self.scope,
            whose: &whose,
            name,
            labels: self.labels(),
            command: &dependency.command,
            env: dependency.env.clone(),
            secrets: &secrets,
            hosts: self.hosts.clone(),
            aliases: vec![self.name.to_owned()],
            published: dependency.publish.into_iter().chain(page).collect(),
            privileges: Privileges::Usual,
            restart: Restart::UnlessStopped,
            // The image says what it wants to be told.
            stop: None,
        };
        describe::container(about, &dependency.container, &files)
    }

    async fn take_down(&self, old: &ContainerState) -> Result<(), Failure> {
        let engine = &self.docker.engine;
        engine.stop(&old.id, STOP_GRACE).await.map_err(|it| failure(&it))?;
        engine.remove(&old.id).await.map_err(|it| failure(&it))
    }

    async fn ready(&self, id: &str) -> Result<(), Failure> {
        let deadline = Instant::now() + READY_WITHIN;
        loop {
            let why = match self.run(id, &self.dependency.ready, CHECK_WITHIN).await {
                Ok(answer) if answer.exit_code == 0 => return Ok(()),
                Ok(answer) => format!("status {}: {}", answer.exit_code, answer.output),
                Err(failure) => failure.message,
            };
            if deadline <= Instant::now() {
                let within = Millis(u64::try_from(READY_WITHIN.as_millis()).unwrap_or(u64::MAX));
                return Err(self.told(id, format!("is not ready after {within}: {why}")).await);
            }
            tokio::time::sleep(ASK_EVERY).await;
        }
    }

    async fn set_up(&self, id: &str) -> Result<(), Failure> {
        let answer = self.run(id, &self.dependency.setup, SETUP_WITHIN).await?;
        if answer.exit_code == 0 {
            return Ok(());
        }
        Err(Failure::fatal(format!(
            "dependency {}: its setup failed with status {}: {}",
            self.name, answer.exit_code, answer.output
        )))
    }

    async fn run(&self, id: &str, command: &[String], within: Duration) -> Result<ExecAnswer, Failure> {
        let Ok(answer) = tokio::time::timeout(within, self.docker.engine.exec(id, command)).await else {
            let text = format!("dependency {}: `{}` hangs", self.name, command.join(" "));
            return Err(Failure::transient(text));
        };
        answer.map_err(|it| failure(&it))
    }

    async fn told(&self, id: &str, what: String) -> Failure {
        let lines = self.docker.engine.tail(id, TAIL_LINES).await.unwrap_or_default();
        let text = format!("dependency {} {what}\nits last lines:\n{}", self.name, lines.join("\n"));
        Failure::fatal(text).hint(format!("docker logs {}", self.full_name()))
    }
}

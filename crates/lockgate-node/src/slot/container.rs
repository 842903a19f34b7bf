//! Starts an instance that is a container: intent on disk, then the container, then its id on disk.

use std::collections::BTreeMap;
use std::path::PathBuf;

use lockgate_docker::{NewContainer, Privileges, Restart};
use lockgate_model::{Container, Digest, Form, PortName};

use super::{Resumed, Running, Slot};
use crate::docker::{self, RunningContainer, describe, failure, files, naming};
use crate::logs;
use crate::protocol::Failure;
use crate::table::{ContainerId, InstanceTable};

impl Slot {
    pub(super) async fn launch_container(&self, number: u32, form: &Container) -> Result<Resumed, Failure> {
        let docker = self.base.docker(&self.scope);
        let ports: BTreeMap<PortName, u16> =
            self.spec.ports.iter().map(|(name, port)| (name.clone(), port.number)).collect();
        self.plan_container(number, &ports).await?;
        docker.pull(&form.image).await?;
        let description = self.describe(number, form, &ports).await?;
        let id = docker.create(&description).await?;
        let running = self.running(number, id.clone());
        if let Err(error) = docker.engine.start(&id).await {
            // It stays under its name for whoever wants to look, until the next start needs that.
            let failure = failure(&error);
            return Err(Failure { message: format!("{}: {}", self.spec.slot, failure.message), ..failure });
        }
        let address = docker.address(&self.scope, &id).await?;
        if let Some(address) = address {
            self.note(number, |it| it.container = Some(ContainerId { id, address })).await;
        }
        Ok(Resumed { running: Running::Container(running), address, ports, ready: false })
    }

    /// A container of this slot that runs already.
    pub(crate) fn running(&self, number: u32, id: String) -> RunningContainer {
        let docker = self.base.docker(&self.scope);
        let name = naming::instance(&self.scope, &self.spec.slot, number);
        RunningContainer::new(&docker.engine, &docker.place, id, name, self.log(number))
    }

    fn log(&self, number: u32) -> PathBuf {
        let log = self.base.place.instance_log(&self.spec.slot, number);
        logs::rotate(&log);
        log
    }

    async fn plan_container(&self, number: u32, ports: &BTreeMap<PortName, u16>) -> Result<(), Failure> {
        self.base
            .keeper
            .commit(|table| {
                let Some(slot) = table.slot_mut(&self.scope, &self.spec.slot) else {
                    return Err(Failure::fatal(format!("{} was removed", self.spec.slot)));
                };
                let planned = InstanceTable { ports: ports.clone(), ..InstanceTable::default() };
                slot.instances.insert(number, planned);
                Ok(())
            })
            .await
    }

    async fn describe(
        &self,
        number: u32,
        form: &Container,
        ports: &BTreeMap<PortName, u16>,
    ) -> Result<NewContainer, Failure> {
        let (docker, scope, slot) = (self.base.docker(&self.scope), &self.scope, &self.spec.slot);
        let table = self.base.keeper.now();
        let row = table.scope(scope);
        let fixtures = row.and_then(|it| it.fixtures.as_ref());
        let gateway = docker.networks(scope, fixtures, &form.networks).await?;
        let (name, whose) = (naming::instance(scope, slot, number), format!("{slot} #{number}"));
        let secrets = self.secrets()?;
        let files = files::write(&docker.place, &name, form, &secrets, &whose)?;
        let stop = &self.spec.stop;
        let about = describe::About {
            scope,
            whose: &whose,
            name,
            labels: self.labels(number),
            command: &self.spec.command,
            env: self.env(number, ports),
            secrets: &secrets,
            hosts: docker::hosts(table.names_at_router(scope), gateway),
            aliases: vec![],
            published: vec![],
            privileges: Privileges::None,
            restart: Restart::Never,
            stop: Some((stop.signal, stop.grace)),
        };
        describe::container(about, form, &files)
    }

    fn labels(&self, number: u32) -> naming::Labels {
        let slot = &self.spec.slot;
        let mut labels = naming::scope_labels(&self.scope);
        labels.extend(naming::labels([
            (naming::NODE, self.base.node_id.clone()),
            (naming::SERVICE, slot.service.to_string()),
            (naming::RELEASE, slot.release.to_string()),
            (naming::INSTANCE, number.to_string()),
            (naming::SPEC, Digest::of_value(&self.spec).to_string()),
        ]));
        labels
    }

    /// Instances that are containers now.
    pub(crate) fn container_numbers(&self) -> Vec<u32> {
        self.inner().members.iter().filter(|it| it.1.container.is_some()).map(|it| *it.0).collect()
    }

    pub(crate) fn is_container(&self) -> bool {
        matches!(self.spec.form, Form::Container(_))
    }

    /// The last lines of an instance that runs.
    pub(crate) async fn container_tail(&self, number: u32, lines: usize) -> Vec<String> {
        let id = self.inner().members.get(&number).and_then(|it| it.container.clone());
        match id {
            Some(id) => self.base.docker(&self.scope).engine.tail(&id, lines).await.unwrap_or_default(),
            None => vec![],
        }
    }
}

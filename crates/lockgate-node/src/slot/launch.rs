//! Starts an instance: intent on disk, then the process, then the process on disk.

use std::collections::BTreeMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;

use lockgate_model::{Form, PortName};

use super::{Resumed, Running, Slot};
use crate::process::{Process, Start, base_env, resolve};
use crate::protocol::Failure;
use crate::secrets::Revealed;
use crate::table::InstanceTable;
use crate::{logs, ports};

impl Slot {
    /// Where instances run: their files, or the folder of the spec.
    pub(crate) fn cwd(&self) -> PathBuf {
        match self.spec.files {
            Some(_) => self.base.place.checkout(&self.spec.slot),
            None => self.base.place.home().to_owned(),
        }
    }

    /// Whether instances can start at all, as far as that is known beforehand.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        match &self.spec.form {
            Form::Process => self.find_program().map(drop),
            Form::Container(_) => self.secrets().map(drop),
            Form::Objects(_) => {
                Err(Failure::fatal(format!("{} is made for Kubernetes, not for a node", self.spec.slot)))
            }
        }
    }

    /// The program that instances run, or why there is none.
    fn find_program(&self) -> Result<PathBuf, Failure> {
        let mut env = base_env(&self.base.program);
        env.extend(self.spec.env.clone());
        resolve(&self.spec.command, &self.cwd(), &env, &self.spec.slot.to_string())
    }

    pub(super) fn secrets(&self) -> Result<Revealed, Failure> {
        Revealed::all(&self.base.vault, &self.spec.secrets, &self.spec.slot.to_string())
    }

    pub(super) async fn launch(&self, number: u32) -> Result<Resumed, Failure> {
        self.check()?;
        match &self.spec.form {
            Form::Container(container) => self.launch_container(number, container).await,
            Form::Process | Form::Objects(_) => self.launch_process(number).await,
        }
    }

    async fn launch_process(&self, number: u32) -> Result<Resumed, Failure> {
        let (program, secrets) = (self.find_program()?, self.secrets()?);
        let ports = self.plan(number).await?;
        let log = self.base.place.instance_log(&self.spec.slot, number);
        logs::rotate(&log);
        let mut env = base_env(&self.base.program);
        env.extend(self.env(number, &ports));
        env.insert("LOCKGATE_NODE".to_owned(), self.base.node_id.clone());
        env.extend(secrets.iter().map(|(name, value)| (name.to_owned(), value.to_owned())));
        let start = Start {
            program: &program,
            args: &self.spec.command[1..],
            env: &env,
            cwd: &self.cwd(),
            log: &log,
        };
        let process = Process::spawn(&start).map_err(|it| {
            Failure::fatal(format!("{} cannot start: {}: {it}", self.spec.slot, program.display()))
        })?;
        let id = process.id.clone();
        self.note(number, |it| it.process = Some(id)).await;
        let running = Running::Process { process, log };
        Ok(Resumed { running, address: Some(Ipv4Addr::LOCALHOST.into()), ports, ready: false })
    }

    /// Writes down that the instance is about to exist, with ports that are free now.
    async fn plan(&self, number: u32) -> Result<BTreeMap<PortName, u16>, Failure> {
        let names: Vec<PortName> = self.spec.ports.keys().cloned().collect();
        self.base
            .keeper
            .commit(|table| {
                let all = table.slots().flat_map(|it| it.2.instances.values());
                let mut taken = all.flat_map(|it| it.ports.values().copied()).collect();
                let Some(slot) = table.slot_mut(&self.scope, &self.spec.slot) else {
                    return Err(Failure::fatal(format!("{} was removed", self.spec.slot)));
                };
                let had = slot.instances.remove(&number).unwrap_or_default().ports;
                let mut given = BTreeMap::new();
                for name in names {
                    let port = match had.get(&name) {
                        Some(&port) if ports::is_free(port) => port,
                        _ => ports::free(&taken, random_start(&self.base.node_id, number))?,
                    };
                    taken.insert(port);
                    given.insert(name, port);
                }
                let planned = InstanceTable { ports: given.clone(), ..InstanceTable::default() };
                slot.instances.insert(number, planned);
                Ok(given)
            })
            .await
    }

    /// What the spec says, and who the instance is.
    pub(super) fn env(&self, number: u32, ports: &BTreeMap<PortName, u16>) -> BTreeMap<String, String> {
        let mut env = self.spec.env.clone();
        for (name, port) in ports {
            env.insert(name.variable(), port.to_string());
        }
        if let Some(port) = self.main_port().and_then(|it| ports.get(it)) {
            env.insert("PORT".to_owned(), port.to_string());
        }
        let marks = [
            ("LOCKGATE_SERVICE", self.spec.slot.service.to_string()),
            ("LOCKGATE_RELEASE", self.spec.slot.release.to_string()),
            ("LOCKGATE_VERSION", self.spec.version.to_string()),
            ("LOCKGATE_INSTANCE", number.to_string()),
        ];
        env.extend(marks.map(|(name, value)| (name.to_owned(), value)));
        env
    }

    /// `http`, else the lowest, as everywhere.
    fn main_port(&self) -> Option<&PortName> {
        let ports = &self.spec.ports;
        let named = ports.keys().find(|it| it.as_str() == "http");
        named.or_else(|| ports.iter().min_by_key(|it| it.1.number).map(|it| it.0))
    }

    /// Changes an instance's row, if it has one still.
    pub(super) async fn note(&self, number: u32, change: impl FnOnce(&mut InstanceTable)) {
        let noted = self.base.keeper.commit(|table| {
            let slot = table.slot_mut(&self.scope, &self.spec.slot);
            if let Some(row) = slot.and_then(|it| it.instances.get_mut(&number)) {
                change(row);
            }
            Ok(())
        });
        if let Err(failure) = noted.await {
            // A restarted node finds the process by its environment and the readiness by asking.
            tracing::warn!(slot = %self.spec.slot, number, %failure, "an instance's row is out of date");
        }
    }

    pub(super) async fn note_crash(&self, number: u32, crashes: u64, text: String) {
        let noted = self.base.keeper.commit(|table| {
            if let Some(slot) = table.slot_mut(&self.scope, &self.spec.slot) {
                (slot.crashes, slot.last_crash) = (crashes, Some(text));
                if let Some(row) = slot.instances.get_mut(&number) {
                    (row.process, row.container, row.ready) = (None, None, false);
                }
            }
            Ok(())
        });
        if let Err(failure) = noted.await {
            tracing::warn!(slot = %self.spec.slot, number, %failure, "a crash is not in the table");
        }
    }
}

/// Nodes of one machine begin their search for ports at different places, so that they rarely meet.
fn random_start(node_id: &str, number: u32) -> u16 {
    let seed = format!("{node_id}{number}");
    seed.bytes().fold(7_u16, |sum, byte| sum.wrapping_mul(31).wrapping_add(u16::from(byte)))
}

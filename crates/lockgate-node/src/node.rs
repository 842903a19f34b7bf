//! A running node: its slots, jobs and routers, and what each request does to them.

use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use lockgate_model::{
    EffectKey, Fence, Form, JobSpec, Millis, Scope, ServiceName, SlotRef, SlotSpec, Subject, Timestamp,
    Weights,
};
use lockgate_proxy::ProxyConfig;
use tokio_util::sync::CancellationToken;

use crate::front::Front;
use crate::jobs::Jobs;
use crate::protocol::{Failure, FailureClass, JobAnswer, JobSighting, KeepInstances};
use crate::slot::{Base, Slot};
use crate::table::{Doors, ServiceTable, SlotTable};
use crate::{FileStore, logs};

/// A slot beyond this many instances on one machine is a mistake of a digit.
const INSTANCES_MAX: u16 = 100;

/// For requests that are under way when the node ends.
const CONNECTIONS_WITHIN: Duration = Duration::from_secs(5);

pub(crate) struct Node {
    /// What every scope's router is made from.
    proxy: ProxyConfig,
    pub(crate) base: Arc<Base>,
    pub(crate) store: FileStore,
    pub(crate) jobs: Jobs,
    pub(crate) started_at: Timestamp,
    pub(crate) notes: Vec<String>,
    /// No new work is taken.
    stopping: CancellationToken,
    /// All is done, the process may end.
    pub(crate) ended: CancellationToken,
    fronts: Mutex<BTreeMap<Scope, Arc<Front>>>,
    slots: Mutex<BTreeMap<(Scope, SlotRef), Arc<Slot>>>,
    /// Held while a slot is brought up or taken away, so that the two do not cross.
    changing: tokio::sync::Mutex<()>,
    /// Held while what stands beside the slots is put in place.
    pub(crate) preparing: tokio::sync::Mutex<()>,
}

impl Node {
    pub(crate) fn new(
        base: Arc<Base>,
        proxy: ProxyConfig,
        store: FileStore,
        jobs: Jobs,
        started_at: Timestamp,
        notes: Vec<String>,
    ) -> Node {
        Node {
            proxy,
            base,
            store,
            jobs,
            started_at,
            notes,
            stopping: CancellationToken::new(),
            ended: CancellationToken::new(),
            fronts: Mutex::default(),
            slots: Mutex::default(),
            changing: tokio::sync::Mutex::default(),
            preparing: tokio::sync::Mutex::default(),
        }
    }

    pub(crate) async fn ensure_slot(
        &self,
        fence: &Fence,
        key: &EffectKey,
        spec: &SlotSpec,
        wanted: u16,
        bind: IpAddr,
        engine: Option<&str>,
    ) -> Result<(), Failure> {
        if INSTANCES_MAX < wanted {
            let text = format!(
                "{}: {wanted} instances are more than the {INSTANCES_MAX} that a node runs of one slot",
                spec.slot
            );
            return Err(Failure::fatal(text));
        }
        let subject = Subject::Service(&spec.slot.service);
        self.admit(fence, &subject).await?;
        self.settle(&fence.scope, engine).await?;
        if let Form::Container(container) = &spec.form
            && 0 < wanted
        {
            self.pull(&fence.scope, &container.image).await?;
            // A newer driver may have spoken in the time that this took.
            self.admit(fence, &subject).await?;
        }
        let slot = self.bring_up(&fence.scope, spec, wanted, bind).await?;
        tracing::info!(%key, slot = %spec.slot, wanted, "instances wanted");
        slot.settled(wanted).await
    }

    /// All that can be refused is refused before anything is written down or started.
    async fn bring_up(
        &self,
        scope: &Scope,
        spec: &SlotSpec,
        wanted: u16,
        bind: IpAddr,
    ) -> Result<Arc<Slot>, Failure> {
        let _changing = self.changing.lock().await;
        if let Some(known) = self.base.keeper.now().slot(scope, &spec.slot)
            && known.spec != *spec
        {
            let text =
                format!("{} exists with another content; a changed version is a new release", spec.slot);
            return Err(Failure::fatal(text));
        }
        let doors = self.doors(scope, spec, bind).await?;
        let front = self.front(scope);
        let listens = front.listen(&spec.slot.service, doors, &spec.ports).await;
        listens.map_err(|it| self.with_holder(it, scope, spec, doors))?;
        self.check_out(spec).await?;
        let slot = self.slot_or_new(scope, spec, wanted, &front);
        if let Err(failure) = slot.check() {
            self.drop_unused(scope, &spec.slot).await;
            return Err(failure);
        }
        self.base
            .keeper
            .commit(|table| {
                table.want(scope, spec, wanted, doors);
                Ok(())
            })
            .await?;
        front.put_slot(spec)?;
        self.slots().insert((scope.clone(), spec.slot.clone()), Arc::clone(&slot));
        slot.scale(wanted);
        Ok(slot)
    }

    /// A port that another environment has is told with it: both are of the same user.
    fn with_holder(&self, failure: Failure, scope: &Scope, spec: &SlotSpec, doors: Doors) -> Failure {
        let table = self.base.keeper.now();
        let wanted: Vec<SocketAddr> = spec.ports.values().flat_map(|it| doors.all(*it)).collect();
        match table.holder(scope, &wanted) {
            Some((other, service, number)) => failure.hint(format!(
                "service {service} of {other} has port {number} on this machine; publish one of the two elsewhere"
            )),
            None => failure,
        }
    }

    fn slot_or_new(&self, scope: &Scope, spec: &SlotSpec, wanted: u16, front: &Arc<Front>) -> Arc<Slot> {
        if let Some(slot) = self.slot(scope, &spec.slot) {
            return slot;
        }
        let table = SlotTable {
            spec: spec.clone(),
            wanted,
            crashes: 0,
            last_crash: None,
            instances: BTreeMap::new(),
        };
        Slot::new(Arc::clone(&self.base), scope.clone(), &table, Arc::clone(front))
    }

    /// Undoes what was prepared for a slot that cannot start.
    async fn drop_unused(&self, scope: &Scope, slot: &SlotRef) {
        let table = self.base.keeper.now();
        if table.slot(scope, slot).is_none() {
            self.remove_files(slot);
        }
        if table.service(scope, &slot.service).is_none() {
            self.front(scope).remove_service(&slot.service).await;
        }
    }

    async fn check_out(&self, spec: &SlotSpec) -> Result<(), Failure> {
        let (Form::Process, Some(digest)) = (&spec.form, spec.files) else { return Ok(()) };
        let dest = self.base.place.checkout(&spec.slot);
        if dest.exists() {
            return Ok(());
        }
        let store = self.store.clone();
        let done = tokio::task::spawn_blocking(move || store.checkout(&digest, &dest)).await;
        let done = done.map_err(|it| {
            Failure::transient(format!("the files of {} were not put in place: {it}", spec.slot))
        })?;
        done.map_err(|it| {
            Failure::fatal(format!("the files of {}: {}", spec.slot, lockgate_model::with_causes(&it)))
        })
    }

    pub(crate) async fn set_weights(
        &self,
        fence: &Fence,
        key: &EffectKey,
        service: &ServiceName,
        weights: &Weights,
    ) -> Result<(), Failure> {
        self.admit(fence, &Subject::Service(service)).await?;
        let _changing = self.changing.lock().await;
        let table = self.base.keeper.now();
        let found = table.service(&fence.scope, service);
        let row = found.ok_or_else(|| Failure::fatal(format!("service {service} has no slots")))?;
        check_weights(service, row, weights)?;
        let front = self.front(&fence.scope);
        let before = front.weights(service);
        front.set_weights(service, weights)?;
        let kept = self.base.keeper.commit(|table| {
            if let Some(row) = table.service_mut(&fence.scope, service) {
                row.weights = Some(weights.clone());
            }
            Ok(())
        });
        if let Err(failure) = kept.await {
            // What is not on disk must not hold either; a first split has nothing to go back to.
            if let Some(before) = before {
                front.set_weights(service, &before)?;
            }
            return Err(failure);
        }
        tracing::info!(%key, %service, ?weights, "weights set");
        Ok(())
    }

    pub(crate) async fn drain(
        &self,
        fence: &Fence,
        key: &EffectKey,
        slot: &SlotRef,
        within: Millis,
    ) -> Result<(), Failure> {
        self.admit(fence, &Subject::Service(&slot.service)).await?;
        let table = self.base.keeper.now();
        let Some(service) = table.service(&fence.scope, &slot.service) else { return Ok(()) };
        let weight = service.weight_of(slot.release);
        if 0 < weight.basis_points() {
            let text = format!("{slot} has {weight} of the traffic; it drains when it has none");
            return Err(Failure::fatal(text));
        }
        tracing::info!(%key, %slot, "draining");
        self.front(&fence.scope).drain_slot(slot, within).await
    }

    pub(crate) async fn remove_slot(
        &self,
        fence: &Fence,
        key: &EffectKey,
        slot: &SlotRef,
    ) -> Result<(), Failure> {
        self.admit(fence, &Subject::Service(&slot.service)).await?;
        let _changing = self.changing.lock().await;
        let scope = &fence.scope;
        let table = self.base.keeper.now();
        let service = table.service(scope, &slot.service);
        let others = service.is_some_and(|it| it.slots.keys().any(|it| *it != slot.release));
        let weight = service.map(|it| it.weight_of(slot.release)).unwrap_or_default();
        if others && 0 < weight.basis_points() {
            let text =
                format!("{slot} has {weight} of the traffic; give it to another slot before it is removed");
            return Err(Failure::fatal(text));
        }
        if let Some(running) = self.slot(scope, slot) {
            // First nothing is wanted of it, so that a node that dies here does not start it again.
            self.want_none(scope, slot).await?;
            running.scale(0);
            running.stop_all().await;
            self.slots().remove(&(scope.clone(), slot.clone()));
        }
        self.forget(scope, slot).await?;
        tracing::info!(%key, %slot, "removed");
        Ok(())
    }

    async fn want_none(&self, scope: &Scope, slot: &SlotRef) -> Result<(), Failure> {
        self.base
            .keeper
            .commit(|table| {
                if let Some(row) = table.slot_mut(scope, slot) {
                    row.wanted = 0;
                }
                Ok(())
            })
            .await
    }

    async fn forget(&self, scope: &Scope, slot: &SlotRef) -> Result<(), Failure> {
        self.base
            .keeper
            .commit(|table| {
                table.forget(scope, slot);
                Ok(())
            })
            .await?;
        let (front, table) = (self.front(scope), self.base.keeper.now());
        match table.service(scope, &slot.service) {
            None => front.remove_service(&slot.service).await,
            Some(service) => {
                front.remove_slot(slot)?;
                front.listen(&slot.service, service.doors, &service.ports).await?;
            }
        }
        self.remove_files(slot);
        logs::prune(&self.base.place, &slot.service);
        Ok(())
    }

    fn remove_files(&self, slot: &SlotRef) {
        if let Err(error) = std::fs::remove_dir_all(self.base.place.checkout(slot))
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, %slot, "the files of a removed slot stay");
        }
    }

    pub(crate) async fn run_job(
        &self,
        fence: &Fence,
        key: &EffectKey,
        job: &JobSpec,
        engine: Option<&str>,
    ) -> Result<JobAnswer, Failure> {
        let subject = Subject::Job { name: job.name.as_str(), key: key.as_str() };
        self.admit(fence, &subject).await?;
        self.settle(&fence.scope, engine).await?;
        match &job.form {
            Form::Process => self.jobs.run(key, job).await,
            Form::Container(container) => self.run_container_job(fence, key, job, container, &subject).await,
            Form::Objects(_) => {
                Err(Failure::fatal(format!("job {} is made for Kubernetes, not for a node", job.name)))
            }
        }
    }

    pub(crate) async fn look(&self, fence: &Fence, key: &EffectKey) -> Result<JobSighting, Failure> {
        self.admit(fence, &Subject::Key(key.as_str())).await?;
        self.jobs.look(key).await
    }

    pub(crate) async fn admit(&self, fence: &Fence, subject: &Subject<'_>) -> Result<(), Failure> {
        if self.stopping.is_cancelled() {
            return Err(Failure::new(FailureClass::Transient, "the node is being stopped"));
        }
        self.base.keeper.commit(|table| table.admit(fence, subject)).await
    }

    /// Ends the node: at once, or after all instances have ended. What is wanted stays in the table: the next
    /// node brings it up again.
    pub(crate) async fn shut_down(&self, instances: KeepInstances) {
        self.stopping.cancel();
        match instances {
            KeepInstances::Yes => (),
            KeepInstances::No => {
                let slots: Vec<Arc<Slot>> = self.slots().values().cloned().collect();
                let mut stopping = tokio::task::JoinSet::new();
                for slot in slots {
                    stopping.spawn(async move { slot.stop_all().await });
                }
                stopping.join_all().await;
            }
        }
        for (_, front) in self.fronts() {
            front.shut_down(CONNECTIONS_WITHIN).await;
        }
    }

    pub(crate) fn front(&self, scope: &Scope) -> Arc<Front> {
        let mut fronts = self.fronts.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(fronts.entry(scope.clone()).or_insert_with(|| Arc::new(Front::new(self.proxy.clone()))))
    }

    pub(crate) fn fronts(&self) -> Vec<(Scope, Arc<Front>)> {
        let fronts = self.fronts.lock().unwrap_or_else(PoisonError::into_inner);
        fronts.iter().map(|(scope, front)| (scope.clone(), Arc::clone(front))).collect()
    }

    pub(crate) fn slot(&self, scope: &Scope, slot: &SlotRef) -> Option<Arc<Slot>> {
        self.slots().get(&(scope.clone(), slot.clone())).cloned()
    }

    pub(crate) fn slots(&self) -> MutexGuard<'_, BTreeMap<(Scope, SlotRef), Arc<Slot>>> {
        self.slots.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn check_weights(service: &ServiceName, row: &ServiceTable, weights: &Weights) -> Result<(), Failure> {
    for (release, weight) in weights.iter() {
        if 0 < weight.basis_points() && !row.slots.contains_key(&release) {
            return Err(Failure::fatal(format!(
                "{service}@{release} is to take {weight} of the traffic and does not exist"
            )));
        }
    }
    Ok(())
}

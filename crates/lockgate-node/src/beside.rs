//! What a node does by its Docker engine beside keeping instances up: fixtures, images, networks, jobs, pruning.

use std::net::IpAddr;

use lockgate_model::{
    Container, DockerFixtures, EffectKey, Fence, Fixtures, Form, JobSpec, Keep, Scope, SlotSpec, Subject,
};

use crate::docker::{self, Pulled};
use crate::jobs::Order;
use crate::node::Node;
use crate::protocol::{Failure, JobAnswer};
use crate::table::Doors;

impl Node {
    pub(crate) async fn prepare(
        &self,
        fence: &Fence,
        key: &EffectKey,
        fixtures: &Fixtures,
        engine: Option<&str>,
    ) -> Result<(), Failure> {
        self.admit(fence, &Subject::Fixtures).await?;
        self.settle(&fence.scope, engine).await?;
        tracing::info!(%key, "preparing");
        let fixtures = match fixtures {
            Fixtures::None => None,
            Fixtures::Docker(it) => Some(&**it),
            Fixtures::Objects(_) => return Err(Failure::fatal("objects are for Kubernetes, not for a node")),
        };
        self.base
            .keeper
            .commit(|table| {
                table.scope_mut(&fence.scope).fixtures = fixtures.cloned();
                Ok(())
            })
            .await?;
        match fixtures {
            Some(fixtures) => self.put_in_place(&fence.scope, fixtures).await,
            None => Ok(()),
        }
    }

    /// What stands beside the slots, as it is written down.
    pub(crate) async fn put_in_place(&self, scope: &Scope, fixtures: &DockerFixtures) -> Result<(), Failure> {
        let _preparing = self.preparing.lock().await;
        for dependency in fixtures.dependencies.values() {
            self.pull(scope, &dependency.container.image).await?;
        }
        self.base.docker(scope).prepare(scope, fixtures).await
    }

    /// Writes down which engine a scope is on. What it has on one engine would be forgotten there by a change.
    pub(crate) async fn settle(&self, scope: &Scope, engine: Option<&str>) -> Result<(), Failure> {
        let engines = &self.base.engines;
        self.base
            .keeper
            .commit(|table| {
                let row = table.scope_mut(scope);
                if row.is_settled() && !engines.are_one(row.engine.as_deref(), engine) {
                    return Err(moved(
                        scope,
                        engines.at(row.engine.as_deref()).engine.at(),
                        engines.at(engine).engine.at(),
                    ));
                }
                row.engine = engine.map(str::to_owned);
                Ok(())
            })
            .await
    }

    pub(crate) async fn prune(&self, fence: &Fence, key: &EffectKey, keep: &Keep) -> Result<(), Failure> {
        self.admit(fence, &Subject::Fixtures).await?;
        let scope = &fence.scope;
        let table = self.base.keeper.now();
        let Some(row) = table.scope(scope).filter(|it| it.uses_docker()) else { return Ok(()) };
        tracing::info!(%key, images = keep.images.len(), "pruning");
        let known = row.services.values().flat_map(|it| it.slots.values()).map(|it| it.spec.slot.clone());
        let gone = self.base.docker(scope).prune(scope, keep, &known.collect(), &row.pulled).await?;
        self.base
            .keeper
            .commit(|table| {
                table.scope_mut(scope).pulled.retain(|it| !gone.contains(it));
                Ok(())
            })
            .await
    }

    /// Puts an image on this machine, and writes down that it was not there before.
    pub(crate) async fn pull(&self, scope: &Scope, image: &str) -> Result<(), Failure> {
        if self.base.docker(scope).pull(image).await? == Pulled::WasHere {
            return Ok(());
        }
        self.base
            .keeper
            .commit(|table| {
                table.scope_mut(scope).pulled.insert(image.to_owned());
                Ok(())
            })
            .await
    }

    /// Where the router is to listen for a slot.
    pub(crate) async fn doors(&self, scope: &Scope, spec: &SlotSpec, bind: IpAddr) -> Result<Doors, Failure> {
        let Form::Container(container) = &spec.form else { return Ok(Doors { bind, gateway: None }) };
        let gateway = Some(self.gateway(scope, container).await?);
        Ok(Doors { bind, gateway })
    }

    async fn gateway(&self, scope: &Scope, container: &Container) -> Result<IpAddr, Failure> {
        let table = self.base.keeper.now();
        let fixtures = table.scope(scope).and_then(|it| it.fixtures.as_ref());
        self.base.docker(scope).networks(scope, fixtures, &container.networks).await
    }

    pub(crate) async fn run_container_job(
        &self,
        fence: &Fence,
        key: &EffectKey,
        job: &JobSpec,
        form: &Container,
        subject: &Subject<'_>,
    ) -> Result<JobAnswer, Failure> {
        let scope = &fence.scope;
        if self.jobs.known_container(key).await?.is_none() {
            self.pull(scope, &form.image).await?;
        }
        let gateway = self.gateway(scope, form).await?;
        let hosts = docker::hosts(self.base.keeper.now().names_at_router(scope), gateway);
        // A look may have come in the time that this took; from here on it waits for its turn.
        let again = async || self.admit(fence, subject).await;
        let engine = self.base.keeper.now().engine(scope).map(str::to_owned);
        let order = Order { scope, key, job, form, engine, hosts };
        self.jobs.run_container(order, again).await
    }
}

fn moved(scope: &Scope, from: &str, to: &str) -> Failure {
    let text = format!(
        "{scope} is on the engine at {from}, where its containers would be left behind if it went to {to}"
    );
    Failure::fatal(text)
        .hint("keep `target.docker.hosts`, and give the other engine an environment of its own")
}

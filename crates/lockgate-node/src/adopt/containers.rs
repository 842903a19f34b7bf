//! Containers that an earlier node left running, found by their labels; or by the table, when the engine is away.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use lockgate_docker::{ContainerState, EngineError, Phase};
use lockgate_model::{Scope, SlotRef};

use crate::docker::{Patience, naming};
use crate::node::Node;
use crate::table::{ContainerId, InstanceTable, Table};

/// An engine that is up answers at once; a node does not wait with its start for one that is not.
const LISTED_WITHIN: Duration = Duration::from_secs(5);

/// By instance, of each scope whose engine was asked.
pub(super) struct Containers(BTreeMap<Scope, Arc<Seen>>);

enum Seen {
    /// The engine did not answer: what the table says is taken to run.
    Nothing,
    All(BTreeMap<(Scope, SlotRef, u32), ContainerState>),
}

impl Containers {
    pub(super) async fn find(node: &Node, table: &Table) -> Containers {
        let mut found = BTreeMap::new();
        for (engine, scopes) in table.engines() {
            let seen = Arc::new(look(node, engine).await);
            found.extend(scopes.into_iter().map(|it| (it.scope.clone(), Arc::clone(&seen))));
        }
        Containers(found)
    }

    /// The container of an instance, if it runs.
    pub(super) fn of(
        &self,
        scope: &Scope,
        (slot, number): &(SlotRef, u32),
        row: &InstanceTable,
    ) -> Option<ContainerId> {
        match &**self.0.get(scope)? {
            Seen::Nothing => row.container.clone(),
            Seen::All(found) => {
                let state = found.get(&(scope.clone(), slot.clone(), *number))?;
                let address = state.addresses.get(&naming::in_scope(scope, naming::DEFAULT_NETWORK))?;
                let running = state.phase == Phase::Running;
                running.then(|| ContainerId { id: state.id.clone(), address: *address })
            }
        }
    }
}

async fn look(node: &Node, engine: Option<&str>) -> Seen {
    match tokio::time::timeout(LISTED_WITHIN, list(node, engine)).await {
        Ok(Ok(all)) => {
            let named = all.into_iter().filter_map(|it| Some((naming::instance_of(&it)?, it)));
            Seen::All(named.collect())
        }
        Ok(Err(error)) => {
            tracing::error!(%error, "containers are taken to run as they did");
            Seen::Nothing
        }
        Err(_) => {
            tracing::error!("the Docker engine does not answer; containers are taken to run as they did");
            Seen::Nothing
        }
    }
}

async fn list(node: &Node, engine: Option<&str>) -> Result<Vec<ContainerState>, EngineError> {
    let engine = node.base.engines.at(engine).engine;
    engine.containers(&[(naming::NODE, &node.base.node_id)]).await
}

/// Once the engine answers: removes instances that the table does not know, and puts what stands beside the slots
/// in place again.
pub(super) async fn tidy(node: Arc<Node>, engine: Option<String>) {
    let mut patience = Patience::new();
    let found = loop {
        match list(&node, engine.as_deref()).await {
            Ok(found) => break found,
            Err(error) => tracing::warn!(%error, "the Docker engine does not answer"),
        }
        patience.wait().await;
    };
    for it in found {
        let table = node.base.keeper.now();
        if naming::instance_of(&it).is_none_or(|instance| is_known(&table, &instance)) {
            continue;
        }
        tracing::warn!(container = %it.name, "a container that nobody wants was removed");
        if let Err(error) = node.base.engines.at(engine.as_deref()).engine.remove(&it.id).await {
            tracing::warn!(%error, container = %it.name, "it stays");
        }
    }
    let table = node.base.keeper.now();
    for scope in table.engines().remove(&engine.as_deref()).unwrap_or_default() {
        if let Some(fixtures) = &scope.fixtures
            && let Err(failure) = node.put_in_place(&scope.scope, fixtures).await
        {
            tracing::error!(scope = %scope.scope, %failure, "what stands beside the slots is not in place");
        }
    }
}

/// By its number: a start that needs the name replaces what has it.
fn is_known(table: &Table, (scope, slot, number): &(Scope, SlotRef, u32)) -> bool {
    table.slot(scope, slot).is_some_and(|it| it.instances.contains_key(number))
}

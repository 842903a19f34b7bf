//! What applying would change: the cluster's own answer to a dry run, compared with what is there now.
//!
//! Both sides come from the API server, with its defaults and the webhooks' changes in them, so what is left is
//! what somebody changed of what Lockgate says. Fields that it says nothing of are nobody's drift.

mod fields;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use kube::Api;
use kube::api::{DynamicObject, Patch, PatchParams};
use lockgate_model::{Fence, Fixtures, Form, Keep, SlotSpec};
use serde::Serialize;
use serde_json::Value;

use super::apply::Identity;
use super::observe::{self, SlotDeployment};
use super::refusal::{is_missing, is_unknown_kind, told};
use super::{Cluster, fixtures, names, prune, secrets, workload};
use crate::{Class, TargetError};

pub use fields::{FieldDiff, Writer};

/// Objects that are asked for at a time.
const AT_ONCE: usize = 8;

/// An object that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ObjectDiff {
    pub kind: String,
    pub name: String,
    pub change: Change,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// It should be there and is not.
    Missing,
    /// Lockgate made it and nothing wants it any more.
    Unwanted,
    /// The API server did not take it in a dry run, for this reason.
    Refused(String),
    Fields(Vec<FieldDiff>),
}

/// What differs from these objects as they stand.
pub(super) async fn of_objects(cluster: &Cluster, objects: &[Value]) -> Result<Vec<ObjectDiff>, TargetError> {
    let asked: Vec<_> = objects.iter().map(|it| of_object(cluster, it)).collect();
    let found: Vec<Option<ObjectDiff>> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    Ok(found.into_iter().flatten().collect())
}

/// What differs from what a release keeps: its slots, what stands beside them, and what is left over.
pub(super) async fn of_release(cluster: &Cluster, keep: &Keep) -> Result<Vec<ObjectDiff>, TargetError> {
    let fence = Fence { scope: cluster.scope.clone(), epoch: 0, seq: 0 };
    let mut wanted = vec![];
    if let Fixtures::Objects(objects) = &keep.fixtures {
        for object in &objects.0 {
            wanted.push(fixtures::wanted(cluster, &fence, object).await?);
        }
    }
    let slots = observe::slots(cluster, None).await?;
    for spec in &keep.slots {
        wanted.extend(of_slot(cluster, &fence, spec, &slots)?);
    }
    let mut diffs = of_objects(cluster, &wanted).await?;
    let unwanted = prune::unwanted(cluster, keep).await?;
    diffs.extend(unwanted.into_iter().map(|it| ObjectDiff {
        kind: it.kind.to_owned(),
        name: it.name,
        change: Change::Unwanted,
    }));
    Ok(diffs)
}

/// The objects of a slot as they would be applied to the newest Deployment of its service.
fn of_slot(
    cluster: &Cluster,
    fence: &Fence,
    spec: &SlotSpec,
    slots: &[SlotDeployment],
) -> Result<Vec<Value>, TargetError> {
    if !matches!(spec.form, Form::Objects(_)) {
        return Ok(vec![]);
    }
    let of_service = || slots.iter().filter(|it| it.slot.service == spec.slot.service);
    let same = of_service().find(|it| it.slot == spec.slot);
    let found = same.or_else(|| of_service().max_by_key(|it| it.slot.release));
    let mut spec = spec.clone();
    let mut instances = 1;
    if let Some(found) = found {
        spec.slot = found.slot.clone();
        if let Some(version) = found.annotation(names::VERSION).and_then(|it| it.parse().ok()) {
            spec.version = version;
        }
        let asked = found.annotation(names::REPLICAS).and_then(|it| it.parse().ok());
        instances = asked.unwrap_or_else(|| observe::wanted(&found.deployment));
    }
    let objects = workload::objects(cluster, fence, &spec, instances, found)?;
    objects.iter().map(|it| secrets::filled(cluster, it)).collect()
}

async fn of_object(cluster: &Cluster, wanted: &Value) -> Result<Option<ObjectDiff>, TargetError> {
    let of = Identity::of(wanted)?;
    let diff = |change| Some(ObjectDiff { kind: of.kind.to_owned(), name: of.name.to_owned(), change });
    let api = cluster.dynamic(of.api_version, of.kind)?;
    let live = match api.get(of.name).await {
        Ok(it) => Some(it),
        Err(error) if is_missing(&error) => None,
        Err(error) => return Err(told(&error, &format!("read {} {}", of.kind, of.name))),
    };
    let change = match (live, dry_run(&api, &of, wanted).await) {
        // In a namespace that is not there yet, nothing can be tried out.
        (None, Err(error)) if is_missing(&error) && !is_unknown_kind(&error) => Some(Change::Missing),
        (_, Err(error)) => Some(refused(&of, &error)?),
        (None, Ok(_)) => Some(Change::Missing),
        (Some(live), Ok(applied)) => compared(&as_value(&live), &as_value(&applied)),
    };
    Ok(change.and_then(diff))
}

/// What applying would change of an object that was read.
pub(super) async fn of_live(
    cluster: &Cluster,
    wanted: &Value,
    live: &Value,
) -> Result<Option<Change>, TargetError> {
    let of = Identity::of(wanted)?;
    match dry_run(&cluster.dynamic(of.api_version, of.kind)?, &of, wanted).await {
        Ok(applied) => Ok(compared(live, &as_value(&applied))),
        Err(error) => refused(&of, &error).map(Some),
    }
}

fn compared(live: &Value, applied: &Value) -> Option<Change> {
    let fields = fields::compare(live, applied);
    (!fields.is_empty()).then_some(Change::Fields(fields))
}

fn refused(of: &Identity<'_>, error: &kube::Error) -> Result<Change, TargetError> {
    let error = told(error, &format!("try out {} {}", of.kind, of.name));
    if error.class == Class::Fatal { Ok(Change::Refused(error.message)) } else { Err(error) }
}

/// What applying would give, without doing it.
async fn dry_run(
    api: &Api<DynamicObject>,
    of: &Identity<'_>,
    wanted: &Value,
) -> Result<DynamicObject, kube::Error> {
    let mut wanted = wanted.clone();
    // As of when it was read does not matter to what is only looked at.
    if let Some(metadata) = wanted["metadata"].as_object_mut() {
        metadata.remove("resourceVersion");
    }
    let params = PatchParams { dry_run: true, force: true, ..PatchParams::apply(names::MANAGER) };
    api.patch(of.name, &params, &Patch::Apply(&wanted)).await
}

fn as_value(object: &DynamicObject) -> Value {
    serde_json::to_value(object).unwrap_or_default()
}

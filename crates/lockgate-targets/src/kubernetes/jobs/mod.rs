//! One-off jobs: a Job named by the effect's key, followed to its end. The name is the record: a second Job of one
//! key cannot be made, whoever asks for it and whenever.

mod follow;
mod object;

use k8s_openapi::api::batch::v1::Job;
use kube::ResourceExt as _;
use kube::api::{DeleteParams, PostParams, Preconditions};
use lockgate_model::{EffectKey, Fence, JobSpec};
use serde_json::Value;

use super::apply::{Take, apply};
use super::fence::{newer_than, refuse_older};
use super::refusal::{is_conflict, is_missing, told};
use super::{Cluster, names, secrets};
use crate::{Class, JobReport, Sighting, TargetError};

/// Times that somebody else may make or take away a Job of one name between our reading and writing.
const TRIES_MAX: u16 = 20;

pub(super) async fn run(
    cluster: &Cluster,
    fence: &Fence,
    key: &EffectKey,
    job: &JobSpec,
) -> Result<JobReport, TargetError> {
    let name = names::job(&cluster.scope, key);
    let (beside, wanted) = object::wanted(cluster, fence, key, job)?;
    let mut beside_done = false;
    for _ in 0..TRIES_MAX {
        match find(cluster, &name).await? {
            Some(found) if object::is_tombstone(&found) => {
                let mark = found.annotations().get(names::FENCE).map(String::as_str);
                refuse_older(mark, fence, &format!("the record of {key}"))?;
                remove(cluster, &found).await?;
            }
            Some(found) => return follow::to_the_end(cluster, &found, job).await,
            None => {
                if !beside_done {
                    write_beside(cluster, &beside).await?;
                    beside_done = true;
                }
                if let Some(made) = create(cluster, &wanted).await? {
                    return follow::to_the_end(cluster, &made, job).await;
                }
            }
        }
    }
    Err(contended(&name))
}

/// What became of the Job of this key. One that is not there is kept from being made by whoever asked before.
pub(super) async fn look(cluster: &Cluster, fence: &Fence, key: &EffectKey) -> Result<Sighting, TargetError> {
    let name = names::job(&cluster.scope, key);
    for _ in 0..TRIES_MAX {
        match find(cluster, &name).await? {
            Some(found) if object::is_tombstone(&found) => {
                if renew(cluster, &found, fence).await? {
                    return Ok(Sighting::NeverRan);
                }
            }
            Some(found) => return follow::sight(cluster, &found).await,
            None => {
                let stone = object::tombstone(cluster, fence, key);
                if create(cluster, &stone).await?.is_some() {
                    return Ok(Sighting::NeverRan);
                }
            }
        }
    }
    Err(contended(&name))
}

/// Whether its end is written down at it, so that nothing of it is waited for.
pub(super) fn is_on_record(job: &Job) -> bool {
    object::is_tombstone(job) || follow::has_record(job)
}

fn contended(name: &str) -> TargetError {
    let text = format!("Job {name} is made and removed by somebody else all the time");
    TargetError::new(Class::Transient, text)
}

async fn find(cluster: &Cluster, name: &str) -> Result<Option<Job>, TargetError> {
    let found = cluster.api::<Job>().get_opt(name).await;
    found.map_err(|it| told(&it, &format!("read Job {name} in namespace {}", cluster.namespace)))
}

/// `None` when there is one of this name already.
async fn create(cluster: &Cluster, object: &Value) -> Result<Option<Job>, TargetError> {
    let job: Job = serde_json::from_value(object.clone()).map_err(|it| {
        TargetError::new(Class::Fatal, format!("the Job of the release cannot be read: {it}"))
    })?;
    let params = PostParams { field_manager: Some(names::MANAGER.to_owned()), ..PostParams::default() };
    match cluster.api::<Job>().create(&params, &job).await {
        Ok(made) => Ok(Some(made)),
        Err(error) if is_conflict(&error) => Ok(None),
        Err(error) => {
            let doing = format!("make Job {} in namespace {}", job.name_any(), cluster.namespace);
            Err(told(&error, &doing))
        }
    }
}

/// What its pod reads is there before it.
async fn write_beside(cluster: &Cluster, objects: &[Value]) -> Result<(), TargetError> {
    for object in objects {
        apply(cluster, &secrets::filled(cluster, object)?, Take::Over).await?;
    }
    Ok(())
}

/// Exactly the one that was read; gone already is as good.
async fn remove(cluster: &Cluster, stone: &Job) -> Result<(), TargetError> {
    let preconditions = Preconditions { uid: stone.uid(), resource_version: stone.resource_version() };
    let params = DeleteParams { preconditions: Some(preconditions), ..DeleteParams::background() };
    match cluster.api::<Job>().delete(&stone.name_any(), &params).await {
        Err(error) if !is_missing(&error) && !is_conflict(&error) => {
            Err(told(&error, &format!("remove Job {}", stone.name_any())))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// The stone says which request looked last; `false` when somebody else changed it meanwhile.
async fn renew(cluster: &Cluster, stone: &Job, fence: &Fence) -> Result<bool, TargetError> {
    let mut stone = stone.clone();
    let mark = super::fence::mark(fence);
    if stone.annotations().get(names::FENCE).is_some_and(|it| *it == mark || newer_than(it, fence)) {
        return Ok(true);
    }
    stone.annotations_mut().insert(names::FENCE.to_owned(), mark);
    let params = PostParams { field_manager: Some(names::MANAGER.to_owned()), ..PostParams::default() };
    match cluster.api::<Job>().replace(&stone.name_any(), &params, &stone).await {
        Ok(_) => Ok(true),
        Err(error) if is_conflict(&error) || is_missing(&error) => Ok(false),
        Err(error) => Err(told(&error, &format!("write Job {}", stone.name_any()))),
    }
}

//! Carries out the releases of one scope, one after the other, until none waits.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use lockgate_engine::{End, Kind, PlanError, Release, Request, plan};
use lockgate_model::{Observed, ReleaseId, Scope, Snapshot, with_causes};
use lockgate_targets::{Target, TargetError};
use serde::{Deserialize, Serialize};

use crate::clock;
use crate::perform::patiently;
use crate::record::{self, RecordError};
use crate::run::Run;
use crate::store::{
    GivenBack, Holder, Lease, LeaseError, ReleaseKind, ReleaseRow, ReleaseState, Store, StoreError,
};

/// How a release ended, as the store keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ending {
    Engine(End),
    /// It could not be planned, so nothing was touched.
    NotPlanned {
        why: String,
    },
    /// Its record does not read; it is left alone, and with it whatever it had done.
    Quarantined {
        why: String,
    },
}

#[derive(Debug, thiserror::Error)]
pub enum DriveError {
    #[error(transparent)]
    Lease(#[from] LeaseError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("{0} takes over what others installed, which no driver does")]
    Adopts(ReleaseId),
    #[error("the target cannot be looked at")]
    Target(#[from] TargetError),
}

pub struct Driver<T> {
    store: Store,
    target: Arc<T>,
    scope: Scope,
    holder: Holder,
}

/// Releases in place or before it whose images are kept, for a rollback that pulls nothing.
const KEPT_RELEASES: usize = 5;
/// Attempts to see what runs before a release is given up; the target's own retries come on top.
const OBSERVE_ATTEMPTS: u32 = 5;

impl<T: Target + 'static> Driver<T> {
    pub fn new(store: Store, target: T, scope: Scope, holder: Holder) -> Driver<T> {
        Driver { store, target: Arc::new(target), scope, holder }
    }

    /// Returns when no release of the scope waits any more, or when another driver has the lease.
    pub async fn run(&self) -> Result<(), DriveError> {
        loop {
            // An epoch for each release: a target compares places in the journal within one epoch only.
            let lease = self.store.acquire(&self.scope, &self.holder, clock::now()).await?;
            match self.store.next(&self.scope).await? {
                Some(next) if next.kind == ReleaseKind::Adopt => {
                    self.store.let_go(&lease).await?;
                    return Err(DriveError::Adopts(next.id));
                }
                Some(next) => self.release(&lease, &next).await?,
                None if self.store.give_back(&lease).await? == GivenBack::Free => return Ok(()),
                None => (),
            }
        }
    }

    /// Takes one release to its end. What is wrong with one release harms that release only.
    async fn release(&self, lease: &Lease, row: &ReleaseRow) -> Result<(), DriveError> {
        let id = row.id;
        tracing::info!(release = %id, epoch = lease.epoch, "driving");
        let ending = match self.prepared(row).await? {
            Err(ending) => ending,
            Ok(release) => {
                let mut run =
                    Run::new(self.store.clone(), Arc::clone(&self.target), lease.clone(), id, release);
                Ending::Engine(run.finish().await?)
            }
        };
        tracing::info!(release = %id, ?ending, "ended");
        self.store.end(id, &ending, clock::now()).await?;
        Ok(())
    }

    /// The release as it was left, or freshly planned.
    async fn prepared(&self, row: &ReleaseRow) -> Result<Result<Release, Ending>, DriveError> {
        match record::load(&self.store, row.id).await {
            Ok(Some(mut release)) => {
                release.forget();
                Ok(Ok(release))
            }
            Ok(None) => self.planned(row).await,
            Err(RecordError::Store(error @ (StoreError::Database(_) | StoreError::Open { .. }))) => {
                Err(error.into())
            }
            Err(error) => Ok(Err(Ending::Quarantined { why: with_causes(&error) })),
        }
    }

    async fn planned(&self, row: &ReleaseRow) -> Result<Result<Release, Ending>, DriveError> {
        let observed = match self.observe().await {
            Ok(observed) => observed,
            Err(error) => return Ok(Err(Ending::NotPlanned { why: error.to_string() })),
        };
        let snapshot = self.store.snapshot(row.id).await?;
        let kind = match row.kind {
            ReleaseKind::Deploy => Kind::Deploy,
            ReleaseKind::Rollback => Kind::Rollback,
            ReleaseKind::Adopt => return Err(DriveError::Adopts(row.id)),
        };
        let request = Request::new(row.id, kind, snapshot);
        match plan_with(&self.store, &request, &observed).await? {
            Ok(plan) => {
                self.store.begin(row.id, &plan).await?;
                Ok(Ok(Release::new(plan)))
            }
            Err(error) => Ok(Err(Ending::NotPlanned { why: error.to_string() })),
        }
    }

    async fn observe(&self) -> Result<Observed, TargetError> {
        let mut attempt = 1;
        loop {
            match patiently("look at what runs", || self.target.observe()).await {
                Err(error) if attempt < OBSERVE_ATTEMPTS => {
                    tracing::warn!(%error, attempt, "cannot look at the target");
                    tokio::time::sleep(Duration::from_secs(1)).await;
                    attempt += 1;
                }
                answer => return answer,
            }
        }
    }
}

/// Plans with what the store knows of the releases whose slots run now.
pub async fn plan_with(
    store: &Store,
    request: &Request,
    observed: &Observed,
) -> Result<Result<lockgate_engine::Plan, PlanError>, StoreError> {
    let releases: BTreeSet<ReleaseId> =
        observed.services.values().flat_map(|it| it.slots.keys().copied()).collect();
    let mut known: BTreeMap<ReleaseId, Snapshot> = BTreeMap::new();
    for id in releases {
        match store.snapshot(id).await {
            Ok(snapshot) => drop(known.insert(id, snapshot)),
            Err(StoreError::NoRelease(_)) => (),
            Err(error) => return Err(error),
        }
    }
    let system = &request.snapshot.system;
    let scope = Scope { system: system.name.clone(), environment: system.environment.clone() };
    let done = done_releases(store, &scope).await?;
    let mut request = Request { seeded: !done.is_empty(), ..request.clone() };
    for row in done.iter().take(KEPT_RELEASES) {
        request.kept_images.extend(store.snapshot(row.id).await?.images().map(str::to_owned));
    }
    Ok(plan(&request, observed, &known))
}

/// The releases of a scope that are in place or were, newest first: those that a rollback can go to.
pub async fn done_releases(store: &Store, scope: &Scope) -> Result<Vec<ReleaseRow>, StoreError> {
    let all = store.releases(scope, u32::MAX).await?;
    Ok(all.into_iter().filter(|it| it.state == ReleaseState::Ended && is_done(it)).collect())
}

pub fn is_done(row: &ReleaseRow) -> bool {
    matches!(ending(row), Some(Ending::Engine(End::Done { .. })))
}

/// How a release ended; `None` for one that has not, or whose record does not read.
pub fn ending(row: &ReleaseRow) -> Option<Ending> {
    serde_json::from_value(row.outcome.clone()?).ok()
}

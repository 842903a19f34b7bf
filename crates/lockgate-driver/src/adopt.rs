//! Taking over what others installed: a release that is recorded, written to its target, and in place when that is done.
//!
//! The record comes first, and stays where it is when this process dies: until another attempt has finished it, no
//! other release of the scope begins.

use lockgate_engine::End;
use lockgate_model::{Fence, ReleaseId};

use crate::clock;
use crate::driver::Ending;
use crate::run::HEARTBEAT_EVERY;
use crate::store::{Holder, Lease, LeaseError, NewRelease, Store, StoreError};

/// A release that takes over, and the right to do so.
pub struct Adopting {
    store: Store,
    lease: Lease,
    pub id: ReleaseId,
}

impl Adopting {
    /// Records it, as a new release or as that of an attempt that was cut off.
    pub async fn begin(store: &Store, holder: &Holder, new: &NewRelease) -> Result<Adopting, LeaseError> {
        let lease = store.acquire(&new.scope, holder, clock::now()).await?;
        let id = store.take_over(&lease, new, clock::now()).await?;
        Ok(Adopting { store: store.clone(), lease, id })
    }

    pub fn fence(&self) -> Fence {
        Fence { scope: self.lease.scope.clone(), epoch: self.lease.epoch, seq: 1 }
    }

    /// Gives signs of life while something is done.
    pub async fn during<T>(&self, work: impl Future<Output = T>) -> Result<T, StoreError> {
        tokio::pin!(work);
        loop {
            tokio::select! {
                done = &mut work => return Ok(done),
                () = tokio::time::sleep(HEARTBEAT_EVERY.to_std()) => {
                    self.store.heartbeat(&self.lease, clock::now()).await?;
                }
            }
        }
    }

    /// It is in place.
    pub async fn done(self) -> Result<(), StoreError> {
        let ending = Ending::Engine(End::Done { leftovers: vec![] });
        self.store.end(self.id, &ending, clock::now()).await?;
        self.store.let_go(&self.lease).await
    }

    /// It goes on with another attempt.
    pub async fn cut_off(self) -> Result<(), StoreError> {
        self.store.let_go(&self.lease).await
    }
}

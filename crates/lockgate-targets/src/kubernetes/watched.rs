//! Objects that a watch keeps current, for whoever waits until they are as they should be.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::pin::Pin;

use futures_util::{Stream, StreamExt as _};
use kube::runtime::watcher::{self, Event};
use kube::runtime::{WatchStreamExt as _, watcher as watch};
use kube::{Api, Resource, ResourceExt as _};
use serde::de::DeserializeOwned;

use super::refusal::told;
use crate::TargetError;

type Events<K> = Pin<Box<dyn Stream<Item = watcher::Result<Event<K>>> + Send>>;

/// What a selector finds, by name.
pub(super) struct Watched<K> {
    /// What is watched, for messages: `pods of web@r12`.
    what: String,
    events: Events<K>,
    pub(super) objects: BTreeMap<String, K>,
    /// A list under way; it takes the place of `objects` when it is whole.
    listing: Option<BTreeMap<String, K>>,
}

impl<K> Watched<K>
where
    K: Resource<DynamicType = ()> + Clone + DeserializeOwned + Debug + Send + 'static,
{
    /// The first [`Watched::changed`] answers when all is listed.
    pub(super) fn labelled(api: Api<K>, what: &str, selector: &str) -> Watched<K> {
        Watched::new(api, what, watcher::Config::default().labels(selector))
    }

    pub(super) fn named(api: Api<K>, what: &str, name: &str) -> Watched<K> {
        Watched::new(api, what, watcher::Config::default().fields(&format!("metadata.name={name}")))
    }

    fn new(api: Api<K>, what: &str, config: watcher::Config) -> Watched<K> {
        let events = watch(api, config).default_backoff().boxed();
        Watched { what: what.to_owned(), events, objects: BTreeMap::new(), listing: None }
    }

    /// Waits until something is different. A connection that is lost is made again; what may not be watched fails.
    pub(super) async fn changed(&mut self) -> Result<(), TargetError> {
        loop {
            match self.events.next().await {
                Some(Ok(event)) => {
                    if self.take(event) {
                        return Ok(());
                    }
                }
                Some(Err(error)) => self.failed(error)?,
                None => std::future::pending().await,
            }
        }
    }

    /// Waits until these objects are as they should be.
    pub(super) async fn until(
        &mut self,
        hold: impl Fn(&BTreeMap<String, K>) -> bool,
    ) -> Result<(), TargetError> {
        loop {
            self.changed().await?;
            if hold(&self.objects) {
                return Ok(());
            }
        }
    }

    /// Whether the objects are others now.
    fn take(&mut self, event: Event<K>) -> bool {
        match event {
            Event::Init => self.listing = Some(BTreeMap::new()),
            Event::InitApply(object) => {
                self.listing.get_or_insert_default().insert(object.name_any(), object);
            }
            Event::InitDone => {
                self.objects = self.listing.take().unwrap_or_default();
                return true;
            }
            Event::Apply(object) => {
                self.objects.insert(object.name_any(), object);
                return true;
            }
            Event::Delete(object) => {
                self.objects.remove(&object.name_any());
                return true;
            }
        }
        false
    }

    fn failed(&self, error: watcher::Error) -> Result<(), TargetError> {
        match error {
            watcher::Error::InitialListFailed(error @ kube::Error::Api(_))
            | watcher::Error::WatchStartFailed(error @ kube::Error::Api(_))
                if matches!(&error, kube::Error::Api(status) if matches!(status.code, 401 | 403)) =>
            {
                Err(told(&error, &format!("watch {}", self.what)))
            }
            other => {
                tracing::debug!(what = self.what, error = %other, "watching again");
                Ok(())
            }
        }
    }
}

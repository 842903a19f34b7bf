//! Images of another environment: what was released there is released here, by the same digests.

use std::collections::BTreeMap;

use anyhow::bail;
use lockgate_images::Reference;
use lockgate_model::{EnvironmentName, ReleaseId, Scope, ServiceName, Snapshot, Version};
use lockgate_render::ImageBuild;

use super::{Source, Wanted};
use crate::state::State;

/// What one release of the other environment runs.
pub(super) struct Promoted {
    environment: EnvironmentName,
    release: ReleaseId,
    images: BTreeMap<ServiceName, String>,
}

/// The release of this version or of this commit in the environment that is promoted from. Where neither is known, its
/// newest one that succeeded. `None` when this environment has images of its own.
pub(super) async fn images(state: &State, wanted: &Wanted<'_>) -> anyhow::Result<Option<Promoted>> {
    let system = wanted.system;
    let Some(environment) = system.policy.promote.clone() else { return Ok(None) };
    let scope = Scope { system: system.name.clone(), environment: environment.clone() };
    let done = lockgate_driver::done_releases(&state.store, &scope).await?;
    let here = &system.environment;
    let Some(newest) = done.first() else {
        bail!(
            "`{here}` takes its images from `{environment}`, where no release has succeeded yet; \
             `lockgate deploy {environment}` comes first"
        );
    };
    for row in &done {
        let snapshot = state.store.snapshot(row.id).await?;
        let of_commit =
            wanted.commit.is_some_and(|it| snapshot.commit.as_ref().is_some_and(|of| of.sha == it.sha));
        let is_it = row.version == *wanted.version || of_commit;
        if is_it || (wanted.asked.is_none() && wanted.commit.is_none()) {
            let note = format!("images are those of {} ({}) in `{environment}`", row.id, row.version);
            state.out.note(&note);
            return Ok(Some(Promoted { environment, release: row.id, images: images_of(&snapshot) }));
        }
    }
    let commit = wanted.commit.map(|it| format!(" or of commit {}", it.short())).unwrap_or_default();
    bail!(
        "`{here}` takes its images from `{environment}`, where no release of {}{commit} has succeeded; the newest \
         there is {} ({}); `lockgate deploy {environment}` comes first",
        wanted.version,
        newest.version,
        newest.id,
    );
}

impl Promoted {
    pub(super) fn source(&self, build: &ImageBuild, version: &Version) -> Source {
        let Some(image) = self.images.get(&build.service) else {
            let Promoted { environment, release, .. } = self;
            return Source::Missing(format!("{release} of `{environment}` runs no image of it"));
        };
        let to = format!("{}:{version}", build.repository).parse();
        match (image.parse::<Reference>(), to) {
            (Ok(from), Ok(to)) => Source::Promoted { from, to },
            (Err(error), _) | (_, Err(error)) => Source::Missing(error.to_string()),
        }
    }
}

/// What each service of a release runs.
pub fn images_of(snapshot: &Snapshot) -> BTreeMap<ServiceName, String> {
    let images =
        snapshot.forms.iter().filter_map(|(name, form)| Some((name.clone(), form.image(name)?.to_owned())));
    images.collect()
}

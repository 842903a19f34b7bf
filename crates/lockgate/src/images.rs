//! Which image each service of a release runs, by digest: settled once, before anything is planned.

mod ask;
mod promoted;
pub mod recorded;

use std::collections::BTreeMap;
use std::path::Path;

use lockgate_images::{Client, Config, Reference};
use lockgate_model::{Commit, Image, ServiceName, System, TargetKind, Version};
use lockgate_render::{ImageBuild, Lock, Origin, image_builds};

use crate::args::{ImageArg, NamedImage};
use crate::commands::render::lock;
use crate::state::State;
pub use promoted::images_of;
use recorded::Recorded;

/// A release whose images are wanted.
pub struct Wanted<'a> {
    pub system: &'a System,
    pub version: &'a Version,
    /// The same, where the command line says it.
    pub asked: Option<&'a Version>,
    pub commit: Option<&'a Commit>,
    /// Of the spec, where the lock file is.
    pub folder: &'a Path,
    /// What the command line says.
    pub named: &'a [ImageArg],
    pub effort: Effort,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effort {
    /// Find out, and change nothing.
    Look,
    /// Also copy what is promoted to the registry of its new environment.
    Copy,
}

/// What was not found, with the reason of each.
#[derive(Debug, thiserror::Error)]
#[error("{}", told(.missing))]
pub struct ImagesMissing {
    pub missing: Vec<(ServiceName, String)>,
    pub hint: Option<String>,
    /// Another attempt may find them.
    pub unreached: bool,
}

/// Where the digest of a service's image is found.
enum Source {
    /// It is known: `repository@sha256:...`, or the number of an image that only this machine's engine has.
    Known(String),
    /// The registry says it.
    Tag {
        reference: Reference,
        platforms: Vec<String>,
    },
    /// Another environment's, to be copied to a repository when that is another one.
    Promoted {
        from: Reference,
        to: Reference,
    },
    Missing(String),
}

/// `repository@sha256:...` of every service that runs an image. What cannot be found is told all at once.
pub async fn resolve_images(
    state: &State,
    wanted: &Wanted<'_>,
) -> anyhow::Result<BTreeMap<ServiceName, String>> {
    if !wanted.system.target.runs_images() {
        return Ok(BTreeMap::new());
    }
    let sources = sources(state, wanted).await?;
    let effort = wanted.effort;
    let client = Client::new(Config::from_env(|name| std::env::var_os(name)));
    let found = tokio::task::spawn_blocking(move || ask::all(&client, sources, effort)).await??;
    Ok(followed(wanted, found))
}

async fn sources(state: &State, wanted: &Wanted<'_>) -> anyhow::Result<BTreeMap<ServiceName, Source>> {
    let lock = lock(wanted.folder)?;
    let recorded = Recorded::read(&state.dir)?;
    let origin = Origin { version: wanted.version.to_string(), ..Origin::default() };
    let builds = image_builds(wanted.system, &origin);
    let promoted = promoted::images(state, wanted).await?;
    let mut sources = BTreeMap::new();
    for (name, service) in &wanted.system.services {
        let named = wanted.named.iter().rev().find(|it| it.service == *name);
        let source = match (named, &service.image, &promoted) {
            (Some(named), _, _) => of_named_here(wanted.system, &named.image),
            (None, Some(Image::SameAs(_)) | None, _) => continue,
            (None, Some(Image::Named(text)), _) => match text.parse::<Reference>() {
                Ok(reference) => of_named(&lock, text, &reference),
                Err(error) => Source::Missing(error.to_string()),
            },
            (None, Some(Image::Built(_)), promoted) => {
                let build = builds.iter().find(|it| it.service == *name);
                let build = build.expect("every built image has a build");
                match promoted {
                    Some(from) => from.source(build, wanted.version),
                    None => of_build(wanted, build, &recorded),
                }
            }
        };
        sources.insert(name.clone(), source);
    }
    let unknown = wanted.named.iter().find(|it| !wanted.system.services.contains_key(&it.service));
    match unknown {
        Some(it) => anyhow::bail!("`--image {}=...` names no service of the spec", it.service),
        None => Ok(sources),
    }
}

fn of_named_here(system: &System, image: &NamedImage) -> Source {
    match (image, &system.target) {
        (NamedImage::Reference(reference), _) => of_reference(reference, vec![]),
        (NamedImage::Id(id), TargetKind::Docker(_)) => Source::Known(id.to_string()),
        (NamedImage::Id(id), target) => Source::Missing(format!(
            "`{id}` names an image of one engine, and `{}` pulls from a registry; name it as `repository@sha256:...`",
            target.as_str()
        )),
    }
}

fn of_reference(reference: &Reference, platforms: Vec<String>) -> Source {
    match reference.digest {
        Some(digest) => Source::Known(reference.repository.at(digest).to_string()),
        None => Source::Tag { reference: reference.clone(), platforms },
    }
}

/// Somebody else's: what the lock file says of it holds.
fn of_named(lock: &Lock, text: &str, reference: &Reference) -> Source {
    match lock.images.get(text).map(|it| it.digest.clone().try_into()) {
        Some(Ok(digest)) => Source::Known(reference.repository.at(digest).to_string()),
        Some(Err(_)) | None => of_reference(reference, vec![]),
    }
}

fn of_build(wanted: &Wanted<'_>, build: &ImageBuild, recorded: &Recorded) -> Source {
    let known = recorded.of(&build.repository, wanted.version);
    if let Some(digest) = known.and_then(|it| it.digest) {
        return Source::Known(format!("{}@{digest}", build.repository));
    }
    // An engine that built it can run it, and nobody else.
    if let (TargetKind::Docker(_), false, Some(known)) = (&wanted.system.target, build.is_published, known) {
        return Source::Known(known.id.clone());
    }
    if !build.is_published {
        let how = "`build.image` names no repository to push it to";
        return Source::Missing(format!("{how}, and `lockgate build` made no {} here", wanted.version));
    }
    match format!("{}:{}", build.repository, wanted.version).parse() {
        Ok(reference) => Source::Tag { reference, platforms: build.platforms.clone() },
        Err(error) => Source::Missing(lockgate_images::BadReference::to_string(&error)),
    }
}

/// Services that run the image of another one, too.
fn followed(wanted: &Wanted<'_>, mut found: BTreeMap<ServiceName, String>) -> BTreeMap<ServiceName, String> {
    let services = &wanted.system.services;
    for name in services.keys() {
        let mut at = name;
        // A chain is shorter than there are services.
        for _ in 0..services.len() {
            match services.get(at).and_then(|it| it.image.as_ref()) {
                Some(Image::SameAs(other)) if !found.contains_key(at) => at = other,
                Some(_) | None => break,
            }
        }
        if let Some(image) = found.get(at).cloned() {
            found.insert(name.clone(), image);
        }
    }
    found
}

fn told(missing: &[(ServiceName, String)]) -> String {
    match missing {
        [(service, why)] => format!("`{service}` has no image: {why}"),
        all => {
            let lines = all.iter().map(|(service, why)| format!("\n  `{service}`: {why}"));
            format!("{} services have no image:{}", all.len(), lines.collect::<String>())
        }
    }
}

#[cfg(test)]
mod tests;

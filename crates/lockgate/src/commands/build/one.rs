//! One image: there already, or made and pushed now.

use anyhow::{Context as _, bail};
use lockgate_images::{Access, Reference, Repository};
use lockgate_model::{Digest, Timestamp};
use lockgate_render::ImageBuild;
use serde::Serialize;
use serde_json::json;

use super::Site;
use super::context::BuildContext;
use super::engine::{self, Task};
use crate::images::recorded::{BuiltImage, Recorded};
use crate::out::Out;

/// On an image: the digest of all that went into it.
const INPUTS_LABEL: &str = "dev.lockgate.inputs";

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Happened {
    Built,
    AlreadyThere,
}

pub struct Made {
    pub happened: Happened,
    pub image: BuiltImage,
}

pub fn make(site: &Site, build: &ImageBuild, out: Out) -> anyhow::Result<Made> {
    let context_folder = site.folder.join(&build.context);
    let dockerfile = site.folder.join(&build.dockerfile);
    if !dockerfile.is_file() {
        let is_rendered = build.dockerfile.starts_with("deploy/docker/");
        let hint = if is_rendered { "; `lockgate render` writes it" } else { "" };
        bail!("there is no {}{hint}", build.dockerfile);
    }
    let image = format!("{}:{}", build.repository, site.version);
    let reference: Reference = image.parse()?;
    if site.push && !build.is_published {
        bail!("`services.{}.build.image` names no repository to push it to", build.service);
    }
    let context = BuildContext::read(&context_folder, &dockerfile)?;
    let inputs = inputs(build, &dockerfile, &context)?;
    if !site.no_cache
        && let Some(there) = already_there(site, build, &reference, inputs)?
    {
        Recorded::add(&site.state_dir, &there)?;
        return Ok(Made { happened: Happened::AlreadyThere, image: there });
    }
    out.note(&format!("{}: builds {image}", build.service));
    let recorded = Recorded::read(&site.state_dir)?;
    let earlier = recorded.of_repository(&build.repository).find(|it| it.digest.is_some());
    let cache = earlier.map(|it| format!("{}:{}", it.repository, it.version));
    let task = Task {
        build,
        image: &image,
        dockerfile: &dockerfile,
        context_folder: &context_folder,
        context: &context,
        labels: &labels(site, build, inputs),
        cache: cache.as_deref(),
        push: site.push,
        no_cache: site.no_cache,
    };
    let id = site.builder.make(&task)?;
    let digest = if site.push {
        site.builder.push(&image)?;
        Some(site.client.resolve(&reference)?)
    } else {
        None
    };
    let image = record(site, build, inputs, digest, id);
    Recorded::add(&site.state_dir, &image)?;
    Ok(Made { happened: Happened::Built, image })
}

/// What the image is made of. The commit and the repository's address are labels, and change nothing that runs.
fn inputs(
    build: &ImageBuild,
    dockerfile: &std::path::Path,
    context: &BuildContext,
) -> anyhow::Result<Digest> {
    let text = std::fs::read(dockerfile).with_context(|| format!("cannot read {}", dockerfile.display()))?;
    let args = build.args.iter().filter(|it| !lockgate_render::LABEL_ARGS.contains(&it.0.as_str()));
    Ok(Digest::of_value(&json!({
        "dockerfile": Digest::of(&text),
        "context": context.digest()?,
        "args": args.collect::<std::collections::BTreeMap<_, _>>(),
        "stage": build.stage,
        "platforms": build.platforms,
    })))
}

/// An image of the same inputs, at the registry when it is to be pushed and else in the engine. It gets the name of
/// this version too.
fn already_there(
    site: &Site,
    build: &ImageBuild,
    wanted: &Reference,
    inputs: Digest,
) -> anyhow::Result<Option<BuiltImage>> {
    let recorded = Recorded::read(&site.state_dir)?;
    let mut known = recorded.of_repository(&build.repository).filter(|it| it.inputs == inputs);
    if !site.push {
        let Some(known) = known.find(|it| engine::has(&it.id)) else { return Ok(None) };
        engine::tag(&known.id, &wanted.to_string())?;
        return Ok(Some(record(site, build, inputs, known.digest, known.id.clone())));
    }
    let repository: &Repository = &wanted.repository;
    for known in known {
        let Some(digest) = known.digest else { continue };
        if site.client.exists(&repository.at(digest), Access::Push)? {
            site.client.copy(&repository.at(digest), repository, wanted.tag.as_deref())?;
            return Ok(Some(record(site, build, inputs, Some(digest), known.id.clone())));
        }
    }
    // Another machine may have pushed it.
    if !site.client.exists(wanted, Access::Push)? {
        return Ok(None);
    }
    let digest = site.client.resolve(wanted)?;
    let labels = site.client.labels(&repository.at(digest))?;
    let same = labels.get(INPUTS_LABEL).is_some_and(|it| *it == inputs.to_string());
    Ok(same.then(|| record(site, build, inputs, Some(digest), String::new())))
}

fn record(site: &Site, build: &ImageBuild, inputs: Digest, digest: Option<Digest>, id: String) -> BuiltImage {
    let at = Timestamp(u64::try_from(jiff::Timestamp::now().as_millisecond()).unwrap_or(0));
    BuiltImage { repository: build.repository.clone(), version: site.version.clone(), digest, id, inputs, at }
}

fn labels(site: &Site, build: &ImageBuild, inputs: Digest) -> Vec<(&'static str, String)> {
    let all = [
        ("org.opencontainers.image.title", build.service.to_string()),
        ("org.opencontainers.image.version", site.origin.version.clone()),
        ("org.opencontainers.image.revision", site.origin.revision.clone()),
        ("org.opencontainers.image.source", site.origin.source.clone()),
        (
            "org.opencontainers.image.created",
            jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string(),
        ),
        (INPUTS_LABEL, inputs.to_string()),
    ];
    all.into_iter().filter(|it| !it.1.is_empty()).collect()
}

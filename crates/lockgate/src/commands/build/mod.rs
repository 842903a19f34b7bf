//! `build`: the images of a system, made by the Docker engine, pushed, and known by what the registry calls them.

mod context;
mod engine;
mod ignored;
mod one;
mod origin;
mod tell;

use std::collections::BTreeSet;
use std::path::PathBuf;

use anyhow::bail;
use lockgate_images::{Client, Config, RegistryError};
use lockgate_model::{Image, ServiceName, System, Version};
use lockgate_render::{ImageBuild, image_builds};
use lockgate_spec::Facts;

use crate::args::{BuildArgs, Global};
use crate::context::Context;
use crate::exit::Exit;
use crate::naming;
use crate::out::Out;
use crate::state::{self, State};
use engine::Builder;

pub use engine::DockerFailed;

/// Where and how all images of one command are made.
struct Site {
    folder: PathBuf,
    state_dir: PathBuf,
    version: Version,
    origin: lockgate_render::Origin,
    builder: Builder,
    client: Client,
    push: bool,
    no_cache: bool,
}

pub async fn build(global: &Global, args: &BuildArgs, out: Out) -> anyhow::Result<Exit> {
    let context = Context::load(global, out)?;
    let environment = context.environment(args.environment.as_ref())?;
    let (version, commit) = naming::name(&context, &environment, args.version.as_ref())?;
    let facts = Facts { version: Some(version.clone()), commit };
    let system = context.system(&environment, &facts)?;
    if let Some(from) = &system.policy.promote {
        bail!(
            "`{environment}` takes its images from `{from}`, so nothing is built for it; `lockgate build {from}` does"
        );
    }
    let origin = origin::of(context.folder(), &version);
    let mut builds = image_builds(&system, &origin);
    if !args.services.is_empty() {
        let wanted = built_for(&system, &args.services)?;
        builds.retain(|it| wanted.contains(&it.service));
    }
    if builds.is_empty() {
        out.note("no service of this environment has a `build`, so there is nothing to build");
        return Ok(Exit::Done);
    }
    for build in &mut builds {
        if !args.platforms.is_empty() {
            build.platforms.clone_from(&args.platforms);
        }
    }
    let state = State::open_dir(&state::dir(global)?, out).await?;
    let site = Site {
        folder: context.folder().to_owned(),
        state_dir: state.dir.clone(),
        version,
        origin,
        builder: Builder::find()?,
        client: Client::new(Config::from_env(|name| std::env::var_os(name))),
        push: args.push,
        no_cache: args.no_cache,
    };
    Ok(tokio::task::spawn_blocking(move || all(&site, &builds, out)).await?)
}

/// One after the other: a build uses the whole machine. One that fails keeps no other from being made.
fn all(site: &Site, builds: &[ImageBuild], out: Out) -> Exit {
    let mut made = vec![];
    for build in builds {
        let ended = one::make(site, build, out);
        tell::ended(build, &ended, out);
        made.push((build, ended));
    }
    tell::all(site, &made, out);
    let failed: Vec<&anyhow::Error> = made.iter().filter_map(|it| it.1.as_ref().err()).collect();
    if failed.is_empty() {
        Exit::Done
    } else if failed.iter().any(|it| was_unreachable(it)) {
        Exit::Unreachable
    } else {
        Exit::Failed
    }
}

fn was_unreachable(error: &anyhow::Error) -> bool {
    let registry = error.downcast_ref::<RegistryError>();
    error.downcast_ref::<DockerFailed>().is_some_and(|it| it.is_unreachable)
        || registry.is_some_and(|it| matches!(it, RegistryError::Unreachable { .. }))
}

/// The services whose builds make the images of those that are named.
fn built_for(system: &System, named: &[ServiceName]) -> anyhow::Result<BTreeSet<ServiceName>> {
    let mut wanted = BTreeSet::new();
    for name in named {
        let mut at = name;
        // A chain is shorter than there are services.
        for _ in 0..system.services.len() {
            match system.services.get(at).and_then(|it| it.image.as_ref()) {
                Some(Image::SameAs(other)) => at = other,
                Some(Image::Built(_) | Image::Named(_)) | None => break,
            }
        }
        match system.services.get(at).map(|it| &it.image) {
            Some(Some(Image::Built(_))) => drop(wanted.insert(at.clone())),
            Some(_) => bail!("`{name}` has no `build`, so its image is made elsewhere"),
            None => bail!("there is no service `{name}`"),
        }
    }
    Ok(wanted)
}

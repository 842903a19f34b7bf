//! `render`: every artifact of the spec, written, compared or looked through for what vanished.

mod against;
mod disk;
mod tell;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use lockgate_model::{Digest, ServiceName};
use lockgate_render::{Comparison, Difference, Lock, Manifest, Request, Selection};
use lockgate_spec::Facts;

use crate::args::{Global, RenderArgs};
use crate::context::Context;
use crate::exit::Exit;
use crate::out::Out;

/// Beside the spec.
pub const LOCK_NAME: &str = "lockgate.lock";

pub fn render(global: &Global, args: &RenderArgs, out: Out) -> anyhow::Result<Exit> {
    let context = Context::load(global, out)?;
    let root = root(args, &context)?;
    let request = request(&context, args)?;
    let rendered = match lockgate_render::render(&request) {
        Ok(rendered) => rendered,
        Err(problems) => return Ok(tell::problems(&problems, out)),
    };
    if let Some(revision) = &args.against {
        return against::vanished(&root, revision, &rendered, &request.selection, out);
    }
    let manifest = disk::manifest(&root)?;
    let texts = disk::texts(&root, &rendered, &manifest)?;
    let comparison =
        Comparison { rendered: &rendered, selection: &request.selection, manifest: &manifest, disk: &texts };
    let mut differences =
        comparison.differences().map_err(|(path, error)| anyhow::anyhow!("{path}: {error}"))?;
    differences.extend(disk::blocks(&root, &rendered, &request.selection)?);
    let after = comparison.manifest_after();
    if args.check {
        let stale = after != manifest;
        return Ok(tell::check(&differences, stale, rendered.artifacts.len(), &root, out));
    }
    write(&root, args, &differences, &after, &manifest)?;
    tell::written(&differences, &rendered, &root, out);
    Ok(Exit::Done)
}

/// Where the tree begins: the spec's folder, since that is what paths within the artifacts are relative to.
fn root(args: &RenderArgs, context: &Context) -> anyhow::Result<PathBuf> {
    match &args.out {
        Some(out) => std::path::absolute(out).with_context(|| format!("cannot resolve {}", out.display())),
        None => Ok(context.folder().to_owned()),
    }
}

fn request(context: &Context, args: &RenderArgs) -> anyhow::Result<Request> {
    let all = context.spec.environments();
    if let Some(unknown) = args.env.iter().find(|it| !all.contains(it)) {
        // Says which there are.
        context.environment(Some(unknown))?;
    }
    let mut systems = vec![];
    let facts = Facts { version: args.version.clone(), ..Facts::default() };
    for environment in &all {
        systems.push(context.system_without_warnings(environment, &facts)?);
    }
    let spec = context.spec_path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Request {
        systems,
        lock: lock(context.folder())?,
        source: spec,
        selection: Selection {
            environments: args.env.iter().cloned().collect(),
            kinds: (!args.only.is_empty()).then(|| args.only.iter().copied().collect()),
        },
        images: args.images.as_deref().map_or_else(|| Ok(BTreeMap::new()), images)?,
        version: args.version.clone(),
    })
}

pub fn lock(folder: &Path) -> anyhow::Result<Lock> {
    let path = folder.join(LOCK_NAME);
    if !path.exists() {
        return Ok(Lock::default());
    }
    let text = crate::context::read(&path)?.text;
    Lock::parse(&text).with_context(|| format!("{}: remove it and run `lockgate lock`", path.display()))
}

/// A file such as `{"web": "sha256:..."}`; the name of the image may stand before the digest.
fn images(path: &Path) -> anyhow::Result<BTreeMap<ServiceName, Digest>> {
    let text = crate::context::read(path)?.text;
    let what = || {
        format!("{} should hold a digest for each service, as in {{\"web\": \"sha256:...\"}}", path.display())
    };
    let written: BTreeMap<ServiceName, String> = serde_json::from_str(&text).with_context(what)?;
    let digest = |text: &str| Digest::try_from(text.rsplit('@').next().unwrap_or(text).to_owned());
    let read = written.into_iter().map(|(name, text)| {
        let digest = digest(&text)
            .map_err(|reason| anyhow::anyhow!("{}: the image of `{name}`: {reason}", path.display()))?;
        Ok((name, digest))
    });
    read.collect()
}

fn write(
    root: &Path,
    args: &RenderArgs,
    differences: &[Difference],
    after: &Manifest,
    before: &Manifest,
) -> anyhow::Result<()> {
    let lost: Vec<&str> =
        differences.iter().filter(|it| it.kind.loses_work()).map(|it| it.path.as_str()).collect();
    if !lost.is_empty() && !args.force {
        bail!(NotOurs(lost.join(", ")));
    }
    for difference in differences {
        disk::write(root, difference)?;
    }
    if after != before {
        disk::write_text(root, lockgate_render::MANIFEST, &after.to_text())?;
    }
    Ok(())
}

/// Files hold what somebody wrote by hand.
#[derive(Debug, thiserror::Error)]
#[error("these files were edited, or were not written by `lockgate render`: {0}")]
pub struct NotOurs(String);

//! `--against REV`: keys that the artifacts of another revision had and these have not.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, bail};
use lockgate_render::{MANIFEST, Manifest, Rendered, Selection};
use serde_json::json;

use crate::args::Format;
use crate::exit::Exit;
use crate::out::Out;

pub(super) fn vanished(
    root: &Path,
    revision: &str,
    rendered: &Rendered,
    selection: &Selection,
    out: Out,
) -> anyhow::Result<Exit> {
    let Some(text) = show(root, revision, MANIFEST)? else {
        bail!("nothing was rendered in {} at `{revision}`: there is no {MANIFEST}", root.display());
    };
    let manifest =
        Manifest::parse(&text).with_context(|| format!("{MANIFEST} at `{revision}` cannot be read"))?;
    let now: BTreeMap<&str, &str> =
        rendered.artifacts.iter().map(|it| (it.path.as_str(), it.text.as_str())).collect();
    let mut vanished = vec![];
    for (path, entry) in &manifest.artifacts {
        if !selection.wants(entry.kind, entry.environment.as_ref()) {
            continue;
        }
        let Some(after) = now.get(path.as_str()) else {
            vanished.push((path.clone(), None));
            continue;
        };
        let before = show(root, revision, path)?.unwrap_or_default();
        vanished.extend(
            lockgate_render::vanished(path, &before, after).into_iter().map(|it| (path.clone(), Some(it))),
        );
    }
    tell(&vanished, revision, out);
    Ok(if vanished.is_empty() { Exit::Done } else { Exit::Failed })
}

fn tell(vanished: &[(String, Option<String>)], revision: &str, out: Out) {
    match out.format {
        Format::Json => {
            let items: Vec<_> =
                vanished.iter().map(|(path, key)| json!({"path": path, "key": key})).collect();
            out.json(&json!({"against": revision, "vanished": items}));
        }
        Format::Human => {
            let line = |(path, key): &(String, Option<String>)| match key {
                Some(key) => format!("{path}: {key}\n"),
                None => format!("{path}: the whole file\n"),
            };
            out.data(&vanished.iter().map(line).collect::<String>());
            match vanished.len() {
                0 => out.note(&format!("nothing vanished since `{revision}`")),
                1 => out.note(&format!("1 key is gone that was there at `{revision}`")),
                count => out.note(&format!("{count} keys are gone that were there at `{revision}`")),
            }
        }
    }
}

/// A file as it was; `None` when it was not there.
fn show(root: &Path, revision: &str, path: &str) -> anyhow::Result<Option<String>> {
    let git = |args: &[&str]| {
        let output = Command::new("git").arg("-C").arg(root).args(args).output();
        output.context("cannot start git, which knows the revision")
    };
    let commit =
        git(&["rev-parse", "--verify", "--quiet", "--end-of-options", &format!("{revision}^{{commit}}")])?;
    if !commit.status.success() {
        bail!("`{revision}` is no revision of the repository at {}", root.display());
    }
    let commit = String::from_utf8_lossy(&commit.stdout).trim().to_owned();
    let file = git(&["show", &format!("{commit}:./{path}")])?;
    Ok(file.status.success().then(|| String::from_utf8_lossy(&file.stdout).into_owned()))
}

//! The tree on disk: what is there, and putting there what should be.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write as _};
use std::path::{Component, Path, PathBuf};

use anyhow::{Context as _, bail};
use lockgate_render::{Difference, DifferenceKind, MANIFEST, Manifest, Rendered, Selection};

/// Folders below the spec's that Markdown with managed blocks is looked for in.
const BLOCKS_DEPTH: usize = 4;

pub(super) fn manifest(root: &Path) -> anyhow::Result<Manifest> {
    match text(root, MANIFEST)? {
        None => Ok(Manifest::default()),
        Some(text) => Manifest::parse(&text).with_context(|| {
            format!(
                "{} cannot be read; remove it, and `lockgate render --force` writes all anew",
                root.join(MANIFEST).display()
            )
        }),
    }
}

/// Texts of the artifacts and of what the manifest names, as far as they are there.
pub(super) fn texts(
    root: &Path,
    rendered: &Rendered,
    manifest: &Manifest,
) -> anyhow::Result<BTreeMap<String, String>> {
    let paths = rendered
        .artifacts
        .iter()
        .map(|it| it.path.as_str())
        .chain(manifest.artifacts.keys().map(String::as_str));
    let mut texts = BTreeMap::new();
    for path in paths {
        if !texts.contains_key(path)
            && let Some(text) = text(root, path)?
        {
            texts.insert(path.to_owned(), text);
        }
    }
    Ok(texts)
}

/// What is not text is somebody else's, and differs from all that is rendered.
fn text(root: &Path, path: &str) -> anyhow::Result<Option<String>> {
    let place = inside(root, path)?;
    match std::fs::read(&place) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("cannot read {}", place.display())),
    }
}

/// A path of the tree on this machine. The manifest may have been written by anybody, and links lead anywhere.
fn inside(root: &Path, path: &str) -> anyhow::Result<PathBuf> {
    let parts = Path::new(path).components();
    if !parts.clone().all(|it| matches!(it, Component::Normal(_))) || path.is_empty() {
        bail!("`{path}` does not lie in {}", root.display());
    }
    let mut place = root.to_owned();
    for part in parts {
        place.push(part);
        if place.is_symlink() {
            bail!(
                "{} is a link, and rendered files are written beneath {} only",
                place.display(),
                root.display()
            );
        }
    }
    Ok(place)
}

pub(super) fn write(root: &Path, difference: &Difference) -> anyhow::Result<()> {
    if difference.after.is_empty() {
        let place = inside(root, &difference.path)?;
        return std::fs::remove_file(&place).with_context(|| format!("cannot remove {}", place.display()));
    }
    write_text(root, &difference.path, &difference.after)
}

/// Whole or not at all.
pub(super) fn write_text(root: &Path, path: &str, text: &str) -> anyhow::Result<()> {
    let place = inside(root, path)?;
    let folder = place.parent().context("a file lies in a folder")?;
    let what = || format!("cannot write {}", place.display());
    std::fs::create_dir_all(folder).with_context(what)?;
    let mut file = tempfile::NamedTempFile::new_in(folder).with_context(what)?;
    file.write_all(text.as_bytes()).with_context(what)?;
    file.as_file().set_permissions(mode(&place)).with_context(what)?;
    file.persist(&place).with_context(what)?;
    Ok(())
}

/// As it was; else what everybody may read.
fn mode(place: &Path) -> std::fs::Permissions {
    use std::os::unix::fs::PermissionsExt as _;
    place.metadata().map_or_else(|_| std::fs::Permissions::from_mode(0o644), |it| it.permissions())
}

/// Markdown of the user's with managed blocks that are not as they should be.
pub(super) fn blocks(
    root: &Path,
    rendered: &Rendered,
    selection: &Selection,
) -> anyhow::Result<Vec<Difference>> {
    if selection.kinds.is_some() {
        return Ok(vec![]);
    }
    let mut differences = vec![];
    let files = ignore::WalkBuilder::new(root).max_depth(Some(BLOCKS_DEPTH)).build();
    for file in files.flatten().filter(|it| it.path().extension().is_some_and(|it| it == "md")) {
        let Ok(path) = file.path().strip_prefix(root) else { continue };
        let path = path.to_string_lossy().into_owned();
        if file.path().is_symlink() || rendered.artifacts.iter().any(|it| it.path == path) {
            continue;
        }
        let Some(before) = text(root, &path)?.filter(|it| lockgate_render::is_managed(it)) else { continue };
        let after = lockgate_render::fill_blocks(&before, &rendered.blocks).with_context(|| path.clone())?;
        if after != before {
            differences.push(Difference { path, kind: DifferenceKind::Changed, before, after });
        }
    }
    Ok(differences)
}

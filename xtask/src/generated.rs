//! Files that follow from the code and are committed, so that people read them without building anything.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::Context as _;

use crate::{Problem, rendered};

/// Writes every generated file that is not as it should be, and says which.
pub fn generate(root: &Path) -> anyhow::Result<Vec<String>> {
    let mut written = Vec::new();
    let files = files(root)?;
    for (path, text) in &files {
        let place = root.join(path);
        if std::fs::read_to_string(&place).is_ok_and(|it| it == *text) {
            continue;
        }
        let folder = place.parent().context("a generated file lies in a folder")?;
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        std::fs::write(&place, text).with_context(|| path.clone())?;
        written.push(path.clone());
    }
    for path in rendered::orphans(root, &files)? {
        std::fs::remove_file(root.join(&path)).with_context(|| path.clone())?;
        written.push(path);
    }
    Ok(written)
}

/// Generated files that are not what the code says.
pub fn stale(root: &Path) -> anyhow::Result<Vec<Problem>> {
    let files = files(root)?;
    let stale = files.iter().filter(|(path, text)| {
        // Cannot be read, so it is not what it should be.
        std::fs::read_to_string(root.join(path)).map_or(true, |it| it != **text)
    });
    let what = "not what the code says: run `cargo run -p xtask -- generate`";
    let stale = stale.map(|it| it.0.clone()).chain(rendered::orphans(root, &files)?);
    Ok(stale.map(|path| Problem::new(path, what)).collect())
}

/// Texts by path.
fn files(root: &Path) -> anyhow::Result<BTreeMap<String, String>> {
    let schema = serde_json::to_string_pretty(&lockgate_spec::json_schema())?;
    let mut files = BTreeMap::from([
        ("docs/reference/keys.md".to_owned(), lockgate_spec::keys_page()),
        ("schema/lockgate.schema.json".to_owned(), schema + "\n"),
    ]);
    files.extend(rendered::trees(root)?);
    Ok(files)
}

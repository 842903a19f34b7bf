//! Files that follow from the code and are committed, so that people read them without building anything.

use std::path::Path;

use anyhow::Context as _;

use crate::Problem;

/// Writes every generated file that is not as it should be, and says which.
pub fn generate(root: &Path) -> anyhow::Result<Vec<&'static str>> {
    let mut written = Vec::new();
    for (path, text) in files()? {
        let place = root.join(path);
        if std::fs::read_to_string(&place).is_ok_and(|it| it == text) {
            continue;
        }
        let folder = place.parent().context("a generated file lies in a folder")?;
        std::fs::create_dir_all(folder).with_context(|| folder.display().to_string())?;
        std::fs::write(&place, text).with_context(|| path.to_owned())?;
        written.push(path);
    }
    Ok(written)
}

/// Generated files that are not what the code says.
pub fn stale(root: &Path) -> anyhow::Result<Vec<Problem>> {
    let stale = files()?.into_iter().filter(|(path, text)| {
        // Cannot be read, so it is not what it should be.
        std::fs::read_to_string(root.join(path)).map_or(true, |it| it != *text)
    });
    let what = "not what the code says: run `cargo run -p xtask -- generate`";
    Ok(stale.map(|(path, _)| Problem::new(path, what)).collect())
}

fn files() -> anyhow::Result<Vec<(&'static str, String)>> {
    let schema = serde_json::to_string_pretty(&lockgate_spec::json_schema())?;
    Ok(vec![
        ("docs/reference/keys.md", lockgate_spec::keys_page()),
        ("schema/lockgate.schema.json", schema + "\n"),
    ])
}

//! The artifacts of a spec in a folder of the repository.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use lockgate_render::{Lock, MANIFEST, Manifest, Rendered, Request, Selection};
use lockgate_spec::{Facts, Spec};

/// Examples whose trees are committed, for people to look at and for validators to read.
const EXAMPLES: [&str; 5] = ["covenant-connect", "covenant-connect-ecs", "kanvaro", "nova", "supernova"];

/// Every file of every example's tree, with its manifest, by its path in the repository.
pub(crate) fn trees(root: &Path) -> anyhow::Result<Vec<(String, String)>> {
    let mut files = vec![];
    for name in EXAMPLES {
        let rendered = rendered(&root.join("examples").join(name).join("lockgate.yaml"))?;
        let manifest = Manifest::of(&rendered.artifacts);
        files.push((format!("examples/{name}/{MANIFEST}"), manifest.to_text()));
        let artifacts = rendered.artifacts.into_iter();
        files.extend(artifacts.map(|it| (format!("examples/{name}/{}", it.path), it.text)));
    }
    Ok(files)
}

/// Files that the trees on disk own, and that no longer follow from the specs.
pub(crate) fn orphans(root: &Path, wanted: &BTreeMap<String, String>) -> anyhow::Result<Vec<String>> {
    let mut orphans = vec![];
    for name in EXAMPLES {
        let folder = root.join("examples").join(name);
        let files = ["deploy", ".github"].into_iter().flat_map(|it| files_below(&folder.join(it)));
        for file in files {
            let path = file.strip_prefix(root)?.to_string_lossy().into_owned();
            if !wanted.contains_key(&path) {
                orphans.push(path);
            }
        }
    }
    Ok(orphans)
}

fn files_below(folder: &Path) -> Vec<PathBuf> {
    let Ok(entries) = std::fs::read_dir(folder) else { return vec![] };
    let below = |path: PathBuf| if path.is_dir() { files_below(&path) } else { vec![path] };
    entries.flatten().flat_map(|it| below(it.path())).collect()
}

/// What `lockgate render` makes of the spec, for every environment.
pub fn rendered(spec: &Path) -> anyhow::Result<Rendered> {
    let text = std::fs::read_to_string(spec).with_context(|| spec.display().to_string())?;
    let (parsed, _) = Spec::parse("lockgate.yaml", &text);
    let mut systems = vec![];
    for environment in parsed.environments() {
        let (system, diagnostics) = parsed.resolve(&environment, &Facts::default());
        let Some(system) = system else { bail!("{}: {:?}", spec.display(), diagnostics.first()) };
        systems.push(system);
    }
    let lock = match std::fs::read_to_string(spec.with_file_name("lockgate.lock")) {
        Ok(text) => Lock::parse(&text)?,
        Err(_) => Lock::default(),
    };
    let request = Request {
        systems,
        lock,
        source: "lockgate.yaml".to_owned(),
        selection: Selection::default(),
        images: BTreeMap::default(),
        version: None,
    };
    lockgate_render::render(&request).map_err(|problems| anyhow::anyhow!("{}: {problems:?}", spec.display()))
}

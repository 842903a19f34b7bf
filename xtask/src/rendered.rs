//! The artifacts of a spec in a folder of the repository.

use std::path::Path;

use anyhow::{Context as _, bail};
use lockgate_render::{Lock, Rendered, Request, Selection};
use lockgate_spec::{Facts, Spec};

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
        images: Default::default(),
        version: None,
    };
    lockgate_render::render(&request).map_err(|problems| anyhow::anyhow!("{}: {problems:?}", spec.display()))
}

//! The graph of packages as cargo resolves it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};
use serde_json::Value;

/// The graph of one platform is enough: ours does not differ between platforms.
const PLATFORM: &str = "x86_64-unknown-linux-gnu";

#[derive(Debug, Default)]
pub(crate) struct Graph {
    /// Names of the crates of this repository.
    pub(crate) members: BTreeSet<String>,
    /// What each package is built with; what only its tests use is left out.
    pub(crate) uses: BTreeMap<String, BTreeSet<String>>,
}

pub(crate) fn read(root: &Path) -> anyhow::Result<Graph> {
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let output = Command::new(cargo)
        .args(["metadata", "--format-version", "1", "--filter-platform", PLATFORM])
        .current_dir(root)
        .output()
        .context("cargo metadata")?;
    ensure!(output.status.success(), "cargo metadata: {}", String::from_utf8_lossy(&output.stderr));
    parse(&serde_json::from_slice(&output.stdout)?)
}

fn parse(metadata: &Value) -> anyhow::Result<Graph> {
    let packages = metadata["packages"].as_array().context("no packages")?;
    let names: BTreeMap<&str, &str> =
        packages.iter().filter_map(|it| Some((it["id"].as_str()?, it["name"].as_str()?))).collect();
    let name = |id: &Value| {
        let id = id.as_str().context("an id is no text")?;
        names.get(id).map(|it| (*it).to_owned()).with_context(|| format!("no package has the id {id}"))
    };
    let mut graph = Graph::default();
    for id in metadata["workspace_members"].as_array().context("no members")? {
        graph.members.insert(name(id)?);
    }
    for node in metadata["resolve"]["nodes"].as_array().context("no resolved nodes")? {
        let uses = graph.uses.entry(name(&node["id"])?).or_default();
        for used in node["deps"].as_array().context("a node without dependencies")? {
            let kinds = used["dep_kinds"].as_array().context("a dependency without kinds")?;
            if kinds.iter().any(|it| it["kind"] != "dev") {
                uses.insert(name(&used["pkg"])?);
            }
        }
    }
    Ok(graph)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_only_tests_use_is_no_edge() {
        let metadata = json!({
            "packages": [{"id": "a 1", "name": "a"}, {"id": "b 1", "name": "b"}, {"id": "c 1", "name": "c"}],
            "workspace_members": ["a 1"],
            "resolve": {"nodes": [{"id": "a 1", "deps": [
                {"pkg": "b 1", "dep_kinds": [{"kind": null}]},
                {"pkg": "c 1", "dep_kinds": [{"kind": "dev"}]},
            ]}]},
        });
        let graph = parse(&metadata).unwrap();
        assert_eq!(graph.members, ["a".to_owned()].into());
        assert_eq!(graph.uses["a"], ["b".to_owned()].into());
    }
}

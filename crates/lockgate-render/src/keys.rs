//! Which keys a rendered file has, so that one that vanished is seen between a thousand changed lines.

use std::collections::BTreeSet;

use lockgate_model::SourceId;
use lockgate_yaml::{Kind, Node};

/// Paths of the keys that `before` has and `after` has not; of a part that is gone, its top alone.
pub fn vanished(path: &str, before: &str, after: &str) -> Vec<String> {
    let (before, after) = (keys(path, before), keys(path, after));
    let gone: BTreeSet<&String> = before.iter().filter(|it| !after.contains(*it)).collect();
    let is_within =
        |inner: &str, outer: &str| inner.strip_prefix(outer).is_some_and(|it| it.starts_with('.'));
    gone.iter().filter(|it| !gone.iter().any(|outer| is_within(it, outer))).map(|it| (*it).clone()).collect()
}

fn keys(path: &str, text: &str) -> BTreeSet<String> {
    let mut keys = BTreeSet::new();
    let name = path.rsplit('/').next().unwrap_or(path);
    let extension = name.rsplit('.').next().unwrap_or_default();
    if ["yaml", "yml", "json"].contains(&extension) {
        for document in text.split("\n---\n") {
            let Some(node) = lockgate_yaml::read(SourceId::default(), document, &mut vec![]) else {
                continue;
            };
            // An object of Kubernetes is the same in whichever file it lies.
            let top = name_of(&node).filter(|it| it.0.is_some()).map(shown).unwrap_or_default();
            collect(&node, &top, &mut keys);
            keys.insert(top);
        }
    } else if name.contains(".env") {
        let names = text.lines().filter_map(|it| it.trim_start_matches("# ").split_once('='));
        keys.extend(names.filter(|it| !it.0.contains(' ')).map(|it| it.0.to_owned()));
    }
    keys
}

fn collect(node: &Node, path: &str, keys: &mut BTreeSet<String>) {
    let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
    match &node.kind {
        Kind::Map(entries) => {
            for entry in entries {
                let inner = below(&entry.key);
                collect(&entry.value, &inner, keys);
                keys.insert(inner);
            }
        }
        Kind::Seq(items) => {
            for (idx, item) in items.iter().enumerate() {
                let inner = below(&identity(item).unwrap_or_else(|| format!("[{idx}]")));
                collect(item, &inner, keys);
                keys.insert(inner);
            }
        }
        Kind::Scalar(_) => {}
    }
}

/// What people call an item of a list by, so that its place does not matter.
fn identity(node: &Node) -> Option<String> {
    name_of(node).map(shown)
}

fn shown((kind, name): (Option<String>, String)) -> String {
    kind.map_or_else(|| format!("[{name}]"), |it| format!("[{it} {name}]"))
}

fn name_of(node: &Node) -> Option<(Option<String>, String)> {
    let Kind::Map(entries) = &node.kind else { return None };
    let value = |key: &str| entries.iter().find(|it| it.key == key).map(|it| &it.value);
    let text = |key: &str| match &value(key)?.kind {
        Kind::Scalar(scalar) => Some(scalar.text.clone()),
        Kind::Map(_) | Kind::Seq(_) => None,
    };
    let name = value("metadata").and_then(name_of).map(|it| it.1);
    let name = name.or_else(|| ["name", "alert", "record", "job_name", "id"].into_iter().find_map(text))?;
    Some((text("kind"), name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_gone_is_named_by_its_top() {
        let before = "services:\n  web:\n    env: {A: 1, B: 2}\n    ports: [{name: http, port: 1}, {name: grpc, port: 2}]\n  api: {image: x}\n";
        let after = "services:\n  web:\n    env: {A: 3}\n    ports: [{name: grpc, port: 2}]\n";
        assert_eq!(
            vanished("a.yaml", before, after),
            ["services.api", "services.web.env.B", "services.web.ports.[http]"]
        );
        assert_eq!(vanished("a/dev.env.example", "A=1\n# B=2\n", "A=2\n"), ["B"]);
        let two = "kind: Service\nmetadata: {name: a}\n---\nkind: Service\nmetadata: {name: b}\n";
        assert_eq!(
            vanished("a.yaml", two, "kind: Service\nmetadata: {name: b}\n---\nx: 1\n"),
            ["[Service a]"]
        );
    }
}

//! Nothing is silent: every key of a file is in the report.

use lockgate_import::Imported;
use lockgate_yaml::{Kind, Node, read_foreign};

use crate::plain::items;

pub(crate) fn check(text: &str, imported: &Imported) {
    let read = read_foreign(text);
    let root = &read.documents[0];
    for entry in root.entries().iter().filter(|it| it.key != "services") {
        told(&entry.key, imported);
    }
    let groups = ["volumes", "networks", "secrets", "configs"];
    for entry in groups.iter().filter_map(|it| root.entry(it)) {
        for inner in entry.value.entries() {
            told(&format!("{}.{}", entry.key, inner.key), imported);
        }
    }
    for service in root.get("services").map_or(&[][..], Node::entries) {
        let path = format!("services.{}", service.key);
        told(&path, imported);
        for entry in service.value.entries() {
            let path = format!("{path}.{}", entry.key);
            told(&path, imported);
            if entry.key == "environment" {
                let listed = items(&entry.value).iter().filter_map(|it| match &it.kind {
                    Kind::Scalar(scalar) => scalar.text.split('=').next().map(str::to_owned),
                    Kind::Seq(_) | Kind::Map(_) => None,
                });
                let mapped = entry.value.entries().iter();
                let mapped =
                    mapped.filter(|it| matches!(it.value.kind, Kind::Scalar(_))).map(|it| it.key.clone());
                listed.chain(mapped).for_each(|it| told(&format!("{path}.{it}"), imported));
            }
            if ["ports", "volumes"].contains(&entry.key.as_str()) {
                (0..items(&entry.value).len()).for_each(|it| told(&format!("{path}[{it}]"), imported));
            }
        }
    }
}

/// A field of this path or below it, or one that stands for a whole list or map.
fn told(path: &str, imported: &Imported) {
    let is_below =
        |it: &str| it.strip_prefix(path).is_some_and(|it| it.is_empty() || it.starts_with(['.', '[']));
    let found = imported.report.fields.iter().any(|it| is_below(&it.path));
    assert!(found, "the report says nothing of `{path}`: {:#?}", imported.report.fields);
}

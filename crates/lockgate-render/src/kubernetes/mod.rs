//! Plain manifests: one file for each part of an environment; the order of their names is that of their application.

pub(crate) mod objects;

use lockgate_yaml::WriteStyle;
use serde_json::Value;

use crate::artifact::Kind;
use crate::facts::{Environment, Facts};
use crate::header::Comment;
use crate::output::{File, Output};
use objects::{Object, Part};

pub(crate) fn render(facts: &Facts<'_>, output: &mut Output<'_>) {
    let environments: Vec<_> = facts.wanting(Kind::Manifests).collect();
    for environment in environments {
        let objects = objects::objects(facts, environment, output);
        for part in parts(&objects) {
            write(environment, &part, &objects, output);
        }
    }
}

/// In order, each once.
pub(crate) fn parts(objects: &[Object]) -> Vec<Part> {
    let mut parts: Vec<Part> = objects.iter().map(|it| it.part.clone()).collect();
    parts.sort();
    parts.dedup();
    parts
}

fn write(environment: &Environment<'_>, part: &Part, objects: &[Object], output: &mut Output<'_>) {
    let values = objects.iter().filter(|it| it.part == *part).map(|it| &it.value);
    output.file(File {
        kind: Kind::Manifests,
        path: format!("deploy/kubernetes/{}/{}.yaml", environment.name(), part.file_stem()),
        environment: Some(&environment.system.environment),
        comment: Comment::Hash,
        text: documents(values),
        origin: vec![part.origin()],
    });
}

/// Objects as people are used to read them.
pub(crate) fn documents<'v>(values: impl IntoIterator<Item = &'v Value>) -> String {
    let first = ["apiVersion", "kind", "metadata", "name", "namespace", "image"];
    let style = WriteStyle { first: &first, indent_lists: true, ..WriteStyle::default() };
    lockgate_yaml::write_all(values, &style)
}

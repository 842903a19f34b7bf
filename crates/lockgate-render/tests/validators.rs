//! The whole rendered trees of the examples, as the validators of each format read them.

mod common;

use common::validator::{report, validator};
use common::{EXAMPLES, example, on_disk};
use lockgate_render::{Artifact, Kind};

/// Every artifact of one kind, with the example that it is of.
fn artifacts(kind: Kind) -> Vec<Artifact> {
    let trees = EXAMPLES.into_iter().flat_map(|name| {
        let artifacts = example(name).artifacts.into_iter().filter(|it| it.kind == kind);
        artifacts.map(move |it| Artifact { path: format!("{name}/{}", it.path), ..it }).collect::<Vec<_>>()
    });
    trees.collect()
}

#[test]
fn compose_files_fit_the_schema_of_their_specification() {
    let Some(validator) = validator("check-jsonschema") else { return };
    let files = artifacts(Kind::Compose);
    let folder = on_disk(&files);
    let paths = files.iter().map(|it| it.path.as_str()).filter(|it| it.ends_with(".yaml"));
    let args = ["--builtin-schema", "vendor.compose-spec"].into_iter().chain(paths);
    let args: Vec<&str> = args.collect();
    validator.run(&args, folder.path()).passed();
    report("check-jsonschema", args.len() - 2);
}

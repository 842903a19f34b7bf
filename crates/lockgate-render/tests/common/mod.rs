//! Specs to render: the examples, and small ones of a test's own.
#![allow(dead_code, unreachable_pub, reason = "each test program uses a part of it")]
#![allow(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

pub mod chart;
pub mod manifests;
pub mod validator;

use std::path::{Path, PathBuf};

use lockgate_render::{Artifact, Lock, Rendered, Request, Selection, render};
use lockgate_spec::{Facts, Spec};

pub const EXAMPLES: [&str; 5] = ["nova", "supernova", "kanvaro", "covenant-connect", "covenant-connect-ecs"];

pub fn example_folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples").join(name)
}

/// Everything that an example needs, with its lock.
pub fn example(name: &str) -> Rendered {
    render(&example_request(name)).unwrap_or_else(|problems| panic!("{name}: {problems:#?}"))
}

pub fn example_request(name: &str) -> Request {
    let folder = example_folder(name);
    let text = std::fs::read_to_string(folder.join("lockgate.yaml")).unwrap();
    let lock = std::fs::read_to_string(folder.join("lockgate.lock"));
    Request { lock: lock.map_or(Lock::default(), |it| Lock::parse(&it).unwrap()), ..request(&text) }
}

/// All environments of a spec, which must be without errors.
pub fn request(spec: &str) -> Request {
    let (parsed, _) = Spec::parse("lockgate.yaml", spec);
    let systems = parsed.environments().into_iter().map(|environment| {
        let (system, diagnostics) = parsed.resolve(&environment, &Facts::default());
        system.unwrap_or_else(|| panic!("{environment}: {diagnostics:#?}"))
    });
    Request {
        systems: systems.collect(),
        lock: Lock::default(),
        source: "lockgate.yaml".to_owned(),
        selection: Selection::default(),
        images: std::collections::BTreeMap::new(),
        version: None,
    }
}

pub fn rendered(spec: &str) -> Rendered {
    render(&request(spec)).unwrap_or_else(|problems| panic!("{problems:#?}"))
}

/// The text of one file.
pub fn text<'r>(rendered: &'r Rendered, path: &str) -> &'r str {
    let found = rendered.artifacts.iter().find(|it| it.path == path);
    let paths = || rendered.artifacts.iter().map(|it| it.path.as_str()).collect::<Vec<_>>();
    &found.unwrap_or_else(|| panic!("no {path}; there are {:#?}", paths())).text
}

/// The tree in a folder, for programs that read files.
pub fn on_disk<'a>(artifacts: impl IntoIterator<Item = &'a Artifact>) -> tempfile::TempDir {
    // Checkov passes over folders that begin with a dot.
    let folder = tempfile::Builder::new().prefix("lockgate-").tempdir().unwrap();
    for artifact in artifacts {
        let place = folder.path().join(&artifact.path);
        std::fs::create_dir_all(place.parent().unwrap()).unwrap();
        std::fs::write(place, &artifact.text).unwrap();
    }
    folder
}

//! How the images of a system are built, for whoever builds them.

use std::collections::BTreeMap;

use lockgate_model::{Build, Image, ServiceName, System};

use crate::facts::{Part, Template, build};

/// Build arguments that end up in labels of an image, and in nothing that runs.
pub const LABEL_ARGS: [&str; 2] = [build::REVISION, build::SOURCE];

/// One image, as its Dockerfile makes it. Paths are relative to the spec's folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageBuild {
    /// The service whose build it is; others may run the same image.
    pub service: ServiceName,
    /// Without tag and digest.
    pub repository: String,
    /// The spec names a place that it is pushed to.
    pub is_published: bool,
    pub context: String,
    pub dockerfile: String,
    pub stage: Option<String>,
    pub args: BTreeMap<String, String>,
    pub platforms: Vec<String>,
}

/// What an image says of where it comes from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Origin {
    pub version: String,
    /// The commit; empty outside of a repository.
    pub revision: String,
    /// Address of the repository.
    pub source: String,
}

pub fn image_builds(system: &System, origin: &Origin) -> Vec<ImageBuild> {
    let builds = system.services.iter().filter_map(|(name, service)| match service.image.as_ref()? {
        Image::Built(it) => Some((name, &**it)),
        Image::Named(_) | Image::SameAs(_) => None,
    });
    let image_build = |(name, it): (&ServiceName, &Build)| ImageBuild {
        service: name.clone(),
        repository: it.image.clone().unwrap_or_else(|| format!("{}/{name}", system.name)),
        is_published: it.image.is_some(),
        context: it.context.clone(),
        dockerfile: build::dockerfile(name, it),
        stage: it.stage.clone(),
        args: args(it, origin),
        platforms: it.platforms.clone(),
    };
    builds.map(image_build).collect()
}

fn args(build: &Build, origin: &Origin) -> BTreeMap<String, String> {
    let filled = |value: &String| {
        Template::parse(value).write(|part| match part {
            Part::Text(text) => text.to_owned(),
            Part::Version => origin.version.clone(),
            Part::Other(name) if name == "git.sha" => origin.revision.clone(),
            Part::Other(name) if name == "git.sha7" => origin.revision.chars().take(7).collect(),
            Part::Other(name) | Part::Secret(name) => format!("${{{name}}}"),
        })
    };
    let mut args: BTreeMap<String, String> =
        build.args.iter().map(|(name, value)| (name.clone(), filled(value))).collect();
    if build::own(build).is_none() {
        let ours = [
            (build::VERSION, &origin.version),
            (build::REVISION, &origin.revision),
            (build::SOURCE, &origin.source),
        ];
        for (name, value) in ours {
            args.entry(name.to_owned()).or_insert_with(|| value.clone());
        }
    }
    args
}

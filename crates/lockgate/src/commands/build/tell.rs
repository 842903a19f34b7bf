//! What became of each image, for people and as JSON.

use lockgate_images::RegistryError;
use lockgate_render::ImageBuild;
use serde_json::{Value, json};

use super::Site;
use super::engine::DockerFailed;
use super::one::{Happened, Made};
use crate::args::Format;
use crate::out::{Out, style};

/// A line for each image; with the end of what Docker said when it failed.
pub fn ended(build: &ImageBuild, ended: &anyhow::Result<Made>, out: Out) {
    if out.format == Format::Json {
        return;
    }
    let service = &build.service;
    match ended {
        Ok(made) => {
            let what = match made.happened {
                Happened::Built => style::paint(style::GOOD, "built"),
                Happened::AlreadyThere => "already there".to_owned(),
            };
            out.data(&format!("{service}  {what}  {}", name(made)));
        }
        Err(error) => {
            if let Some(docker) = error.downcast_ref::<DockerFailed>() {
                docker.output.iter().for_each(|it| out.warn(&format!("  {it}")));
            }
            out.warn(&format!("{} `{service}` has no image: {error:#}", style::paint(style::BAD, "error:")));
            if let Some(hint) = hint(error) {
                out.warn(&format!("{} {hint}", style::paint(style::HINT, "hint:")));
            }
        }
    }
}

pub fn all(site: &Site, made: &[(&ImageBuild, anyhow::Result<Made>)], out: Out) {
    let failed = made.iter().filter(|it| it.1.is_err()).count();
    if out.format == Format::Json {
        let images: Vec<Value> = made.iter().map(|(build, ended)| one(build, ended)).collect();
        out.json(&json!({"version": site.version, "images": images}));
    } else if failed == 0 && !site.push {
        out.note("the images are in this machine's engine; `--push` sends them to their registries");
    }
}

fn one(build: &ImageBuild, ended: &anyhow::Result<Made>) -> Value {
    match ended {
        Ok(Made { happened, image }) => json!({
            "service": build.service,
            "happened": happened,
            "repository": image.repository,
            "digest": image.digest,
            "id": image.id,
            "inputs": image.inputs,
        }),
        Err(error) => json!({
            "service": build.service,
            "happened": "failed",
            "repository": build.repository,
            "error": format!("{error:#}"),
            "hint": hint(error),
            "output": error.downcast_ref::<DockerFailed>().map(|it| &it.output),
        }),
    }
}

fn name(made: &Made) -> String {
    let image = &made.image;
    match image.digest {
        Some(digest) => format!("{}@{digest}", image.repository),
        None => format!("{}:{}  {}", image.repository, image.version, image.id),
    }
}

fn hint(error: &anyhow::Error) -> Option<String> {
    let of_docker = error.downcast_ref::<DockerFailed>().and_then(|it| it.hint.clone());
    of_docker.or_else(|| error.downcast_ref::<RegistryError>().and_then(RegistryError::hint))
}

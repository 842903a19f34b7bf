//! Dockerfiles of the presets. Dependencies are a layer of their own, bases are pinned, nothing runs as root, and the
//! health check's tool is in the image.
//!
//! **Invariant:** every builder since Docker 20.10 reads them, with `BuildKit` or without, and fetches no front end.

mod base;
mod ignore;
mod instruction;
mod node;
mod python;
mod recipe;
mod rust;
mod site;
mod tail;

use std::collections::BTreeSet;

use lockgate_model::Preset;

use crate::artifact::Kind;
use crate::facts::Facts;
use crate::header::Comment;
use crate::output::{File, Output};
use recipe::Recipe;

/// Images of the stages, pinned as far as the lock knows them.
struct From {
    build: String,
    runtime: String,
    tools: String,
}

pub(crate) fn render(facts: &Facts<'_>, output: &mut Output<'_>) {
    for recipe in recipe::recipes(facts, output) {
        notes(&recipe, facts, output);
        let folder = format!("deploy/docker/{}", recipe.owner);
        let origin = vec![format!("services.{}", recipe.owner), "build".to_owned()];
        output.file(File {
            kind: Kind::Dockerfile,
            path: format!("{folder}/Dockerfile"),
            environment: None,
            comment: Comment::Hash,
            text: text(&recipe, facts),
            origin: origin.clone(),
        });
        output.file(File {
            kind: Kind::Dockerfile,
            path: format!("{folder}/Dockerfile.dockerignore"),
            environment: None,
            comment: Comment::Hash,
            text: ignore::text(&recipe),
            origin,
        });
    }
}

/// Every image that a Dockerfile of a preset begins from, with its tag: what a lock file pins.
pub(crate) fn base_images(facts: &Facts<'_>) -> BTreeSet<String> {
    let mut images = BTreeSet::new();
    for (preset, bases, has_tools) in recipe::all_bases(facts) {
        images.insert(bases.runtime);
        if preset == Preset::Rust {
            images.insert(bases.build);
        }
        if has_tools {
            images.insert(bases.tools);
        }
    }
    images
}

fn text(recipe: &Recipe<'_>, facts: &Facts<'_>) -> String {
    let from = From {
        build: facts.lock.image(&recipe.bases.build),
        runtime: facts.lock.image(&recipe.bases.runtime),
        tools: facts.lock.image(&recipe.bases.tools),
    };
    let stages = match recipe.preset {
        Preset::Rust => rust::stages(recipe, &from),
        Preset::Node | Preset::Nextjs | Preset::Nestjs => node::stages(recipe, &from),
        Preset::Python => python::stages(recipe, &from),
    };
    instruction::text(&stages)
}

fn notes(recipe: &Recipe<'_>, facts: &Facts<'_>, output: &mut Output<'_>) {
    let owner = recipe.owner;
    if recipe.preset == Preset::Nextjs {
        output.note(format!(
            "the image of `{owner}` needs `output: \"standalone\"` in the configuration of Next.js"
        ));
    }
    if recipe.preset == Preset::Python && recipe.command.is_none() {
        let application = python::APPLICATION;
        output.note(format!("the image of `{owner}` starts `gunicorn {application}`, so gunicorn belongs into requirements.txt"));
    }
    if let Some(program) = recipe.missing {
        output.note(format!(
            "the migrations run `{program}` in the image of `{owner}`, and no preset installs it: name a Dockerfile of your own with `dockerfile`"
        ));
    }
    let unpinned = base_images(facts).into_iter().filter(|it| !facts.lock.image(it).contains('@'));
    for image in unpinned {
        output.note(format!("the base image `{image}` is not pinned by digest: run `lockgate lock`"));
    }
}

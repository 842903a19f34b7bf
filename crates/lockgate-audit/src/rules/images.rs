//! Images on their way from the build to what runs.

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, Span};

use super::Context;
use crate::extract::shell::Command;
use crate::markdown::{Document, Prose, Table};
use crate::place::Word;

/// What a document builds and what it deploys, and nothing in between.
pub(crate) fn not_deployed(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in &context.facts.documents {
        latest_against_pinned(context, document, report);
        file_as_it_is(context, document, report);
        tag_not_handed_over(context, document, report);
    }
}

/// `docker build -t app:latest`, and a deployment that is pinned to `v1.0.0`.
fn latest_against_pinned(context: &Context<'_>, document: &Document, report: &mut Vec<Diagnostic>) {
    let commands: Vec<&Command> = context.facts.commands_in(document.source).collect();
    let is_build = |it: &&&Command| it.is(&["docker", "build"]) || it.is(&["docker", "buildx", "build"]);
    let tags: Vec<Word> = commands.iter().filter(is_build).flat_map(|it| it.values("-t")).collect();
    let Some(built) = tags.first().filter(|_| tags.iter().all(|it| it.text.ends_with(":latest"))) else {
        return;
    };
    let moves =
        |it: &&Command| it.is(&["docker", "tag"]) || it.is(&["docker", "push"]) || it.program() == "crane";
    let pinned = document.prose.iter().find_map(|it| {
        let text = it.text().to_lowercase();
        let is_pin = text.contains("image tag") && text.contains("pinned");
        it.codes.iter().find(|code| is_pin && is_version(&code.text))
    });
    let (Some(pinned), false) = (pinned, commands.iter().any(moves)) else { return };
    let message = format!("nothing that is built here has the tag `{}` that is deployed", pinned.text);
    report.push(
        Diagnostic::error(codes::IMAGE_NOT_DEPLOYED, message)
            .label(built.span, "built with this tag only, and never pushed")
            .label(pinned.span, "deployed with this tag")
            .help(
                "build and push the tag that the deployment names, or better: deploy the digest of the push",
            ),
    );
}

fn is_version(text: &str) -> bool {
    let text = text.strip_prefix('v').unwrap_or(text);
    text.contains('.') && text.split('.').all(|it| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit()))
}

/// A task definition that is registered as it lies in the repository, after an image was built.
fn file_as_it_is(context: &Context<'_>, document: &Document, report: &mut Vec<Diagnostic>) {
    let commands: Vec<&Command> = context.facts.commands_in(document.source).collect();
    let register = commands.iter().find_map(|it| {
        let input =
            it.is(&["aws", "ecs", "register-task-definition"]).then(|| it.value(&["--cli-input-json"]));
        let input = input.flatten()?;
        let file = input.text.strip_prefix("file://")?.to_owned();
        Some((Word::new(file, input.span), it.head()))
    });
    let Some((file, place)) = register else { return };
    let build = document.prose.iter().find(|it| {
        let text = it.text().to_lowercase();
        text.starts_with("build and push") && (text.contains("image") || text.contains("container"))
    });
    let Some(build) = build else { return };
    // Whatever else touches the file may write the image into it.
    let name = crate::listing::name_of(&file.text);
    let touches = |it: &&Command| {
        let registers = it.is(&["aws", "ecs", "register-task-definition"]);
        !registers && it.words.iter().any(|word| word.text.contains(name))
    };
    let renders = |it: &Prose| {
        let text = it.text().to_lowercase();
        ["render", "replace", "substitut", "update the image", "image tag"].iter().any(|it| text.contains(it))
    };
    if commands.iter().any(touches) || document.prose.iter().any(renders) {
        return;
    }
    let message = format!("no step writes the image that is built into `{name}`");
    report.push(
        Diagnostic::error(codes::IMAGE_NOT_DEPLOYED, message)
            .label(build.span(), "a new image each time")
            .label(place, "registers the file as it is")
            .label(file.span, "what it names does not follow the build")
            .help("write the image's digest into the task definition before it is registered"),
    );
}

/// Tags that are made for each commit, and a deployment that is told none.
fn tag_not_handed_over(context: &Context<'_>, document: &Document, report: &mut Vec<Diagnostic>) {
    let commands: Vec<&Command> = context.facts.commands_in(document.source).collect();
    let Some((_, tags)) = per_environment(document) else { return };
    let deploys: Vec<&&Command> = commands
        .iter()
        .filter(|it| it.program() == "helmfile" && it.positional().iter().any(|it| it.text == "apply"))
        .collect();
    let is_told = |it: &Command| {
        let names_image =
            |it: &Word| ["TAG", "tag=", "IMAGE", "image"].iter().any(|mark| it.text.contains(mark));
        it.has("--set") || it.has("--state-values-set") || it.words.iter().any(names_image)
    };
    let [first, ..] = deploys.as_slice() else { return };
    let prose_tells = document.prose.iter().any(|it| {
        let text = it.text().to_lowercase();
        text.contains("image_tag") || (text.contains("image tag") && text.contains("helmfile"))
    });
    if deploys.iter().any(|it| is_told(it)) || prose_tells {
        return;
    }
    let message = "the deployment is not told which image was built";
    let mut diagnostic = Diagnostic::error(codes::IMAGE_NOT_DEPLOYED, message)
        .label(first.span(), "no image, no tag, no digest");
    for tag in tags.iter().take(2) {
        diagnostic = diagnostic.label(tag.span, "a new tag for each commit");
    }
    report.push(diagnostic.help("hand the digest of the push over: `--state-values-set image.digest=...`"));
}

/// The table that says which environment gets which tag, when tags are made from commits.
fn per_environment(document: &Document) -> Option<(&Table, Vec<Word>)> {
    document.tables.iter().find_map(|table| {
        let has = |name: &str| table.header.iter().position(|it| it.text().to_lowercase().contains(name));
        let (_, tag) = (has("environment")?, has("image tag")?);
        let cells = table.rows.iter().filter_map(|it| it.get(tag));
        let tags: Vec<Word> = cells
            .filter(|it| it.text().contains("-<sha>") || it.text().contains("-<git-sha>"))
            .map(|it| Word::new(it.text(), it.span()))
            .collect();
        (2 <= tags.len()).then_some((table, tags))
    })
}

/// Each environment has its own build, so what was tested is not what runs in production.
pub(crate) fn one_per_environment(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in &context.facts.documents {
        let Some((table, tags)) = per_environment(document) else { continue };
        let builds: Vec<(&Prose, Span)> = document
            .prose
            .iter()
            .filter(|it| {
                let text = it.text().to_lowercase();
                text.starts_with("auto-builds image") || text.starts_with("builds image")
            })
            .map(|it| (it, it.span()))
            .collect();
        let production = table.rows.iter().flatten().find(|it| is_version(it.text()));
        let ([.., last], Some(production)) = (builds.as_slice(), production) else { continue };
        if builds.len() < 2 {
            continue;
        }
        let message = "production runs an image that was built for it and ran nowhere before";
        report.push(
            Diagnostic::warning(codes::IMAGE_PER_ENVIRONMENT, message)
                .label(last.1, "built once more")
                .label(builds[0].1, "built before, for another environment")
                .label(tags[tags.len() - 1].span, "what was tested")
                .label(production.span(), "what runs")
                .help("build once, and give the same digest to one environment after the other"),
        );
    }
}

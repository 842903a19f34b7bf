//! Images: what their builds need, and what hides what they hold.

use lockgate_diagnostics::codes;
use lockgate_model::Diagnostic;

use super::Context;
use crate::extract::compose::{Compose, Service};
use crate::extract::dockerfile::{Dockerfile, Instruction, Stage};
use crate::fact::Origin;
use crate::kind::Kind;
use crate::listing::{folder_of, has_extension, join, name_of};
use crate::place::Word;

fn is_build(instruction: &Instruction) -> bool {
    const BUILDS: [&str; 6] =
        ["npm run build", "yarn build", "yarn run build", "pnpm build", "pnpm run build", "next build"];
    instruction.keyword == "RUN" && BUILDS.iter().any(|it| instruction.text.contains(it))
}

fn installs(instruction: &Instruction) -> bool {
    const INSTALLS: [&str; 6] =
        ["npm ci", "npm install", "npm i ", "yarn install", "pnpm install", "pnpm i "];
    instruction.keyword == "RUN" && INSTALLS.iter().any(|it| instruction.text.contains(it))
}

fn leaves_out_dev(instruction: &Instruction) -> bool {
    const FLAGS: [&str; 5] = ["--only=production", "--only=prod", "--omit=dev", "--production", "--prod"];
    installs(instruction) && FLAGS.iter().any(|it| instruction.text.contains(it))
}

/// A stage that builds with the modules of a stage which installed only what production runs with.
pub(crate) fn no_dev_dependencies(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for file in &context.facts.dockerfiles {
        for stage in &file.stages {
            let Some(build) = stage.instructions.iter().find(|it| is_build(it)) else { continue };
            if stage.instructions.iter().any(|it| installs(it) && !leaves_out_dev(it)) {
                continue;
            }
            let own = stage.instructions.iter().find(|it| leaves_out_dev(it));
            let taken = stage.instructions.iter().find_map(|it| {
                let copy = it.copy()?;
                let is_modules = copy.sources.iter().any(|it| it.ends_with("node_modules"));
                let from = file.stage(copy.from.filter(|_| is_modules)?)?;
                let installs_all = from.instructions.iter().any(|it| installs(it) && !leaves_out_dev(it));
                let install = from.instructions.iter().find(|it| leaves_out_dev(it))?;
                (!installs_all).then_some((it, install))
            });
            let install = own.or(taken.map(|it| it.1));
            let Some(install) = install else { continue };
            let mut diagnostic = Diagnostic::error(
                codes::NO_DEV_DEPENDENCIES,
                "the build runs without the packages that only builds need",
            )
            .label(build.span, "needs compilers and types")
            .label(install.span, "installs what production runs with, and nothing else");
            if let Some((copy, _)) = taken {
                diagnostic = diagnostic.label(copy.span, "takes only these");
            }
            report
                .push(diagnostic.help("run a full `npm ci` in the stage that builds, and prune afterwards"));
        }
    }
}

/// `COPY --from` of something that no stage makes.
pub(crate) fn nothing_to_copy(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for file in &context.facts.dockerfiles {
        for stage in &file.stages {
            for instruction in &stage.instructions {
                let Some((from, copy)) = instruction.copy().and_then(|it| Some((it.from?, it))) else {
                    continue;
                };
                let is_image = from.contains(['/', ':', '$', '.']);
                if file.stage(from).is_none() && !is_image && is_stage_name(file, from) {
                    report.push(
                        Diagnostic::error(codes::NOTHING_TO_COPY, format!("there is no stage `{from}`"))
                            .label(instruction.span, "copies from it")
                            .help("name a stage of this file"),
                    );
                }
                if copy.sources.iter().any(|it| it.ends_with(".next/standalone")) {
                    standalone(context, file.origin, instruction, report);
                }
            }
        }
    }
}

/// Images of one word exist: only a name that resembles a stage's is taken for one.
fn is_stage_name(file: &Dockerfile, from: &str) -> bool {
    let names = file.stages.iter().map(|it| it.name.as_str());
    lockgate_diagnostics::suggest::nearest(from, names).is_some()
        || from.bytes().all(|it| it.is_ascii_digit())
}

/// Next.js writes `.next/standalone` only when its configuration asks for it.
fn standalone(context: &Context<'_>, origin: Origin, copy: &Instruction, report: &mut Vec<Diagnostic>) {
    let configs: Vec<_> =
        context.facts.files.iter().filter(|it| it.kind == Kind::JavaScript && it.origin == origin).collect();
    let [config] = configs.as_slice() else { return };
    if config.excerpt.text.contains("standalone") || !config.excerpt.text.contains("onfig") {
        return;
    }
    let start = config.excerpt.text.find("nextConfig").unwrap_or(0);
    let place = config.excerpt.span(start..start + "nextConfig".len());
    let same = |it: &&mut Diagnostic| {
        it.code == codes::NOTHING_TO_COPY && it.labels.iter().any(|it| it.span == place)
    };
    if let Some(known) = report.iter_mut().find(same) {
        known.labels.push(lockgate_model::Label { span: copy.span, text: "copied here, too".to_owned() });
        return;
    }
    let message = "`.next/standalone` is copied, and the build does not make it";
    report.push(
        Diagnostic::error(codes::NOTHING_TO_COPY, message)
            .label(copy.span, "copied here")
            .label(place, "no `output: \"standalone\"` in this configuration")
            .help(format!("add `output: \"standalone\"` to {}", config.name)),
    );
}

/// A mount of the sources over the folder in which the image has its program.
pub(crate) fn program_hidden(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for compose in &context.facts.composes {
        for service in &compose.services {
            let Some(file) = built_from(context, compose, service) else { continue };
            let stops = service.build.as_ref().is_some_and(|it| it.target.is_some());
            let Some(stage) = file.stages.last().filter(|_| !service.has_command && !stops) else { continue };
            let Some((program, copy)) = copied_program(stage) else { continue };
            let folder = stage.last("WORKDIR").map_or("/", |it| it.text.as_str());
            let hides = service.mounts.iter().find(|it| {
                let is_sources = it.source == "." || it.source == "./";
                is_sources && it.target.trim_end_matches('/') == folder.trim_end_matches('/')
            });
            let Some(mount) = hides else { continue };
            let command = stage.last("CMD").map_or(copy.span, |it| it.span);
            let message = format!("the mount hides `{program}`, which `{}` starts", service.name.text);
            report.push(
                Diagnostic::error(codes::PROGRAM_HIDDEN, message)
                    .label(mount.span, format!("the sources take the place of the image's {folder}"))
                    .label(copy.span, "the program is put there when the image is built")
                    .label(command, "and started from there")
                    .help("start another command with the mount, or leave the mount out"),
            );
        }
    }
}

pub(super) fn built_from<'a>(
    context: &'a Context<'_>,
    compose: &Compose,
    service: &Service,
) -> Option<&'a Dockerfile> {
    let build = service.build.as_ref()?;
    let folder = join(folder_of(&compose.name), &build.context.text)?;
    let name = build.dockerfile.as_ref().map_or("Dockerfile", |it| it.text.as_str());
    let path = join(&folder, name)?;
    context.facts.dockerfiles.iter().find(|it| it.name == path && it.origin == compose.origin)
}

/// The script that the last `CMD` starts, when a `COPY --from` brings it and the sources do not.
fn copied_program(stage: &Stage) -> Option<(&str, &Instruction)> {
    let command = stage.last("CMD")?.argv();
    let [runner, script, ..] = command.as_slice() else { return None };
    let is_script = *runner == "node" && !script.starts_with('/') && has_extension(script, "js");
    let comes_from_build = |it: &&Instruction| {
        it.copy().is_some_and(|copy| {
            let here = matches!(copy.to, "." | "./");
            copy.from.is_some() && here && copy.sources.iter().any(|it| it.ends_with("standalone"))
        })
    };
    let copy = stage.instructions.iter().find(comes_from_build)?;
    is_script.then_some((*script, copy))
}

/// Programs of one build, one below its folder and one below another.
pub(crate) fn program_elsewhere(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in &context.facts.documents {
        let mut started: Vec<Word> = vec![];
        for command in context.facts.commands_in(document.source).filter(|it| it.program() == "node") {
            let script = command.words.iter().skip_while(|it| it.text != "node").nth(1);
            started.extend(
                script
                    .filter(|it| has_extension(&it.text, "js") && !it.text.contains("node_modules"))
                    .cloned(),
            );
        }
        // `apps/backend/dist/main.js` is seen from the root of the image, `dist/src/x.js` from somewhere else.
        let layout = |path: &str| {
            let (before, after) = path.split_once("dist/").unwrap_or(("", ""));
            (before.to_owned(), after.contains('/'))
        };
        for (idx, a) in started.iter().enumerate() {
            let other = started[idx + 1..].iter().find(|b| {
                let (a, b) = (layout(&a.text), layout(&b.text));
                a.0 != b.0 && a.1 != b.1 && (a.0.is_empty() || b.0.is_empty())
            });
            let Some(b) = other else { continue };
            if !a.text.contains("dist/") || !b.text.contains("dist/") {
                continue;
            }
            let message = format!(
                "`{}` and `{}` are started from two layouts of one build",
                name_of(&a.text),
                name_of(&b.text)
            );
            report.push(
                Diagnostic::warning(codes::PROGRAM_ELSEWHERE, message)
                    .label(b.span, "started from here")
                    .label(a.span, "the same build has its programs here")
                    .help("start both from the folder that the build writes to"),
            );
        }
    }
}

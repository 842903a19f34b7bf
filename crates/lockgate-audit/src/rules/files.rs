//! Files that are named and not there, and files whose names say something else than their purpose.

use lockgate_diagnostics::{codes, suggest};
use lockgate_model::{Code, Diagnostic, SourceId};

use super::Context;
use crate::extract::shell::Command;
use crate::fact::Origin;
use crate::kind::Kind;
use crate::listing::{folder_of, has_extension, join, name_of};
use crate::markdown::{Document, Outline, is_file_name};
use crate::place::Word;
use crate::tree::Tree;

/// A document draws its files, and names one in a drawn folder that is not drawn there.
pub(crate) fn not_drawn(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for (idx, outline) in &context.facts.outlines {
        if outline.entries.iter().any(|it| it.name.text.starts_with("...") || it.path.contains('…')) {
            continue;
        }
        let document = &context.facts.documents[*idx];
        let mut seen: Vec<String> = vec![];
        for (word, folder) in named(context, document) {
            let others = context.facts.outlines.iter().filter(|it| it.0 == *idx);
            let is_drawn = |it: &(usize, Outline)| drawn_path(&it.1, &folder, &word.text).is_none();
            if others.clone().count() > 1 && others.clone().any(is_drawn) {
                continue;
            }
            let Some(path) = drawn_path(outline, &folder, &word.text) else { continue };
            if seen.contains(&path) || is_made(context, document.source, &word.text) {
                continue;
            }
            seen.push(path.clone());
            let siblings: Vec<&str> =
                outline.children(folder_of(&path)).map(|it| name_of(&it.path)).collect();
            let Some(first) = outline.children(folder_of(&path)).next() else { continue };
            let message = format!("`{}` is named, and is not among the files that are listed", word.text);
            let help = match suggest::nearest(stem(&path), siblings.iter().map(|it| stem(it))) {
                Some(near) => {
                    let near = siblings.iter().find(|it| stem(it) == near).unwrap_or(&near);
                    format!("is `{near}` meant? name one and the same file in both places")
                }
                None => "list it, or name a file that is there".to_owned(),
            };
            report.push(
                Diagnostic::warning(codes::FILE_MISSING, message)
                    .label(word.span, "named here")
                    .label(first.name.span, "its folder is listed from here on, without it")
                    .help(help),
            );
        }
    }
}

fn stem(path: &str) -> &str {
    name_of(path).split('.').next().unwrap_or(path)
}

/// Paths of files with the folder that they are relative to: what commands read, and what stands in backticks.
fn named(context: &Context<'_>, document: &Document) -> Vec<(Word, String)> {
    let mut found = vec![];
    for command in context.facts.commands_in(document.source) {
        found.extend(read_by(command).into_iter().map(|it| (it, command.folder.clone())));
    }
    for code in document.prose.iter().flat_map(|it| &it.codes) {
        if is_file_name(&code.text) && code.text.contains('/') {
            found.push((code.clone(), String::new()));
        }
    }
    found
}

fn read_by(command: &Command) -> Vec<Word> {
    let flags: &[&str] = match command.program() {
        "kubectl" => &["-f", "--filename"],
        "docker" | "docker-compose" => &["-f", "--file"],
        "helm" => &["-f", "--values"],
        _ => &[],
    };
    let is_logs = command.is(&["kubectl", "logs"]);
    let words = flags.iter().flat_map(|it| command.values(it));
    words.filter(|it| !is_logs && is_file_name(&it.text)).collect()
}

/// The path within the drawing, when its folder is drawn with what is in it and the file is not.
fn drawn_path(outline: &Outline, folder: &str, text: &str) -> Option<String> {
    if name_of(text).starts_with(".env") {
        return None;
    }
    let root = format!("{}/", name_of(&outline.root));
    let within = |path: String| path.strip_prefix(&root).map(str::to_owned).unwrap_or(path);
    let paths: Vec<String> = ["", folder].iter().filter_map(|it| join(it, text)).map(within).collect();
    let is_there = |path: &String| {
        outline.entries.iter().any(|it| it.path == *path || it.path.ends_with(&format!("/{path}")))
    };
    if paths.iter().any(is_there) {
        return None;
    }
    let is_drawn = |path: &&String| {
        let folder = folder_of(path);
        !folder.is_empty() && outline.has(folder) && outline.children(folder).next().is_some()
    };
    paths.iter().find(is_drawn).cloned()
}

/// Whether a command of the document writes the file.
fn is_made(context: &Context<'_>, source: SourceId, path: &str) -> bool {
    context.facts.commands_in(source).any(|it| {
        let last = it.words.last().is_some_and(|it| it.text == path);
        (last && matches!(it.program(), "cp" | "mv" | "tee" | "touch"))
            || it.words.windows(2).any(|pair| pair[0].text == ">" && pair[1].text == path)
    })
}

/// Paths that the audited tree does not have.
pub(crate) fn not_there(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    if !context.listing.is_known() {
        return;
    }
    let mut missing =
        |severity: fn(Code, String) -> Diagnostic, word: &Word, path: Option<String>, what: &str| {
            if path.is_some_and(|it| context.listing.lacks(&it)) {
                let message = format!("`{}` is named, and is not there", word.text);
                report.push(
                    severity(codes::FILE_MISSING, message)
                        .label(word.span, what)
                        .help("add the file, or name the one that is meant"),
                );
            }
        };
    for file in context.facts.files.iter().filter(|it| it.origin == Origin::Tree) {
        let folder = folder_of(&file.name);
        if file.kind == Kind::Markdown {
            let Some(document) = context.facts.document(file.excerpt.source) else { continue };
            for link in document.prose.iter().flat_map(|it| &it.links) {
                let path = link.text.split(['#', '?']).next().unwrap_or("");
                // Addresses of mail look like files, and pages of HTML are made later.
                if is_file_name(path)
                    && !path.starts_with('/')
                    && !path.contains('@')
                    && !has_extension(path, "html")
                {
                    let word = Word::new(path, link.span);
                    missing(Diagnostic::warning, &word, join(folder, path), "the link leads nowhere");
                }
            }
        }
    }
    for compose in &context.facts.composes {
        if compose.origin != Origin::Tree {
            continue;
        }
        let folder = folder_of(&compose.name);
        for service in &compose.services {
            for mount in &service.mounts {
                let is_plain = mount.source.starts_with("./") && is_file_name(&mount.source);
                if is_plain && !name_of(&mount.source).starts_with('.') {
                    let word = Word::new(&mount.source, mount.span);
                    missing(Diagnostic::error, &word, join(folder, &mount.source), "mounted from here");
                }
            }
            let Some(build) = &service.build else { continue };
            if build.context.text.contains(['$', ':']) {
                continue;
            }
            let name = build.dockerfile.as_ref().map_or("Dockerfile", |it| it.text.as_str());
            let context_folder = join(folder, &build.context.text);
            let path = context_folder.and_then(|it| join(&it, name));
            let word = build.dockerfile.as_ref().unwrap_or(&build.context);
            missing(Diagnostic::error, &Word::new(name, word.span), path, "built from here");
        }
    }
    for (file, tree) in context.facts.trees(Kind::Kustomization).filter(|it| it.0.origin == Origin::Tree) {
        for word in tree.get("resources").into_iter().flat_map(Tree::words) {
            if !word.text.contains("://") && !word.text.contains('?') && !word.text.starts_with("github.com")
            {
                missing(Diagnostic::error, &word, join(folder_of(&file.name), &word.text), "a resource");
            }
        }
    }
}

/// `docker-compose.prod.yml` that is for local work and staging.
pub(crate) fn name_against_purpose(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in &context.facts.documents {
        for row in document.tables.iter().flat_map(|it| &it.rows) {
            let Some(name) = row.first().filter(|it| is_file_name(it.text())) else { continue };
            let says_production = name
                .text()
                .split(['.', '-', '_', '/'])
                .any(|it| matches!(it.to_lowercase().as_str(), "prod" | "production"));
            if !says_production {
                continue;
            }
            let other = row[1..].iter().find(|cell| {
                let text = cell.text().to_lowercase();
                let is_elsewhere = ["local", "staging", "development"].iter().any(|it| text.contains(it));
                is_elsewhere && !text.contains("prod")
            });
            let Some(purpose) = other else { continue };
            let message = format!("`{}` is for something else than production", name.text());
            report.push(
                Diagnostic::warning(codes::NAME_AGAINST_PURPOSE, message)
                    .label(name.span(), "named for production")
                    .label(purpose.span(), "its purpose")
                    .help("rename the file, or say what production uses"),
            );
        }
    }
}

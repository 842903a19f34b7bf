//! Environment variables and secrets: who sets them, who reads them, and what they lead to.

use std::collections::BTreeSet;

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, Span};
use lockgate_yaml::read_foreign;

use super::{Context, counted};
use crate::extract::compose::Service;
use crate::fact::{Attribute, File, Origin};
use crate::kind::Kind;
use crate::listing::{has_extension, name_of};
use crate::place::Word;
use crate::tree::Tree;

/// A URL without the user that the database demands.
pub(crate) fn credentials_left_out(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for compose in &context.facts.composes {
        for (name, value) in compose.services.iter().flat_map(|it| &it.variables) {
            let Some(value) = value else { continue };
            let Some((scheme, rest)) = value.text.split_once("://") else { continue };
            let authority = rest.split(['/', '?']).next().unwrap_or("");
            if authority.contains(['@', '$']) {
                continue;
            }
            let host = authority.split(':').next().unwrap_or("");
            let Some(demand) = compose.service(host).and_then(|it| demanded(scheme, it)) else { continue };
            let message = format!("`{}` leaves out the user that `{host}` demands", name.text);
            report.push(
                Diagnostic::error(codes::CREDENTIALS_LEFT_OUT, message)
                    .label(value.span, "no user and no password")
                    .label(demand, "access is closed with this")
                    .help(format!("write `{scheme}://USER:PASSWORD@{host}...`, or leave `{host}` open")),
            );
        }
    }
}

/// The variable that makes a database ask who connects.
fn demanded(scheme: &str, service: &Service) -> Option<Span> {
    const CLOSED_BY: [(&str, &str); 6] = [
        ("mongodb", "MONGO_INITDB_ROOT_USERNAME"),
        ("postgres", "POSTGRES_PASSWORD"),
        ("postgresql", "POSTGRES_PASSWORD"),
        ("mysql", "MYSQL_ROOT_PASSWORD"),
        ("amqp", "RABBITMQ_DEFAULT_USER"),
        ("redis", "REDIS_PASSWORD"),
    ];
    let (_, name) = CLOSED_BY.iter().find(|it| it.0 == scheme)?;
    let is_open = service.variables.iter().any(|it| {
        it.0.text == "POSTGRES_HOST_AUTH_METHOD" && it.1.as_ref().is_some_and(|it| it.text == "trust")
    });
    service.variables.iter().find(|it| it.0.text == *name && !is_open).map(|it| it.0.span)
}

/// One way to production, with the variables that it sets.
struct Path {
    name: String,
    variables: BTreeSet<String>,
    span: Span,
}

/// Names that fit one line of help.
const NAMES_MAX: usize = 5;

/// Variables that one way to production sets and another one does not.
pub(crate) fn one_path_only(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for (idx, document) in context.facts.documents.iter().enumerate() {
        let inside = || context.facts.files.iter().filter(move |it| it.origin == Origin::Document(idx));
        let mut paths: Vec<Path> = inside().filter_map(|it| of_file(context, it)).collect();
        paths.extend(of_commands(context, document.source));
        paths.sort_by_key(|it| std::cmp::Reverse(it.variables.len()));
        for pair in paths.windows(2) {
            let [full, other] = pair else { continue };
            // Ways that share nothing are of different programs.
            let shared = full.variables.intersection(&other.variables).count();
            let lacks: Vec<&str> = full.variables.difference(&other.variables).map(String::as_str).collect();
            if full.name == other.name
                || shared == 0
                || shared * 2 < other.variables.len()
                || lacks.is_empty()
            {
                continue;
            }
            let names = lockgate_diagnostics::suggest::all(lacks.iter().take(NAMES_MAX).copied());
            let more = match lacks.len().saturating_sub(NAMES_MAX) {
                0 => String::new(),
                more => format!(" and {more} more"),
            };
            let message =
                format!("{} does not set {} of {}", other.name, counted(lacks.len(), "variable"), full.name);
            report.push(
                Diagnostic::warning(codes::ONE_PATH_ONLY, message)
                    .label(other.span, format!("sets {}", other.variables.len()))
                    .label(full.span, format!("sets {}", full.variables.len()))
                    .help(format!("set them in all ways that lead to production: {names}{more}")),
            );
        }
    }
}

fn of_file(context: &Context<'_>, file: &File) -> Option<Path> {
    let start = file.excerpt.span(0..1);
    match file.kind {
        Kind::Dotenv if name_of(&file.name).contains("prod") => {
            let end = file.excerpt.span(0..file.excerpt.text.len()).end;
            let own = |it: &&crate::fact::Fact| {
                it.span.source == start.source && start.start <= it.span.start && it.span.end <= end
            };
            let facts: Vec<_> = context.facts.of(Attribute::Variable).filter(own).collect();
            let span = facts.first()?.span;
            let variables = facts.iter().map(|it| it.subject.clone()).collect();
            Some(Path { name: format!("`{}`", file.name), variables, span })
        }
        Kind::AppRunner => {
            let tree = Tree::new(file.yaml.first()?, &file.excerpt);
            let set = tree.at(&["run", "env"])?.variables();
            let span = set.first()?.0.span;
            let variables = set.into_iter().map(|it| it.0.text).collect();
            Some(Path { name: format!("`{}`", file.name), variables, span })
        }
        _ => None,
    }
}

/// `RuntimeEnvironmentVariables` in the JSON of a command.
fn of_commands(context: &Context<'_>, source: lockgate_model::SourceId) -> Vec<Path> {
    let mut found = vec![];
    for command in context.facts.commands_in(source) {
        for word in command.words.iter().filter(|it| it.text.contains("\"RuntimeEnvironmentVariables\"")) {
            let read = read_foreign(&word.text);
            let Some(root) = read.documents.first() else { continue };
            let Some(set) = search(root, "RuntimeEnvironmentVariables") else { continue };
            let variables = set.entries().iter().map(|it| it.key.clone()).collect();
            let name = format!(
                "`{}`",
                command.positional().iter().take(3).map(|it| it.text.as_str()).collect::<Vec<_>>().join(" ")
            );
            found.push(Path { name, variables, span: command.head() });
        }
    }
    found
}

fn search<'a>(node: &'a lockgate_yaml::Node, key: &str) -> Option<&'a lockgate_yaml::Node> {
    node.get(key).or_else(|| node.entries().iter().find_map(|it| search(&it.value, key)))
}

/// `${{ secrets.NAME }}` in a file that GitHub does not read.
pub(crate) fn expression_elsewhere(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for file in &context.facts.files {
        let is_read =
            matches!(file.kind, Kind::Workflow | Kind::WorkflowSteps | Kind::Markdown | Kind::Shell);
        let is_action = name_of(&file.name).starts_with("action.") || file.name.contains(".github/");
        // A block without a name may be a part of a workflow.
        if is_read
            || is_action
            || file.name.is_empty()
            || (file.kind == Kind::Yaml && file.origin != Origin::Tree)
        {
            continue;
        }
        let places: Vec<usize> = file.excerpt.text.match_indices("${{ secrets.").map(|it| it.0).collect();
        let Some(first) = places.first() else { continue };
        let end = file.excerpt.text[*first..].find("}}").map_or(first + 1, |it| first + it + 2);
        let message = format!("`{}` holds an expression that only GitHub workflows replace", file.name);
        report.push(
            Diagnostic::error(codes::EXPRESSION_ELSEWHERE, message)
                .label(
                    file.excerpt.span(*first..end),
                    format!(
                        "taken literally, as {} of this kind",
                        match places.len() {
                            1 => "the only one".to_owned(),
                            count => format!("all {count}"),
                        }
                    ),
                )
                .help("refer to the secret in the platform's own way, such as an ARN of a secret store"),
        );
    }
}

/// Text that calls the same values secret and not secret.
pub(crate) fn not_secret(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in &context.facts.documents {
        let rows = document.tables.iter().flat_map(|it| &it.rows).map(|row| {
            let text = row.iter().map(crate::markdown::Cell::text).collect::<Vec<_>>().join(" ");
            (text, row.last().map_or(Span::default(), crate::markdown::Cell::span))
        });
        let prose = document.prose.iter().map(|it| (it.text().to_owned(), it.span()));
        let all: Vec<(String, Span)> =
            rows.chain(prose).filter(|it| it.0.contains("Parameter Store")).collect();
        let secure = document.prose.iter().find(|it| {
            it.text().contains("Parameter Store") && it.codes.iter().any(|it| it.text == "SecureString")
        });
        let Some(secure) = secure else { continue };
        let Some(code) = secure.codes.iter().find(|it| it.text == "SecureString") else { continue };
        let Some((_, open)) = all.iter().find(|it| it.0.to_lowercase().contains("non-secret")) else {
            continue;
        };
        report.push(
            Diagnostic::warning(codes::NOT_SECRET, "values that are no secrets are stored as secrets")
                .label(code.span, "kept encrypted")
                .label(*open, "no secrets")
                .help("store them as `String`: ECS injects both types, and no right to decrypt is needed"),
        );
    }
}

const BROWSER: [&str; 5] = ["NEXT_PUBLIC_", "VITE_", "REACT_APP_", "NUXT_PUBLIC_", "GATSBY_"];

/// A value that is built into what browsers load, and an address that browsers cannot reach.
pub(crate) fn browser_internal(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in &context.facts.documents {
        let rows = document.tables.iter().flat_map(|it| &it.rows);
        for row in rows {
            let names = row.first().map_or(&[][..], |it| &it.codes);
            let Some(name) = names.iter().find(|it| BROWSER.iter().any(|mark| it.text.starts_with(mark)))
            else {
                continue;
            };
            let codes_of = row[1..].iter().flat_map(|it| &it.codes);
            let internal = codes_of.clone().find(|it| is_internal(&it.text));
            let Some(internal) = internal else { continue };
            let mut diagnostic = Diagnostic::error(
                codes::BROWSER_INTERNAL,
                format!("browsers are told `{}`, which only the cluster knows", internal.text),
            )
            .label(internal.span, "a name inside of the cluster")
            .label(name.span, "built into what browsers load");
            let again = document
                .prose
                .iter()
                .find(|it| it.text().contains(&name.text) && it.text().to_lowercase().contains("internal"));
            if let Some(again) = again {
                diagnostic = diagnostic.label(again.span(), "advised here as well");
            }
            report.push(
                diagnostic.help("give it the public address of the API, and give the API a route to it"),
            );
        }
    }
    for (service, name, value) in browser_variables(context) {
        if is_internal(&value.text) {
            let message =
                format!("browsers are told `{}`, which only `{service}` and its neighbours know", value.text);
            report.push(
                Diagnostic::error(codes::BROWSER_INTERNAL, message)
                    .label(value.span, "a name inside of the network")
                    .label(name.span, "built into what browsers load")
                    .help("give it the public address of the API"),
            );
        }
    }
}

fn browser_variables<'a>(context: &'a Context<'_>) -> Vec<(&'a str, &'a Word, &'a Word)> {
    let mut found = vec![];
    for service in context.facts.composes.iter().flat_map(|it| &it.services) {
        for (name, value) in &service.variables {
            if BROWSER.iter().any(|it| name.text.starts_with(it)) {
                found.extend(value.as_ref().map(|it| (service.name.text.as_str(), name, it)));
            }
        }
    }
    found
}

/// A host of one word, or of a cluster's own domain.
fn is_internal(url: &str) -> bool {
    let Some((scheme, rest)) = url.split_once("://") else { return false };
    let host = rest.split(['/', ':', '?']).next().unwrap_or("");
    let is_word = !host.is_empty() && host.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
    let is_cluster = has_extension(host, "svc") || host.ends_with(".cluster.local");
    scheme.starts_with("http") && ((is_word && host != "localhost") || is_cluster)
}

/// A variable that is read when the image is built, and offered when it runs.
pub(crate) fn build_variable_at_run(context: &Context<'_>, report: &mut Vec<Diagnostic>) {
    for document in &context.facts.documents {
        for table in &document.tables {
            for row in &table.rows {
                let Some(name) = row.first().and_then(|it| it.codes.first()) else { continue };
                if !BROWSER.iter().any(|it| name.text.starts_with(it)) {
                    continue;
                }
                let Some(arguments) = build_arguments(document, table.section) else { continue };
                if arguments.1.contains(&name.text) {
                    continue;
                }
                let message =
                    format!("`{}` is set when the image runs, and read when it is built", name.text);
                report.push(
                    Diagnostic::warning(codes::BUILD_VARIABLE_AT_RUN, message)
                        .label(name.span, "among the variables of the running container")
                        .label(arguments.0, "not among the arguments of the build")
                        .help("pass it as a build argument, or read it on the server at run time"),
                );
            }
        }
    }
}

/// The list of build arguments in the same section.
fn build_arguments(
    document: &crate::markdown::Document,
    section: Option<usize>,
) -> Option<(Span, Vec<String>)> {
    let at = document
        .prose
        .iter()
        .position(|it| it.section == section && it.text().to_lowercase().starts_with("build arguments"))?;
    let below = document.below(at).flat_map(|it| document.items(it));
    let names = below.flat_map(|it| &it.codes).map(|it| it.text.clone()).collect();
    Some((document.prose[at].span(), names))
}

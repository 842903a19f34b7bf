//! The file as a whole: whether it is a Compose file, and the services in it with what they extend.

use lockgate_diagnostics::{codes, shown, suggest};
use lockgate_model::{Diagnostic, Span};
use lockgate_yaml::{Entry, Kind, Node, read_foreign};

use super::merge;

/// A spec holds no more.
const SERVICES_MAX: usize = 256;
/// Entries of one list or map; a spec holds no more either.
const ENTRIES_MAX: usize = 500;
/// Services that extend one another; people stop at two.
const CHAIN_MAX: usize = 16;

/// What the file says, when it can be read.
#[derive(Debug)]
pub(super) struct File {
    pub(super) root: Node,
    pub(super) services: Vec<Written>,
    /// Keys that stand twice, of which the first one holds.
    pub(super) duplicates: Vec<lockgate_yaml::Duplicate>,
}

/// A service with everything that it takes from those that it extends.
#[derive(Clone, Debug)]
pub(super) struct Written {
    pub(super) name: String,
    pub(super) span: Span,
    pub(super) keys: Vec<Entry>,
    /// What `extends` names and this file does not have.
    pub(super) elsewhere: Option<String>,
}

pub(super) fn open(name: &str, text: &str) -> Result<File, Vec<Diagnostic>> {
    let read = read_foreign(text);
    if let Some(error) = read.error {
        let code = if error.reason.contains("at most") || error.reason.contains("more than") {
            codes::LIMIT
        } else {
            codes::BAD_YAML
        };
        let message = format!("the file cannot be read: {}", error.reason);
        return Err(vec![Diagnostic::error(code, message).label(error.span, "reading ended here")]);
    }
    let mut documents = read.documents;
    if 1 < documents.len() {
        let span = documents[1].span;
        let diagnostic = Diagnostic::error(codes::SEVERAL_DOCUMENTS, "the file holds more than one document");
        return Err(vec![
            diagnostic
                .label(span, "the second one begins here")
                .help("Compose reads one; import each from a file of its own"),
        ]);
    }
    let root = documents.pop().filter(|it| !it.is_null());
    let Some(root) = root else {
        let diagnostic = Diagnostic::error(codes::EMPTY, "the file says nothing");
        return Err(vec![
            diagnostic.label(Span::default(), "services are wanted").help("name a Compose file"),
        ]);
    };
    if let Some((span, count)) = too_many(&root) {
        let message = format!("{count} entries stand in one list or map, and at most {ENTRIES_MAX} are read");
        return Err(vec![Diagnostic::error(codes::LIMIT, message).label(span, "too many")]);
    }
    let services = services(name, &root)?;
    Ok(File { root, services, duplicates: read.duplicates })
}

fn too_many(node: &Node) -> Option<(Span, usize)> {
    let (count, found) = match &node.kind {
        Kind::Scalar(_) => (0, None),
        Kind::Seq(items) => (items.len(), items.iter().find_map(too_many)),
        Kind::Map(entries) => (entries.len(), entries.iter().find_map(|it| too_many(&it.value))),
    };
    if ENTRIES_MAX < count { Some((node.span, count)) } else { found }
}

fn not_compose(span: Span, why: &str) -> Vec<Diagnostic> {
    let message = format!("this is no Compose file: {why}");
    vec![Diagnostic::error(codes::UNREADABLE, message).label(span, "in this file").help(
        "a Compose file has its services under `services`; files of version 1 have none, and are not read",
    )]
}

fn services(name: &str, root: &Node) -> Result<Vec<Written>, Vec<Diagnostic>> {
    let Kind::Map(entries) = &root.kind else {
        return Err(not_compose(root.span, &format!("it is {}, not a map", root.kind_name())));
    };
    let start = Span { end: root.span.start, ..root.span };
    let Some(services) = root.entry("services") else {
        let first = entries.first().map_or(start, |it| it.key_span);
        return Err(not_compose(first, "it has no `services`"));
    };
    let Kind::Map(all) = &services.value.kind else {
        let why = format!("`services` is {}, not a map", services.value.kind_name());
        return Err(not_compose(services.place(), &why));
    };
    if all.is_empty() || SERVICES_MAX < all.len() {
        let (code, message) = if all.is_empty() {
            (codes::NO_SERVICES, "the file has no services".to_owned())
        } else {
            let message = format!("the file has {} services, and a spec at most {SERVICES_MAX}", all.len());
            (codes::LIMIT, message)
        };
        return Err(vec![Diagnostic::error(code, message).label(services.key_span, "counted here")]);
    }
    let mut found = vec![];
    let mut errors = vec![];
    for entry in all {
        if !matches!(entry.value.kind, Kind::Map(_)) {
            let message = format!("service `{}` is {}", shown(&entry.key), entry.value.kind_name());
            errors
                .push(Diagnostic::error(codes::WRONG_KIND, message).label(entry.place(), "a map is wanted"));
            continue;
        }
        found.extend(extended(name, all, entry, &mut errors));
    }
    if errors.is_empty() { Ok(found) } else { Err(errors) }
}

/// The service with what it extends, from the most distant one on.
fn extended(file: &str, all: &[Entry], own: &Entry, errors: &mut Vec<Diagnostic>) -> Option<Written> {
    let mut chain: Vec<&Entry> = vec![own];
    let mut elsewhere = None;
    while let Some(extends) = chain.last().and_then(|it| it.value.entry("extends")) {
        let Some((name, from)) = named(&extends.value) else {
            let message = format!("`extends` of `{}` names no service", shown(&own.key));
            let diagnostic = Diagnostic::error(codes::WRONG_KIND, message);
            errors.push(diagnostic.label(extends.place(), "a name, or a map with `service`, is wanted"));
            return None;
        };
        if let Some(from) = from.filter(|it| it.trim_start_matches("./") != file) {
            elsewhere = Some(format!("`{}` of {}", shown(name), shown(from)));
            break;
        }
        let Some(base) = all.iter().find(|it| it.key == name) else {
            let message = format!("`{}` extends `{}`, which is no service", shown(&own.key), shown(name));
            let diagnostic = Diagnostic::error(codes::UNKNOWN_NAME, message);
            let names = all.iter().map(|it| it.key.as_str());
            errors.push(match suggest::nearest(name, names) {
                Some(near) => diagnostic.label(extends.place(), format!("did you mean `{near}`?")),
                None => diagnostic.label(extends.place(), "not in this file"),
            });
            return None;
        };
        if chain.len() == CHAIN_MAX {
            let message = format!("`{}` extends a chain of more than {CHAIN_MAX} services", shown(&own.key));
            errors.push(Diagnostic::error(codes::LIMIT, message).label(extends.place(), "too far from it"));
            return None;
        }
        if chain.iter().any(|it| it.key == base.key) {
            let message = format!("`{}` extends itself, in a circle", shown(&base.key));
            let diagnostic = Diagnostic::error(codes::EXTENDS, message);
            errors.push(diagnostic.label(extends.place(), "this closes the circle"));
            return None;
        }
        chain.push(base);
    }
    let keys = chain.iter().rev().fold(vec![], |keys, it| merge::over(&keys, it.value.entries()));
    Some(Written { name: own.key.clone(), span: own.key_span, keys, elsewhere })
}

/// The service that `extends` names, and the file that it is in.
fn named(node: &Node) -> Option<(&str, Option<&str>)> {
    match &node.kind {
        Kind::Scalar(scalar) if !scalar.is_null() => Some((&scalar.text, None)),
        Kind::Map(_) => Some((super::text(node.get("service")?)?, node.get("file").and_then(super::text))),
        Kind::Scalar(_) | Kind::Seq(_) => None,
    }
}

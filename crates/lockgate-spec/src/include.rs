//! Specs of several files: the keys of included files are joined with those of the spec. Maps merge, and whatever
//! is said twice is an error.

use lockgate_diagnostics::{Source, codes, shown};
use lockgate_model::{Diagnostic, SourceId};
use lockgate_yaml::{Entry, Kind, Node, Read};

use crate::{broken, language, normal, validate};

/// The patterns under `include`, in the order of the file. What is wrong with them is found by [`crate::Spec::load`].
pub fn includes(text: &str) -> Vec<String> {
    let Some(root) = lockgate_yaml::read(SourceId::default(), text, &mut vec![]) else { return vec![] };
    let Some(written) = root.get("include") else { return vec![] };
    let items = match &written.kind {
        Kind::Scalar(_) => std::slice::from_ref(written),
        Kind::Seq(items) => items,
        Kind::Map(_) => &[],
    };
    items.iter().filter_map(text_of).filter(|it| is_pattern(it)).map(str::to_owned).collect()
}

fn text_of(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Scalar(scalar) => Some(&scalar.text),
        Kind::Seq(_) | Kind::Map(_) => None,
    }
}

fn is_pattern(text: &str) -> bool {
    crate::leaf::text::include_path(&lockgate_yaml::Scalar::plain(text)).is_ok()
}

/// Does a path fit a pattern with at most one `*` in its last part?
pub fn fits(pattern: &str, path: &str) -> bool {
    let Some((before, after)) = pattern.split_once('*') else { return pattern == path };
    let rest = path.strip_prefix(before).and_then(|it| it.strip_suffix(after));
    rest.is_some_and(|it| !it.contains('/'))
}

/// The tree of all files together, normalised. `None` when the spec itself is no map, or a file is no YAML.
pub(crate) fn joined(sources: &[Source], report: &mut Vec<Diagnostic>) -> Option<Node> {
    let mut root: Option<Node> = None;
    let mut broken = false;
    for (id, source) in (0_u16..).map(SourceId).zip(sources) {
        let before = report.len();
        let written = match lockgate_yaml::read_part(id, &source.text, report) {
            Read::Whole(written) => written,
            Read::Part(part) => {
                broken = true;
                let found = broken::judge(&source.text, &part, &report[before..]);
                report.extend(found);
                continue;
            }
            Read::Nothing => {
                broken = true;
                continue;
            }
        };
        validate::validate(&written, &language::ROOT, report);
        let normal = normal::normalise(&written, &language::ROOT, report);
        if !matches!(normal.kind, Kind::Map(_)) {
            continue;
        }
        match &mut root {
            None if id == SourceId::default() => root = Some(normal),
            None => {}
            Some(root) => {
                nested(&normal, report);
                join(root, normal, report);
            }
        }
    }
    // What one file lacks may stand in another one that could not be read.
    root.filter(|_| !broken)
}

fn join(root: &mut Node, other: Node, report: &mut Vec<Diagnostic>) {
    let (Kind::Map(entries), Kind::Map(others)) = (&mut root.kind, other.kind) else { return };
    for other in others {
        match entries.iter_mut().find(|it| it.key == other.key) {
            None => entries.push(other),
            Some(entry) => match (&entry.value.kind, &other.value.kind) {
                (Kind::Map(_), Kind::Map(_)) => join(&mut entry.value, other.value, report),
                _ => twice(entry, &other, report),
            },
        }
    }
}

fn twice(first: &Entry, second: &Entry, report: &mut Vec<Diagnostic>) {
    let message = format!("`{}` is said in two files", shown(&first.key));
    report.push(
        Diagnostic::error(codes::DUPLICATE_KEY, message)
            .label(second.key_span, "said again here")
            .label(first.key_span, "first said here")
            .help("files are joined, and none of them overrides another; keep one of the two"),
    );
}

fn nested(file: &Node, report: &mut Vec<Diagnostic>) {
    if let Some(include) = file.entry("include") {
        report.push(
            Diagnostic::error(codes::INCLUDE, "an included file includes others")
                .label(include.key_span, "only the spec itself does that")
                .help("name all files in the `include` of the spec"),
        );
    }
}

/// Every pattern has found something.
pub(crate) fn check(root: &Node, sources: &[Source], report: &mut Vec<Diagnostic>) {
    let Some(include) = root.get("include") else { return };
    let Kind::Seq(patterns) = &include.kind else { return };
    for pattern in patterns.iter().filter(|it| it.span.source == SourceId::default()) {
        let Some(text) = text_of(pattern).filter(|it| is_pattern(it)) else { continue };
        let found = sources.iter().skip(1).any(|it| found_by(text, &it.name));
        if !found {
            let message = format!("`{}` includes nothing", shown(text));
            let own = sources.first().is_some_and(|it| found_by(text, &it.name));
            let label = if own {
                "only the spec itself has such a name"
            } else {
                "there is no such file beside the spec"
            };
            report.push(
                Diagnostic::error(codes::INCLUDE, message)
                    .label(pattern.span, label)
                    .help("paths are relative to the folder of the spec"),
            );
        }
    }
}

/// Names of sources may carry the folder of the spec in front.
fn found_by(pattern: &str, name: &str) -> bool {
    let pattern = pattern.strip_prefix("./").unwrap_or(pattern);
    let parts: Vec<&str> = name.split('/').collect();
    (0..parts.len()).any(|at| fits(pattern, &parts[at..].join("/")))
}

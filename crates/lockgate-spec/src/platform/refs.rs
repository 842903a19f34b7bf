//! Branches and tags: what can be one, and which environments one push reaches. And the way that images take from
//! environment to environment.

use std::collections::BTreeMap;

use lockgate_diagnostics::{codes, shown, suggest};
use lockgate_model::Diagnostic;
use lockgate_yaml::{Entry, Kind, Node};

use super::Wrong;
use crate::layers::Value;

/// Git's own limit is that of the file system; it bounds the comparison of two patterns.
const REF_MAX: usize = 255;

pub(super) fn check(tree: &Value, report: &mut Vec<Diagnostic>) {
    let one = |path: &'static [&'static str]| tree.at(path).into_iter();
    let many = |path: &'static [&'static str]| tree.at(path).map_or(&[][..], Value::items);
    let branches = one(&["branch"]).chain(many(&["protection", "branches"])).map(|it| ("branch", it));
    let tags = one(&["tag"]).chain(many(&["protection", "tags"])).map(|it| ("tag", it));
    for (what, written) in branches.chain(tags) {
        let Some(text) = written.text() else { continue };
        if let Err(wrong) = pattern(text) {
            report.push(wrong.at(codes::BAD_REF, &format!("name of a {what}"), text, written.place()));
        }
    }
}

/// What git allows in a name, and `*`, `?` and `[...]` beside.
fn pattern(text: &str) -> Result<(), Wrong> {
    if text.is_empty() {
        return Err(Wrong::help(
            "no push would ever match",
            "leave the key out, or name a branch such as `main`",
        ));
    }
    if REF_MAX < text.len() {
        return Err(Wrong::new(format!("it has {} bytes, and {REF_MAX} are the most", text.len())));
    }
    if let Some(name) = ["refs/heads/", "refs/tags/"].iter().find_map(|it| text.strip_prefix(it)) {
        return Err(Wrong::help("the short name is wanted", format!("write `{name}`")));
    }
    if text.contains(|it: char| it.is_whitespace() || it.is_control() || "~^:\\".contains(it)) {
        return Err(Wrong::new("git allows no spaces, `~`, `^`, `:` or `\\` in it"));
    }
    let part = |it: &str| !it.is_empty() && !it.starts_with(['.', '-']) && it.strip_suffix(".lock").is_none();
    if text.contains("..") || text.contains("@{") || text.ends_with('.') || !text.split('/').all(part) {
        return Err(Wrong::new("git does not allow this name"));
    }
    if text.matches('[').count() != text.matches(']').count() {
        return Err(Wrong::new("the pattern has a `[` without its `]`"));
    }
    Ok(())
}

/// What several environments say together.
pub(crate) fn across(root: &Node, report: &mut Vec<Diagnostic>) {
    let environments = root.get("environments").map_or(&[][..], Node::entries);
    for key in ["branch", "tag"] {
        one_push(environments, key, report);
    }
    promotions(environments, report);
    told_about(root, environments, report);
}

fn text(node: &Node) -> Option<&str> {
    match &node.kind {
        Kind::Scalar(scalar) if !node.is_null() => Some(&scalar.text),
        Kind::Scalar(_) | Kind::Seq(_) | Kind::Map(_) => None,
    }
}

fn one_push(environments: &[Entry], key: &str, report: &mut Vec<Diagnostic>) {
    let of = |it: &'_ Entry| {
        it.value.entry(key).is_some_and(|it| text(&it.value).is_some_and(|it| pattern(it).is_ok()))
    };
    let written: Vec<&Entry> = environments.iter().filter(|it| of(it)).collect();
    for (at, second) in written.iter().enumerate() {
        let value = |it: &&Entry| it.value.get(key).and_then(text).unwrap_or_default().to_owned();
        let pattern = value(second);
        let Some(first) = written[..at].iter().find(|it| overlap(&value(it), &pattern)) else { continue };
        let message = format!("a push of one {key} is released to `{}` and to `{}`", first.key, second.key);
        let places = [second, first].map(|it| it.value.entry(key).map(Entry::place));
        let diagnostic = Diagnostic::warning(codes::ONE_PUSH_TWICE, message);
        let diagnostic = places
            .into_iter()
            .flatten()
            .zip(["as well as by this", "matched by this"])
            .fold(diagnostic, |it, (place, text)| it.label(place, text));
        report.push(diagnostic.help(format!(
            "give each environment a {key} of its own; with `promote: {}` the second runs what was released to the first",
            first.key
        )));
    }
}

/// Is there a name that both patterns match? A set in `[...]` is taken for any one character.
pub(crate) fn overlap(a: &str, b: &str) -> bool {
    let (a, b) = (tokens(a), tokens(b));
    // `row[j]` says whether the rest of `a` and the rest of `b` from `j` on have a name in common.
    let mut row = vec![false; b.len() + 1];
    row[b.len()] = true;
    for j in (0..b.len()).rev() {
        row[j] = row[j + 1] && b[j] == Token::Many;
    }
    for x in a.iter().rev() {
        let below = row.clone();
        row[b.len()] = below[b.len()] && *x == Token::Many;
        for j in (0..b.len()).rev() {
            row[j] = match (*x, b[j]) {
                (Token::Many, _) | (_, Token::Many) => below[j] || row[j + 1],
                (Token::Any, _) | (_, Token::Any) => below[j + 1],
                (Token::Char(x), Token::Char(y)) => x == y && below[j + 1],
            };
        }
    }
    row[0]
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Token {
    Many,
    Any,
    Char(char),
}

fn tokens(pattern: &str) -> Vec<Token> {
    let mut tokens = vec![];
    let mut rest = pattern.chars();
    while let Some(it) = rest.next() {
        tokens.push(match it {
            '*' => Token::Many,
            '?' => Token::Any,
            '[' => {
                rest.by_ref().find(|it| *it == ']');
                Token::Any
            }
            other => Token::Char(other),
        });
    }
    tokens
}

fn promotions(environments: &[Entry], report: &mut Vec<Diagnostic>) {
    let from: BTreeMap<&str, &Node> =
        environments.iter().filter_map(|it| Some((it.key.as_str(), it.value.get("promote")?))).collect();
    for (name, node) in &from {
        let Some(source) = text(node) else { continue };
        if environments.iter().all(|it| it.key != source) {
            report.push(unknown(source, node, environments));
        }
        let Some(circle) = circle(name, &from) else { continue };
        // Each circle once, from its first name.
        if circle.iter().min() != Some(name) {
            continue;
        }
        let message = match circle.as_slice() {
            [only] => format!("`{only}` promotes its own images"),
            _ => format!("environments promote each other's images in a circle: {}", circle.join(", ")),
        };
        let places = circle.iter().filter_map(|it| from.get(it).map(|it| it.span));
        let diagnostic = Diagnostic::error(codes::PROMOTE_CIRCLE, message);
        let diagnostic = places.fold(diagnostic, |it, place| it.label(place, "comes from here"));
        report.push(diagnostic.help("one of them has to build: give it a `branch` instead of `promote`"));
    }
}

/// The names from this one back to itself.
fn circle<'a>(start: &'a str, from: &BTreeMap<&'a str, &'a Node>) -> Option<Vec<&'a str>> {
    let mut names = vec![start];
    while let Some(next) = from.get(names.last()?).and_then(|it| text(it)) {
        if next == start {
            return Some(names);
        }
        if names.contains(&next) {
            return None;
        }
        names.push(next);
    }
    None
}

/// Environments that a notification names.
fn told_about(root: &Node, environments: &[Entry], report: &mut Vec<Diagnostic>) {
    for channel in root.get("notifications").map_or(&[][..], Node::entries) {
        let Some(named) = channel.value.get("environments") else { continue };
        let items = match &named.kind {
            Kind::Seq(items) => items,
            Kind::Scalar(_) | Kind::Map(_) => continue,
        };
        for item in items {
            let Some(name) = text(item) else { continue };
            if environments.iter().all(|it| it.key != name) {
                report.push(unknown(name, item, environments));
            }
        }
    }
}

fn unknown(name: &str, node: &Node, environments: &[Entry]) -> Diagnostic {
    let known = || environments.iter().map(|it| it.key.as_str());
    let message = format!("there is no environment `{}`", shown(name));
    let diagnostic = Diagnostic::error(codes::UNKNOWN_ENVIRONMENT, message);
    match suggest::nearest(name, known()) {
        Some(nearest) => diagnostic.label(node.span, format!("did you mean `{nearest}`?")),
        None => {
            diagnostic.label(node.span, "not declared").help(format!("there is {}", suggest::all(known())))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_overlap_when_one_name_matches_both() {
        for (a, b) in
            [("main", "main"), ("v*", "v1.*"), ("*", "main"), ("a*c", "ab*"), ("v[0-9]*", "v1"), ("**", "")]
        {
            assert!(overlap(a, b) && overlap(b, a), "{a} {b}");
        }
        for (a, b) in [("main", "develop"), ("v*", "release-*"), ("a?", "abc"), ("v1", "v"), ("a*", "")] {
            assert!(!overlap(a, b) && !overlap(b, a), "{a} {b}");
        }
    }

    #[test]
    fn names_of_branches_and_tags_are_those_of_git() {
        for good in ["main", "feature/x", "v*", "v[0-9]*.?", "releases/**", "#1"] {
            assert!(pattern(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            " ",
            "a b",
            "a..b",
            "a:b",
            "/a",
            "a/",
            "-a",
            ".a",
            "a.lock",
            "a.",
            "[",
            "refs/heads/main",
            "a@{1}",
        ] {
            assert!(pattern(bad).is_err(), "{bad}");
        }
    }
}

//! The page of all keys: links lead somewhere, and no row is broken.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

use std::collections::BTreeSet;

use lockgate_spec::keys_page;

const PROSE: &str = include_str!("../../../docs/reference/spec.md");

/// Anchors of headings, as Markdown makes them.
fn anchors(page: &str) -> Vec<String> {
    let headings = page.lines().filter_map(|it| it.strip_prefix("## "));
    let kept = |it: &char| it.is_alphanumeric() || " -_".contains(*it);
    headings.map(|it| it.to_lowercase().chars().filter(kept).collect::<String>().replace(' ', "-")).collect()
}

/// What stands after `](`.
fn links(page: &str) -> BTreeSet<&str> {
    page.split("](").skip(1).map(|it| it.split(')').next().unwrap()).collect()
}

#[test]
fn every_link_leads_to_a_heading() {
    let page = keys_page();
    let (own, prose) = (anchors(&page), anchors(PROSE));
    for link in links(&page) {
        let found = match link.split_once('#') {
            Some(("", anchor)) => own.iter().any(|it| it == anchor),
            Some(("spec.md", anchor)) => prose.iter().any(|it| it == anchor),
            _ => link == "spec.md",
        };
        assert!(found, "{link}");
    }
    for link in links(PROSE) {
        let found = match link.split_once('#') {
            Some(("", anchor)) => prose.iter().any(|it| it == anchor),
            Some(("keys.md", anchor)) => own.iter().any(|it| it == anchor),
            _ => ["keys.md", "../guide/editors.md", "../../examples"].contains(&link),
        };
        assert!(found, "{link}");
    }
}

#[test]
fn headings_are_told_apart() {
    let page = keys_page();
    let all = anchors(&page);
    assert!(50 < all.len());
    assert_eq!(all.iter().collect::<BTreeSet<_>>().len(), all.len());
}

#[test]
fn every_row_has_four_cells() {
    let page = keys_page();
    let rows = page.split("## What is measured").next().unwrap().lines().filter(|it| it.starts_with("| `"));
    for row in rows {
        assert_eq!(row.replace("\\|", "").matches('|').count(), 5, "{row}");
    }
}

//! Every code of the audit has a page, whose wrong example shows the code while the mended one does not.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

use lockgate_audit::{Listing, audit};
use lockgate_diagnostics::{Source, codes, explain_code, render};
use lockgate_model::{Code, Diagnostic};

/// Codes of the audit begin here; those below are about specs.
const FIRST: u16 = 700;

fn pages() -> impl Iterator<Item = (Code, &'static str)> {
    codes().filter(|it| FIRST <= it.0.0).map(|it| (it.0, explain_code(it.0).unwrap()))
}

fn section<'a>(page: &'a str, title: &str) -> &'a str {
    let start = page.find(title).unwrap_or_else(|| panic!("no {title} in {page}")) + title.len();
    let rest = &page[start..];
    rest.find("\n## ").map_or(rest, |it| &rest[..it])
}

/// The example as one document, and as the tree of the files that its blocks name.
fn readings(example: &str) -> [Vec<Source>; 2] {
    let document = Source { name: "example.md".to_owned(), text: example.to_owned() };
    let mut files = vec![];
    for block in example.split("```").skip(1).step_by(2) {
        let text = block.split_once('\n').unwrap().1;
        let name = text.lines().next().unwrap().trim_start_matches(['#', '/', ' ']);
        if name.contains('.') && !name.contains(' ') || name == "Dockerfile" {
            files.push(Source { name: name.to_owned(), text: text.to_owned() });
        }
    }
    [vec![document], files]
}

fn found(example: &str) -> (Vec<Diagnostic>, String) {
    let mut all = vec![];
    let mut shown = String::new();
    for sources in readings(example) {
        let listing = match sources.as_slice() {
            [only] if only.name == "example.md" => Listing::unknown(),
            files => Listing::of(files.iter().map(|it| it.name.clone()), []),
        };
        let audit = audit(&sources, &listing);
        for diagnostic in audit.diagnostics {
            let text = render::human(
                &sources,
                std::slice::from_ref(&diagnostic),
                render::Style { color: false, width: 120 },
            );
            if all.iter().all(|it: &Diagnostic| it.message != diagnostic.message) {
                shown.push_str(&text);
            }
            all.push(diagnostic);
        }
    }
    (all, shown)
}

#[test]
fn every_wrong_example_shows_its_code() {
    for (code, page) in pages() {
        let (all, shown) = found(section(page, "## Wrong\n"));
        assert!(all.iter().any(|it| it.code == code), "{code}: {all:#?}");
        assert!(all.iter().all(|it| it.code == code), "{code} and others:\n{shown}");
        insta::assert_snapshot!(code.to_string(), shown);
    }
}

#[test]
fn every_mended_example_is_clean() {
    for (code, page) in pages() {
        let (all, shown) = found(section(page, "## How to mend it\n"));
        assert!(all.is_empty(), "{code}:\n{shown}");
    }
}

#[test]
fn every_page_bears_the_title_of_its_code() {
    for (code, title) in codes().filter(|it| FIRST <= it.0.0) {
        assert!(explain_code(code).unwrap().starts_with(&format!("# {code}: {title}\n")), "{code}");
    }
}

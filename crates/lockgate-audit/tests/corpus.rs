//! What is right is not reported, and nothing that is read ends the program.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

use std::path::{Path, PathBuf};

use lockgate_audit::{Audit, Kind, Listing, audit, syntax_of_name};
use lockgate_diagnostics::{Source, render};
use proptest::prelude::*;

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, found) } else { found.push(path) }
    }
    found.sort();
}

/// Every file below a folder that an audit reads, and the names of all.
fn tree(root: &Path, wanted: impl Fn(&str) -> bool) -> (Vec<Source>, Listing) {
    let mut paths = vec![];
    walk(root, &mut paths);
    let names: Vec<String> =
        paths.iter().map(|it| it.strip_prefix(root).unwrap().to_str().unwrap().to_owned()).collect();
    let sources = names.iter().filter(|it| syntax_of_name(it).is_some() && wanted(it)).map(|name| {
        let text = String::from_utf8(std::fs::read(root.join(name)).unwrap()).unwrap();
        Source { name: name.clone(), text }
    });
    (sources.collect(), Listing::of(names.clone(), []))
}

fn assert_clean(sources: &[Source], audit: &Audit) {
    let shown = render::human(sources, &audit.diagnostics, render::Style { color: false, width: 140 });
    assert!(audit.diagnostics.is_empty(), "{shown}");
}

#[test]
fn a_system_that_is_right_has_no_findings() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/clean");
    let (sources, listing) = tree(&root, |_| true);
    let audit = audit(&sources, &listing);
    assert_clean(&sources, &audit);
    for kind in [
        Kind::Markdown,
        Kind::Dockerfile,
        Kind::Compose,
        Kind::Kubernetes,
        Kind::Kustomization,
        Kind::HelmValues,
        Kind::Workflow,
        Kind::TaskDefinition,
        Kind::PrometheusRules,
        Kind::Dotenv,
        Kind::Shell,
    ] {
        assert!(audit.kinds.contains_key(&kind), "nothing was read as {kind}: {:?}", audit.kinds);
    }
}

#[test]
fn the_documents_of_this_repository_have_no_findings() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    // The pages of the audit show what is wrong, and one page quotes systems that are.
    let shows_mistakes = |it: &str| {
        it.starts_with("errors/LG7") || it.starts_with("errors/LG8") || it == "reference/systems.md"
    };
    let (mut sources, _) = tree(&root.join("docs"), |it| !shows_mistakes(it));
    for name in ["README.md", "ARCHITECTURE.md", "STYLE.md"] {
        let text = String::from_utf8(std::fs::read(root.join(name)).unwrap()).unwrap();
        sources.push(Source { name: name.to_owned(), text });
    }
    assert!(20 < sources.len());
    assert_clean(&sources, &audit(&sources, &Listing::unknown()));
}

#[test]
fn a_template_is_left_out_and_said_to_be() {
    let text = "kind: Deployment\nspec:\n  replicas: {{ .Values.replicas }}\n".to_owned();
    let sources = [Source { name: "chart/templates/web.yaml".to_owned(), text }];
    let audit = audit(&sources, &Listing::unknown());
    assert_clean(&sources, &audit);
    assert_eq!(audit.unread[0].0, "chart/templates/web.yaml");
}

#[test]
fn places_in_a_block_are_places_in_the_document() {
    let text = "1. Look:\n   ```yaml\n   # compose.yml\n   services:\n     web:\n       image: a\n       image: b\n   ```\n";
    let sources = [Source { name: "a.md".to_owned(), text: text.to_owned() }];
    let audit = audit(&sources, &Listing::unknown());
    let span = audit.diagnostics[0].labels[0].span;
    assert_eq!((span.start, &text[span.start..span.end]), (text.rfind("image").unwrap(), "image"));
}

const NAMES: [&str; 9] = [
    "a.md",
    "Dockerfile",
    "compose.yml",
    ".github/workflows/a.yml",
    ".env",
    "a.sh",
    "k8s/a.yaml",
    "deploy/ecs/task-definition.json",
    "next.config.js",
];

/// Pieces that the readers look at closely, to be put together in any order.
const PIECES: [&str; 40] = [
    "\n",
    " ",
    "  ",
    "- ",
    "1. ",
    "| ",
    "|---|\n",
    "```yaml\n",
    "```bash\n",
    "```\n",
    "# ",
    "`",
    "**",
    "> ",
    "<",
    "5 %",
    "1,",
    "→",
    "é",
    "services:\n",
    "jobs:\n",
    "on: push\n",
    "steps:\n",
    "- run: |\n    ",
    "image: a:b\n",
    "&a ",
    "*a ",
    "<<: ",
    "{",
    "[",
    "\"",
    "'",
    "$(",
    "${{ steps.",
    " }}",
    "<<EOF\n",
    "\\\n",
    "FROM a AS b\n",
    "COPY --from=b x ./\n",
    "├── a/\n",
];

proptest! {
    #[test]
    fn any_text_is_read_to_its_end(name in prop::sample::select(&NAMES[..]), text in "\\PC{0,200}") {
        drop(audit(&[Source { name: name.to_owned(), text }], &Listing::unknown()));
    }

    #[test]
    fn any_pieces_are_read_and_their_places_are_in_the_text(
        name in prop::sample::select(&NAMES[..]),
        pieces in prop::collection::vec(prop::sample::select(&PIECES[..]), 0..60),
    ) {
        let text = pieces.concat();
        let sources = [Source { name: name.to_owned(), text: text.clone() }];
        let audit = audit(&sources, &Listing::of([name.to_owned()], []));
        for label in audit.diagnostics.iter().flat_map(|it| &it.labels) {
            prop_assert!(text.get(label.span.start..label.span.end).is_some(), "{label:?} in {text:?}");
        }
    }
}

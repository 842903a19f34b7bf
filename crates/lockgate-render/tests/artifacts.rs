//! The page of artifacts: each file that it names is rendered, and each test that it names is there.

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::{EXAMPLES, example};
use pulldown_cmark::{Event, Options, Parser, Tag, TagEnd};

/// A row: the system, the files that stand for the runbook's, and the tests with their files.
struct Row {
    system: String,
    rendered: Vec<String>,
    proof: Vec<String>,
}

fn rows(page: &str) -> Vec<Row> {
    let mut rows: Vec<Row> = vec![];
    let (mut system, mut in_heading, mut column) = (String::new(), false, 0);
    for event in Parser::new_ext(page, Options::ENABLE_TABLES) {
        match event {
            Event::Start(Tag::Heading { .. }) => (system, in_heading) = (String::new(), true),
            Event::End(TagEnd::Heading(_)) => in_heading = false,
            Event::Text(text) if in_heading => system.push_str(&text),
            Event::Start(Tag::TableRow) => {
                rows.push(Row { system: system.clone(), rendered: vec![], proof: vec![] });
                column = 0;
            }
            Event::End(TagEnd::TableCell) => column += 1,
            Event::Code(text) => match (rows.last_mut(), column) {
                (Some(row), 1) => row.rendered.push(text.to_string()),
                (Some(row), 2) => row.proof.push(text.to_string()),
                _ => {}
            },
            _ => {}
        }
    }
    rows
}

#[test]
fn every_artifact_of_the_runbooks_is_rendered_and_proven() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"));
    let page = std::fs::read_to_string(folder.join("../../docs/reference/artifacts.md")).unwrap();
    let rows = rows(&page);
    let mut wrong = vec![];
    for name in EXAMPLES {
        let rendered = example(name);
        let paths: BTreeSet<&str> = rendered.artifacts.iter().map(|it| it.path.as_str()).collect();
        let of_system: Vec<&Row> = rows.iter().filter(|it| it.system == name).collect();
        assert!(5 < of_system.len(), "{name} has no table");
        for row in of_system {
            let missing = row.rendered.iter().filter(|it| !paths.contains(it.as_str()));
            wrong.extend(missing.map(|it| format!("{name}: {it} is not rendered")));
            if row.rendered.is_empty() {
                wrong.push(format!("{name}: a row names no file: {:?}", row.proof));
            }
        }
    }
    for row in &rows {
        let mut source = None;
        for proof in &row.proof {
            if Path::new(proof).extension().is_some_and(|it| it == "rs") {
                source = std::fs::read_to_string(folder.join("tests").join(proof)).ok();
            } else if !source.as_deref().is_some_and(|it| it.contains(&format!("fn {proof}("))) {
                wrong.push(format!("{}: there is no test {proof}", row.system));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

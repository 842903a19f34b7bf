//! Workflow commands: one line each, escaped as the runner unescapes them.

use lockgate_diagnostics::{codes, render};
use lockgate_model::{Diagnostic, SourceId, Span};

use crate::{findings, shop, source};

#[test]
fn each_finding_is_one_command() {
    let sources = shop();
    insta::assert_snapshot!(render::github(&sources, &findings(&sources)));
}

#[test]
fn what_the_user_wrote_cannot_begin_a_command_of_its_own() {
    let sources = [source("a,b:c%d\n::error::x.yaml", "x\n")];
    let span = Span { source: SourceId(0), start: 0, end: 1 };
    let evil = "one\r\n::stop-commands::x%0A";
    let diagnostic = Diagnostic::error(codes::BAD_VALUE, evil).label(span, evil).help(evil);
    let text = render::github(&sources, &[diagnostic]);
    assert_eq!(text.lines().count(), 1, "{text}");
    assert!(text.starts_with("::error file=a%2Cb%3Ac%25d%0A%3A%3Aerror%3A%3Ax.yaml,line=1,"), "{text}");
    assert!(text.contains("x%250A"), "{text}");
}

#[test]
fn a_range_over_several_lines_has_no_columns() {
    let sources = [source("lockgate.yaml", "a: |\n  x\n  y\n")];
    let span = Span { source: SourceId(0), start: 3, end: 12 };
    let diagnostic = Diagnostic::error(codes::BAD_VALUE, "bad").label(span, "");
    let text = render::github(&sources, &[diagnostic]);
    assert!(text.starts_with("::error file=lockgate.yaml,line=1,endLine=3,title=LG013 "), "{text}");
}

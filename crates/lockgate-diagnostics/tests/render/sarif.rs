//! SARIF: valid against the schema of the standard, the same on every machine, stable when lines move.

use lockgate_diagnostics::render::{self, Run};
use lockgate_diagnostics::{Source, codes};
use lockgate_model::{Diagnostic, SourceId, Span};
use serde_json::Value;

use crate::{findings, shop, source, span};

const SCHEMA: &str = include_str!("schema/sarif-2.1.0.json");
const RUN: Run<'_> = Run { version: "1.2.3", command: "check" };

fn sarif(sources: &[Source], diagnostics: &[Diagnostic]) -> Value {
    serde_json::from_str(&render::sarif(sources, diagnostics, RUN)).unwrap()
}

#[test]
fn logs_are_valid_sarif() {
    let mut schema: Value = serde_json::from_str(SCHEMA).unwrap();
    // Their pattern is no regular expression, which errata 01 of the standard mends; no log of ours has them.
    for of in ["run", "toolComponent"] {
        let properties = schema["definitions"][of]["properties"].as_object_mut().unwrap();
        assert!(properties.remove("language").is_some());
    }
    assert_eq!(schema["title"], "Static Analysis Results Format (SARIF) Version 2.1.0 JSON Schema");
    let validator = jsonschema::options().should_validate_formats(true).build(&schema).unwrap();
    let sources = shop();
    let wild = Span { source: SourceId(9), start: 7, end: 3 };
    let one_of_each = codes::codes()
        .map(|(code, _)| Diagnostic::error(code, "x").label(span(&sources, 1, "日本"), "").label(wild, "y"));
    for log in [
        sarif(&[], &[]),
        sarif(&sources, &findings(&sources)),
        sarif(&sources, &one_of_each.collect::<Vec<_>>()),
        sarif(&[source("/etc/ö.yaml", "")], &[Diagnostic::error(codes::EMPTY, "empty")]),
    ] {
        let problems: Vec<String> =
            validator.iter_errors(&log).map(|it| format!("{}: {it}", it.instance_path())).collect();
        assert_eq!(problems, [""; 0], "{log:#}");
    }
    let mut broken = sarif(&sources, &findings(&sources));
    broken["runs"][0]["results"][0]["level"] = "fatal".into();
    assert!(!validator.is_valid(&broken), "the validator sees nothing");
}

#[test]
fn a_log_says_what_was_found_where_and_how_to_mend_it() {
    let sources = shop();
    let mut log = sarif(&sources, &findings(&sources));
    for rule in log["runs"][0]["tool"]["driver"]["rules"].as_array_mut().unwrap() {
        let page = rule["help"]["markdown"].as_str().unwrap();
        assert!(page.starts_with("# LG") && page.contains("```yaml"), "{page}");
        rule["help"]["markdown"] = "(the page)".into();
    }
    insta::assert_snapshot!(serde_json::to_string_pretty(&log).unwrap());
}

#[test]
fn fingerprints_stay_when_lines_move_and_differ_when_findings_do() {
    let fingerprints = |above: &str| {
        let mut sources = shop();
        sources[0].text.insert_str(0, above);
        let log = sarif(&sources, &findings(&sources));
        let results = log["runs"][0]["results"].as_array().unwrap().clone();
        results.iter().map(|it| it["partialFingerprints"].clone()).collect::<Vec<_>>()
    };
    let plain = fingerprints("");
    assert_eq!(fingerprints("# a\n# b\n\n"), plain);
    assert!(plain[0]["primaryLocationLineHash"].is_string());
}

#[test]
fn no_path_of_the_machine_is_told() {
    for (name, uri) in [
        ("lockgate.yaml", "lockgate.yaml"),
        ("./ops/lock gate.yaml", "ops/lock%20gate.yaml"),
        ("a:b/ü.yaml", "a%3Ab/%C3%BC.yaml"),
        ("/home/anna/secret/lockgate.yaml", "lockgate.yaml"),
        ("../../other/lockgate.yaml", "lockgate.yaml"),
    ] {
        let log = sarif(&[source(name, "")], &[Diagnostic::error(codes::EMPTY, "empty")]);
        let location = &log["runs"][0]["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"];
        assert_eq!(location["uri"], uri);
        assert_eq!(location["uriBaseId"], "%SRCROOT%");
        assert!(!log.to_string().contains("anna"), "{log:#}");
    }
}

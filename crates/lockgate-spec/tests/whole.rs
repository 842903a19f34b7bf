//! Nothing that can be said is lost on the way to the model.

use lockgate_model::{EnvironmentName, Severity};
use lockgate_spec::{Facts, Spec};
use serde_json::Value;

const WHOLE: &str = include_str!("specs/whole.yaml");

/// Pointers to what is null or empty.
fn unsaid(path: &str, value: &Value, found: &mut Vec<String>) {
    match value {
        Value::Null => found.push(path.to_owned()),
        Value::Array(items) if items.is_empty() => found.push(path.to_owned()),
        Value::Object(map) if map.is_empty() => found.push(path.to_owned()),
        Value::Array(items) => {
            for (idx, item) in items.iter().enumerate() {
                unsaid(&format!("{path}/{idx}"), item, found);
            }
        }
        Value::Object(map) => {
            for (key, value) in map {
                unsaid(&format!("{path}/{key}"), value, found);
            }
        }
        Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

#[test]
fn every_part_of_the_language_reaches_the_model() {
    let (spec, _) = Spec::parse("whole.yaml", WHOLE);
    let (system, found) = spec.resolve(&EnvironmentName::new("prod").unwrap(), &Facts::default());
    let errors: Vec<_> = found.iter().filter(|it| it.severity == Severity::Error).collect();
    let system = system.unwrap_or_else(|| panic!("{errors:#?}"));
    let mut left = vec![];
    unsaid("", &serde_json::to_value(&system).unwrap(), &mut left);
    // Alternatives of what is said, and what a patch removes.
    insta::assert_snapshot!(left.join("\n"));
}

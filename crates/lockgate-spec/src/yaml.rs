//! A resolved system as YAML.

use lockgate_model::{Millis, Percent, System, Weight};
use serde_json::{Number, Value};

/// A resolved system as YAML, with durations and shares as the spec writes them.
pub fn to_yaml(system: &System) -> String {
    let value =
        serde_json::to_value(system).expect("a system holds strings, numbers and maps with string keys");
    let value = with_units("", "", value);
    lockgate_yaml::write(&value, &lockgate_yaml::WriteStyle { indent_lists: true, ..Default::default() })
}

/// Keys whose numbers are milliseconds.
const DURATIONS: [&str; 23] = [
    "bake",
    "dependencies_every",
    "drain",
    "for",
    "grace",
    "interval",
    "keep",
    "keep_for",
    "latency",
    "max_time",
    "min_time",
    "pause",
    "range",
    "ready_after",
    "ready_within",
    "refresh",
    "retention",
    "rotate",
    "services_every",
    "tick",
    "timeout",
    "wait_timer",
    "warmup",
];
/// And those that are so in a retry only.
const OF_A_RETRY: [&str; 2] = ["initial", "max"];

/// Numbers become what one would write in a spec: `15m`, `5%`.
fn with_units(around: &str, key: &str, value: Value) -> Value {
    match value {
        Value::Object(map) => map
            .into_iter()
            .map(|(inner, value)| {
                let value = with_units(key, &inner, value);
                (inner, value)
            })
            .filter(|it| !says_nothing(&it.1))
            .collect(),
        Value::Array(items) => items.into_iter().map(|it| with_units(around, key, it)).collect(),
        Value::Number(number) => in_units(around, key, &number).map_or(Value::Number(number), Value::String),
        Value::Null | Value::Bool(_) | Value::String(_) => value,
    }
}

/// What is left out, so that what is said stands out.
fn says_nothing(value: &Value) -> bool {
    match value {
        Value::Null => true,
        Value::Array(items) => items.is_empty(),
        Value::Object(map) => map.is_empty(),
        Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
    }
}

fn in_units(around: &str, key: &str, number: &Number) -> Option<String> {
    let number = number.as_u64()?;
    if DURATIONS.contains(&key) || (around == "retry" && OF_A_RETRY.contains(&key)) {
        return Some(Millis(number).to_string());
    }
    match key {
        "weight" => Some(Weight::from_basis_points(u16::try_from(number).ok()?)?.to_string()),
        "error-rate" => Some(Percent(u32::try_from(number).ok()?).to_string()),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use lockgate_model::{EnvironmentName, SourceId};
    use serde_json::Value;

    use super::*;
    use crate::{Facts, Spec};
    use lockgate_yaml::{Kind, Node, Style};

    /// Plain scalars as JSON where they are JSON, everything else as strings.
    fn to_json(node: &Node) -> Value {
        match &node.kind {
            Kind::Scalar(scalar) if scalar.style == Style::Plain => {
                serde_json::from_str(&scalar.text).unwrap_or_else(|_| Value::String(scalar.text.clone()))
            }
            Kind::Scalar(scalar) => Value::String(scalar.text.clone()),
            Kind::Seq(items) => items.iter().map(to_json).collect(),
            Kind::Map(entries) => entries.iter().map(|it| (it.key.clone(), to_json(&it.value))).collect(),
        }
    }

    #[test]
    fn numbers_are_shown_in_the_units_of_the_spec() {
        let value = serde_json::json!({"pause": 900_000, "weight": 500, "limit": {"error-rate": 1_000},
            "replicas": 3, "autoscaling": {"max": 10}, "retry": {"max": 60_000}});
        let shown = with_units("", "", value);
        assert_eq!(
            shown,
            serde_json::json!({"pause": "15m", "weight": "5%", "limit": {"error-rate": "1%"}, "replicas": 3,
                "autoscaling": {"max": 10}, "retry": {"max": "1m"}})
        );
    }

    #[test]
    fn what_is_shown_reads_back_as_the_same() {
        let nasty =
            ["", " ", "no", "1.10", "0o17", "a: b", "- x", "# x", "{", "é\\n\\t", "'", "~", "*a", "@", "x "];
        let env = nasty.iter().enumerate().map(|(idx, it)| format!("V{idx}: \"{it}\""));
        let text = format!(
            "lockgate: v1\nsystem: shop\nservices: {{web: {{port: 80, command: [./web, \"a b\"], env: {{{}}}}}}}\n\
             smoke: [{{get: /up}}]\nenvironments: {{local: {{target: local}}}}\n",
            env.collect::<Vec<_>>().join(", ")
        );
        let (spec, _) = Spec::parse("lockgate.yaml", &text);
        let (system, diagnostics) = spec.resolve(&EnvironmentName::new("local").unwrap(), &Facts::default());
        let system = system.unwrap_or_else(|| panic!("{diagnostics:#?}"));
        let mut report = vec![];
        let node = lockgate_yaml::read(SourceId::default(), &to_yaml(&system), &mut report).unwrap();
        assert_eq!(report, []);
        assert_eq!(to_json(&node), with_units("", "", serde_json::to_value(&system).unwrap()));
    }
}

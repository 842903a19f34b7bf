//! Scalars as a schema. Editors read `8080` as a number and `30s` as a string, so a text that the reader takes as it
//! is written may be either.

use serde_json::{Value as Json, json};

use super::{Null, Schema, set, types};
use crate::leaf::measure;
use crate::schema::{Leaf, NameRule};

/// Types that a text is taken for which nobody has quoted.
const TEXT: [&str; 2] = ["string", "number"];
const NAME: &str = "[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?";
const NAME_WANTED: &str = "a name has a-z, 0-9 and `-`, begins with a letter and does not end with `-`";
const VARIABLE: &str = "[A-Za-z_][A-Za-z0-9_]*";
const SPAN: &str = "(?:[0-9]+(?:ms|[smhdwy]))+";
const SHARE: &str = r"[0-9]+(?:\.[0-9]{1,3})?\s*%";
const AMOUNT: &str = r"(?:[0-9]+(?:\.[0-9]*)?(?:\s*%|[kM])?|(?:[0-9]+(?:ms|[smhdwy]))+)";
const COMPARISON: &str = "(?:<=?|>=?|=)";
const TEMPLATE: &str = r"^(?:[^$]|\$[^{]|\$\{[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)+\})*\$?$";
/// Not absolute, and without `..` between slashes.
const INNER: &str = r"(?![/\\~]|[ -~]:|(?:.*/)?\.\.(?:/|$))";
const DAY: &str = "[0-9]{4}-[0-9]{2}-[0-9]{2}";
const TIME: &str = "[0-9]{2}:[0-9]{2}";

/// An item of a list of names. The reader takes `null` for a name there, as any other word.
pub(super) fn item(rule: NameRule) -> Json {
    let mut json = json!({"if": {"type": ["boolean", "null"]}, "then": true, "else": {"type": "string"}});
    if let Some((pattern, wanted)) = name(rule) {
        set(&mut json, "pattern", json!(format!("^(?:{pattern})$")));
        set(&mut json, "patternErrorMessage", json!(wanted));
    }
    json
}

/// Pattern of a whole name, without anchors, and what to say of another one.
pub(super) fn name(rule: NameRule) -> Option<(String, &'static str)> {
    let name = (NAME, NAME_WANTED);
    let (pattern, wanted) = match rule {
        NameRule::Service
        | NameRule::Dependency
        | NameRule::Environment
        | NameRule::Port
        | NameRule::Volume
        | NameRule::Job => name,
        NameRule::Variable => (VARIABLE, "a variable has letters, digits and `_`, and begins with no digit"),
        NameRule::Header => ("[A-Za-z0-9_.-]+", "a header has letters, digits and `-`"),
        NameRule::Metric => return Some((metric(), "a metric such as `error_rate` or `postgres.up`")),
        NameRule::Alert => ("[A-Za-z][A-Za-z0-9_]*", "a name such as `RedisDown`"),
        NameRule::JsonPath => {
            (r"\$(?:\.[^\s.\[\]]+|\[[0-9]+\])*", "a path such as `$.status` or `$.keys[0].kid`")
        }
        NameRule::Code => ("(?:LG|lg)[0-9]{3}", "a code such as `LG402`"),
        NameRule::Existing => return None,
    };
    Some((pattern.to_owned(), wanted))
}

fn metric() -> String {
    let names = |known: &[(&'static str, lockgate_model::Unit)]| {
        known.iter().map(|it| it.0).collect::<Vec<_>>().join("|")
    };
    format!(r"{}|[^.]*\.(?:{})", names(measure::OF_THE_SYSTEM), names(measure::OF_A_DEPENDENCY))
}

impl Schema {
    pub(super) fn leaf(&mut self, leaf: Leaf, null: Null) -> Json {
        match leaf {
            Leaf::Version => json!({"enum": ["v1"]}),
            Leaf::Integer { min, max } => {
                json!({"type": types(&["integer"], null), "minimum": min, "maximum": max})
            }
            Leaf::Decimal { min, max } => {
                json!({"type": types(&["number"], null), "minimum": min, "maximum": max})
            }
            Leaf::Bool => json!({"type": types(&["boolean"], null)}),
            leaf => self.define(definition(leaf), null, || described(leaf, null)),
        }
    }
}

/// What a leaf is called in the schema.
fn definition(leaf: Leaf) -> &'static str {
    match leaf {
        Leaf::Text => "text",
        Leaf::Template => "text-with-references",
        Leaf::VariableValue => "value-of-a-variable",
        Leaf::VariableName => "name-of-a-variable",
        Leaf::SystemName
        | Leaf::ServiceName
        | Leaf::DependencyName
        | Leaf::EnvironmentName
        | Leaf::PortName => "name",
        Leaf::Version => "version",
        Leaf::Integer { .. } => "integer",
        Leaf::Decimal { .. } => "decimal",
        Leaf::Share => "share",
        Leaf::Percent | Leaf::PercentValue | Leaf::Weight => "percentage",
        Leaf::CountOrShare => "count-or-percentage",
        Leaf::Bool => "truth-value",
        Leaf::Duration { min: lockgate_model::Millis::ZERO } => "duration",
        Leaf::Duration { .. } => "duration-above-zero",
        Leaf::OneOf(_) => "choice",
        Leaf::Address => "ip-address",
        Leaf::UrlPath => "path-of-a-url",
        Leaf::Endpoint => "address",
        Leaf::InnerPath | Leaf::ContextPath => "path",
        Leaf::IncludePath => "path-to-include",
        Leaf::AbsolutePath => "absolute-path",
        Leaf::Cpu => "cores",
        Leaf::Memory => "bytes",
        Leaf::Cron => "schedule",
        Leaf::Timezone => "time-zone",
        Leaf::Moment => "moment",
        Leaf::Channel => "channel",
        Leaf::PortRule => "port-rule",
        Leaf::Objective => "objective",
        Leaf::Alert => "alert-after-a-time",
        Leaf::Metric => "metric",
        Leaf::Threshold => "comparison",
    }
}

/// With what to say of a text that does not fit.
fn described(leaf: Leaf, null: Null) -> Json {
    let mut json = written(leaf, null);
    let wanted = match definition(leaf) {
        "name" => NAME_WANTED.to_owned(),
        _ => format!("{} is wanted", leaf.wanted()),
    };
    set(&mut json, "description", json!(leaf.wanted()));
    if json.get("pattern").is_some() {
        set(&mut json, "patternErrorMessage", json!(wanted));
    }
    json
}

fn written(leaf: Leaf, null: Null) -> Json {
    let text = |pattern: &str| json!({"type": types(&["string"], null), "pattern": pattern});
    let number_or = |mut number: Json, kind: &str, pattern: &str| {
        set(&mut number, "type", types(&["string", kind], null));
        set(&mut number, "pattern", json!(pattern));
        number
    };
    let single = |of: &[&str], pattern: Option<&str>| single(of, pattern, null);
    let comparison = format!(r"^\s*{COMPARISON}\s*{AMOUNT}\s*$");
    let lasting = format!(r"^\s*{COMPARISON}\s*{AMOUNT}(?:\s+(?:for|in|over)\s+{SPAN})?\s*$");
    match leaf {
        Leaf::Template => single(&TEXT, Some(TEMPLATE)),
        Leaf::VariableValue => text(TEMPLATE),
        Leaf::VariableName => single(&["string"], Some(&format!("^{VARIABLE}$"))),
        Leaf::SystemName
        | Leaf::ServiceName
        | Leaf::DependencyName
        | Leaf::EnvironmentName
        | Leaf::PortName => single(&["string"], Some(&format!("^{NAME}$"))),
        Leaf::Share => number_or(json!({"minimum": 0, "maximum": 1}), "number", &format!("^{SHARE}$")),
        Leaf::Percent | Leaf::PercentValue | Leaf::Weight => text(&format!("^{SHARE}$")),
        Leaf::CountOrShare => {
            number_or(json!({"minimum": 0, "maximum": 1_000}), "integer", &format!("^(?:[0-9]+|{SHARE})$"))
        }
        Leaf::Duration { min: lockgate_model::Millis::ZERO } => {
            number_or(json!({"minimum": 0, "maximum": 0}), "integer", &format!("^(?:0|{SPAN})$"))
        }
        Leaf::Duration { .. } => text(&format!("^{SPAN}$")),
        Leaf::Address => text("^[0-9A-Fa-f.:]+$"),
        Leaf::UrlPath => text("^/[!-~]*$"),
        Leaf::Endpoint => text(r"^(?:https?|tcp|udp)://[^\s/:]\S*$"),
        Leaf::InnerPath | Leaf::ContextPath => single(&TEXT, Some(&format!(r"^{INNER}[^\\]+$"))),
        Leaf::IncludePath => text(&format!(r"^{INNER}(?:[^*\\]*/)?[^*/\\]*\*?[^*/\\]*\.ya?ml$")),
        Leaf::AbsolutePath => text(r"^/(?!(?:.*/)?\.\.(?:/|$))[\s\S]+$"),
        Leaf::Cpu => number_or(json!({"exclusiveMinimum": 0}), "number", r"^[0-9]+(?:m|\.[0-9]{1,3})?$"),
        Leaf::Memory => {
            number_or(json!({"minimum": 1 << 20}), "number", r"^[0-9]+(?:\.[0-9]{1,3})?(?:[KMGT]i|[kMGT])?$")
        }
        Leaf::Cron => text(r"^\s*[0-9A-Za-z*,/+-]+(?:\s+[0-9A-Za-z*,/+-]+){4}\s*$"),
        Leaf::Timezone => text("^(?:UTC|[A-Z][A-Za-z0-9_+-]*(?:/[A-Z][A-Za-z0-9_+-]*)+)$"),
        Leaf::Moment => text(&format!(r"^\s*(?:[A-Za-z]{{3}}\s+{TIME}|{DAY}(?:\s+{TIME})?)\s*$")),
        Leaf::Channel => text("^#[^\\s#A-Z]{1,80}$"),
        Leaf::PortRule => text(r"^\s*[a-z][a-z0-9-]*\s*[+-]\s*[0-9]+\s*$"),
        Leaf::Objective => text(&comparison),
        Leaf::Alert | Leaf::Threshold => text(&lasting),
        Leaf::Metric => text(&format!("^(?:{})$", metric())),
        Leaf::Text
        | Leaf::Version
        | Leaf::Integer { .. }
        | Leaf::Decimal { .. }
        | Leaf::Bool
        | Leaf::OneOf(_) => single(&TEXT, None),
    }
}

/// A single value of one of these types, or a truth value, which is a word as well. Editors would offer it if it
/// stood among the types.
fn single(of: &[&str], pattern: Option<&str>, null: Null) -> Json {
    let mut json = json!({"if": {"type": "boolean"}, "then": true, "else": {"type": types(of, null)}});
    if let Some(pattern) = pattern {
        json["pattern"] = json!(pattern);
    }
    json
}

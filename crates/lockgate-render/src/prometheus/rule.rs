//! Rules: what is recorded, and what raises an alert.

use std::collections::BTreeMap;

use lockgate_model::{Millis, SloSeverity};
use serde::Serialize;
use serde_json::Value;

use super::series::{Feed, Labels};

/// A file of rules.
#[derive(Serialize)]
pub(super) struct Rules {
    pub(super) groups: Vec<Group>,
}

#[derive(Serialize)]
pub(super) struct Group {
    pub(super) name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) interval: Option<String>,
    pub(super) rules: Vec<Value>,
}

#[derive(Serialize)]
pub(super) struct Record {
    #[serde(rename = "record")]
    pub(super) name: String,
    pub(super) expr: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) labels: BTreeMap<&'static str, String>,
}

#[derive(Serialize)]
struct Alerting<'r> {
    alert: &'r str,
    expr: &'r str,
    #[serde(rename = "for", skip_serializing_if = "Option::is_none")]
    lasting: Option<String>,
    labels: BTreeMap<&'static str, &'r str>,
    annotations: BTreeMap<&'static str, String>,
}

/// An alert, and how to prove it.
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) expr: String,
    pub(super) lasting: Option<Millis>,
    pub(super) severity: Severity,
    /// Plain text; whose labels it is about stands before it.
    pub(super) summary: String,
    pub(super) runbook: Option<String>,
    pub(super) proof: Option<Proof>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Severity {
    /// Of the watchdog, which nobody wants to hear of.
    None,
    Warning,
    Critical,
}

/// What is fed, so that the alert fires; and so that it does not, by as little as can be.
pub(super) struct Proof {
    /// Labels of the alert, besides its severity.
    pub(super) labels: Labels,
    pub(super) fires: Vec<(Feed, f64)>,
    pub(super) quiet: Option<Vec<(Feed, f64)>>,
    /// The first evaluation at which enough is known for the expression to hold.
    pub(super) begins: Millis,
}

impl From<SloSeverity> for Severity {
    fn from(severity: SloSeverity) -> Severity {
        match severity {
            SloSeverity::Warning => Severity::Warning,
            SloSeverity::Critical => Severity::Critical,
        }
    }
}

impl Severity {
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Severity::None => "none",
            Severity::Warning => "warning",
            Severity::Critical => "critical",
        }
    }
}

impl Rule {
    pub(super) fn value(&self) -> Value {
        let mut annotations = BTreeMap::from([("summary", self.whose() + &template_text(&self.summary))]);
        if let Some(runbook) = &self.runbook {
            annotations.insert("runbook_url", template_text(runbook));
        }
        let rule = Alerting {
            alert: &self.name,
            expr: &self.expr,
            lasting: self.lasting.map(|it| it.to_string()),
            labels: BTreeMap::from([("severity", self.severity.as_str())]),
            annotations,
        };
        serde_json::to_value(rule).expect("maps have keys of text")
    }

    /// What the alert's first annotation begins with, as a template.
    fn whose(&self) -> String {
        match self.subject() {
            Some((label, _)) => format!("{{{{ $labels.{label} }}}}: "),
            None => String::new(),
        }
    }

    /// Annotations as they read once the proof's labels are filled in.
    pub(super) fn annotations(&self) -> BTreeMap<&'static str, String> {
        let whose = self.subject().map_or(String::new(), |(_, value)| format!("{value}: "));
        let mut annotations = BTreeMap::from([("summary", whose + &self.summary)]);
        annotations.extend(self.runbook.iter().map(|it| ("runbook_url", it.clone())));
        annotations
    }

    fn subject(&self) -> Option<(&'static str, &str)> {
        let labels = &self.proof.as_ref()?.labels;
        let of = |label: &'static str| Some((label, labels.get(label)?.as_str()));
        of("service").or_else(|| of("dependency")).or_else(|| of("job"))
    }
}

/// Texts of rules are templates, in which two braces begin something.
pub(crate) fn template_text(text: &str) -> String {
    let mut pieces = text.split("{{");
    let mut out = pieces.next().unwrap_or_default().to_owned();
    for piece in pieces {
        out.push_str(r#"{{ "{{" }}"#);
        out.push_str(piece);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn braces_of_a_text_begin_no_template() {
        assert_eq!(template_text("a {{ b }} {{{c"), r#"a {{ "{{" }} b }} {{ "{{" }}{c"#);
    }
}

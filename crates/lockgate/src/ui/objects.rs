//! Objects of a cluster that are not as they should be, field by field, for people.

use lockgate_targets::{Change, FieldDiff, ObjectDiff};
use serde_json::Value;

use crate::out::style;

/// A value of a field is shown up to this many characters; whole objects are found in the cluster.
const SHOWN_LEN: usize = 160;

pub fn lines(found: &[ObjectDiff]) -> Vec<String> {
    let mut lines = vec![];
    for it in found {
        let name = style::paint(style::STRONG, format!("{} {}", it.kind, it.name));
        match &it.change {
            Change::Missing => lines.push(format!("{name}  {}", style::paint(style::BAD, "is missing"))),
            Change::Unwanted => {
                lines.push(format!("{name}  {}", style::paint(style::WARN, "is wanted by nobody")));
            }
            Change::Refused(why) => lines.push(format!("{name}  {}", style::paint(style::BAD, why))),
            Change::Fields(fields) => {
                lines.push(name);
                lines.extend(fields.iter().flat_map(field));
            }
        }
    }
    lines
}

pub fn field(field: &FieldDiff) -> Vec<String> {
    let mut lines = vec![];
    if let Some(live) = &field.live {
        let by = field.by.as_ref().map(|it| style::paint(style::DIM, format!("  (written by {it})")));
        let line = style::paint(style::BAD, format!("  - {}: {}", field.path, shown(live)));
        lines.push(format!("{line}{}", by.unwrap_or_default()));
    }
    if let Some(wanted) = &field.wanted {
        lines.push(style::paint(style::GOOD, format!("  + {}: {}", field.path, shown(wanted))));
    }
    lines
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    if text.chars().count() <= SHOWN_LEN {
        return text;
    }
    text.chars().take(SHOWN_LEN).chain("...".chars()).collect()
}

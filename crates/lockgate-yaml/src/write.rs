//! Values as YAML that every reader, of version 1.1 or 1.2, takes for the same.

use serde_json::Value;

/// Of a key and its value.
type Remark<'a> = &'a dyn Fn(&str, &Value) -> Option<String>;
/// Of the keys from the top of the document to an entry.
type Above<'a> = &'a dyn Fn(&[&str]) -> Option<String>;
/// Of a string.
type Raw<'a> = &'a dyn Fn(&str) -> Option<String>;

/// How a document is laid out. What is not said is alphabetical, without remarks.
#[derive(Clone, Copy, Default)]
pub struct Style<'a> {
    /// Keys that come first in their map, in this order; the others follow alphabetically.
    pub first: &'a [&'a str],
    /// What stands behind a value as a comment, by key.
    pub remark: Option<Remark<'a>>,
    /// What stands above an entry as comments, by the keys that lead to it; items of lists have none.
    pub above: Option<Above<'a>>,
    /// What is written instead of a string, as it is: for files that are templates of others.
    pub raw: Option<Raw<'a>>,
    /// Items of a list stand below their key's column, as `kubectl` and people indent them, or in line with it.
    pub indent_lists: bool,
}

pub fn write(value: &Value, style: &Style<'_>) -> String {
    let mut writer = Writer { style, text: String::new(), keys: vec![] };
    writer.document(value);
    writer.text
}

/// Several documents in one file.
pub fn write_all<'v>(values: impl IntoIterator<Item = &'v Value>, style: &Style<'_>) -> String {
    let texts: Vec<String> = values.into_iter().map(|it| write(it, style)).collect();
    texts.join("---\n")
}

struct Writer<'a, 'v> {
    style: &'a Style<'a>,
    text: String,
    /// Those that lead to what is written now.
    keys: Vec<&'v str>,
}

impl<'v> Writer<'_, 'v> {
    fn document(&mut self, value: &'v Value) {
        match value {
            Value::Object(map) if !map.is_empty() => self.map(map, 0),
            Value::Array(items) if is_block(items) => self.list(items, 0),
            _ => {
                let line = self.inline(value);
                self.text.push_str(&line);
                self.text.push('\n');
            }
        }
    }

    fn map(&mut self, map: &'v serde_json::Map<String, Value>, depth: usize) {
        for (idx, (key, value)) in self.in_order(map).into_iter().enumerate() {
            self.keys.push(key);
            // The first key of a list's item stands behind its dash.
            if idx != 0 || !self.text.ends_with("- ") {
                self.above(depth);
                self.indent(depth);
            }
            self.text.push_str(&scalar(key));
            self.text.push(':');
            self.value(key, value, depth);
            self.keys.pop();
        }
    }

    fn above(&mut self, depth: usize) {
        let Some(comment) = self.style.above.and_then(|it| it(&self.keys)) else { return };
        for line in comment.lines() {
            self.indent(depth);
            self.text.push_str("# ");
            self.text.push_str(line);
            self.text.push('\n');
        }
    }

    fn in_order<'m>(&self, map: &'m serde_json::Map<String, Value>) -> Vec<(&'m str, &'m Value)> {
        let rank = |key: &str| self.style.first.iter().position(|it| *it == key).unwrap_or(usize::MAX);
        let mut entries: Vec<_> = map.iter().map(|it| (rank(it.0), it.0.as_str(), it.1)).collect();
        entries.sort_by_key(|it| (it.0, it.1));
        entries.into_iter().map(|it| (it.1, it.2)).collect()
    }

    fn list(&mut self, items: &'v [Value], depth: usize) {
        for item in items {
            self.indent(depth);
            self.text.push_str("- ");
            match item {
                Value::Object(map) if !map.is_empty() => self.map(map, depth + 1),
                Value::Array(inner) if is_block(inner) => {
                    self.text.pop();
                    self.text.push('\n');
                    self.list(inner, depth + 1);
                }
                _ => self.leaf("", item, depth),
            }
        }
    }

    /// What stands behind `key:`.
    fn value(&mut self, key: &str, value: &'v Value, depth: usize) {
        match value {
            Value::Object(map) if !map.is_empty() => {
                self.text.push('\n');
                self.map(map, depth + 1);
            }
            Value::Array(items) if is_block(items) => {
                self.text.push('\n');
                self.list(items, depth + usize::from(self.style.indent_lists));
            }
            _ => {
                self.text.push(' ');
                self.leaf(key, value, depth);
            }
        }
    }

    fn leaf(&mut self, key: &str, value: &Value, depth: usize) {
        let text = value.as_str().unwrap_or_default();
        if is_raw(self.style, text).is_none()
            && let Some(chomping) = literal(text)
        {
            self.text.push_str(chomping);
            self.text.push('\n');
            for line in text.strip_suffix('\n').unwrap_or(text).split('\n') {
                if !line.is_empty() {
                    self.indent(depth + 1);
                    self.text.push_str(line);
                }
                self.text.push('\n');
            }
            return;
        }
        let line = self.inline(value);
        self.text.push_str(&line);
        if let Some(remark) = self.style.remark.and_then(|it| it(key, value)) {
            self.text.push_str(" # ");
            self.text.push_str(&remark);
        }
        self.text.push('\n');
    }

    fn inline(&self, value: &Value) -> String {
        match value {
            Value::String(text) => is_raw(self.style, text).unwrap_or_else(|| scalar(text)),
            Value::Array(items) => {
                let items: Vec<String> = items.iter().map(|it| self.inline(it)).collect();
                format!("[{}]", items.join(", "))
            }
            Value::Object(_) => "{}".to_owned(),
            Value::Null | Value::Bool(_) | Value::Number(_) => value.to_string(),
        }
    }

    fn indent(&mut self, depth: usize) {
        for _ in 0..depth {
            self.text.push_str("  ");
        }
    }
}

fn is_raw(style: &Style<'_>, text: &str) -> Option<String> {
    style.raw.and_then(|it| it(text))
}

/// Lists of plain values, such as commands, read best on one line while it is short.
fn is_block(items: &[Value]) -> bool {
    let nested = items.iter().any(|it| it.is_object() || it.is_array());
    let long: usize = items.iter().filter_map(Value::as_str).map(|it| it.len() + 2).sum();
    let lines = items.iter().filter_map(Value::as_str).any(|it| it.contains('\n'));
    nested || lines || 90 < long
}

/// The header of a literal block, where one can carry the text unchanged.
fn literal(text: &str) -> Option<&'static str> {
    let body = text.strip_suffix('\n').unwrap_or(text);
    let plain = |it: char| it == '\n' || it == '\t' || (!it.is_control() && !is_break(it));
    let fits = body.contains('\n')
        && text.chars().all(plain)
        && !body.starts_with([' ', '\t', '\n'])
        && !body.ends_with('\n')
        && body.split('\n').all(|it| !it.ends_with([' ', '\t']) && !it.starts_with('\t'));
    fits.then_some(if text.ends_with('\n') { "|" } else { "|-" })
}

/// What some reader takes for the end of a line, or does not take at all.
fn is_break(it: char) -> bool {
    matches!(it, '\u{85}' | '\u{2028}' | '\u{2029}' | '\u{feff}')
}

/// Plain where no reader of YAML can take it for anything but this string; else quoted as JSON, which is YAML.
pub fn scalar(text: &str) -> String {
    let first = text.starts_with(|it: char| it.is_ascii_alphabetic() || it == '/' || it == '_');
    let safe = text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_./ ".contains(&it));
    if first && safe && !text.ends_with(' ') && !is_word(text) {
        return text.to_owned();
    }
    quoted(text)
}

/// Words and numbers of YAML 1.1 that begin with a letter.
fn is_word(text: &str) -> bool {
    const WORDS: [&str; 9] = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    WORDS.iter().any(|it| it.eq_ignore_ascii_case(text))
}

fn quoted(text: &str) -> String {
    let json = serde_json::to_string(text).expect("a string serialises");
    // JSON leaves these as they are; readers of YAML would not.
    json.chars().fold(String::with_capacity(json.len()), |mut out, it| {
        if is_break(it) || ('\u{7f}'..='\u{9f}').contains(&it) || !is_printable(it) {
            push_escaped(&mut out, it);
        } else {
            out.push(it);
        }
        out
    })
}

/// As YAML 1.2 has it in 5.1, without the surrogates, which no `char` is.
fn is_printable(it: char) -> bool {
    !matches!(it, '\u{fffe}' | '\u{ffff}')
}

fn push_escaped(out: &mut String, it: char) {
    use std::fmt::Write as _;
    write!(out, "\\u{:04x}", u32::from(it)).expect("writing to a string cannot fail");
}

#[cfg(test)]
mod tests {
    use lockgate_model::SourceId;
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::{Kind, Node, Style as ScalarStyle};

    fn to_json(node: &Node) -> Value {
        match &node.kind {
            Kind::Scalar(scalar) if scalar.style == ScalarStyle::Plain => {
                serde_json::from_str(&scalar.text).unwrap_or_else(|_| Value::String(scalar.text.clone()))
            }
            Kind::Scalar(scalar) => Value::String(scalar.text.clone()),
            Kind::Seq(items) => items.iter().map(to_json).collect(),
            Kind::Map(entries) => entries.iter().map(|it| (it.key.clone(), to_json(&it.value))).collect(),
        }
    }

    fn read_back(text: &str) -> Value {
        let mut report = vec![];
        let node = crate::read(SourceId::default(), text, &mut report)
            .unwrap_or_else(|| panic!("{report:#?}\n{text}"));
        assert_eq!(report, [], "{text}");
        to_json(&node)
    }

    fn values() -> impl Strategy<Value = Value> {
        let texts = prop_oneof![
            any::<String>().prop_map(|it| it.replace('\0', "")),
            "[ a-z:#{}$\n\"'|>%@&*!-]{0,24}",
            "(yes|no|on|Off|~|null|1e3|0x1f|1_000|12:30|\\.inf|=|<<|- a|a: b|a #b|\\$\\{\\{ x \\}\\}|\\{\\{ y \\}\\}|\\$\\(z\\))",
        ];
        let leaf = prop_oneof![
            texts.prop_map(Value::String),
            any::<i64>().prop_map(|it| json!(it)),
            any::<bool>().prop_map(|it| json!(it)),
            Just(Value::Null),
        ];
        leaf.prop_recursive(4, 32, 4, |inner| {
            prop_oneof![
                prop::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
                prop::collection::btree_map("[a-z:# \"]{1,6}", inner, 0..4)
                    .prop_map(|it| Value::Object(it.into_iter().collect())),
            ]
        })
    }

    proptest! {
        #[test]
        fn whatever_is_written_reads_back_as_the_same(value in values(), indent_lists: bool) {
            let value = json!({"x": value});
            let text = write(&value, &Style { indent_lists, ..Style::default() });
            prop_assert_eq!(read_back(&text), value);
        }
    }

    #[test]
    fn a_document_is_laid_out_as_people_write_it() {
        let value = json!({"kind": "Deployment", "name": "web", "run": "set -eu\nmake\n", "steps": [
            {"uses": "actions/checkout", "with": {"depth": 1}}, {"name": "a", "args": ["x", "1.10"]}, [[1], ["no"]]], "none": {}, "nothing": []});
        let remark = |key: &str, _: &Value| (key == "uses").then(|| "v4".to_owned());
        let above = |keys: &[&str]| (keys == ["steps"]).then(|| "In this order,\none by one".to_owned());
        let style = Style {
            first: &["name", "kind"],
            remark: Some(&remark),
            above: Some(&above),
            ..Style::default()
        };
        insta::assert_snapshot!(write(&value, &style), @r#"
        name: web
        kind: Deployment
        none: {}
        nothing: []
        run: |
          set -eu
          make
        # In this order,
        # one by one
        steps:
        - uses: actions/checkout # v4
          with:
            depth: 1
        - name: a
          args: [x, "1.10"]
        -
          - [1]
          - ["no"]
        "#);
        assert_eq!(read_back(&write(&value, &style)), value);
    }
}

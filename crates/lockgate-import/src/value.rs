//! What is written: YAML with its maps in the order in which they were filled, printed so that every reader takes
//! each value for the same.

use std::fmt::Write as _;

use lockgate_yaml::{Kind, Node, Style};

/// Longest line with a map or list in braces; longer ones are spread over lines.
const WIDTH: usize = 100;
/// Entries of a map that read well on one line.
const ON_A_LINE: usize = 4;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Value {
    /// A string, quoted where it would be taken for something else.
    Text(String),
    /// A number, a truth value or null, as it is.
    Plain(String),
    List(Vec<Value>),
    Map(Map),
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Map(Vec<(String, Value)>);

impl Value {
    pub(crate) fn number(number: impl Into<u64>) -> Value {
        Value::Plain(number.into().to_string())
    }

    pub(crate) fn flag(flag: bool) -> Value {
        Value::Plain(flag.to_string())
    }

    pub(crate) fn texts<T: Into<String>>(texts: impl IntoIterator<Item = T>) -> Value {
        Value::List(texts.into_iter().map(|it| Value::Text(it.into())).collect())
    }

    /// What somebody else wrote, value by value.
    pub(crate) fn of(node: &Node) -> Value {
        match &node.kind {
            Kind::Scalar(scalar) if scalar.style == Style::Plain && is_typed(&scalar.text) => {
                let text = if scalar.is_null() { "null" } else { &scalar.text };
                Value::Plain(text.to_owned())
            }
            Kind::Scalar(scalar) => Value::Text(scalar.text.clone()),
            Kind::Seq(items) => Value::List(items.iter().map(Value::of).collect()),
            Kind::Map(entries) => {
                Value::Map(Map(entries.iter().map(|it| (it.key.clone(), Value::of(&it.value))).collect()))
            }
        }
    }
}

impl Map {
    pub(crate) fn one(key: &str, value: Value) -> Map {
        Map(vec![(key.to_owned(), value)])
    }

    pub(crate) fn set(&mut self, key: &str, value: Value) {
        match self.0.iter_mut().find(|it| it.0 == key) {
            Some(entry) => entry.1 = value,
            None => self.0.push((key.to_owned(), value)),
        }
    }

    /// Sets what says something.
    pub(crate) fn set_map(&mut self, key: &str, map: Map) {
        if !map.is_empty() {
            self.set(key, Value::Map(map));
        }
    }

    pub(crate) fn get(&self, key: &str) -> Option<&Value> {
        self.0.iter().find(|it| it.0 == key).map(|it| &it.1)
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn keys(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|it| it.0.as_str())
    }

    /// The keys, when nothing is said of any of them: a list then says the same.
    pub(crate) fn names(&self) -> Option<Vec<String>> {
        let empty = |it: &(String, Value)| matches!(&it.1, Value::Map(map) if map.is_empty());
        self.0.iter().all(empty).then(|| self.keys().map(str::to_owned).collect())
    }

    /// Takes the other's entries: maps within maps become one, everything else is replaced.
    pub(crate) fn merge(&mut self, other: Map) {
        for (key, value) in other.0 {
            match (self.0.iter_mut().find(|it| it.0 == key), value) {
                (Some((_, Value::Map(own))), Value::Map(value)) => own.merge(value),
                (Some(entry), value) => entry.1 = value,
                (None, value) => self.0.push((key, value)),
            }
        }
    }

    /// The text of a document that is this map.
    pub(crate) fn print(&self) -> String {
        let mut text = String::new();
        block(self, 0, &mut text);
        text
    }
}

/// Plain text that YAML takes for null, a truth value or a decimal number, and that is written in the one way that
/// all its versions read alike.
fn is_typed(text: &str) -> bool {
    let number = text.strip_prefix('-').unwrap_or(text);
    let digits = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    let whole = |it: &str| digits(it) && (it == "0" || !it.starts_with('0'));
    let fraction = number.split_once('.').is_some_and(|it| whole(it.0) && digits(it.1));
    matches!(text, "" | "~" | "null" | "Null" | "NULL" | "true" | "false")
        || (number.len() <= 15 && (whole(number) || fraction))
}

fn block(map: &Map, depth: usize, text: &mut String) {
    for (number, (key, value)) in map.0.iter().enumerate() {
        let is_section = matches!(value, Value::Map(_) | Value::List(_));
        if depth == 0 && 0 < number && is_section {
            text.push('\n');
        }
        indent(depth, text);
        text.push_str(&scalar(key));
        text.push(':');
        nested(value, depth, text);
    }
}

/// What stands after a key or a dash.
fn nested(value: &Value, depth: usize, text: &mut String) {
    if let Some(line) = on_one_line(value, depth) {
        text.push(' ');
        text.push_str(&line);
        text.push('\n');
        return;
    }
    text.push('\n');
    match value {
        Value::Map(map) => block(map, depth + 1, text),
        Value::List(items) => items.iter().for_each(|it| item(it, depth + 1, text)),
        Value::Text(_) | Value::Plain(_) => {}
    }
}

fn item(value: &Value, depth: usize, text: &mut String) {
    indent(depth, text);
    text.push('-');
    let Value::Map(map) = value else { return nested(value, depth, text) };
    if let Some(line) = on_one_line(value, depth) {
        text.push(' ');
        text.push_str(&line);
        text.push('\n');
        return;
    }
    // The first key stands behind the dash.
    let mut inner = String::new();
    block(map, depth + 1, &mut inner);
    text.push(' ');
    text.push_str(inner.trim_start());
}

/// The value on the line of its key, unless it is clearer on lines of its own.
fn on_one_line(value: &Value, depth: usize) -> Option<String> {
    let line = flow(value);
    let fits = depth * 2 + line.len() <= WIDTH - 20;
    match value {
        Value::Text(_) | Value::Plain(_) => Some(line),
        Value::Map(map) if map.is_empty() => Some(line),
        Value::List(items) if items.is_empty() => Some(line),
        Value::List(items) => (fits && items.iter().all(|it| !matches!(it, Value::Map(_)))).then_some(line),
        Value::Map(map) => (0 < depth && fits && map.0.len() <= ON_A_LINE).then_some(line),
    }
}

fn flow(value: &Value) -> String {
    match value {
        Value::Text(text) => scalar(text),
        Value::Plain(text) => text.clone(),
        Value::List(items) => {
            let items: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Map(map) => {
            let entries: Vec<String> =
                map.0.iter().map(|(key, value)| format!("{}: {}", scalar(key), flow(value))).collect();
            format!("{{{}}}", entries.join(", "))
        }
    }
}

/// Plain where no reader of YAML can take it for anything but this string; else in double quotes.
fn scalar(text: &str) -> String {
    let first =
        text.starts_with(|it: char| it.is_ascii_alphabetic() || "/_".contains(it)) || text.starts_with("./");
    let safe = text.bytes().all(|it| it.is_ascii_alphanumeric() || b"-_./".contains(&it));
    let words = ["true", "false", "yes", "no", "on", "off", "null", "y", "n"];
    if first && safe && !words.contains(&text.to_ascii_lowercase().as_str()) {
        return text.to_owned();
    }
    let mut quoted = String::from("\"");
    for letter in text.chars() {
        match letter {
            '"' | '\\' => quoted.extend(['\\', letter]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            '\r' => quoted.push_str("\\r"),
            // Readers disagree on what else may stand in a file as it is.
            it if it.is_control() || matches!(it, '\u{2028}' | '\u{2029}' | '\u{feff}') => {
                write!(quoted, "\\u{:04x}", u32::from(it)).expect("writing to a string cannot fail");
            }
            it => quoted.push(it),
        }
    }
    quoted.push('"');
    quoted
}

fn indent(depth: usize, text: &mut String) {
    text.extend(std::iter::repeat_n("  ", depth));
}

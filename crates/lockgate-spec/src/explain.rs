//! Where a value comes from.

use std::fmt;

use lockgate_diagnostics::Source;
use lockgate_model::{EnvironmentName, Span};
use serde::Serialize;

use crate::language;
use crate::layers::{Layer, Origin, Value};
use crate::schema::Shape;
use lockgate_diagnostics::suggest;

/// A value and all that was said about it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Explanation {
    pub path: String,
    /// What holds.
    pub value: String,
    /// Weakest first; the last one holds.
    pub layers: Vec<ExplainedLayer>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExplainedLayer {
    /// As one would find it in the file: `environments.prod.defaults`.
    pub layer: String,
    /// `None` for what is built in.
    pub span: Option<Span>,
    pub file: Option<String>,
    /// Line of the span, counted from 1.
    pub line: Option<usize>,
    pub value: String,
}

impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} = {}", self.path, self.value)?;
        let width = self.layers.iter().map(|it| it.layer.chars().count()).max().unwrap_or(0);
        for (idx, layer) in self.layers.iter().enumerate() {
            let mark = if idx + 1 == self.layers.len() { "*" } else { " " };
            write!(f, "{mark} {:width$}  {}", layer.layer, layer.value)?;
            match layer.line {
                Some(line) => writeln!(f, "  (line {line})")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

/// Why there is nothing to explain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum NoExplanation {
    Environment {
        environment: EnvironmentName,
    },
    /// The file is not readable.
    Broken,
    Path {
        at: String,
        known: Vec<String>,
        nearest: Option<String>,
    },
}

impl fmt::Display for NoExplanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            NoExplanation::Environment { environment } => {
                write!(f, "there is no environment `{environment}`")
            }
            NoExplanation::Broken => f.write_str("the spec cannot be read; run `lockgate check`"),
            NoExplanation::Path { at, known, nearest } => {
                write!(f, "there is nothing at `{at}`")?;
                match nearest {
                    Some(nearest) => write!(f, "; did you mean `{nearest}`?"),
                    None if known.is_empty() => Ok(()),
                    None => write!(f, "; there is {}", suggest::all(known.iter().map(String::as_str))),
                }
            }
        }
    }
}

impl std::error::Error for NoExplanation {}

pub(crate) fn explain(
    sources: &[Source],
    tree: &Value,
    environment: &EnvironmentName,
    path: &str,
) -> Result<Explanation, NoExplanation> {
    let mut keys: Vec<&str> = path.split('.').collect();
    // The tree holds shorthands written out.
    if let ["services", name, "port"] = keys[..] {
        keys = vec!["services", name, "ports", "http", "number"];
    }
    if let ["services", name, "env", variable] = keys[..] {
        keys = vec!["services", name, "env", variable, "value"];
    }
    let mut value = Some(tree);
    for (idx, key) in keys.iter().enumerate() {
        let here = value;
        value = here.and_then(|it| it.get(key));
        let Some(here) = here else { continue };
        if value.is_none() {
            return match default(tree, &keys) {
                Some(default) => Ok(built_in(path, default)),
                None => Err(nothing(here, &keys[..=idx])),
            };
        }
    }
    let value = value.ok_or(NoExplanation::Broken)?;
    let layer = |origin: &Origin, value: String| ExplainedLayer {
        layer: layer_name(origin.layer, &keys, environment),
        span: Some(origin.span),
        file: sources.get(usize::from(origin.span.source.0)).map(|it| it.name.clone()),
        line: sources
            .get(usize::from(origin.span.source.0))
            .map(|it| it.text[..origin.span.start].matches('\n').count() + 1),
        value,
    };
    let mut layers: Vec<ExplainedLayer> = vec![];
    if let Some(default) = default(tree, &keys) {
        layers.push(ExplainedLayer {
            layer: "built in".to_owned(),
            span: None,
            file: None,
            line: None,
            value: default.to_owned(),
        });
    }
    layers.extend(value.below.iter().map(|(origin, text)| layer(origin, text.clone())));
    layers.push(layer(&value.origin, value.written()));
    Ok(Explanation { path: path.to_owned(), value: value.written(), layers })
}

/// A variable that `depends_on` sets.
pub(crate) fn conventional(path: &str, value: &str) -> Explanation {
    let layer = ExplainedLayer {
        layer: "depends_on".to_owned(),
        span: None,
        file: None,
        line: None,
        value: value.to_owned(),
    };
    Explanation { path: path.to_owned(), value: value.to_owned(), layers: vec![layer] }
}

fn built_in(path: &str, default: &str) -> Explanation {
    let layer = ExplainedLayer {
        layer: "built in".to_owned(),
        span: None,
        file: None,
        line: None,
        value: default.to_owned(),
    };
    Explanation { path: path.to_owned(), value: default.to_owned(), layers: vec![layer] }
}

fn nothing(here: &Value, keys: &[&str]) -> NoExplanation {
    let known: Vec<String> = here.entries().map(|it| it.0.clone()).collect();
    let wanted = keys.last().copied().unwrap_or_default();
    let nearest = suggest::nearest(wanted, known.iter().map(String::as_str)).map(str::to_owned);
    NoExplanation::Path { at: keys.join("."), known, nearest }
}

/// What the language says for a path that nobody sets. What the user names must be there.
fn default(tree: &Value, keys: &[&str]) -> Option<&'static str> {
    let mut shape = &language::ROOT;
    let mut value = Some(tree);
    let mut default = "";
    for key in keys {
        value = value.and_then(|it| it.get(key));
        match shape {
            Shape::Keys(table) => {
                let field = table.field(key).or_else(|| language::of_an_environment(shape, key))?;
                shape = &field.shape;
                default = field.default;
            }
            Shape::Named(named) => {
                value?;
                shape = &named.value;
                default = "";
            }
            Shape::Scalar(_) | Shape::Argv | Shape::Argvs | Shape::List(_) | Shape::Many(_) | Shape::Any => {
                return None;
            }
        }
    }
    Some(default).filter(|it| !it.is_empty())
}

fn layer_name(layer: Layer, keys: &[&str], environment: &EnvironmentName) -> String {
    let own = match keys {
        ["services", name, ..] => format!("services.{name}"),
        [first, ..] => (*first).to_owned(),
        [] => String::new(),
    };
    match layer {
        Layer::Convention => "conventions".to_owned(),
        Layer::Defaults => "defaults".to_owned(),
        Layer::EnvironmentDefaults => format!("environments.{environment}.defaults"),
        Layer::Spec => own,
        Layer::Environment => format!("environments.{environment}.{own}"),
    }
}

//! `.env.example`: every variable with its default, its class, who reads it, and what must be filled in.

mod quote;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use lockgate_model::{SecretFormat, SecretRule};

use crate::artifact::Kind;
use crate::facts::{Environment, Facts, Part, Template, VariableValue};
use crate::header::Comment;
use crate::output::{File, Output};

pub(crate) fn render(facts: &Facts<'_>, output: &mut Output<'_>) {
    for environment in facts.wanting(Kind::Dotenv) {
        let text = text(environment, &table(environment));
        output.file(File {
            kind: Kind::Dotenv,
            path: format!("deploy/env/{}.env.example", environment.name()),
            environment: Some(&environment.system.environment),
            comment: Comment::Hash,
            text,
            origin: environment.services.keys().map(|it| format!("services.{it}")).collect(),
        });
    }
}

/// What one name means to those who read it.
struct Meaning {
    /// What is known of the value, by the spec; services may differ.
    values: BTreeMap<Value, BTreeSet<String>>,
    class: String,
    about: Option<String>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
enum Value {
    Unknown,
    Known(String),
    /// Put together from others where the service runs.
    Made(String),
}

fn table(environment: &Environment<'_>) -> BTreeMap<String, Meaning> {
    let mut table: BTreeMap<String, Meaning> = BTreeMap::new();
    for (service, fact) in &environment.services {
        for variable in &fact.variables {
            let (class, value) = match &variable.value {
                VariableValue::Plain(template) => ("plain".to_owned(), of_template(template)),
                VariableValue::Secret(rule) => (class_of_secret(rule), Value::Unknown),
                VariableValue::Store { required: true } => ("plain, required".to_owned(), Value::Unknown),
                VariableValue::Store { required: false } => ("plain, optional".to_owned(), Value::Unknown),
            };
            let about = variable.about.map(str::to_owned);
            let entry = table.entry(variable.name.to_owned());
            let meaning = entry.or_insert_with(|| Meaning { values: BTreeMap::new(), class, about });
            meaning.values.entry(value).or_default().insert(service.to_string());
        }
    }
    for (name, secret) in &environment.secrets {
        // Part of the value of others, such as a connection's address.
        let readers = secret.services.iter().map(ToString::to_string);
        let readers: BTreeSet<String> =
            readers.chain(secret.dependencies.iter().map(ToString::to_string)).collect();
        table.entry(name.clone()).or_insert_with(|| Meaning {
            values: BTreeMap::from([(Value::Unknown, readers)]),
            class: secret.rule.map_or("secret, required".to_owned(), class_of_secret),
            about: secret.rule.and_then(|it| it.about.clone()),
        });
    }
    table
}

fn of_template(template: &Template) -> Value {
    if let Some(text) = template.plain() {
        return Value::Known(text.to_owned());
    }
    Value::Made(template.write(|part| match part {
        Part::Text(text) => one_line(text),
        Part::Version => "${release.version}".to_owned(),
        Part::Secret(name) | Part::Other(name) => format!("${{{name}}}"),
    }))
}

fn class_of_secret(rule: &SecretRule) -> String {
    let mut class = String::from(if rule.required { "secret, required" } else { "secret, optional" });
    let mut also = |text: String| {
        class.push_str(", ");
        class.push_str(&text);
    };
    if rule.generate.is_some() || rule.public_of.is_some() {
        also("generated".to_owned());
    }
    if let Some(format) = rule.format {
        also(format!("as {}", format_name(format)));
    }
    if let Some(age) = rule.rotate {
        also(format!("rotated every {age}"));
    }
    class
}

fn format_name(format: SecretFormat) -> &'static str {
    match format {
        SecretFormat::Text => "text",
        SecretFormat::Url => "a URL",
        SecretFormat::Pem => "PEM",
        SecretFormat::Hex => "hexadecimal digits",
        SecretFormat::Base64 => "Base64",
        SecretFormat::Json => "JSON",
        SecretFormat::JsonOneLine => "JSON on one line",
    }
}

fn text(environment: &Environment<'_>, table: &BTreeMap<String, Meaning>) -> String {
    let mut text = String::new();
    for (name, meaning) in table {
        push(environment, &mut text, name, meaning);
    }
    text
}

fn push(environment: &Environment<'_>, text: &mut String, name: &str, meaning: &Meaning) {
    let about = meaning.about.as_deref().map_or(String::new(), |it| format!(": {}", one_line(it)));
    let all: BTreeSet<&str> = meaning.values.values().flatten().map(String::as_str).collect();
    let mut line =
        |it: std::fmt::Arguments<'_>| writeln!(text, "{it}").expect("writing to a string cannot fail");
    line(format_args!("\n# {}{about}", meaning.class));
    line(format_args!("# read by {}", readers(environment, &all)));
    let alone = meaning.values.len() == 1;
    for (value, services) in &meaning.values {
        let services = services.iter().map(String::as_str).collect();
        match value {
            Value::Unknown if alone => line(format_args!("{name}=")),
            Value::Known(value) if alone => line(format_args!("{name}={}", quote::value(value))),
            // One name has one value in a file; what differs is shown, and given to each service apart.
            Value::Unknown => line(format_args!("# {name}=  (of {})", readers(environment, &services))),
            Value::Known(value) => {
                line(format_args!(
                    "# {name}={}  (of {})",
                    quote::value(value),
                    readers(environment, &services)
                ));
            }
            Value::Made(value) => line(format_args!("# made of others: {name}={value}")),
        }
    }
}

fn readers(environment: &Environment<'_>, names: &BTreeSet<&str>) -> String {
    if 2 < names.len() && environment.services.keys().all(|it| names.contains(it.as_str())) {
        return "every service".to_owned();
    }
    names.iter().copied().collect::<Vec<_>>().join(", ")
}

fn one_line(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

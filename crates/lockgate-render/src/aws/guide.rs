//! The files of an environment on AWS: each document, the template, the order of the calls, and where variables are.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_model::{External, SecretRule};
use lockgate_yaml::WriteStyle;

use super::cloud::Cloud;
use super::document::{Call, Document};
use super::store::{Home, homes, looked_up};
use super::template::template;
use crate::artifact::Kind;
use crate::facts::{Part, Template, Variable, VariableValue};
use crate::header::Comment;
use crate::output::{File, Output};

/// Writes `own`, and tells how they are used together with `others`, which are written elsewhere.
pub(crate) fn write(
    cloud: &Cloud<'_>,
    kind: Kind,
    own: Vec<Document>,
    others: Vec<Document>,
    output: &mut Output<'_>,
) {
    let mut documents: Vec<Document> = own.into_iter().chain(others).collect();
    documents.sort_by(|a, b| (a.call, &a.path).cmp(&(b.call, &b.path)));
    for document in &mut documents {
        output.patch(cloud.environment, document.call.kind(), &document.name, &mut document.body);
    }
    let folder = cloud.folder();
    for document in documents.iter().filter(|it| it.path.starts_with(&folder)) {
        file(cloud, kind, &document.path, Comment::None, document.text(), document.origin.clone(), output);
    }
    let all: Vec<&Document> = documents.iter().collect();
    let mut value = template(cloud, &all);
    output.patch(cloud.environment, "Template", cloud.environment.name(), &mut value);
    let first = ["AWSTemplateFormatVersion", "Description", "Parameters", "Resources", "Type", "DependsOn"];
    let style = WriteStyle { first: &first, indent_lists: true, ..WriteStyle::default() };
    let text = lockgate_yaml::write(&value, &style);
    let origin: BTreeSet<String> = documents.iter().flat_map(|it| it.origin.clone()).collect();
    let origin: Vec<String> = origin.into_iter().collect();
    file(cloud, kind, &format!("{folder}/template.yaml"), Comment::Hash, text, origin.clone(), output);
    let text = readme(cloud, &documents);
    file(cloud, kind, &format!("{folder}/README.md"), Comment::Markup, text, origin, output);
    let origin = cloud.environment.services.keys().map(|it| format!("services.{it}")).collect();
    let text = variables(cloud);
    file(cloud, kind, &format!("{folder}/variables.md"), Comment::Markup, text, origin, output);
}

fn file(
    cloud: &Cloud<'_>,
    kind: Kind,
    path: &str,
    comment: Comment,
    text: String,
    origin: Vec<String>,
    output: &mut Output<'_>,
) {
    let environment = Some(&cloud.environment.system.environment);
    output.file(File { kind, path: path.to_owned(), environment, comment, text, origin });
}

fn readme(cloud: &Cloud<'_>, documents: &[Document]) -> String {
    let (system, environment) = (&cloud.environment.system.name, cloud.environment.name());
    let commands = |wanted: &dyn Fn(Call) -> bool| -> Vec<String> {
        documents.iter().filter(|it| wanted(it.call)).map(Document::command).collect()
    };
    let mut before = vec![format!("export AWS_REGION={}", cloud.region)];
    before.extend(commands(&|it| it < Call::TaskDefinition));
    let mut with_each = commands(&Call::is_of_release);
    with_each.extend(documents.iter().filter(|it| it.call == Call::Service).map(|document| {
        let member = |name: &str| document.body[name].as_str().unwrap_or(&document.name);
        format!(
            "aws ecs update-service --cluster {} --service {} --task-definition {}",
            cloud.cluster.unwrap_or("default"),
            member("serviceName"),
            member("taskDefinition"),
        )
    }));
    let with_first = commands(&|it| Call::TaskDefinition < it && !it.is_of_release());
    let mut lines = vec![
        format!("# `{system}` on AWS: `{environment}`"),
        String::new(),
        "Each JSON file is the input of one call.".to_owned(),
        "The commands run in the folder of the spec, in this order.".to_owned(),
        "`template.yaml` makes the same with CloudFormation; cluster, repositories and secrets come first there as well."
            .to_owned(),
    ];
    for (title, commands) in [
        ("Before the first release", before),
        ("With each release", with_each),
        ("With the first release, instead of the updates", with_first),
    ] {
        lines.extend(["", "## ", "", "```sh"].map(str::to_owned));
        let heading = lines.len() - 3;
        lines[heading].push_str(title);
        lines.extend(commands);
        lines.push("```".to_owned());
    }
    lines.extend(what_is_unknown(documents));
    lines.join("\n") + "\n"
}

fn what_is_unknown(documents: &[Document]) -> Vec<String> {
    let unknown = unknown(documents);
    if unknown.is_empty() {
        return vec![];
    }
    let head = [
        "",
        "## What only AWS knows",
        "",
        "It is written in «these signs», which no name of AWS has: a call with one of them is refused.",
        "",
        "| value | files |",
        "|---|---|",
    ];
    let rows = unknown.into_iter().map(|(what, files)| {
        let files: Vec<String> = files.iter().map(|it| format!("`{it}`")).collect();
        format!("| «{what}» | {} |", files.join(", "))
    });
    head.into_iter().map(str::to_owned).chain(rows).collect()
}

/// What is still to be filled in, and where.
fn unknown(documents: &[Document]) -> BTreeMap<String, Vec<&str>> {
    let mut found: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for document in documents {
        let text = document.body.to_string();
        let parts = text.split('«').skip(1).filter_map(|it| it.split_once('»'));
        for (what, _) in parts {
            let files = found.entry(what.to_owned()).or_default();
            if files.last() != Some(&document.path.as_str()) {
                files.push(&document.path);
            }
        }
    }
    found
}

fn variables(cloud: &Cloud<'_>) -> String {
    let environment = cloud.environment;
    let mut rows: BTreeMap<(&str, Home), (BTreeSet<&str>, String)> = BTreeMap::new();
    for fact in environment.services.values() {
        for placed in homes(cloud, fact) {
            let value = source(cloud, placed.variable, &placed.home);
            let key = (placed.variable.name, placed.home);
            rows.entry(key).or_insert_with(|| (BTreeSet::new(), value)).0.insert(fact.name.as_str());
        }
    }
    let head = [
        format!("# Variables of `{}` in `{}`", environment.system.name, environment.name()),
        String::new(),
        "| variable | read by | kept in | value |".to_owned(),
        "|---|---|---|---|".to_owned(),
    ];
    let rows = rows.into_iter().map(|((variable, home), (services, value))| {
        let services = services.into_iter().collect::<Vec<_>>().join(", ");
        format!("| `{variable}` | {services} | {} | {value} |", place(&home))
    });
    head.into_iter().chain(rows).collect::<Vec<_>>().join("\n") + "\n"
}

fn place(home: &Home) -> String {
    match home {
        Home::Here(_) => "what is deployed".to_owned(),
        Home::Nowhere => "nothing".to_owned(),
        Home::Parameter { name, secure: false, .. } => format!("parameter {}", code(name)),
        Home::Parameter { name, secure: true, .. } => format!("secure parameter {}", code(name)),
        Home::Secret { id, key: None } => format!("secret {}", code(id)),
        Home::Secret { id, key: Some(key) } => format!("secret {}, key {}", code(id), code(key)),
    }
}

/// What the value is, or where somebody gets it.
fn source(cloud: &Cloud<'_>, variable: &Variable<'_>, home: &Home) -> String {
    match (&variable.value, home) {
        (VariableValue::Secret(rule), _) => secret_source(rule),
        (VariableValue::Store { required: true }, _) => "must be stored".to_owned(),
        (VariableValue::Store { required: false }, _) => "may be given".to_owned(),
        (VariableValue::Plain(_), Home::Here(text) | Home::Parameter { value: Some(text), .. }) => code(text),
        (VariableValue::Plain(value), _) => match address(cloud, value) {
            Some(address) if matches!(home, Home::Secret { .. }) => format!("{address}, with its password"),
            Some(address) => address,
            None => code(&as_in_the_spec(value)),
        },
    }
}

/// What is found by looking, in words.
fn address(cloud: &Cloud<'_>, value: &Template) -> Option<String> {
    match looked_up(cloud, value)?.external.as_ref()? {
        External::Rds(id) => Some(format!("address of the RDS database {}", code(id))),
        External::Elasticache(id) => Some(format!("address of the ElastiCache cache {}", code(id))),
        External::Atlas(id) => Some(format!("address of the Atlas cluster {}", code(id))),
        External::Secret(_) | External::Url(_) => None,
    }
}

fn as_in_the_spec(value: &Template) -> String {
    value.write(|it| match it {
        Part::Text(text) => text.clone(),
        Part::Secret(name) => format!("${{secrets.{name}}}"),
        Part::Version => "${release.version}".to_owned(),
        Part::Other(name) => format!("${{{name}}}"),
    })
}

fn secret_source(rule: &SecretRule) -> String {
    let origin = match (rule.generate.is_some(), &rule.public_of) {
        (true, _) => "made by Lockgate".to_owned(),
        (false, Some(other)) => format!("public half of {}", code(other)),
        (false, None) => "made by a person".to_owned(),
    };
    let rotated = rule.rotate.map(|it| format!(", renewed within {it}"));
    let optional = if rule.required { "" } else { ", may be empty" };
    format!("{origin}{}{optional}", rotated.unwrap_or_default())
}

/// As code in a cell of a table, whatever signs it has.
fn code(text: &str) -> String {
    let line = text.replace(['\n', '\r'], " ").replace('|', "\\|");
    let longest = line.split(|it| it != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    let space = if longest == 0 && !line.is_empty() { "" } else { " " };
    format!("{fence}{space}{line}{space}{fence}")
}

//! The files of an environment on AWS: each document, the template, the order of the calls, and where variables are.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_model::{External, SecretRule};
use lockgate_yaml::WriteStyle;

use super::cloud::Cloud;
use super::document::{Call, Document};
use super::store::{Home, homes, looked_up};
use super::template::template;
use crate::artifact::Kind;
use crate::facts::{Variable, VariableValue};
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
    let mut text = format!(
        "# `{system}` on AWS: `{environment}`\n\n\
         Each JSON file is the input of one call.\n\
         The commands run in the folder of the spec, in this order.\n\
         `template.yaml` makes the same with CloudFormation; cluster, repositories and secrets come first there as well.\n\n\
         ## Before the first release\n\n```sh\nexport AWS_REGION={}\n",
        cloud.region
    );
    let commands = |wanted: &dyn Fn(Call) -> bool| -> String {
        let wanted = documents.iter().filter(|it| wanted(it.call));
        wanted.map(|it| format!("{}\n", it.command())).collect()
    };
    text += &commands(&|it| it < Call::TaskDefinition);
    text += "```\n\n## With each release\n\n```sh\n";
    text += &commands(&|it| it.is_of_release());
    for document in documents.iter().filter(|it| it.call == Call::Service) {
        let member = |name: &str| document.body[name].as_str().unwrap_or(&document.name);
        text += &format!(
            "aws ecs update-service --cluster {} --service {} --task-definition {}\n",
            cloud.cluster.unwrap_or("default"),
            member("serviceName"),
            member("taskDefinition"),
        );
    }
    text += "```\n\n## With the first release, instead of the updates\n\n```sh\n";
    text += &commands(&|it| Call::TaskDefinition < it && !it.is_of_release());
    text += "```\n";
    let unknown = unknown(documents);
    if !unknown.is_empty() {
        text += "\n## What only AWS knows\n\n\
                 It is written in «these signs», which no name of AWS has: a call with one of them is refused.\n\n\
                 | value | files |\n|---|---|\n";
        for (what, files) in unknown {
            let files: Vec<String> = files.iter().map(|it| format!("`{it}`")).collect();
            text += &format!("| «{what}» | {} |\n", files.join(", "));
        }
    }
    text
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
    let mut text = format!(
        "# Variables of `{}` in `{}`\n\n| variable | read by | kept in | value |\n|---|---|---|---|\n",
        environment.system.name,
        environment.name()
    );
    for ((variable, home), (services, value)) in rows {
        let services = services.into_iter().collect::<Vec<_>>().join(", ");
        text += &format!("| `{variable}` | {services} | {} | {value} |\n", place(&home));
    }
    text
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
        (VariableValue::Plain(_), Home::Here(text)) => code(text),
        (VariableValue::Plain(_), Home::Parameter { value: Some(text), .. }) => code(text),
        (VariableValue::Plain(value), _) => {
            let dependency = looked_up(cloud, value).and_then(|it| it.external.as_ref());
            match dependency {
                Some(External::Rds(id)) => format!("address of the RDS database {}", code(id)),
                Some(External::Elasticache(id)) => format!("address of the ElastiCache cache {}", code(id)),
                Some(External::Atlas(id)) => format!("address of the Atlas cluster {}", code(id)),
                Some(External::Secret(_) | External::Url(_)) | None => code(&value.write(|it| match it {
                    crate::facts::Part::Text(text) => text.clone(),
                    crate::facts::Part::Secret(name) => format!("${{secrets.{name}}}"),
                    crate::facts::Part::Version => "${release.version}".to_owned(),
                    crate::facts::Part::Other(name) => format!("${{{name}}}"),
                })),
            }
        }
    }
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

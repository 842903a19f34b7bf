//! What a file is, by its name and by what it says.

use std::fmt;

use lockgate_yaml::Node;

use crate::listing::{folder_of, name_of};

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Markdown,
    Dockerfile,
    Compose,
    Kubernetes,
    Kustomization,
    HelmValues,
    Workflow,
    /// Steps of a workflow without the workflow around them, as documents show them.
    WorkflowSteps,
    TaskDefinition,
    PrometheusRules,
    CloudFormation,
    AppRunner,
    Dotenv,
    Shell,
    JavaScript,
    /// YAML of no kind that is known.
    Yaml,
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Kind::Markdown => "Markdown",
            Kind::Dockerfile => "Dockerfile",
            Kind::Compose => "Compose",
            Kind::Kubernetes => "Kubernetes",
            Kind::Kustomization => "Kustomize",
            Kind::HelmValues => "Helm values",
            Kind::Workflow => "GitHub workflow",
            Kind::WorkflowSteps => "workflow steps",
            Kind::TaskDefinition => "ECS task definition",
            Kind::PrometheusRules => "Prometheus rules",
            Kind::CloudFormation => "CloudFormation",
            Kind::AppRunner => "App Runner",
            Kind::Dotenv => "environment file",
            Kind::Shell => "shell script",
            Kind::JavaScript => "JavaScript configuration",
            Kind::Yaml => "other YAML",
        })
    }
}

/// What to read a text as, before it is known what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Syntax {
    Known(Kind),
    Yaml,
}

/// Names decide for everything but YAML and JSON, whose content does.
pub fn syntax_of_name(path: &str) -> Option<Syntax> {
    let name = name_of(path);
    let extension = name.rsplit_once('.').map_or("", |it| it.1);
    let is_dockerfile = ["Dockerfile", "Containerfile"]
        .iter()
        .any(|it| name == *it || name.starts_with(&format!("{it}.")) || name.ends_with(&format!(".{it}")))
        || extension == "dockerfile";
    if is_dockerfile {
        return Some(Syntax::Known(Kind::Dockerfile));
    }
    if name.starts_with(".env") || extension == "env" {
        return Some(Syntax::Known(Kind::Dotenv));
    }
    match extension {
        "md" | "markdown" => Some(Syntax::Known(Kind::Markdown)),
        "sh" | "bash" => Some(Syntax::Known(Kind::Shell)),
        "yml" | "yaml" => Some(Syntax::Yaml),
        "json" if is_configuration(path) => Some(Syntax::Yaml),
        "js" | "mjs" | "ts" | "cjs" if name.starts_with("next.config.") => {
            Some(Syntax::Known(Kind::JavaScript))
        }
        _ => None,
    }
}

/// Most JSON is data; of what is configuration, only task definitions are known by their names.
fn is_configuration(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    ["task-def", "taskdef", "task_def"].iter().any(|it| name_of(&path).contains(it))
        || folder_of(&path).split('/').any(|it| it == "ecs")
}

/// A fenced block without a name, by its language.
pub(crate) fn syntax_of_language(language: &str) -> Option<Syntax> {
    let language = language.split([' ', ',', '{']).next().unwrap_or("").to_ascii_lowercase();
    match language.as_str() {
        "bash" | "sh" | "shell" | "zsh" | "console" => Some(Syntax::Known(Kind::Shell)),
        "dockerfile" | "docker" => Some(Syntax::Known(Kind::Dockerfile)),
        "yaml" | "yml" => Some(Syntax::Yaml),
        "dotenv" | "env" => Some(Syntax::Known(Kind::Dotenv)),
        _ => None,
    }
}

/// What a YAML document is. `path` is empty where it has no name.
pub(crate) fn kind_of_yaml(path: &str, node: &Node) -> Kind {
    let name = name_of(path).to_ascii_lowercase();
    let has = |key: &str| node.get(key).is_some();
    let is_in = |folder: &str| folder_of(path).contains(folder);
    if has("lockgate") {
        return Kind::Yaml;
    }
    if has("apiVersion") && has("kind") {
        let kind = node.get("kind").map_or("", scalar);
        return if kind == "Kustomization" { Kind::Kustomization } else { Kind::Kubernetes };
    }
    if name.starts_with("kustomization.") {
        return Kind::Kustomization;
    }
    if has("jobs") && (has("on") || is_in(".github/workflows")) {
        return Kind::Workflow;
    }
    if has("containerDefinitions") {
        return Kind::TaskDefinition;
    }
    if has("services") && (name.contains("compose") || name.is_empty()) && services_look_like_compose(node) {
        return Kind::Compose;
    }
    let rules = node.get("groups").map(items).unwrap_or_default();
    if rules.iter().any(|it| it.get("rules").is_some()) {
        return Kind::PrometheusRules;
    }
    let resources = node.get("Resources").map_or(&[][..], Node::entries);
    if resources.iter().any(|it| it.value.get("Type").is_some_and(|it| scalar(it).starts_with("AWS::"))) {
        return Kind::CloudFormation;
    }
    if has("runtime") && has("run") && has("version") {
        return Kind::AppRunner;
    }
    if items(node).iter().any(|it| it.get("uses").is_some() || it.get("run").is_some()) {
        return Kind::WorkflowSteps;
    }
    if name.starts_with("values") {
        return Kind::HelmValues;
    }
    Kind::Yaml
}

fn services_look_like_compose(node: &Node) -> bool {
    let services = node.get("services").map_or(&[][..], Node::entries);
    services.iter().any(|it| it.value.get("image").is_some() || it.value.get("build").is_some())
}

fn scalar(node: &Node) -> &str {
    match &node.kind {
        lockgate_yaml::Kind::Scalar(scalar) => &scalar.text,
        lockgate_yaml::Kind::Seq(_) | lockgate_yaml::Kind::Map(_) => "",
    }
}

fn items(node: &Node) -> &[Node] {
    match &node.kind {
        lockgate_yaml::Kind::Seq(nodes) => nodes,
        lockgate_yaml::Kind::Scalar(_) | lockgate_yaml::Kind::Map(_) => &[],
    }
}

//! Text to facts, one module per kind of file.

pub(crate) mod compose;
pub(crate) mod dockerfile;
pub(crate) mod dotenv;
pub(crate) mod ecs;
pub(crate) mod helm_values;
pub(crate) mod kubernetes;
pub(crate) mod limits;
pub(crate) mod prometheus;
pub(crate) mod shell;
pub(crate) mod tables;
pub(crate) mod workflow;

use lockgate_model::{SourceId, Span};
use lockgate_yaml::read_foreign;

use crate::fact::{Fact, Facts, File, Origin, Unread};
use crate::kind::{Kind, Syntax, kind_of_yaml, syntax_of_language, syntax_of_name};
use crate::listing::name_of;
use crate::markdown::{self, Outline};
use crate::place::{Excerpt, Word};
use crate::tree::Tree;

/// One source of the audit, with all that is fenced in it.
pub(crate) fn source(id: SourceId, name: &str, text: &str, facts: &mut Facts) {
    let excerpt = Excerpt::whole(id, text);
    match syntax_of_name(name) {
        Some(Syntax::Known(Kind::Markdown)) => document(id, name, text, facts),
        Some(Syntax::Known(kind)) => known(name, kind, excerpt, Origin::Tree, facts),
        Some(Syntax::Yaml) => yaml(name, &excerpt, Origin::Tree, facts),
        None => facts.unread.push(Unread {
            name: name.to_owned(),
            reason: "not of a kind that is audited".to_owned(),
            span: None,
        }),
    }
}

fn document(id: SourceId, name: &str, text: &str, facts: &mut Facts) {
    let document = markdown::read(id, text);
    let inside = facts.documents.len();
    facts.files.push(File {
        name: name.to_owned(),
        kind: Kind::Markdown,
        excerpt: Excerpt::whole(id, text),
        yaml: vec![],
        origin: Origin::Tree,
    });
    facts.statements.extend(limits::facts(&document));
    facts.statements.extend(tables::facts(&document));
    for fence in &document.fences {
        if let Some(outline) = Outline::read(&fence.excerpt) {
            facts.outlines.push((inside, outline));
            continue;
        }
        let named = fence.name.as_ref().map_or("", |it| it.text.as_str());
        let syntax = syntax_of_name(named).or_else(|| syntax_of_language(&fence.language));
        match syntax {
            Some(Syntax::Known(Kind::Markdown)) | None => (),
            Some(Syntax::Known(kind)) => {
                known(named, kind, fence.excerpt.clone(), Origin::Document(inside), facts);
            }
            Some(Syntax::Yaml) => yaml(named, &fence.excerpt, Origin::Document(inside), facts),
        }
    }
    for prose in &document.prose {
        for code in prose.codes.iter().filter(|it| shell::is_command(&it.text)) {
            let mut excerpt = Excerpt::empty(id);
            excerpt.push(&code.text, code.span.start);
            let block = facts.commands.len() + 1;
            facts.commands.extend(shell::commands(&excerpt, block, None));
        }
    }
    facts.documents.push(document);
}

fn known(name: &str, kind: Kind, excerpt: Excerpt, origin: Origin, facts: &mut Facts) {
    match kind {
        Kind::Dockerfile => {
            let file = dockerfile::Dockerfile::read(name, origin, &excerpt);
            facts.statements.extend(file.stages.iter().filter_map(|it| Fact::image(&it.base)));
            facts.dockerfiles.push(file);
        }
        Kind::Dotenv => facts.statements.extend(dotenv::facts(&excerpt)),
        Kind::Shell => {
            let block = facts.commands.len() + 1;
            facts.commands.extend(shell::commands(&excerpt, block, None));
        }
        Kind::Markdown
        | Kind::Compose
        | Kind::Kubernetes
        | Kind::Kustomization
        | Kind::HelmValues
        | Kind::Workflow
        | Kind::WorkflowSteps
        | Kind::TaskDefinition
        | Kind::PrometheusRules
        | Kind::CloudFormation
        | Kind::AppRunner
        | Kind::JavaScript
        | Kind::Yaml => (),
    }
    facts.files.push(File { name: name.to_owned(), kind, excerpt, yaml: vec![], origin });
}

fn yaml(name: &str, excerpt: &Excerpt, origin: Origin, facts: &mut Facts) {
    if name_of(name) == "lockgate.yaml" {
        let reason = "a spec, which `lockgate check` reads".to_owned();
        facts.unread.push(Unread { name: label(name, origin), reason, span: None });
        return;
    }
    if is_template(&excerpt.text) {
        let reason = "a template, which only its renderer can read".to_owned();
        facts.unread.push(Unread { name: label(name, origin), reason, span: None });
        return;
    }
    let read = read_foreign(&excerpt.text);
    let span = |it: Span| excerpt.span(it.start..it.end);
    if let Some(error) = read.error {
        // A block without a name is often a sketch; only a file is held to be whole.
        let place = (origin == Origin::Tree).then(|| span(error.span));
        facts.unread.push(Unread { name: label(name, origin), reason: error.reason, span: place });
    }
    let is_known = read.documents.iter().any(|it| kind_of_yaml(name, it) != Kind::Yaml);
    // A block of no known kind may show a mistake, and some programs take a key twice for two things.
    if is_known {
        let twice = read.duplicates.into_iter();
        facts.duplicates.extend(twice.map(|it| (Word::new(it.key, span(it.again)), span(it.first))));
    }
    for node in read.documents {
        let kind = kind_of_yaml(name, &node);
        let tree = Tree::new(&node, excerpt);
        of_kind(kind, name, origin, tree, facts);
        facts.files.push(File {
            name: name.to_owned(),
            kind,
            excerpt: excerpt.clone(),
            yaml: vec![node],
            origin,
        });
    }
}

fn of_kind(kind: Kind, name: &str, origin: Origin, tree: Tree<'_>, facts: &mut Facts) {
    match kind {
        Kind::Compose => {
            let compose = compose::Compose::read(name, origin, tree);
            let images = compose.services.iter().filter_map(|it| it.image.as_ref());
            facts.statements.extend(images.filter_map(Fact::image));
            facts.composes.push(compose);
        }
        Kind::Workflow => add_workflow(workflow::Workflow::read(name, origin, tree), facts),
        Kind::WorkflowSteps => add_workflow(workflow::Workflow::of_steps(name, origin, tree), facts),
        Kind::Kubernetes => facts.statements.extend(kubernetes::facts(tree)),
        Kind::TaskDefinition => facts.statements.extend(ecs::facts(tree)),
        Kind::PrometheusRules => facts.statements.extend(prometheus::facts(tree)),
        Kind::HelmValues => facts.statements.extend(helm_values::facts(tree)),
        Kind::Markdown
        | Kind::Dockerfile
        | Kind::Kustomization
        | Kind::CloudFormation
        | Kind::AppRunner
        | Kind::Dotenv
        | Kind::Shell
        | Kind::JavaScript
        | Kind::Yaml => (),
    }
}

fn add_workflow(workflow: workflow::Workflow, facts: &mut Facts) {
    for (_, step) in workflow.steps() {
        if let Some(run) = &step.run {
            let block = facts.commands.len() + 1;
            facts.commands.extend(shell::commands(run, block, step.name.as_ref()));
        }
    }
    facts.workflows.push(workflow);
}

/// Go templates, as in Helm charts. GitHub's `${{ }}` is a value and no template.
fn is_template(text: &str) -> bool {
    text.match_indices("{{").any(|it| !text[..it.0].ends_with('$'))
}

fn label(name: &str, origin: Origin) -> String {
    match (name, origin) {
        ("", _) => "a YAML block without a name".to_owned(),
        (name, Origin::Document(_)) => format!("the block `{name}`"),
        (name, Origin::Tree) => name.to_owned(),
    }
}

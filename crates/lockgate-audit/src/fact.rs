//! What was read, as facts: statements that can be compared, and the structures they come from.

use lockgate_model::{SourceId, Span};
use lockgate_yaml::Node;

use crate::extract::compose::Compose;
use crate::extract::dockerfile::Dockerfile;
use crate::extract::shell::Command;
use crate::extract::workflow::Workflow;
use crate::kind::Kind;
use crate::markdown::{Document, Outline};
use crate::place::{Excerpt, Word};
use crate::quantity::Quantity;
use crate::tree::Tree;

/// One statement: a subject has a value for an attribute, because a place says so.
#[derive(Clone, Debug)]
pub(crate) struct Fact {
    /// A metric by its words in order, a variable by its name, an environment by its short name.
    pub(crate) subject: String,
    pub(crate) attribute: Attribute,
    pub(crate) value: Value,
    pub(crate) span: Span,
    /// Environments that headings and leads name: facts about different ones do not disagree.
    pub(crate) scope: Vec<String>,
}

impl Fact {
    /// `node:18-alpine`, where the tag is a literal one.
    pub(crate) fn image(word: &Word) -> Option<Fact> {
        let (subject, tag) = word.text.rsplit_once(':').filter(|it| !it.1.contains(['/', '$', '<', '{']))?;
        Some(Fact {
            subject: subject.to_owned(),
            attribute: Attribute::Image,
            value: Value::Text(tag.to_owned()),
            span: word.span,
            scope: vec![],
        })
    }

    pub(crate) fn replicas(subject: &str, count: u64, span: Span) -> Fact {
        let value = Value::Number(count);
        Fact { subject: subject.to_owned(), attribute: Attribute::Replicas, value, span, scope: vec![] }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Attribute {
    /// What is aimed at.
    Target,
    /// What somebody is told about.
    Alert,
    /// What takes a release back.
    Rollback,
    /// A repository, with the tag or digest behind it.
    Image,
    Replicas,
    Variable,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Value {
    Limit(Limit),
    Number(u64),
    Text(String),
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Limit {
    pub(crate) side: Side,
    pub(crate) quantity: Quantity,
    /// For how long it holds, in seconds.
    pub(crate) held_s: Option<f64>,
    pub(crate) severity: Option<Severity>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Side {
    Above,
    Below,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Severity {
    Warning,
    Critical,
}

/// Where a file was found: files of different origins have nothing to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Origin {
    Tree,
    /// A fenced block of a document, by its index.
    Document(usize),
}

/// A file, or a fenced block of one.
#[derive(Clone, Debug)]
pub(crate) struct File {
    /// The path in the tree, or what the block's first line says; empty for a block without a name.
    pub(crate) name: String,
    pub(crate) kind: Kind,
    pub(crate) excerpt: Excerpt,
    pub(crate) yaml: Vec<Node>,
    pub(crate) origin: Origin,
}

/// Why something was not read.
#[derive(Clone, Debug)]
pub(crate) struct Unread {
    pub(crate) name: String,
    pub(crate) reason: String,
    /// `None` for what is no mistake, such as a template.
    pub(crate) span: Option<Span>,
}

/// Everything that was read.
#[derive(Debug, Default)]
pub(crate) struct Facts {
    pub(crate) files: Vec<File>,
    pub(crate) documents: Vec<Document>,
    /// Each with the document it is drawn in.
    pub(crate) outlines: Vec<(usize, Outline)>,
    pub(crate) commands: Vec<Command>,
    pub(crate) dockerfiles: Vec<Dockerfile>,
    pub(crate) composes: Vec<Compose>,
    pub(crate) workflows: Vec<Workflow>,
    pub(crate) statements: Vec<Fact>,
    pub(crate) duplicates: Vec<(Word, Span)>,
    pub(crate) unread: Vec<Unread>,
}

impl Facts {
    /// YAML documents of one kind, each with its file.
    pub(crate) fn trees(&self, kind: Kind) -> impl Iterator<Item = (&File, Tree<'_>)> {
        let files = self.files.iter().filter(move |it| it.kind == kind);
        files.flat_map(|file| file.yaml.iter().map(move |node| (file, Tree::new(node, &file.excerpt))))
    }

    pub(crate) fn of(&self, attribute: Attribute) -> impl Iterator<Item = &Fact> {
        self.statements.iter().filter(move |it| it.attribute == attribute)
    }

    /// Commands that stand in one source.
    pub(crate) fn commands_in(&self, source: SourceId) -> impl Iterator<Item = &Command> {
        self.commands.iter().filter(move |it| it.span().source == source)
    }

    pub(crate) fn document(&self, source: SourceId) -> Option<&Document> {
        self.documents.iter().find(|it| it.source == source)
    }

    /// How many statements were understood.
    pub(crate) fn count(&self) -> usize {
        let stages: usize = self.dockerfiles.iter().map(|it| it.instructions().count()).sum();
        let services: usize = self.composes.iter().map(|it| it.services.len()).sum();
        let steps: usize = self.workflows.iter().flat_map(|it| &it.jobs).map(|it| it.steps.len()).sum();
        let listed: usize = self.outlines.iter().map(|it| it.1.entries.len()).sum();
        self.statements.len() + self.commands.len() + stages + services + steps + listed
    }
}

//! A YAML value together with the text it was read from, so that every part of it has its place.

use lockgate_model::Span;
use lockgate_yaml::{Kind, Node, Style};

use crate::place::{Excerpt, Word};

#[derive(Clone, Copy, Debug)]
pub(crate) struct Tree<'a> {
    pub(crate) node: &'a Node,
    pub(crate) excerpt: &'a Excerpt,
}

impl<'a> Tree<'a> {
    pub(crate) fn new(node: &'a Node, excerpt: &'a Excerpt) -> Tree<'a> {
        Tree { node, excerpt }
    }

    fn with(self, node: &'a Node) -> Tree<'a> {
        Tree { node, ..self }
    }

    pub(crate) fn get(self, key: &str) -> Option<Tree<'a>> {
        self.node.get(key).map(|it| self.with(it))
    }

    /// Along several keys.
    pub(crate) fn at(self, path: &[&str]) -> Option<Tree<'a>> {
        path.iter().try_fold(self, |it, key| it.get(key))
    }

    pub(crate) fn has(self, key: &str) -> bool {
        self.node.entry(key).is_some()
    }

    pub(crate) fn entries(self) -> impl Iterator<Item = (Word, Tree<'a>)> {
        self.node.entries().iter().map(move |it| {
            let key = Word::new(it.key.clone(), self.place(it.key_span));
            (key, self.with(&it.value))
        })
    }

    pub(crate) fn items(self) -> impl Iterator<Item = Tree<'a>> {
        let nodes: &[Node] = match &self.node.kind {
            Kind::Seq(nodes) => nodes,
            Kind::Scalar(_) | Kind::Map(_) => &[],
        };
        nodes.iter().map(move |it| self.with(it))
    }

    /// The text of a single value.
    pub(crate) fn text(self) -> Option<&'a str> {
        match &self.node.kind {
            Kind::Scalar(scalar) if !scalar.is_null() => Some(&scalar.text),
            Kind::Scalar(_) | Kind::Seq(_) | Kind::Map(_) => None,
        }
    }

    pub(crate) fn word(self) -> Option<Word> {
        self.text().map(|it| Word::new(it, self.span()))
    }

    /// The text of the value under a key.
    pub(crate) fn str(self, key: &str) -> Option<&'a str> {
        self.get(key).and_then(Tree::text)
    }

    /// A single value, or each of a list of them.
    pub(crate) fn words(self) -> Vec<Word> {
        self.word().into_iter().chain(self.items().filter_map(Tree::word)).collect()
    }

    /// `KEY: value` of a map, `KEY=value` of a list, and `name`/`value` of a list of maps.
    pub(crate) fn variables(self) -> Vec<(Word, Option<Word>)> {
        let mut found: Vec<(Word, Option<Word>)> =
            self.entries().map(|(key, value)| (key, value.word())).collect();
        for item in self.items() {
            if let Some(name) = item.get("name").and_then(Tree::word) {
                found.push((name, item.get("value").and_then(Tree::word)));
            } else if let Some(word) = item.word() {
                let (name, value) = word
                    .text
                    .split_once('=')
                    .map_or((word.text.as_str(), None), |it| (it.0, Some(Word::new(it.1, word.span))));
                found.push((Word::new(name, word.span), value));
            }
        }
        found
    }

    pub(crate) fn span(self) -> Span {
        self.place(self.node.span)
    }

    fn place(self, span: Span) -> Span {
        self.excerpt.span(span.start..span.end)
    }

    /// What was written for a single value, as a text of its own: for scripts inside of YAML.
    pub(crate) fn script(self) -> Excerpt {
        let range = self.node.span.start..self.node.span.end;
        let mut script = self.excerpt.part(range);
        if let Kind::Scalar(scalar) = &self.node.kind
            && scalar.style == Style::Block
            && script.text.starts_with(['|', '>'])
        {
            let header = script.text.find('\n').map_or(script.text.len(), |it| it + 1);
            script = script.part(header..script.text.len());
        }
        script
    }
}

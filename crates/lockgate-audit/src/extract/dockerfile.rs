//! Dockerfiles as stages of instructions.

use lockgate_model::Span;

use crate::fact::Origin;
use crate::place::{Excerpt, Word};

#[derive(Clone, Debug)]
pub(crate) struct Dockerfile {
    /// The path in the tree, or what a block's first line says.
    pub(crate) name: String,
    pub(crate) origin: Origin,
    pub(crate) stages: Vec<Stage>,
}

#[derive(Clone, Debug)]
pub(crate) struct Stage {
    /// After `AS`, or the number of the stage.
    pub(crate) name: String,
    pub(crate) base: Word,
    pub(crate) instructions: Vec<Instruction>,
}

#[derive(Clone, Debug)]
pub(crate) struct Instruction {
    /// In capitals.
    pub(crate) keyword: String,
    /// What follows the keyword, on one line.
    pub(crate) text: String,
    pub(crate) span: Span,
}

impl Dockerfile {
    pub(crate) fn read(name: &str, origin: Origin, excerpt: &Excerpt) -> Dockerfile {
        let mut stages: Vec<Stage> = vec![];
        for instruction in instructions(excerpt) {
            if instruction.keyword == "FROM" {
                let words: Vec<&str> =
                    instruction.text.split_whitespace().filter(|it| !it.starts_with("--")).collect();
                let base = Word::new(words.first().copied().unwrap_or(""), instruction.span);
                let is_named = words.len() == 3 && words[1].eq_ignore_ascii_case("as");
                let name = if is_named { words[2].to_owned() } else { stages.len().to_string() };
                stages.push(Stage { name, base, instructions: vec![] });
            } else if let Some(stage) = stages.last_mut() {
                stage.instructions.push(instruction);
            }
        }
        Dockerfile { name: name.to_owned(), origin, stages }
    }

    pub(crate) fn instructions(&self) -> impl Iterator<Item = &Instruction> {
        self.stages.iter().flat_map(|it| &it.instructions)
    }

    pub(crate) fn stage(&self, name: &str) -> Option<&Stage> {
        self.stages.iter().enumerate().find(|it| it.1.name == name || it.0.to_string() == name).map(|it| it.1)
    }
}

impl Stage {
    pub(crate) fn all<'a>(&'a self, keyword: &'a str) -> impl Iterator<Item = &'a Instruction> {
        self.instructions.iter().filter(move |it| it.keyword == keyword)
    }

    pub(crate) fn last<'a>(&'a self, keyword: &'a str) -> Option<&'a Instruction> {
        self.all(keyword).last()
    }
}

/// The parts of a `COPY`.
pub(crate) struct Copy<'a> {
    pub(crate) from: Option<&'a str>,
    pub(crate) sources: Vec<&'a str>,
    pub(crate) to: &'a str,
}

impl Instruction {
    pub(crate) fn copy(&self) -> Option<Copy<'_>> {
        if self.keyword != "COPY" && self.keyword != "ADD" {
            return None;
        }
        let from = self.text.split_whitespace().find_map(|it| it.strip_prefix("--from="));
        let words = self.text.split_whitespace().filter(|it| !it.starts_with("--"));
        let mut words: Vec<&str> = words.map(|it| it.trim_matches(['[', ']', '"', ','])).collect();
        let to = words.pop()?;
        (!words.is_empty()).then_some(Copy { from, sources: words, to })
    }

    /// The words of the exec form `["a", "b"]` or of the shell form.
    pub(crate) fn argv(&self) -> Vec<&str> {
        match self.text.strip_prefix('[') {
            Some(list) => {
                list.trim_end_matches(']').split(',').map(|it| it.trim().trim_matches('"')).collect()
            }
            None => self.text.split_whitespace().collect(),
        }
    }
}

fn instructions(excerpt: &Excerpt) -> Vec<Instruction> {
    let mut found: Vec<Instruction> = vec![];
    let mut goes_on = false;
    let mut here_document: Option<String> = None;
    for (range, line) in excerpt.lines() {
        let trimmed = line.trim();
        if let Some(mark) = &here_document {
            if trimmed == mark {
                here_document = None;
            }
            continue;
        }
        if trimmed.is_empty() || trimmed.starts_with('#') {
            continue;
        }
        let start = range.start + (line.len() - line.trim_start().len());
        let span = excerpt.span(start..start + trimmed.len());
        let content = trimmed.trim_end_matches('\\').trim_end();
        if goes_on && let Some(last) = found.last_mut() {
            last.text.push(' ');
            last.text.push_str(content);
            last.span.end = span.end;
        } else {
            let (keyword, text) = content.split_once(char::is_whitespace).unwrap_or((content, ""));
            let keyword = keyword.to_ascii_uppercase();
            found.push(Instruction { keyword, text: text.trim().to_owned(), span });
        }
        goes_on = trimmed.ends_with('\\');
        let mark = content.split_once("<<").map(|it| it.1.trim_start_matches('-').trim_matches(['"', '\'']));
        here_document = mark.filter(|it| !it.is_empty() && !it.contains(' ')).map(str::to_owned);
    }
    found
}

#[cfg(test)]
mod tests {
    use lockgate_model::SourceId;

    use super::*;

    #[test]
    fn instructions_are_grouped_by_stage() {
        let text = "FROM node:18 AS base\nFROM base AS deps\nRUN a && \\\n    # why\n    b\nFROM deps\nCOPY --from=deps --chown=a:b /x /y ./\nCMD [\"node\", \"server.js\"]\n";
        let file = Dockerfile::read("Dockerfile", Origin::Tree, &Excerpt::whole(SourceId(0), text));
        let last = file.stages.last().unwrap();
        assert_eq!(last.base.text, "deps");
        assert_eq!(file.stages[1].instructions[0].text, "a && b");
        let copy = last.instructions[0].copy().unwrap();
        assert_eq!((copy.from, copy.sources, copy.to), (Some("deps"), vec!["/x", "/y"], "./"));
        assert_eq!(last.last("CMD").unwrap().argv(), ["node", "server.js"]);
    }
}

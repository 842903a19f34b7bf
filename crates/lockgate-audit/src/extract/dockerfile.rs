//! Dockerfiles as stages of instructions.

use lockgate_model::Span;

use crate::fact::Origin;
use crate::place::{Excerpt, Word};

#[derive(Clone, Debug)]
pub(crate) struct Dockerfile {
    /// The path in the tree, or what a block's first line says.
    pub(crate) name: String,
    pub(crate) origin: Origin,
    /// Before the first stage: `ARG`, which only `FROM` sees.
    pub(crate) head: Vec<Instruction>,
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
        let mut head = vec![];
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
            } else {
                head.push(instruction);
            }
        }
        Dockerfile { name: name.to_owned(), origin, head, stages }
    }

    pub(crate) fn instructions(&self) -> impl Iterator<Item = &Instruction> {
        self.stages.iter().flat_map(|it| &it.instructions)
    }

    pub(crate) fn stage(&self, name: &str) -> Option<&Stage> {
        self.stages.iter().enumerate().find(|it| it.1.name == name || it.0.to_string() == name).map(|it| it.1)
    }

    /// The stage before `before` that a `FROM` of that stage names.
    pub(crate) fn parent(&self, before: usize) -> Option<usize> {
        let base = &self.stages[before].base.text;
        self.stages[..before].iter().rposition(|it| it.name.eq_ignore_ascii_case(base))
    }

    /// What is built without naming a stage: the last one, then the stage it continues, and so on.
    pub(crate) fn shipped(&self) -> Vec<&Stage> {
        let last = self.stages.len().checked_sub(1);
        std::iter::successors(last, |it| self.parent(*it)).map(|it| &self.stages[it]).collect()
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

    /// What `ENV` and `ARG` set: `A=b C="d e"`, and the old `ENV A b`. A name without a value has `None`.
    pub(crate) fn sets(&self) -> Vec<(String, Option<String>)> {
        let (name, rest) = self.text.split_once(char::is_whitespace).unwrap_or((&self.text, ""));
        match self.keyword.as_str() {
            "ENV" if !name.contains('=') => {
                let value = rest.trim();
                let bare = value.trim_matches('"');
                vec![(name.to_owned(), Some(bare.to_owned()))]
            }
            "ENV" | "ARG" => assignments(&self.text),
            _ => vec![],
        }
    }

    /// Docker reads a list as JSON; with other quotes it is a text for the shell.
    pub(crate) fn is_exec_form(&self) -> bool {
        self.text.strip_prefix('[').is_some_and(|it| !it.trim_start().starts_with('\''))
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

/// `EOF` of `RUN <<EOF` and of `COPY <<"EOF" /script.sh`.
fn here_mark(line: &str) -> Option<String> {
    let word = line.split_once("<<")?.1.split_whitespace().next()?;
    let mark = word.trim_start_matches('-').trim_matches(['"', '\'']);
    let is_mark = mark.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'_');
    (is_mark && mark.starts_with(|it: char| it.is_ascii_alphabetic())).then(|| mark.to_owned())
}

/// Names and values of `A=b C="d e"`, without quotes; one name may stand alone, as in `ARG A`.
fn assignments(text: &str) -> Vec<(String, Option<String>)> {
    let mut found: Vec<(String, Option<String>)> = vec![];
    let (mut word, mut quote, mut escaped) = (String::new(), None, false);
    for it in text.chars().chain([' ']) {
        match quote {
            _ if std::mem::take(&mut escaped) => word.push(it),
            _ if it == '\\' && quote != Some('\'') => escaped = true,
            Some(mark) if it == mark => quote = None,
            None if it == '"' || it == '\'' => quote = Some(it),
            None if it.is_whitespace() => {
                let word = std::mem::take(&mut word);
                let (name, value) =
                    word.split_once('=').map_or((word.as_str(), None), |it| (it.0, Some(it.1)));
                if !name.is_empty() {
                    found.push((name.to_owned(), value.map(str::to_owned)));
                }
            }
            Some(_) | None => word.push(it),
        }
    }
    found
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
        here_document = here_mark(content);
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
        let shipped: Vec<&str> = file.shipped().iter().map(|it| it.name.as_str()).collect();
        assert_eq!(shipped, ["2", "deps", "base"]);
    }

    #[test]
    fn variables_are_read_in_both_forms_and_here_documents_are_not() {
        let text = "ARG A=1\nFROM a\nENV B=\"x y\" C='z'\nENV D e f\nARG G\nCOPY <<EOF /x\nUSER root\nEOF\nUSER app\n";
        let file = Dockerfile::read("Dockerfile", Origin::Tree, &Excerpt::whole(SourceId(0), text));
        let sets: Vec<(String, Option<String>)> =
            file.head.iter().chain(file.instructions()).flat_map(Instruction::sets).collect();
        let sets: Vec<(&str, Option<&str>)> =
            sets.iter().map(|it| (it.0.as_str(), it.1.as_deref())).collect();
        let wanted =
            [("A", Some("1")), ("B", Some("x y")), ("C", Some("z")), ("D", Some("e f")), ("G", None)];
        assert_eq!(sets, wanted);
        let users: Vec<&str> = file.stages[0].all("USER").map(|it| it.text.as_str()).collect();
        assert_eq!(users, ["app"]);
    }
}

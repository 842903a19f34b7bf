//! Commands of shell scripts, with the comment that says what they are for.

use lockgate_model::Span;

use crate::listing;
use crate::place::{Excerpt, Word};

#[derive(Clone, Debug)]
pub(crate) struct Command {
    pub(crate) words: Vec<Word>,
    /// What the comment above or the step's name says.
    pub(crate) said: Option<Word>,
    /// What the comment behind it says.
    pub(crate) remark: Option<Word>,
    /// Where `cd` has led to.
    pub(crate) folder: String,
    /// Commands of one block run one after the other.
    pub(crate) block: usize,
}

/// Flags whose value is the next word, of the programs that are looked at.
const WITH_VALUE: &[&str] = &[
    "-n",
    "--namespace",
    "-f",
    "--file",
    "-e",
    "--environment",
    "--set",
    "--values",
    "--context",
    "-l",
    "--selector",
    "-t",
    "--tag",
    "--build-arg",
    "--cluster",
    "--service",
    "--scale",
    "-p",
    "--type",
    "-c",
    "--project-name",
    "--image",
    "--env",
    "--timeout",
    "--profile",
    "--region",
    "-k",
    "--kustomize",
    "--kubeconfig",
    "-o",
    "--output",
    "--target",
    "--platform",
];

impl Command {
    /// The program, without assignments and `sudo` before it.
    pub(crate) fn program(&self) -> &str {
        self.own().first().map_or("", |it| it.text.as_str())
    }

    fn own(&self) -> &[Word] {
        let is_prefix = |it: &Word| it.text == "sudo" || it.text == "exec" || is_assignment(&it.text);
        let start = self.words.iter().position(|it| !is_prefix(it)).unwrap_or(self.words.len());
        &self.words[start..]
    }

    /// Words that are neither flags nor their values, the program first.
    pub(crate) fn positional(&self) -> Vec<&Word> {
        let mut found = vec![];
        let mut words = self.own().iter();
        while let Some(word) = words.next() {
            if WITH_VALUE.contains(&word.text.as_str()) {
                words.next();
            } else if word.text == "--" {
                break;
            } else if !word.text.starts_with('-') || word.text == "-" {
                found.push(word);
            }
        }
        found
    }

    /// Whether the words that are no flags begin like this.
    pub(crate) fn is(&self, wanted: &[&str]) -> bool {
        let found = self.positional();
        wanted.len() <= found.len() && wanted.iter().zip(found).all(|it| *it.0 == it.1.text)
    }

    /// Values of a flag: `--flag value` and `--flag=value`.
    pub(crate) fn values(&self, flag: &str) -> Vec<Word> {
        let mut found = vec![];
        for (idx, word) in self.words.iter().enumerate() {
            if word.text == flag {
                found.extend(self.words.get(idx + 1).cloned());
            } else if let Some(value) = word.text.strip_prefix(flag).and_then(|it| it.strip_prefix('=')) {
                found.push(Word::new(value, word.span));
            }
        }
        found
    }

    pub(crate) fn value(&self, flags: &[&str]) -> Option<Word> {
        flags.iter().find_map(|it| self.values(it).into_iter().next())
    }

    pub(crate) fn has(&self, flag: &str) -> bool {
        self.words
            .iter()
            .any(|it| it.text == flag || it.text.strip_prefix(flag).is_some_and(|rest| rest.starts_with('=')))
    }

    pub(crate) fn namespace(&self) -> Option<Word> {
        self.value(&["-n", "--namespace"])
    }

    pub(crate) fn span(&self) -> Span {
        let first = self.words.first().map_or(Span::default(), |it| it.span);
        let last = self.words.last().map_or(first, |it| it.span);
        Span { end: last.end.max(first.end), ..first }
    }

    /// The part that fits a label: the program and what it is told to do.
    pub(crate) fn head(&self) -> Span {
        let found = self.positional();
        let last = found.get(2).or(found.last()).map_or(self.span(), |it| it.span);
        Span { end: last.end.max(self.span().start), ..self.span() }
    }

    pub(crate) fn line(&self) -> String {
        self.words.iter().map(|it| it.text.as_str()).collect::<Vec<_>>().join(" ")
    }
}

fn is_assignment(word: &str) -> bool {
    let name = word.split_once('=').map_or("", |it| it.0);
    let is_name = |it: u8| it.is_ascii_alphanumeric() || it == b'_';
    !name.is_empty() && name.bytes().all(is_name) && !name.starts_with(|it: char| it.is_ascii_digit())
}

/// All commands of a script. Quotes are taken off words; what `$( )` runs stays part of its word.
pub(crate) fn commands(script: &Excerpt, block: usize, said: Option<&Word>) -> Vec<Command> {
    let mut reader = Reader {
        script,
        at: 0,
        block,
        step: said.cloned(),
        said: None,
        folder: String::new(),
        found: vec![],
        words: vec![],
    };
    reader.read();
    reader.found
}

struct Reader<'a> {
    script: &'a Excerpt,
    at: usize,
    block: usize,
    /// What the script as a whole is for.
    step: Option<Word>,
    said: Option<Word>,
    folder: String,
    found: Vec<Command>,
    words: Vec<Word>,
}

impl Reader<'_> {
    fn rest(&self) -> &str {
        &self.script.text[self.at..]
    }

    fn next(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn read(&mut self) {
        let mut line_is_empty = true;
        while let Some(next) = self.next() {
            match next {
                '\n' => {
                    if line_is_empty && self.words.is_empty() {
                        self.said = None;
                    }
                    self.end();
                    line_is_empty = true;
                    self.at += 1;
                    continue;
                }
                '#' => self.comment(line_is_empty),
                '\\' if self.rest().starts_with("\\\n") => self.at += 2,
                '\\' if self.rest().starts_with("\\\r\n") => self.at += 3,
                ';' | '|' | '&' => {
                    self.at += self.rest().len() - self.rest().trim_start_matches([';', '|', '&']).len();
                    self.end();
                }
                it if it.is_whitespace() => {
                    self.at += it.len_utf8();
                    continue;
                }
                _ => self.word(),
            }
            line_is_empty = false;
        }
        self.end();
    }

    fn comment(&mut self, own_line: bool) {
        let line = self.rest().lines().next().unwrap_or("");
        let range = self.at..self.at + line.len();
        let text = line.trim_start_matches('#').trim();
        let start = range.start + line.find(text).unwrap_or(0);
        let word = self.script.word(start..start + text.len());
        self.at = range.end;
        if own_line && self.words.is_empty() {
            self.said = Some(word);
            return;
        }
        self.end();
        if let Some(last) = self.found.last_mut() {
            last.remark = Some(word);
        }
    }

    fn end(&mut self) {
        let words = std::mem::take(&mut self.words);
        let words: Vec<Word> = words.into_iter().skip_while(|it| it.text == "$" || it.text == "{").collect();
        if words.is_empty() {
            return;
        }
        if words[0].text == "cd"
            && let Some(to) = words.get(1)
        {
            self.folder = listing::join(&self.folder, &to.text).unwrap_or_default();
        }
        let said = self.said.clone().or_else(|| self.step.clone());
        let (folder, block) = (self.folder.clone(), self.block);
        self.found.push(Command { words, said, remark: None, folder, block });
    }

    fn word(&mut self) {
        let start = self.at;
        let mut text = String::new();
        while let Some(next) = self.next() {
            match next {
                '\'' | '"' => self.quoted(next, &mut text),
                '$' if self.rest().starts_with("$(") || self.rest().starts_with("${") => {
                    let close = if self.rest().starts_with("$(") { ')' } else { '}' };
                    let len = nested(self.rest(), close);
                    text.push_str(&self.rest()[..len]);
                    self.at += len;
                }
                '\\' => {
                    self.at += 1;
                    if let Some(escaped) = self.next() {
                        if escaped == '\n' {
                            break;
                        }
                        text.push(escaped);
                        self.at += escaped.len_utf8();
                    }
                }
                ';' | '|' | '&' => break,
                it if it.is_whitespace() => break,
                it => {
                    text.push(it);
                    self.at += it.len_utf8();
                }
            }
        }
        if let Some(mark) = text.strip_prefix("<<").filter(|it| !it.starts_with('<')) {
            let mark = mark.trim_start_matches('-').to_owned();
            return self.skip_here_document(&mark);
        }
        self.words.push(Word::new(text, self.script.span(start..self.at)));
    }

    fn quoted(&mut self, quote: char, text: &mut String) {
        self.at += 1;
        while let Some(next) = self.next() {
            self.at += next.len_utf8();
            if next == quote {
                return;
            }
            if next == '\\' && quote == '"' {
                if let Some(escaped) = self.next() {
                    text.push(escaped);
                    self.at += escaped.len_utf8();
                }
                continue;
            }
            text.push(next);
        }
    }

    /// Data between `<<MARK` and a line that is `MARK` are no commands.
    fn skip_here_document(&mut self, mark: &str) {
        let body = self.rest().find('\n').map_or(self.script.text.len(), |it| self.at + it + 1);
        let mut at = body;
        for line in self.script.text[body..].split_inclusive('\n') {
            at += line.len();
            if line.trim() == mark {
                break;
            }
        }
        self.end();
        self.at = at;
    }
}

/// The length of `$( )` or `${ }` at the start of the text, with what is nested in it.
fn nested(text: &str, close: char) -> usize {
    let open = if close == ')' { '(' } else { '{' };
    let mut depth = 0_usize;
    for (at, it) in text.char_indices() {
        if it == open {
            depth += 1;
        } else if it == close {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return at + it.len_utf8();
            }
        }
    }
    text.len()
}

/// Whether a text in backticks reads as a command.
pub(crate) fn is_command(text: &str) -> bool {
    const PROGRAMS: &[&str] = &[
        "aws",
        "docker",
        "docker-compose",
        "helm",
        "helmfile",
        "kubectl",
        "kustomize",
        "npx",
        "npm",
        "node",
        "python",
        "sqlx",
        "git",
        "prisma",
        "jq",
        "sed",
        "envsubst",
        "yq",
    ];
    let mut words = text.split_whitespace();
    words.next().is_some_and(|it| PROGRAMS.contains(&it)) && words.next().is_some()
}

#[cfg(test)]
mod tests {
    use lockgate_model::SourceId;

    use super::*;

    fn read(text: &str) -> Vec<Command> {
        commands(&Excerpt::whole(SourceId(0), text), 0, None)
    }

    #[test]
    fn commands_are_split_and_keep_their_places_and_comments() {
        let text = "# Start it\n$ docker compose -f a.yml up -d \\\n  web db && curl x # the web\n\nls\n";
        let found = read(text);
        assert_eq!(found.len(), 3);
        assert!(found[0].is(&["docker", "compose", "up", "web"]), "{found:?}");
        assert_eq!(found[0].said.as_ref().unwrap().text, "Start it");
        assert_eq!(found[1].remark.as_ref().unwrap().text, "the web");
        assert!(found[2].said.is_none());
        let web = &found[0].words.iter().find(|it| it.text == "web").unwrap().span;
        assert_eq!(&text[web.start..web.end], "web");
    }

    #[test]
    fn quotes_substitutions_and_here_documents_are_one_thing_each() {
        let found = read(
            "helm up --set a=$(openssl rand -hex 32) --set 'b=c d'\npython - <<'PY'\nimport os\nPY\nls\n",
        );
        assert_eq!(
            found[0].values("--set").iter().map(|it| &it.text).collect::<Vec<_>>(),
            ["a=$(openssl rand -hex 32)", "b=c d"]
        );
        assert_eq!(found.iter().map(Command::program).collect::<Vec<_>>(), ["helm", "python", "ls"]);
    }

    #[test]
    fn folders_are_followed() {
        let found = read("cd backend/k8s\nls\ncd ..\nls\n");
        assert_eq!(
            found.iter().map(|it| it.folder.as_str()).collect::<Vec<_>>(),
            ["backend/k8s", "backend/k8s", "backend", "backend"]
        );
    }
}

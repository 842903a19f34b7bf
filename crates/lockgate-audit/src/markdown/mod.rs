//! Markdown as what an audit needs of it: prose by role, lists with what introduces them, tables, fenced blocks.

mod outline;
mod read;

use lockgate_model::SourceId;

pub(crate) use outline::Outline;
pub(crate) use read::read;

use crate::place::{Excerpt, Word};

#[derive(Clone, Debug)]
pub(crate) struct Document {
    pub(crate) source: SourceId,
    /// In the order of the text, as are all others.
    pub(crate) prose: Vec<Prose>,
    pub(crate) lists: Vec<List>,
    pub(crate) tables: Vec<Table>,
    pub(crate) fences: Vec<Fence>,
}

/// A heading, a paragraph, or the own text of a list's item: without markup.
#[derive(Clone, Debug)]
pub(crate) struct Prose {
    pub(crate) excerpt: Excerpt,
    pub(crate) role: Role,
    /// What stands in backticks.
    pub(crate) codes: Vec<Word>,
    pub(crate) links: Vec<Word>,
    /// The heading above, as an index into the prose.
    pub(crate) section: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Role {
    Heading(u8),
    Paragraph,
    Item { list: usize, ticked: Option<bool> },
}

#[derive(Clone, Debug)]
pub(crate) struct List {
    pub(crate) ordered: bool,
    /// The prose right above that introduces the list.
    pub(crate) lead: Option<usize>,
    /// Indexes into the prose.
    pub(crate) items: Vec<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct Table {
    pub(crate) header: Vec<Cell>,
    pub(crate) rows: Vec<Vec<Cell>>,
    pub(crate) section: Option<usize>,
}

#[derive(Clone, Debug)]
pub(crate) struct Cell {
    pub(crate) excerpt: Excerpt,
    pub(crate) codes: Vec<Word>,
}

#[derive(Clone, Debug)]
pub(crate) struct Fence {
    pub(crate) language: String,
    pub(crate) excerpt: Excerpt,
    /// The file that the block is, when its first line says so.
    pub(crate) name: Option<Word>,
    pub(crate) section: Option<usize>,
}

impl Document {
    /// Headings from the outermost to the one right above.
    pub(crate) fn path(&self, section: Option<usize>) -> Vec<&Prose> {
        let mut path = vec![];
        let mut next = section;
        while let Some(idx) = next {
            path.push(&self.prose[idx]);
            next = self.prose[idx].section;
        }
        path.reverse();
        path
    }

    /// The prose of a list's items.
    pub(crate) fn items<'a>(&'a self, list: &'a List) -> impl Iterator<Item = &'a Prose> {
        list.items.iter().map(|it| &self.prose[*it])
    }

    /// Lists that stand below an item, as its own.
    pub(crate) fn below(&self, item: usize) -> impl Iterator<Item = &List> {
        self.lists.iter().filter(move |it| it.lead == Some(item))
    }

    pub(crate) fn lead(&self, list: &List) -> Option<&Prose> {
        list.lead.map(|it| &self.prose[it])
    }
}

impl Prose {
    pub(crate) fn text(&self) -> &str {
        &self.excerpt.text
    }

    pub(crate) fn span(&self) -> lockgate_model::Span {
        self.excerpt.span(0..self.excerpt.text.len())
    }

    pub(crate) fn is_heading(&self) -> bool {
        matches!(self.role, Role::Heading(_))
    }
}

impl Cell {
    pub(crate) fn text(&self) -> &str {
        self.excerpt.text.trim()
    }

    pub(crate) fn span(&self) -> lockgate_model::Span {
        let text = &self.excerpt.text;
        let start = text.len() - text.trim_start().len();
        self.excerpt.span(start..start + text.trim().len())
    }
}

/// What the first line of a block says it is: `# path/to/file.yml`.
fn named(excerpt: &Excerpt) -> Option<Word> {
    let (range, line) = excerpt.lines().next()?;
    let marks = ["#", "//", "--", "<!--"];
    let said = marks.iter().find_map(|it| line.strip_prefix(it))?.trim_end_matches("-->").trim();
    let start = range.start + line.find(said)?;
    is_file_name(said).then(|| excerpt.word(start..start + said.len()))
}

/// Whether a single word reads as the name of a file.
pub(crate) fn is_file_name(word: &str) -> bool {
    const PLAIN: [&str; 4] = ["Dockerfile", "Containerfile", "Makefile", "Procfile"];
    let allowed = |it: char| it.is_ascii_alphanumeric() || matches!(it, '.' | '_' | '-' | '/' | '@');
    if word.is_empty() || !word.chars().all(allowed) || word.ends_with('/') || word.contains("//") {
        return false;
    }
    let name = crate::listing::name_of(word);
    if PLAIN.iter().any(|it| name == *it || name.starts_with(&format!("{it}."))) || name.starts_with(".env") {
        return true;
    }
    let Some((stem, extension)) = name.rsplit_once('.') else { return false };
    let is_extension = extension.len() <= 10
        && extension.starts_with(|it: char| it.is_ascii_lowercase())
        && extension.bytes().all(|it| it.is_ascii_alphanumeric());
    is_extension && stem.bytes().any(|it| it.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_lists_and_tables_keep_their_places() {
        let text = "# A\n\nTwo **things** (`x`):\n- [x] one\n  ```yaml\n  # a.yml\n  b: 1\n  ```\n- two\n\n| h | i |\n|---|---|\n| c `d` | e |\n";
        let document = read(SourceId(0), text);
        assert_eq!(document.fences[0].name.as_ref().unwrap().text, "a.yml");
        let block = &document.fences[0].excerpt;
        let at = block.text.find("b: 1").unwrap();
        let span = block.span(at..at + 4);
        assert_eq!(&text[span.start..span.end], "b: 1");
        let list = &document.lists[0];
        assert_eq!(document.lead(list).unwrap().text(), "Two things (x):");
        let items: Vec<&str> = document.items(list).map(Prose::text).collect();
        assert_eq!(items, ["one", "two"]);
        assert!(matches!(document.prose[list.items[0]].role, Role::Item { ticked: Some(true), .. }));
        let cell = &document.tables[0].rows[0][0];
        assert_eq!((cell.text(), cell.codes[0].text.as_str()), ("c d", "d"));
        assert_eq!(&text[cell.span().start..cell.span().end], "c `d");
    }

    #[test]
    fn names_of_files_are_told_from_words() {
        for name in ["a.yml", ".env.production", "Dockerfile", "Dockerfile.template", "docs/x.md", ".env"] {
            assert!(is_file_name(name), "{name}");
        }
        for word in ["Dev", "v1.0.0", "example.", "a b.c", "docs/", "1.5", "https://a.b/c", "10.0.0.1"] {
            assert!(!is_file_name(word), "{word}");
        }
    }
}

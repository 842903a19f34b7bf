//! Markdown that shows every text as it is.

use std::fmt::Write as _;

#[derive(Default)]
pub(super) struct Page {
    text: String,
}

impl Page {
    pub(super) fn heading(&mut self, level: usize, text: &str) {
        self.gap();
        let _infallible = writeln!(self.text, "{} {}", "#".repeat(level), plain(text));
    }

    /// Prose that is written here; values in it go through [`plain`] or [`code`].
    pub(super) fn text(&mut self, text: &str) {
        self.gap();
        self.text.push_str(text);
        self.text.push('\n');
    }

    pub(super) fn list(&mut self, items: impl IntoIterator<Item = String>) {
        self.items("-", items);
    }

    /// Boxes that are ticked when it has happened, and not before.
    pub(super) fn boxes(&mut self, items: impl IntoIterator<Item = String>) {
        self.items("- [ ]", items);
    }

    fn items(&mut self, mark: &str, items: impl IntoIterator<Item = String>) {
        self.gap();
        for item in items {
            let _infallible = writeln!(self.text, "{mark} {item}");
        }
    }

    pub(super) fn commands(&mut self, lines: &[String]) {
        if lines.is_empty() {
            return;
        }
        self.gap();
        let fence = "`".repeat(3.max(longest_run(lines) + 1));
        let _infallible = writeln!(self.text, "{fence}sh\n{}\n{fence}", lines.join("\n"));
    }

    /// Cells are Markdown already.
    pub(super) fn table(&mut self, head: &[&str], rows: &[Vec<String>]) {
        if rows.is_empty() {
            return;
        }
        self.gap();
        let _infallible = writeln!(self.text, "| {} |\n|{}", head.join(" | "), "---|".repeat(head.len()));
        for row in rows {
            let cells: Vec<String> = row.iter().map(|it| it.replace('|', "\\|")).collect();
            let _infallible = writeln!(self.text, "| {} |", cells.join(" | "));
        }
    }

    pub(super) fn finish(self) -> String {
        self.text
    }

    fn gap(&mut self) {
        if !self.text.is_empty() && !self.text.ends_with("\n\n") {
            self.text.push('\n');
        }
    }
}

fn longest_run(lines: &[String]) -> usize {
    let runs = lines.iter().flat_map(|it| it.split(|it: char| it != '`'));
    runs.map(str::len).max().unwrap_or(0)
}

/// A text in which nothing is markup.
pub(super) fn plain(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for it in text.split_whitespace().collect::<Vec<_>>().join(" ").chars() {
        if matches!(it, '\\' | '`' | '*' | '_' | '[' | ']' | '<' | '>' | '~' | '&') {
            out.push('\\');
        }
        out.push(it);
    }
    out
}

/// A value, as it is.
pub(super) fn code(text: &str) -> String {
    if text.is_empty() {
        return "*empty*".to_owned();
    }
    let text = text.replace(['\n', '\r'], " ");
    let fence = "`".repeat(longest_run(std::slice::from_ref(&text)) + 1);
    if text.starts_with('`') || text.ends_with('`') || fence.len() > 1 {
        format!("{fence} {text} {fence}")
    } else {
        format!("`{text}`")
    }
}

pub(super) fn codes<'t>(texts: impl IntoIterator<Item = &'t str>) -> String {
    texts.into_iter().map(code).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_shown_and_not_read() {
        assert_eq!(plain("a_b *c* <d>\n& [e]"), r"a\_b \*c\* \<d\> \& \[e\]");
        assert_eq!(code("a|b"), "`a|b`");
        assert_eq!(code("``x`"), "``` ``x` ```");
        let mut page = Page::default();
        page.table(&["a"], &[vec![code("x|y")]]);
        page.commands(&["echo ```".to_owned()]);
        insta::assert_snapshot!(page.finish(), @r"
        | a |
        |---|
        | `x\|y` |

        ````sh
        echo ```
        ````
        ");
    }
}

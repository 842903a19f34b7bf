//! The first lines of each file: who wrote it, and what to change instead.

/// How a format writes a comment of one line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Comment {
    /// `# text`: YAML, Dockerfiles, shell, dotenv.
    Hash,
    /// `<!-- text -->`: Markdown.
    Markup,
    /// `{{- /* text */ -}}`: templates of Helm whose other lines are not YAML.
    Template,
    /// JSON and what else knows none.
    None,
}

pub(crate) fn header(source: &str, comment: Comment) -> String {
    let text = format!(
        "Written by `lockgate render` from {source}. Edits here are lost: change the spec, or add to its `patches`."
    );
    match comment {
        Comment::Hash => format!("# {text}\n"),
        Comment::Markup => format!("<!-- {text} -->\n"),
        Comment::Template => format!("{{{{- /* {text} */ -}}}}\n"),
        Comment::None => String::new(),
    }
}

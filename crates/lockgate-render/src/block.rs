//! Managed blocks: the parts of a user's own file that are written here, between two marks.
//!
//! A mark is a line with `lockgate:begin NAME` or `lockgate:end NAME` in whatever the file takes for a comment.

use std::collections::BTreeMap;

const BEGIN: &str = "lockgate:begin ";
const END: &str = "lockgate:end ";

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBlock {
    #[error("line {line}: there is no block `{name}`; these are: {known}")]
    Unknown { line: usize, name: String, known: String },
    #[error("line {line}: the block `{name}` does not end; add a line with `lockgate:end {name}`")]
    Open { line: usize, name: String },
    #[error("line {line}: the block `{name}` ends and did not begin")]
    NotOpen { line: usize, name: String },
}

/// Does the file have marks?
pub fn is_managed(text: &str) -> bool {
    text.lines().any(|it| mark(it, BEGIN).is_some())
}

/// The file with the present text in each of its blocks, and everything else as it was.
pub fn fill(text: &str, blocks: &BTreeMap<String, String>) -> Result<String, BadBlock> {
    let mut out = String::with_capacity(text.len());
    let mut open: Option<(usize, String)> = None;
    for (idx, line) in text.split_inclusive('\n').enumerate() {
        let number = idx + 1;
        if let Some(name) = mark(line, BEGIN) {
            if let Some((line, name)) = open {
                return Err(BadBlock::Open { line, name });
            }
            let Some(block) = blocks.get(name) else {
                let known = blocks.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
                return Err(BadBlock::Unknown { line: number, name: name.to_owned(), known });
            };
            out.push_str(line);
            out.push_str(block);
            open = Some((number, name.to_owned()));
        } else if let Some(name) = mark(line, END) {
            if open.take_if(|it| it.1 == name).is_none() {
                return Err(BadBlock::NotOpen { line: number, name: name.to_owned() });
            }
            out.push_str(line);
        } else if open.is_none() {
            out.push_str(line);
        }
    }
    match open {
        Some((line, name)) => Err(BadBlock::Open { line, name }),
        None => Ok(out),
    }
}

/// The name behind a mark; nothing but the end of a comment may follow.
fn mark<'t>(line: &'t str, mark: &str) -> Option<&'t str> {
    let (before, rest) = line.split_once(mark)?;
    let comment = before.trim();
    if comment.is_empty() || comment.contains(|it: char| it.is_alphanumeric()) {
        return None;
    }
    rest.split_whitespace().next()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blocks() -> BTreeMap<String, String> {
        BTreeMap::from([("variables".to_owned(), "| A |\n".to_owned())])
    }

    #[test]
    fn what_is_between_the_marks_is_replaced_and_nothing_else() {
        let text = "# Mine\n<!-- lockgate:begin variables -->\nold\n<!-- lockgate:end variables -->\nmine, `lockgate:begin x`";
        let wanted = "# Mine\n<!-- lockgate:begin variables -->\n| A |\n<!-- lockgate:end variables -->\nmine, `lockgate:begin x`";
        assert_eq!(fill(text, &blocks()).unwrap(), wanted);
        assert_eq!(fill(wanted, &blocks()).unwrap(), wanted);
        assert!(is_managed(text) && !is_managed("mine, `lockgate:begin x`"));
    }

    #[test]
    fn marks_that_make_no_sense_are_named_with_their_line() {
        let error = |text: &str| fill(text, &blocks()).unwrap_err().to_string();
        insta::assert_snapshot!([
            error("\n# lockgate:begin variable\n# lockgate:end variable\n"),
            error("# lockgate:begin variables\n"),
            error("# lockgate:end variables\n"),
        ].join("\n"), @"
        line 2: there is no block `variable`; these are: variables
        line 1: the block `variables` does not end; add a line with `lockgate:end variables`
        line 1: the block `variables` ends and did not begin
        ");
    }
}

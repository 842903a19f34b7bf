//! `${name.attr}` in text: its syntax. What a name stands for is in `scope`.

use crate::scalar::Problem;
use lockgate_diagnostics::codes;
use lockgate_diagnostics::shown;

#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Text(&'a str),
    /// What is between `${` and `}`.
    Reference(&'a str),
}

/// Is every reference in the text well formed?
pub(crate) fn check(text: &str) -> Result<(), Problem> {
    pieces(text).map(drop)
}

/// Splits text at its references. `$$` is one dollar; a dollar before anything but `{` is itself.
pub(crate) fn pieces(text: &str) -> Result<Vec<Piece<'_>>, Problem> {
    let mut pieces = vec![];
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        let (before, tail) = rest.split_at(at);
        let after = &tail[1..];
        if let Some(inner) = after.strip_prefix('{') {
            pieces.push(Piece::Text(before));
            let end = inner.find('}').ok_or_else(|| unclosed(tail))?;
            well_formed(&inner[..end])?;
            pieces.push(Piece::Reference(&inner[..end]));
            rest = &inner[end + 1..];
        } else {
            // The first dollar stays; of a pair the second goes.
            pieces.push(Piece::Text(&rest[..=at]));
            rest = after.strip_prefix('$').unwrap_or(after);
        }
    }
    pieces.push(Piece::Text(rest));
    Ok(pieces)
}

fn unclosed(tail: &str) -> Problem {
    let message = format!("the reference `{}` is not closed", shown(tail));
    let problem = Problem::new(codes::BAD_REFERENCE, message, "`}` is missing");
    problem.help("for a dollar sign itself write `$$`")
}

fn well_formed(inner: &str) -> Result<(), Problem> {
    let allowed = |it: char| it.is_ascii_alphanumeric() || it == '-' || it == '_';
    let parts: Vec<&str> = inner.split('.').collect();
    if 2 <= parts.len() && parts.iter().all(|it| !it.is_empty() && it.chars().all(allowed)) {
        return Ok(());
    }
    let message = format!("`${{{}}}` is not a reference", shown(inner));
    let problem = Problem::new(codes::BAD_REFERENCE, message, "a reference is `${name.attribute}`");
    let variable = inner.chars().all(|it| allowed(it) || it == ':');
    Err(problem.help(if variable {
        "the spec reads no variables of the shell; for a dollar sign itself write `$$`"
    } else {
        "there are no functions, defaults or conditions; for a dollar sign itself write `$$`"
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dollars_are_escaped_by_doubling() {
        let plain = |text| {
            let pieces = pieces(text).unwrap().into_iter();
            let text = pieces.map(|it| match it {
                Piece::Text(text) => text.to_owned(),
                Piece::Reference(inner) => format!("<{inner}>"),
            });
            text.collect::<String>()
        };
        assert_eq!(plain("a$$b"), "a$b");
        assert_eq!(plain("$5 $"), "$5 $");
        assert_eq!(plain("$${a.b}"), "${a.b}");
        assert_eq!(plain("x${a.b}y${c.d}"), "x<a.b>y<c.d>");
        for bad in ["${a", "${}", "${a}", "${a.}", "${a.b:-c}", "${PATH}"] {
            assert!(check(bad).is_err(), "{bad}");
        }
    }
}

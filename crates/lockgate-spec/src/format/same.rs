//! Do two texts say the same?

use lockgate_yaml::{Kind, Node, Scalar, Style, TokenKind, layout};

/// The order of keys says nothing, and neither do quotes around a word.
pub(super) fn says(a: &Node, b: &Node) -> bool {
    match (&a.kind, &b.kind) {
        (Kind::Scalar(a), Kind::Scalar(b)) => scalar(a, b),
        (Kind::Seq(a), Kind::Seq(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| says(a, b)),
        (Kind::Map(a), Kind::Map(b)) => {
            let found = |it: &lockgate_yaml::Entry| {
                b.iter().find(|other| other.key == it.key).is_some_and(|other| says(&it.value, &other.value))
            };
            a.len() == b.len() && a.iter().all(found)
        }
        (Kind::Scalar(_) | Kind::Seq(_) | Kind::Map(_), _) => false,
    }
}

fn scalar(a: &Scalar, b: &Scalar) -> bool {
    let style = a.style == b.style || (a.style, b.style) == (Style::Quoted, Style::Plain);
    style && a.text == b.text && a.is_null() == b.is_null()
}

/// Every comment of the one is in the other.
pub(super) fn comments(a: &str, b: &str) -> bool {
    let of = |text: &str| {
        let tokens = layout(text).map(|it| it.tokens).unwrap_or_default();
        let comments = tokens.into_iter().filter(|it| it.kind == TokenKind::Comment);
        let mut comments: Vec<String> = comments.map(|it| text[it.range].trim_end().to_owned()).collect();
        comments.sort();
        comments
    };
    of(a) == of(b)
}

//! Errors with their causes, for records and messages that have one line for them.

/// An error and everything that caused it, from the outermost to the innermost.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        let words = inner.to_string();
        // Some libraries repeat their cause in their own message.
        if !text.ends_with(&words) {
            text = format!("{text}: {words}");
        }
        cause = inner.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{words}")]
    struct Failed {
        words: &'static str,
        source: Option<Box<Failed>>,
    }

    fn failed(words: &'static str, source: Option<Failed>) -> Failed {
        Failed { words, source: source.map(Box::new) }
    }

    #[test]
    fn each_cause_is_told_once() {
        let error = failed("client: connect", Some(failed("connect", Some(failed("refused", None)))));
        assert_eq!(with_causes(&error), "client: connect: refused");
    }
}

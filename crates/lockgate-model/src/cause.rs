//! Errors with their causes, for records and messages that have one line for them.

/// An error and everything that caused it, from the outermost to the innermost.
pub fn with_causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(inner) = cause {
        text = format!("{text}: {inner}");
        cause = inner.source();
    }
    text
}

//! Quoting what the user wrote.

/// What was written, short enough for a message.
pub fn shown(text: &str) -> String {
    const CHARS_MAX: usize = 40;
    let mut short: String =
        text.chars().take(CHARS_MAX).map(|it| if it.is_control() { ' ' } else { it }).collect();
    if CHARS_MAX < text.chars().count() {
        short.push_str("...");
    }
    short
}

//! What people see.

pub mod block;
pub mod facts;
pub mod images;
pub mod live;
pub mod objects;
pub mod picture;
pub mod rates;
mod services;
pub mod table;
pub mod view;
pub mod words;

use std::io::IsTerminal as _;

use lockgate_diagnostics::render::Style;

/// Size that text is fitted to where there is no terminal to ask.
const SIZE_DEFAULT: (u16, u16) = (100, 40);

/// Whether progress can be redrawn in place.
pub fn can_redraw() -> bool {
    std::io::stderr().is_terminal() && std::env::var_os("TERM").is_none_or(|it| it != "dumb")
}

/// Columns and rows of the terminal that progress is shown on.
pub fn size() -> (u16, u16) {
    match rustix::termios::tcgetwinsize(std::io::stderr()) {
        Ok(size) if 0 < size.ws_col && 0 < size.ws_row => (size.ws_col, size.ws_row),
        _ => SIZE_DEFAULT,
    }
}

pub fn diagnostic_style() -> Style {
    let choice = anstream::AutoStream::choice(&std::io::stderr());
    let color = choice != anstream::ColorChoice::Never;
    Style { color, width: usize::from(size().0) }
}

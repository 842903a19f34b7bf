//! What every reader of configuration reports with: codes and their pages, suggestions, fixes, and renderers
//! for people and for programs.

pub mod codes;
mod fix;
pub mod render;
pub mod suggest;
mod text;

pub use codes::{codes, explain_code};
pub use fix::{Fixed, apply_fixes, fixed};
pub use render::Source;
pub use text::shown;

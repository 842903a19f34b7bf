//! What single values of the language look like, beyond numbers, durations and names.

pub(crate) mod clock;
pub(crate) mod measure;
pub(crate) mod quantity;
pub(crate) mod text;

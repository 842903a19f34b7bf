//! YAML as a tree with places, in which every scalar keeps the text that was written.

mod node;
mod read;

pub use node::{Entry, Kind, Node, Scalar, Style};
pub use read::read;

//! YAML as a tree with places, in which every scalar keeps the text that was written; and values, written as YAML.

mod broken;
mod foreign;
mod layout;
mod node;
mod read;
mod write;

pub use foreign::{Duplicate, Foreign, Unreadable, read_foreign};
pub use layout::{Block, Layout, Token, TokenKind, Unusual, layout};
pub use node::{Entry, Kind, Node, Scalar, Style};
pub use read::{Read, read, read_part};
pub use write::{Style as WriteStyle, scalar, write, write_all};

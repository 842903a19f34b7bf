//! Registries of images: what a tag means, for which platforms an image is, and copies of one digest elsewhere.
//!
//! Blocking, and without shared state but tokens: whoever has other things to do asks from a thread.
//!
//! **Invariant:** a password is sent to the registry that it is for and to where that one gives its tokens out, and
//! is never shown.

mod auth;
mod client;
mod copy;
mod error;
mod login;
mod manifest;
mod reference;

pub use client::{Access, Client, Config};
pub use error::RegistryError;
pub use login::Credentials;
pub use reference::{BadReference, Reference, Repository};

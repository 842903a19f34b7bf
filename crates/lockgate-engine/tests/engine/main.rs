//! Plans and releases through the public API.

mod golden;
mod planning;
mod release;
mod status;
mod support;
mod verify;

//! Plans and releases through the public API.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail by panicking, as tests do")]

mod golden;
mod planning;
mod platforms;
mod release;
mod status;
mod support;
mod verify;

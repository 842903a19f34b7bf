//! A Docker engine, asked for what releases need of it, with errors that say what happened to which thing.

mod container;
mod create;
mod credentials;
mod engine;
mod error;
mod exec;
mod image;
mod network;

pub use container::{ContainerState, Ended, Phase};
pub use create::{Attachment, MountAt, MountKind, NewContainer, Privileges, Restart};
pub use credentials::{Credentials, Keyring};
pub use engine::{Engine, usual_address};
pub use error::{EngineClass, EngineError};
pub use exec::ExecAnswer;
pub use image::LocalImage;
pub use network::{NetworkState, Reach};

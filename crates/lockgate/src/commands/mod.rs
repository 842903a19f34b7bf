//! One module per command, or per family of commands.

pub mod adopt;
pub mod audit;
pub mod build;
pub mod check;
pub mod demo;
pub mod deploy;
pub mod diff;
mod dockerfiles;
pub mod doctor;
pub mod drive;
pub mod fix;
pub mod fmt;
pub mod history;
pub mod import;
pub mod lock;
pub mod logs;
pub mod node;
pub mod plan;
pub mod render;
pub mod rollback;
pub mod sample;
pub mod schema;
pub mod show;
pub mod status;
pub mod steer;

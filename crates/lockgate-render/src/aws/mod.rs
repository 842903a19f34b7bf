//! What the formats of Amazon's services share: names, documents, roles and the places of variables.

mod access;
mod cloud;
mod document;
mod guide;
mod resource;
mod size;
mod store;
mod supplies;
mod template;

pub(crate) use access::{allow, execution_role, fetching, infrastructure_role, reading, role, task_role};
pub(crate) use cloud::{Cloud, only_aws_knows};
pub(crate) use document::{Call, Document, tags};
pub(crate) use guide::write;
pub(crate) use size::{Size, app_runner, fargate};
pub(crate) use store::{Home, Placed, homes};
pub(crate) use supplies::{before, review};

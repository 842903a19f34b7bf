//! ECS, Express Mode, App Runner and `CloudWatch`: what is rendered, and what others' validators say of it.

#[path = "../common/mod.rs"]
mod common;

mod cloudwatch;
mod ecs;
mod specs;
mod validators;
mod values;

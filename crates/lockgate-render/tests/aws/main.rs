//! ECS, Express Mode, App Runner and `CloudWatch`: what is rendered, and what others' validators say of it.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]
#![expect(unreachable_pub, reason = "`pub` says what a module of these tests offers to the others")]

#[path = "../common/mod.rs"]
mod common;

mod cloudwatch;
mod ecs;
mod specs;
mod validators;
mod values;

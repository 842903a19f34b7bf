//! Objects of Kubernetes: what they say, that all forms of them mean the same, and that any value survives.

#[path = "../common/mod.rs"]
mod common;

mod checks;
mod custom;
mod objects;
mod shop;
mod values;

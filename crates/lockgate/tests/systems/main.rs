//! The reference systems on real platforms, end to end: a real cluster, a real Docker engine, PostgreSQL, Redis, and
//! users who count what they lose. Every service runs the sample service's image.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod adopt;
mod covenant;
mod folder;
mod images;
mod nova;
#[path = "../common/nova_services.rs"]
mod nova_services;
mod supernova;
mod users;

//! The real program with real processes, real traffic and real kills.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "a failed test shows what was killed, and when")]
#![expect(unreachable_pub, reason = "`pub` says what a module of these tests offers to the others")]

mod audit;
mod bad_input;
mod build;
mod check;
mod cluster;
mod crashes;
mod cutovers;
mod dice;
mod docker;
mod docker_hosts;
mod failures;
mod fix;
mod fmt;
mod freezes;
mod happy;
mod images;
mod import;
mod knobs;
mod lock;
mod migrations;
mod postgres;
mod processes;
mod render;
mod schema;
mod secrets;
mod steering;
mod world;

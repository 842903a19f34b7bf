//! The real program with real processes, real traffic and real kills.

#![expect(unreachable_pub, reason = "`pub` says what a module of these tests offers to the others")]

mod bad_input;
mod crashes;
mod cutovers;
mod failures;
mod happy;
mod knobs;
mod migrations;
mod postgres;
mod steering;
mod world;

//! Releases on real platforms while parts of them, and Lockgate itself, are killed at random moments: every release
//! ends as it has to, says why, and leaves nothing behind.
//!
//! `LOCKGATE_CHAOS_SEED` repeats a round, `LOCKGATE_CHAOS_RELEASES` makes it longer.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![expect(clippy::print_stdout, reason = "what was broken, when, and what came of it")]

mod api;
mod checks;
#[expect(unreachable_pub, reason = "its home is another test program")]
#[path = "../cli/dice.rs"]
mod dice;
mod docker;
mod faults;
#[expect(dead_code, reason = "its home is another test program, which uses all of it")]
#[path = "../systems/folder.rs"]
mod folder;
mod kubernetes;
mod ledger;
mod platform;
#[expect(unreachable_pub, reason = "its home is another test program")]
#[path = "../cli/processes.rs"]
mod processes;
mod release;
mod round;
mod shop;
mod tally;
mod told;
#[expect(dead_code, reason = "its home is another test program, which uses all of it")]
#[path = "../systems/users.rs"]
mod users;

#[test]
fn on_kubernetes_every_release_ends_as_it_has_to() {
    if let Some(platform) = kubernetes::Kubernetes::open() {
        round::run(platform);
    }
}

#[test]
fn on_docker_every_release_ends_as_it_has_to() {
    if let Some(platform) = docker::Docker::open() {
        round::run(platform);
    }
}

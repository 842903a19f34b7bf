//! The proxy over real sockets: small servers behind it, small clients before it.

#![expect(clippy::unwrap_used, reason = "a helper that fails fails its test")]

mod cutover;
mod grpc;
mod health;
mod hygiene;
mod sessions;
mod split;
mod support;
mod tunnels;
mod wire;

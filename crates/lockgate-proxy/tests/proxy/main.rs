//! The proxy over real sockets: small servers behind it, small clients before it.

mod cutover;
mod grpc;
mod health;
mod hygiene;
mod sessions;
mod split;
mod support;
mod tunnels;
mod wire;

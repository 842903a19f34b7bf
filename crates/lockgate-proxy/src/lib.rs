//! The data plane of Lockgate: a weighted HTTP proxy whose cutovers lose no request.
//!
//! A service's traffic is split over slots; a slot has instances, which are checked, drained and counted.
//! It knows nothing of releases beyond their numbers, and keeps nothing on disk: whoever owns the process does.

mod body;
mod config;
mod count;
mod drain;
mod error;
mod exchange;
mod flight;
mod forward;
mod grpc;
mod heads;
mod health;
mod hygiene;
mod instance;
mod listen;
mod page;
mod pool;
mod proxy;
mod route;
mod slot;
mod status;
mod sticky;
mod tunnel;

pub use config::{InstanceId, Limits, ProxyConfig, SlotConfig};
pub use drain::DrainReport;
pub use error::ProxyError;
pub use proxy::Proxy;
pub use status::{InstanceStatus, PortStatus, ProxyStatus, ServiceStatus, SlotStatus};

//! What a proxy and its slots are made of, and every limit with its reason.

use std::time::Duration;

use lockgate_model::{Health, Version};

/// Number of an instance within its slot, given by whoever starts the instances.
pub type InstanceId = u32;

/// What a proxy is told when it is made.
#[derive(Clone)]
pub struct ProxyConfig {
    /// Names this run of the counters; it must differ each time the process starts.
    pub counter_epoch: String,
    /// Signs the cookies of sticky sessions; sessions outlive a restart only if the key does.
    pub cookie_key: [u8; 32],
    /// Time that a drain leaves WebSockets alone before it asks them to close.
    pub tunnel_grace: Duration,
    pub limits: Limits,
}

impl ProxyConfig {
    pub fn new(counter_epoch: impl Into<String>, cookie_key: [u8; 32]) -> ProxyConfig {
        ProxyConfig {
            counter_epoch: counter_epoch.into(),
            cookie_key,
            tunnel_grace: Duration::from_secs(5),
            limits: Limits::default(),
        }
    }
}

/// Bounds on what peers can make the proxy hold.
#[derive(Clone, Debug)]
pub struct Limits {
    /// From the first byte of a request's header to its last: ends slow-header attacks.
    pub header_read: Duration,
    /// Silence between two requests of a client; longer than the 60 s that browsers and load balancers keep.
    pub client_idle: Duration,
    /// To connect to an instance, which is on this machine or in the same network.
    pub connect: Duration,
    /// From the end of the request's body to the response's header; also silence within the request's body.
    pub response_header: Duration,
    /// Idle connections to instances are dropped before common servers drop them (Node.js: 5 s).
    pub upstream_idle: Duration,
    /// Bytes of a request's or response's header section.
    pub header_bytes: u32,
    /// Header lines of a request.
    pub headers: u16,
    /// Open connections per listener; more wait in the kernel's queue.
    pub connections: usize,
    /// Concurrent streams per HTTP/2 connection of a client.
    pub streams: u32,
}

impl Default for Limits {
    fn default() -> Limits {
        Limits {
            header_read: Duration::from_secs(10),
            client_idle: Duration::from_secs(75),
            connect: Duration::from_secs(2),
            response_header: Duration::from_mins(1),
            upstream_idle: Duration::from_millis(3_500),
            header_bytes: 64 * 1024,
            headers: 100,
            connections: 10_000,
            streams: 256,
        }
    }
}

/// What all instances of a slot have in common.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotConfig {
    pub version: Version,
    /// Upper bounds of the latency buckets; sorted and made unique by the proxy.
    pub latency_bounds_ms: Vec<u32>,
    pub health: Health,
}

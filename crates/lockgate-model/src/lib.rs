//! The vocabulary of Lockgate: what every other crate talks about, and nothing that does anything.
//!
//! **Invariant:** no I/O, no clock, no parser of files, no async.

mod cause;
mod count;
mod diagnostic;
mod digest;
mod fence;
mod form;
pub mod metrics;
mod name;
mod observed;
mod quantity;
mod release;
mod secret;
mod system;
mod threshold;
mod time;
mod work;

pub use cause::with_causes;
pub use count::{Counter, InstanceCounts, LATENCY_BOUNDS_MS, Latency, Measured, Samples, SlotCounts};
pub use diagnostic::{Code, Diagnostic, Edit, Fix, Label, Severity, SourceId, Span};
pub use digest::Digest;
pub use fence::{EffectKey, Fence, Scope, SeenFences, Subject};
pub use form::{
    Container, DependencyContainer, DockerFixtures, Fixtures, Form, Limits, MetricsAt, Mount, MountFrom,
    Objects, SecretRef, compose,
};
pub use name::{
    DependencyName, EnvironmentName, InvalidName, JobName, PortName, ServiceName, SystemName, Version,
};
pub use observed::{Observed, ObservedService, ObservedSlot, Routing, Sharing};
pub use quantity::{InvalidQuantity, Percent, Weight, Weights, grouped};
pub use release::{Commit, ReleaseId, SlotRef, Snapshot};
pub use secret::Secret;
pub use system::*;
pub use threshold::{Amount, Comparison, InvalidThreshold, Period, Threshold, Unit};
pub use time::{InvalidDuration, Millis, Timestamp};
pub use work::{JobKind, JobSpec, Keep, SlotSpec, SmokeSpec, SmokeVia};

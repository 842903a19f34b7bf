//! The clock of a driver: the wall clock when it starts, and from then on time that passed.
//!
//! A wall clock that is set back would leave a gate blind until it has caught up.

use std::sync::OnceLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use lockgate_model::Timestamp;

static START: OnceLock<(Timestamp, Instant)> = OnceLock::new();

pub(crate) fn now() -> Timestamp {
    let (wall, instant) = START.get_or_init(|| (wall(), Instant::now()));
    let passed = u64::try_from(instant.elapsed().as_millis()).unwrap_or(u64::MAX);
    Timestamp(wall.0.saturating_add(passed))
}

fn wall() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

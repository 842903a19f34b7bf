//! The wall clock: the only one in this crate.

use std::time::{SystemTime, UNIX_EPOCH};

use lockgate_model::Timestamp;

pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}

//! How targets tell a request of today's driver from a late one of a dead driver.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{EnvironmentName, ReleaseId, SystemName};

/// At most one release changes a scope at a time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Scope {
    pub system: SystemName,
    pub environment: EnvironmentName,
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.system, self.environment)
    }
}

/// The right to act, and its age. Targets keep the newest fence they have seen and refuse older ones:
/// an older `epoch` anywhere in the scope, or an older `seq` for the same service or job.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Fence {
    pub scope: Scope,
    /// Grows each time a driver takes the lease of the scope.
    pub epoch: u64,
    /// Grows with the journal of the release. A look is newer than the request that it asks about.
    pub seq: u64,
}

/// Names one attempt at one task, for ever: `r12.3.4.f1` is release 12, stage 3, task 4, forward, attempt 1.
/// Targets store it, so that a repeat is recognised.
/// At most 36 printable ASCII characters, the shortest limit among the platforms (ECS client tokens).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct EffectKey(String);

impl EffectKey {
    /// Longest key there is, by the limits of the platforms.
    pub const LEN_MAX: usize = 36;

    pub fn new(release: ReleaseId, stage: u16, task: u16, back: bool, attempt: u16) -> EffectKey {
        let direction = if back { 'b' } else { 'f' };
        let key = format!("{release}.{stage}.{task}.{direction}{attempt}");
        assert!(key.len() <= EffectKey::LEN_MAX, "effect key {key} is too long");
        EffectKey(key)
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for EffectKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_key_fits() {
        let key = EffectKey::new(ReleaseId(9_999_999_999), 255, 9_999, true, 99);
        assert_eq!(key.as_str(), "r9999999999.255.9999.b99");
    }
}

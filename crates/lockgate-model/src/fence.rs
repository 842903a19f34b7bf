//! How targets tell a request of today's driver from a late one of a dead driver.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{EnvironmentName, ReleaseId, ServiceName, SystemName};

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

/// What a sequence number is about.
pub enum Subject<'a> {
    Service(&'a ServiceName),
    /// A job by its name, and by the key of the attempt, which is all that a look knows of it.
    Job {
        name: &'a str,
        key: &'a str,
    },
    Key(&'a str),
    /// What stands beside the slots.
    Fixtures,
}

impl Subject<'_> {
    fn names(&self) -> Vec<String> {
        match self {
            Subject::Service(name) => vec![format!("service/{name}")],
            Subject::Job { name, key } => vec![format!("job/{name}"), format!("key/{key}")],
            Subject::Key(key) => vec![format!("key/{key}")],
            Subject::Fixtures => vec!["fixtures".to_owned()],
        }
    }
}

/// The newest fences that a target has seen in one scope; a target keeps it durably.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeenFences {
    pub epoch: u64,
    /// Newest sequence number in this epoch of each subject: `service/web`, `job/migrate`, `key/r1.2.0.f1`.
    pub seqs: BTreeMap<String, u64>,
}

impl SeenFences {
    /// Takes note of a fence, or says why it is refused. Sequence numbers count within an epoch: a newer epoch
    /// forgets them.
    pub fn admit(&mut self, fence: &Fence, subject: &Subject<'_>) -> Result<(), String> {
        let refused = |reason: String| Err(format!("refused: {reason}; a newer driver has taken over"));
        if fence.epoch < self.epoch {
            return refused(format!(
                "epoch {} of {} is over; epoch {} has begun",
                fence.epoch, fence.scope, self.epoch
            ));
        }
        let names = subject.names();
        let known = |name: &String| self.seqs.get(name).filter(|_| fence.epoch == self.epoch);
        if let Some((name, newest)) = names
            .iter()
            .find_map(|it| known(it).filter(|newest| fence.seq < **newest).map(|newest| (it, newest)))
        {
            return refused(format!(
                "request {} for {name} comes after request {newest} of the same epoch",
                fence.seq
            ));
        }
        if self.epoch < fence.epoch {
            self.epoch = fence.epoch;
            self.seqs.clear();
        }
        self.seqs.extend(names.into_iter().map(|it| (it, fence.seq)));
        Ok(())
    }
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

    fn fence(epoch: u64, seq: u64) -> Fence {
        let scope = Scope {
            system: SystemName::new("shop").unwrap(),
            environment: EnvironmentName::new("prod").unwrap(),
        };
        Fence { scope, epoch, seq }
    }

    #[test]
    fn older_fences_are_refused_and_equal_ones_are_repeats() {
        let mut seen = SeenFences::default();
        let web = ServiceName::new("web").unwrap();
        let api = ServiceName::new("api").unwrap();
        seen.admit(&fence(1, 5), &Subject::Service(&web)).unwrap();
        seen.admit(&fence(1, 5), &Subject::Service(&web)).unwrap();
        seen.admit(&fence(1, 4), &Subject::Service(&api)).unwrap();
        assert!(seen.admit(&fence(1, 4), &Subject::Service(&web)).is_err());
        seen.admit(&fence(2, 1), &Subject::Service(&web)).unwrap();
        let late = seen.admit(&fence(1, 9), &Subject::Service(&api)).unwrap_err();
        assert!(late.contains("epoch 1 of shop/prod is over"), "{late}");
    }

    #[test]
    fn a_look_fences_older_requests_for_its_key_only() {
        let mut seen = SeenFences::default();
        seen.admit(&fence(1, 7), &Subject::Key("r1.0.0.f1")).unwrap();
        assert!(seen.admit(&fence(1, 6), &Subject::Job { name: "seed", key: "r1.0.0.f1" }).is_err());
        seen.admit(&fence(1, 6), &Subject::Job { name: "seed", key: "r1.0.0.f2" }).unwrap();
        seen.admit(&fence(1, 7), &Subject::Job { name: "migrate", key: "r1.0.0.f1" }).unwrap();
    }

    #[test]
    fn the_longest_key_fits() {
        let key = EffectKey::new(ReleaseId(9_999_999_999), 255, 9_999, true, 99);
        assert_eq!(key.as_str(), "r9999999999.255.9999.b99");
    }
}

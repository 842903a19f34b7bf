//! What Prometheus is asked: the newest value of each counter, and when it was read.
//!
//! No rates: `rate` and `increase` extrapolate, and what is judged must be whole requests.

use super::families::{CODE, STATUS};
use super::preset::Preset;
use super::seen::Seen;
use super::whose::Whose;

/// 1 when the last reading of a pod succeeded.
pub(crate) const UP: &str = "up";
/// Labels that tell apart who was read.
pub(crate) const WHO: [&str; 3] = ["job", "instance", "pod"];

/// Both are answered for one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Queries {
    /// When each was read last, in seconds.
    pub(crate) times: String,
    /// What each had counted by then.
    pub(crate) counts: String,
}

impl Queries {
    pub(crate) fn new(preset: &Preset, seen: &Seen<'_>) -> Queries {
        let (mut counters, mut others) = (Vec::new(), Vec::new());
        for family in preset.families {
            counters.push(family.requests.to_owned());
            counters.extend(family.timed());
            others.extend([family.errors, family.buckets].into_iter().flatten().map(str::to_owned));
        }
        // A pod that has had no request may show none.
        if preset.whose == Whose::Pod {
            counters.push(UP.to_owned());
        }
        let matchers = preset.whose.matchers(seen);
        // Each by itself: without their names, series of two counters may be called the same.
        let times: Vec<String> = counters
            .iter()
            .flat_map(|name| matchers.iter().map(move |it| format!("timestamp({name}{{{it}}})")))
            .collect();
        let names: Vec<&str> = counters.iter().chain(&others).map(String::as_str).collect();
        let names = names.join("|");
        let counts: Vec<String> =
            matchers.iter().map(|it| format!("{{__name__=~\"{names}\",{it}}}")).collect();
        let own = preset.whose.labels();
        let who: Vec<&str> = WHO.iter().chain(own).copied().collect();
        let by = ["__name__"].into_iter().chain(who.iter().copied()).chain(STATUS).chain(CODE).chain(["le"]);
        Queries {
            times: format!("max by ({}) ({})", who.join(","), times.join(" or ")),
            counts: format!("sum by ({}) ({})", by.collect::<Vec<_>>().join(","), counts.join(" or ")),
        }
    }
}

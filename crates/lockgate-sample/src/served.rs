//! Requests by status and how long they took, under the names that services are expected to use.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use http::StatusCode;
use lockgate_model::LATENCY_BOUNDS_MS;
use lockgate_model::metrics::{DURATION_BUCKETS, REQUESTS};

#[derive(Default)]
pub(crate) struct Served(Mutex<Counts>);

#[derive(Default)]
struct Counts {
    by_status: BTreeMap<u16, u64>,
    /// One per bound, and one more for what was slower than the last.
    by_time: [u64; LATENCY_BOUNDS_MS.len() + 1],
    took: Duration,
}

impl Served {
    pub(crate) fn add(&self, status: StatusCode, took: Duration) {
        let mut counts = self.lock();
        *counts.by_status.entry(status.as_u16()).or_default() += 1;
        let is_within = |bound: &&u32| took <= Duration::from_millis(u64::from(**bound));
        let bucket = LATENCY_BOUNDS_MS.iter().take_while(|it| !is_within(it)).count();
        counts.by_time[bucket] += 1;
        counts.took += took;
    }

    /// As text of Prometheus; `labels` are the instance's own.
    pub(crate) fn page(&self, labels: &str) -> String {
        let counts = self.lock();
        let mut page = format!("# HELP {REQUESTS} Requests by status.\n# TYPE {REQUESTS} counter\n");
        let mut line = |text: std::fmt::Arguments<'_>| {
            page.write_fmt(text).expect("a string can always be written to");
            page.push('\n');
        };
        for (status, count) in &counts.by_status {
            line(format_args!("{REQUESTS}{{{labels},status=\"{status}\"}} {count}"));
        }
        let name = DURATION_BUCKETS.trim_end_matches("_bucket");
        line(format_args!("# HELP {name} Time to the head of the answer.\n# TYPE {name} histogram"));
        let bounds = LATENCY_BOUNDS_MS.iter().map(|it| (f64::from(*it) / 1_000.0).to_string());
        let mut sum = 0;
        for (bound, count) in bounds.chain(["+Inf".to_owned()]).zip(counts.by_time) {
            sum += count;
            line(format_args!("{DURATION_BUCKETS}{{{labels},le=\"{bound}\"}} {sum}"));
        }
        line(format_args!(
            "{name}_sum{{{labels}}} {}\n{name}_count{{{labels}}} {sum}",
            counts.took.as_secs_f64()
        ));
        page
    }

    fn lock(&self) -> MutexGuard<'_, Counts> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Latencies in buckets that are never wider than a sixteenth of their value.

use std::time::Duration;

/// Buckets for each doubling.
const STEPS: usize = 16;
/// Microseconds up to 2^36, which is nineteen hours.
const DOUBLINGS: usize = 36;

#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    buckets: Vec<u64>,
    total: u64,
}

impl Default for Histogram {
    fn default() -> Histogram {
        Histogram { buckets: vec![0; STEPS * DOUBLINGS], total: 0 }
    }
}

impl Histogram {
    pub fn total(&self) -> u64 {
        self.total
    }

    pub fn record(&mut self, took: Duration) {
        let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let last = self.buckets.len() - 1;
        self.buckets[usize::min(index(micros), last)] += 1;
        self.total += 1;
    }

    /// At most this for the given share of requests; `None` without any.
    pub fn quantile(&self, quantile: f64) -> Option<Duration> {
        let rank = (quantile * self.total as f64).ceil().max(1.0);
        let mut seen = 0_u64;
        for (index, count) in self.buckets.iter().enumerate() {
            seen += count;
            if *count > 0 && rank <= seen as f64 {
                return Some(Duration::from_micros(upper(index)));
            }
        }
        None
    }
}

fn index(micros: u64) -> usize {
    let Ok(small) = usize::try_from(micros) else { return usize::MAX };
    if small < STEPS {
        return small;
    }
    let doubling = small.ilog2() - STEPS.ilog2();
    (doubling as usize + 1) * STEPS + (small >> doubling) - STEPS
}

/// The largest value of a bucket.
fn upper(index: usize) -> u64 {
    if index < STEPS {
        return index as u64;
    }
    let doubling = index / STEPS - 1;
    (((index % STEPS + STEPS + 1) as u64) << doubling) - 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn buckets_are_contiguous_and_narrow() {
        for micros in (0..5_000_u64).chain([1 << 20, (1 << 20) + 1, 86_400_000]) {
            let bound = upper(index(micros));
            assert!(micros <= bound && bound - micros <= micros / 16, "{micros} in a bucket up to {bound}");
        }
    }

    #[test]
    fn quantiles_are_upper_bounds() {
        let mut histogram = Histogram::default();
        assert_eq!(histogram.quantile(0.5), None);
        for millis in 1..=100 {
            histogram.record(Duration::from_millis(millis));
        }
        let median = histogram.quantile(0.5).unwrap();
        assert!(Duration::from_millis(50) <= median && median < Duration::from_millis(54), "{median:?}");
        assert_eq!(histogram.total(), 100);
    }
}

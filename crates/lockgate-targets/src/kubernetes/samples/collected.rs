//! From what Prometheus or a gateway shows of many to what each pod or Service of one service has counted.

use std::collections::BTreeMap;

use super::answer::Vector;
use super::exposition::Sample;
use super::families::{self, Reading};
use super::preset::Preset;
use super::promql::{UP, WHO};
use super::seen::Seen;
use super::whose::{Counter, Whose};

/// Twice the interval that Prometheus reads in unless told otherwise. What is older says nothing of now.
const AGE_MAX_SECS: f64 = 120.0;

/// What one pod or gateway has counted of one slot.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Collected {
    pub(crate) counter: Counter,
    /// Tells apart the gateways that count the same.
    pub(crate) who: String,
    /// When it was read, in seconds by whoever's clock; `None` of what is read now.
    pub(crate) read_at: Option<f64>,
    pub(crate) reading: Result<Reading, String>,
}

/// What Prometheus knows. Counts that are too old, or whose reading failed, are told and not taken.
pub(crate) fn of_prometheus(
    preset: &Preset,
    seen: &Seen<'_>,
    times: &Vector,
    counts: Vector,
) -> Vec<Collected> {
    let now = times.at.unwrap_or_default();
    let mut read_at: BTreeMap<(Counter, String), f64> = BTreeMap::new();
    for sample in &times.samples {
        let Some(counter) = preset.whose.of(sample, seen) else { continue };
        let newest = read_at.entry((counter, who(sample))).or_insert(sample.value);
        *newest = newest.max(sample.value);
    }
    let mut by_who = by_counter(preset, seen, counts.samples);
    if preset.whose == Whose::Pod {
        keep_one_job(&mut by_who);
    }
    let collected = by_who.into_iter().map(|((counter, who), samples)| {
        let key = (counter, who);
        let at = read_at.get(&key).copied();
        let reading = match at {
            Some(at) if now - at <= AGE_MAX_SECS => reading(preset, &samples),
            Some(at) => Err(format!("Prometheus has read it {:.0} seconds ago for the last time", now - at)),
            None => Err("Prometheus does not say when it has read it".to_owned()),
        };
        let (counter, who) = key;
        Collected { counter, who, read_at: at, reading }
    });
    collected.collect()
}

/// A page of a gateway, read just now.
pub(crate) fn of_page(
    preset: &Preset,
    seen: &Seen<'_>,
    gateway: &str,
    page: Vec<Sample<'_>>,
) -> Vec<Collected> {
    let collected = by_counter(preset, seen, page).into_iter().map(|((counter, _), samples)| Collected {
        counter,
        who: gateway.to_owned(),
        read_at: None,
        reading: reading(preset, &samples),
    });
    collected.collect()
}

fn reading(preset: &Preset, samples: &[Sample<'_>]) -> Result<Reading, String> {
    if samples.iter().any(|it| it.name == UP && it.value == 0.0) {
        return Err("Prometheus cannot read it".to_owned());
    }
    // What is read and has counted nothing has had nothing.
    Ok(families::reading(preset.families, samples, &[])?.unwrap_or_default())
}

fn by_counter<'s>(
    preset: &Preset,
    seen: &Seen<'_>,
    samples: Vec<Sample<'s>>,
) -> BTreeMap<(Counter, String), Vec<Sample<'s>>> {
    let mut by_counter: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for sample in samples {
        if let Some(counter) = preset.whose.of(&sample, seen) {
            by_counter.entry((counter, who(&sample))).or_default().push(sample);
        }
    }
    by_counter
}

fn who(sample: &Sample<'_>) -> String {
    let labels = WHO.iter().filter_map(|it| sample.label(it));
    labels.collect::<Vec<_>>().join(" ")
}

/// A pod that two jobs read would count twice. The one that knows requests is taken.
fn keep_one_job(by_who: &mut BTreeMap<(Counter, String), Vec<Sample<'_>>>) {
    let mut best: BTreeMap<Counter, (bool, String)> = BTreeMap::new();
    for ((counter, who), samples) in by_who.iter() {
        let knows = samples.iter().any(|it| it.name != UP);
        let kept = best.entry(counter.clone()).or_insert_with(|| (knows, who.clone()));
        if knows && !kept.0 {
            *kept = (knows, who.clone());
        }
    }
    by_who.retain(|(counter, who), _| best.get(counter).is_some_and(|it| it.1 == *who));
}

//! The figures of a round.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use crate::checks::{End, end};
use crate::faults::Fault;
use crate::release::Course;
use crate::shop::Make;

#[derive(Default)]
pub(crate) struct Tally {
    releases: u32,
    faults: BTreeMap<Fault, u32>,
    ends: BTreeMap<(String, End), u32>,
    longest: Duration,
    total: Duration,
    requests: u64,
    /// In releases without a fault that hits users, and in the others.
    lost: [u64; 2],
}

impl Tally {
    pub(crate) fn add(&mut self, make: Make, course: &Course, requests: u64, lost: u64) {
        self.releases += 1;
        for fault in &course.struck {
            *self.faults.entry(*fault).or_default() += 1;
        }
        *self.ends.entry((format!("{make:?}"), end(&course.row))).or_default() += 1;
        self.longest = self.longest.max(course.took);
        self.total += course.took;
        self.requests += requests;
        self.lost[usize::from(course.struck.iter().any(|it| it.hits_users()))] += lost;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "| what | count |\n|---|---:|")?;
        writeln!(f, "| releases | {} |", self.releases)?;
        for ((make, end), count) in &self.ends {
            writeln!(f, "| {make}: {end:?} | {count} |")?;
        }
        for (fault, count) in &self.faults {
            writeln!(f, "| fault {fault:?} | {count} |")?;
        }
        let mean = self.total.as_secs_f64() / f64::from(self.releases.max(1));
        writeln!(f, "| seconds, mean | {mean:.0} |")?;
        writeln!(f, "| seconds, longest | {:.0} |", self.longest.as_secs_f64())?;
        writeln!(f, "| requests | {} |", self.requests)?;
        writeln!(f, "| lost, no fault on their way | {} |", self.lost[0])?;
        write!(f, "| lost, the data path was broken | {} |", self.lost[1])
    }
}

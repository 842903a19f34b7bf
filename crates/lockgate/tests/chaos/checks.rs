//! What has to hold after every release.

use std::time::Duration;

use serde_json::Value;

use crate::faults::Fault;
use crate::platform::{Platform, until};
use crate::release::{Course, is_driver};
use crate::shop::{ENVIRONMENT, Make, SERVICES};
use crate::{processes, users};
use lockgate_sample::load::LoadReport;

/// For a platform that was broken to be whole again; a machine is missed for 20 seconds before anything is done.
const WELL_WITHIN: Duration = Duration::from_secs(150);
/// For what was told to go to be gone.
const GONE_WITHIN: Duration = Duration::from_mins(1);
const ASKED: usize = 10;

/// Before and after a release.
pub(crate) struct InPlace {
    pub(crate) version: String,
    pub(crate) release: String,
    /// What there is when nothing is left behind.
    pub(crate) things: Vec<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum End {
    Done,
    RolledBack,
    Other,
}

pub(crate) fn end(row: &Value) -> End {
    match row["outcome"].to_string() {
        it if it.contains("\"done\"") => End::Done,
        it if it.contains("\"rolled-back\"") || it.contains("\"cancelled\"") => End::RolledBack,
        _ => End::Other,
    }
}

/// How it ended, and what it says of that.
pub(crate) fn of_the_end(make: Make, course: &Course) -> Vec<String> {
    let (outcome, end) = (course.row["outcome"].to_string(), end(&course.row));
    let mut problems = vec![];
    let wanted = match end {
        End::Done => 0,
        End::RolledBack => 3,
        End::Other => 1,
    };
    if course.code.is_some_and(|it| it != wanted) {
        problems.push(format!("exit code {:?} for {outcome}", course.code));
    }
    if end == End::Done && !outcome.contains("\"leftovers\":[]") {
        problems.push(format!("it says what is left over: {outcome}"));
    }
    // Past the names of what carries the reason.
    let why = outcome.split_once("\"why\":").map_or("", |it| it.1);
    let says = |words: &[&str]| words.iter().any(|it| why.contains(it));
    let faults = course.struck.iter().any(|it| says(it.words()));
    match (make, end) {
        (Make::Good, End::Done) => (),
        (Make::Good, End::RolledBack) if faults => (),
        (Make::Good, _) => problems.push(format!("a good version did not go out: {outcome}")),
        (_, End::RolledBack) if says(make.words()) || faults => (),
        (_, _) => problems.push(format!("{make:?} ended with: {outcome}")),
    }
    problems
}

/// Users lose nothing by what does not hit them.
pub(crate) fn of_users(course: &Course, report: &LoadReport) -> Vec<String> {
    let lost = users::lost(report);
    if lost == 0 || course.struck.iter().any(|it| it.hits_users()) {
        return vec![];
    }
    let LoadReport { http_4xx, http_5xx, failures, versions, .. } = report;
    vec![format!(
        "{lost} requests were lost: {http_4xx} 4xx, {http_5xx} 5xx, {failures:?}; answers: {versions:?}"
    )]
}

pub(crate) fn of_migrations<P: Platform>(platform: &P, version: &str, course: &Course) -> Vec<String> {
    let runs = platform.ledger().of(version);
    let mut problems = vec![];
    if runs.values().any(|it| 1 < it.begun || 1 < it.ended) {
        problems.push(format!("a migration ran twice under one key: {runs:?}"));
    }
    let ended: u32 = runs.values().map(|it| it.ended).sum();
    if end(&course.row) == End::Done && ended == 0 {
        problems.push(format!("no migration took effect: {runs:?}"));
    }
    // Where its own connection is cut, a migration does not know that it took effect.
    let cut = course.struck.iter().any(|it| matches!(it, Fault::Cut(_) | Fault::Engine));
    if 1 < ended && !cut {
        problems.push(format!("the migration took effect more than once: {runs:?}"));
    }
    problems
}

/// Waits until all is whole, and says what is not by then.
pub(crate) fn of_the_place<P: Platform>(platform: &mut P, at: &InPlace, course: &Course) -> Vec<String> {
    let mut problems = vec![];
    if until(WELL_WITHIN, || platform.is_well().then_some(())).is_none() {
        problems.push("the platform is not whole again".to_owned());
    }
    if until(GONE_WITHIN, || (things(platform, &at.release) == at.things).then_some(())).is_none() {
        problems.push(difference(&at.things, &things(platform, &at.release)));
    }
    if until(GONE_WITHIN, || is_whole(platform, at).then_some(())).is_none() {
        problems.push(format!("status: {}", platform.folder().run(&["status", ENVIRONMENT]).stdout));
    }
    for service in SERVICES {
        let served = (0..ASKED).map(|_| platform.version_served(service));
        let others: Vec<_> = served.filter(|it| it.as_ref() != Some(&at.version)).collect();
        if !others.is_empty() {
            problems.push(format!("{service} is served by {others:?}, not by {}", at.version));
        }
    }
    let id = course.row["id"].as_str().unwrap_or_default();
    let journal = platform.folder().run(&["history", "--release", id]);
    if journal.code != Some(0) {
        problems.push(format!("the journal does not read: {}", journal.stderr));
    }
    if processes::of_folder(platform.folder().path()).into_iter().any(is_driver) {
        problems.push("a driver is at work still".to_owned());
    }
    problems
}

/// All that there is, in order.
pub(crate) fn things<P: Platform>(platform: &P, release: &str) -> Vec<String> {
    let mut things = platform.things(release);
    things.sort();
    things
}

/// Both services have one slot, which has all of the traffic and all of its instances.
fn is_whole<P: Platform>(platform: &P, at: &InPlace) -> bool {
    let said = platform.folder().run(&["status", ENVIRONMENT, "--format", "json"]);
    let status: Value = serde_json::from_str(&said.stdout).unwrap_or_default();
    let Some(slots) = status["slots"].as_array() else { return false };
    let whole = |it: &Value| {
        it["version"] == *at.version
            && it["weight"] == 10_000
            && it["ready"] == it["wanted"]
            && it["wanted"] == 2
    };
    slots.len() == SERVICES.len() && slots.iter().all(whole)
}

fn difference(wanted: &[String], found: &[String]) -> String {
    let only = |a: &[String], b: &[String]| {
        let mut rest = b.to_vec();
        let mut only = vec![];
        for it in a {
            match rest.iter().position(|other| other == it) {
                Some(at) => drop(rest.swap_remove(at)),
                None => only.push(it.clone()),
            }
        }
        only
    };
    format!("left behind: {:?}; missing: {:?}", only(found, wanted), only(wanted, found))
}

//! A round of releases: good versions and bad ones in turn, each with faults of its own.

use crate::checks::{self, End, InPlace};
use crate::dice::Dice;
use crate::faults::{Strike, strikes};
use crate::platform::Platform;
use crate::release::{Course, carry_out};
use crate::shop::{ENVIRONMENT, Make};
use crate::tally::Tally;
use crate::users;

/// A good and a bad version twice: what there is time for in every run of all tests.
const RELEASES: u32 = 4;

pub(crate) fn run<P: Platform>(mut platform: P) {
    let mut dice = Dice::new("LOCKGATE_CHAOS_SEED", P::NAME.len() as u64);
    let releases = std::env::var("LOCKGATE_CHAOS_RELEASES").map_or(RELEASES, |it| it.parse().unwrap());
    let (mut tally, mut problems) = (Tally::default(), vec![]);
    let (mut at, facts) = in_calm_weather(&mut platform);
    for number in 1..=releases {
        let make = if number.is_multiple_of(2) { Make::bad(&mut dice) } else { Make::Good };
        let strikes = strikes(&mut dice, &platform.faults(), make.facts(facts));
        let version = format!("v{number}");
        println!("{} {version} {make:?}", P::NAME);
        let (course, found) = one(&mut platform, &version, make, &strikes, &mut at, &mut tally);
        for problem in found {
            println!("    PROBLEM {version}: {problem}");
            problems.push(format!("{version}: {problem}"));
        }
        if !course.row["ended_at"].is_u64() {
            break;
        }
    }
    println!("\n{}\n\n{tally}\n", P::NAME);
    let log =
        std::fs::read_to_string(platform.folder().path().join(".lockgate/driver.log")).unwrap_or_default();
    assert!(problems.is_empty(), "{}\n\nthe driver's log:\n{log}", problems.join("\n"));
}

/// What a release without faults journals and leaves.
fn in_calm_weather<P: Platform>(platform: &mut P) -> (InPlace, usize) {
    let mut last = None;
    // The first one makes what stays; the second replaces a version, as all later ones do.
    for version in ["calm-1", "calm-2"] {
        let image = platform.offer(version, Make::Good);
        platform.expect(&[]);
        let users = last.is_some().then(|| platform.users());
        let course = carry_out(platform, version, &image, &[]);
        assert_eq!(checks::of_the_end(Make::Good, &course), Vec::<String>::new());
        if let Some(users) = users {
            users::assert_nothing_was_lost(&users.leave());
        }
        last = Some((version, course));
    }
    let (version, course) = last.expect("there were two");
    let release = course.row["id"].as_str().unwrap().to_owned();
    let things = checks::things(platform, &release);
    println!(
        "{}: {} facts in {:.0} s, and there is: {things:#?}",
        P::NAME,
        course.facts,
        course.took.as_secs_f64()
    );
    (InPlace { version: version.to_owned(), release, things }, course.facts)
}

fn one<P: Platform>(
    platform: &mut P,
    version: &str,
    make: Make,
    strikes: &[Strike],
    at: &mut InPlace,
    tally: &mut Tally,
) -> (Course, Vec<String>) {
    let image = platform.offer(version, make);
    platform.expect(strikes);
    let users = platform.users();
    let mut course = carry_out(platform, version, &image, strikes);
    println!("    {:.0} s: {}", course.took.as_secs_f64(), course.row["outcome"]);
    if checks::end(&course.row) == End::Done {
        version.clone_into(&mut at.version);
        course.row["id"].as_str().unwrap_or_default().clone_into(&mut at.release);
    }
    let mut problems = std::mem::take(&mut course.problems);
    problems.extend(checks::of_the_end(make, &course));
    problems.extend(checks::of_the_place(platform, at, &course));
    let report = users.leave();
    problems.extend(checks::of_users(&course, &report));
    problems.extend(checks::of_migrations(platform, version, &course));
    tally.add(make, &course, report.requests, users::lost(&report));
    if !problems.is_empty() {
        let id = course.row["id"].as_str().unwrap_or_default();
        println!("{}", platform.folder().run(&["history", ENVIRONMENT, "--release", id]).stdout);
    }
    (course, problems)
}

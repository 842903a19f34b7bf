//! Schedules, time zones and moments of the week or the year.

use lockgate_diagnostics::{codes, shown};
use lockgate_yaml::Scalar;

use crate::scalar::Problem;

struct Part {
    what: &'static str,
    min: u32,
    max: u32,
    names: &'static [&'static str],
}

const MONTHS: &[&str] = &["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: &[&str] = &["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

const PARTS: [Part; 5] = [
    Part { what: "minute", min: 0, max: 59, names: &[] },
    Part { what: "hour", min: 0, max: 23, names: &[] },
    Part { what: "day of the month", min: 1, max: 31, names: &[] },
    Part { what: "month", min: 1, max: 12, names: MONTHS },
    Part { what: "day of the week", min: 0, max: 7, names: DAYS },
];

fn bad(message: String, label: &str) -> Problem {
    Problem::new(codes::BAD_VALUE, message, label)
}

/// Five fields, of which each is `*`, a number, a range, a step or a list of those.
pub(crate) fn cron(scalar: &Scalar) -> Result<(), Problem> {
    let fields: Vec<&str> = scalar.text.split_whitespace().collect();
    if fields.len() != PARTS.len() {
        let plural = if fields.len() == 1 { "" } else { "s" };
        let message = format!("the schedule `{}` has {} field{plural}", shown(&scalar.text), fields.len());
        let problem = bad(message, "five are wanted: minute, hour, day of the month, month, day of the week");
        return Err(match NICKNAMES.iter().find(|it| it.0 == scalar.text.trim()) {
            Some((_, meant)) => problem.instead(format!("\"{meant}\"")),
            None if scalar.text.trim() == "@reboot" => {
                problem.help("nothing boots here; what runs when a service starts belongs to the service")
            }
            None => problem.help("as in `0 7 * * 1` for Mondays at seven"),
        });
    }
    for (field, part) in fields.iter().zip(&PARTS) {
        if !field.split(',').all(|it| cron_item(it, part)) {
            let message = format!("`{}` is no {} of a schedule", shown(field), part.what);
            let label = format!("{} to {}, `*`, a range or a step is wanted", part.min, part.max);
            return Err(bad(message, &label));
        }
    }
    comes(&fields)
}

/// Other programs' words for schedules.
const NICKNAMES: [(&str, &str); 7] = [
    ("@hourly", "0 * * * *"),
    ("@daily", "0 0 * * *"),
    ("@midnight", "0 0 * * *"),
    ("@weekly", "0 0 * * 0"),
    ("@monthly", "0 0 1 * *"),
    ("@yearly", "0 0 1 1 *"),
    ("@annually", "0 0 1 1 *"),
];

/// Is there a day that the schedule names? With a day of the week there is one each week, because either counts.
fn comes(fields: &[&str]) -> Result<(), Problem> {
    let &[_, _, days, months, weekdays] = fields else { return Ok(()) };
    let [_, _, day, month, _] = &PARTS;
    if weekdays.starts_with('*') || days.starts_with('*') {
        let longest = |month: u32| match month {
            2 => 29,
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let wanted = (1..=12).filter(|it| includes(months, month, *it));
        let longest = wanted.map(longest).max().unwrap_or(0);
        if !(1..=longest).any(|it| includes(days, day, it)) {
            let message = format!("day {} never comes in month {}", shown(days), shown(months));
            let problem = Problem::new(codes::NEVER_DUE, message, "the job would never run");
            return Err(problem.help("the first of a month is `1`; no field stands for its last day"));
        }
    }
    Ok(())
}

/// Does a field that was read name this number?
fn includes(field: &str, part: &Part, number: u32) -> bool {
    field.split(',').any(|item| {
        let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
        let (from, to) = match range.split_once('-') {
            Some((from, to)) => (cron_number(from, part), cron_number(to, part)),
            None if range == "*" => (Some(part.min), Some(part.max)),
            None => (cron_number(range, part), cron_number(range, part)),
        };
        // A step behind a single number goes on to the end.
        let to = if step.is_some() && !range.contains(['-', '*']) { Some(part.max) } else { to };
        let step = step.and_then(|it| it.parse::<u32>().ok()).filter(|it| *it != 0).unwrap_or(1);
        let (Some(from), Some(to)) = (from, to) else { return false };
        (from..=to).contains(&number) && (number - from).is_multiple_of(step)
    })
}

fn cron_item(item: &str, part: &Part) -> bool {
    let (range, step) = item.split_once('/').map_or((item, None), |(range, step)| (range, Some(step)));
    let digits = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    let within =
        |it: &str| it.parse().is_ok_and(|number: u32| digits(it) && (1..=part.max).contains(&number));
    if step.is_some_and(|it| !within(it)) {
        return false;
    }
    if range == "*" {
        return true;
    }
    let (from, to) = range.split_once('-').unwrap_or((range, range));
    match (cron_number(from, part), cron_number(to, part)) {
        (Some(from), Some(to)) => from <= to,
        _ => false,
    }
}

fn cron_number(text: &str, part: &Part) -> Option<u32> {
    let named = part.names.iter().position(|it| it.eq_ignore_ascii_case(text));
    let digits = !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit());
    let number = match named {
        Some(at) => u32::try_from(at).ok()? + part.min,
        None => text.parse().ok().filter(|_| digits)?,
    };
    (part.min..=part.max).contains(&number).then_some(number)
}

/// `UTC` or a name of the time zone database; whether it is there is known where the schedule runs.
pub(crate) fn timezone(scalar: &Scalar) -> Result<(), Problem> {
    let text = scalar.text.as_str();
    let word = |it: &str| {
        it.starts_with(|it: char| it.is_ascii_uppercase())
            && it.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-+".contains(&it))
    };
    let named = text.split_once('/').is_some_and(|(area, place)| word(area) && place.split('/').all(word));
    if text == "UTC" || named {
        return Ok(());
    }
    let message = format!("`{}` is no time zone", shown(text));
    let problem = bad(message, "`UTC`, or a name such as `Europe/Berlin`, is wanted");
    Err(problem.help("abbreviations such as `CET` leave open when summer time begins"))
}

/// A moment that comes back every week, or once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Minutes since the week began on Sunday.
    Weekly(u32),
    /// Year, month, day, minutes of the day.
    Once(u32, u32, u32, u32),
}

/// A moment as a spec that was read has it.
pub fn moment_of(text: &str) -> Option<Moment> {
    moment(&Scalar::plain(text)).ok()
}

pub(crate) fn moment(scalar: &Scalar) -> Result<Moment, Problem> {
    let text = scalar.text.trim();
    let (day, time) = text.split_once(' ').map_or((text, None), |(day, time)| (day, Some(time.trim())));
    let minutes = time.map_or(Some(0), minutes_of_day);
    let weekday = DAYS.iter().position(|it| it.eq_ignore_ascii_case(day));
    let found = match (weekday.and_then(|it| u32::try_from(it).ok()), date(day), minutes) {
        (Some(weekday), _, Some(minutes)) if time.is_some() => {
            Some(Moment::Weekly(weekday * 24 * 60 + minutes))
        }
        (None, Some((year, month, day)), Some(minutes)) => Some(Moment::Once(year, month, day, minutes)),
        _ => None,
    };
    found.ok_or_else(|| {
        let message = format!("`{}` is no moment", shown(text));
        bad(message, "a day of the week with a time, or a date, is wanted")
            .help("as in `fri 16:00`, `2026-12-20` or `2026-12-20 18:00`")
    })
}

fn minutes_of_day(text: &str) -> Option<u32> {
    let (hours, minutes) = text.split_once(':')?;
    let two = |it: &str| {
        it.parse::<u32>().ok().filter(|_| it.len() == 2 && it.bytes().all(|it| it.is_ascii_digit()))
    };
    let (hours, minutes) = (two(hours)?, two(minutes)?);
    (hours < 24 && minutes < 60).then_some(hours * 60 + minutes)
}

fn date(text: &str) -> Option<(u32, u32, u32)> {
    let mut parts = text.splitn(3, '-');
    let mut number = |len: usize| {
        let part = parts.next()?;
        part.parse::<u32>().ok().filter(|_| part.len() == len && part.bytes().all(|it| it.is_ascii_digit()))
    };
    let (year, month, day) = (number(4)?, number(2)?, number(2)?);
    let leap = year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400));
    let days = match month {
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => 31,
    };
    ((1..=12).contains(&month) && (1..=days).contains(&day)).then_some((year, month, day))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schedules_have_five_fields_within_their_bounds() {
        let good = |text| cron(&Scalar::plain(text)).is_ok();
        for text in ["0 7 * * 1", "0 */6 * * *", "*/15 8-18 1,15 jan-jun mon-fri", "59 23 31 12 7"] {
            assert!(good(text), "{text}");
        }
        for text in [
            "",
            "0 7 * *",
            "60 7 * * 1",
            "0 7 * * 8",
            "5-1 * * * *",
            "*/0 * * * *",
            "*/+5 * * * *",
            "@daily",
            "a b c d e",
        ] {
            assert!(!good(text), "{text}");
        }
    }

    #[test]
    fn moments_are_of_the_week_or_dates_that_exist() {
        let read = |text| moment(&Scalar::plain(text)).ok();
        assert_eq!(read("mon 08:30"), Some(Moment::Weekly(24 * 60 + 510)));
        assert_eq!(read("2028-02-29"), Some(Moment::Once(2028, 2, 29, 0)));
        for text in
            ["fri", "friday 16:00", "fri 24:00", "fri 7:00", "2026-02-29", "2026-13-01", "26-01-01", ""]
        {
            assert_eq!(read(text), None, "{text}");
        }
    }
}

//! The small language of objectives and alerts: `< 300ms`, `> 1% for 5m`.

use lockgate_model::{Millis, Percent, SloAlert, SloMetric, SloObjective};

use crate::scalar::{Problem, told};
use lockgate_diagnostics::codes;
use lockgate_diagnostics::shown;
use lockgate_yaml::Scalar;

pub(crate) fn metric(name: &str) -> Option<SloMetric> {
    SloMetric::ALL.into_iter().find(|it| it.as_str() == name)
}

pub(crate) fn objective(metric: SloMetric, scalar: &Scalar) -> Result<SloObjective, Problem> {
    let text = scalar.text.trim();
    let comparison = Comparison::split(metric, text, Use::Objective)?;
    let limit = value(metric, Use::Objective, &comparison)?;
    let (zero, everything) = match limit {
        SloObjective::ErrorRate(share) => (share == Percent(0), share == Percent(100_000)),
        SloObjective::Latency(span) => (span == Millis::ZERO, false),
        SloObjective::Count(_) => (false, false),
    };
    if zero {
        let message = format!("the objective `{}` can never be met for long", shown(text));
        let problem = Problem::new(codes::NEVER_MET, message, "leaves no room for a single failure");
        return Err(problem.help("say what users notice, as in `> 99.9%` or `< 0.1%`"));
    }
    if everything {
        let message = format!("the objective `{}` can never be missed", shown(text));
        return Err(Problem::new(codes::NEVER_MET, message, "allows everything to fail"));
    }
    Ok(limit)
}

pub(crate) fn alert(metric: SloMetric, scalar: &Scalar) -> Result<SloAlert, Problem> {
    let text = scalar.text.trim();
    let split = text.split_once(" for ").or_else(|| text.split_once(" in "));
    let Some((condition, lasting)) = split else {
        let message = format!("the alert `{}` does not say how long it must last", shown(text));
        let problem = Problem::new(codes::BAD_THRESHOLD, message, "add `for` and a duration");
        return Err(problem.help(format!("as in `{} for 5m`", shown(text))));
    };
    let comparison = Comparison::split(metric, condition.trim(), Use::Alert)?;
    let limit = value(metric, Use::Alert, &comparison)?;
    if limit == SloObjective::ErrorRate(Percent(100_000)) {
        let message = format!("the alert `{}` can never fire", shown(text));
        return Err(Problem::new(codes::NEVER_MET, message, "no share is beyond this"));
    }
    let lasting: Millis = lasting.trim().parse().map_err(|error: lockgate_model::InvalidDuration| {
        Problem::new(
            codes::BAD_THRESHOLD,
            told(&error, lasting.trim()),
            "a duration such as `5m` is wanted after `for`",
        )
    })?;
    if lasting == Millis::ZERO {
        let message = format!("the alert `{}` lasts no time", shown(text));
        return Err(Problem::new(codes::BAD_THRESHOLD, message, "`for` is longer than `0s`"));
    }
    Ok(SloAlert { limit, lasting })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Objective,
    Alert,
}

struct Comparison<'a> {
    /// `<` and `>` leave the number itself out, which matters for counts only.
    exclusive: bool,
    number: &'a str,
}

impl<'a> Comparison<'a> {
    fn split(metric: SloMetric, text: &'a str, used: Use) -> Result<Comparison<'a>, Problem> {
        let operators = [("<=", false), (">=", false), ("=", false), ("<", true), (">", true)];
        let found = operators.iter().find(|it| text.starts_with(it.0));
        let (wanted, what) = direction(metric, used);
        let Some(&(operator, exclusive)) = found else {
            let message = format!("`{}` does not say on which side of the limit it is {what}", shown(text));
            let problem = Problem::new(codes::BAD_THRESHOLD, message, format!("begin with `{wanted}`"));
            return Err(problem.help(format!("as in `{wanted} {}`", example(metric))));
        };
        let number = text[operator.len()..].trim();
        let equals = operator == "=" && metric == SloMetric::Restarts && used == Use::Objective;
        if !operator.starts_with(wanted) && !equals {
            let message = format!("`{}` points the wrong way for `{metric}`", shown(text));
            let problem = Problem::new(codes::BAD_THRESHOLD, message, format!("`{wanted}` is {what}"));
            return Err(problem.help(format!("write `{wanted} {number}`")));
        }
        Ok(Comparison { exclusive, number })
    }
}

fn direction(metric: SloMetric, used: Use) -> (&'static str, &'static str) {
    let more_is_better = metric == SloMetric::Availability;
    match (used, more_is_better) {
        (Use::Objective, true) => (">", "good"),
        (Use::Objective, false) => ("<", "good"),
        (Use::Alert, true) => ("<", "bad"),
        (Use::Alert, false) => (">", "bad"),
    }
}

fn example(metric: SloMetric) -> &'static str {
    match metric {
        SloMetric::Availability => "99.9%",
        SloMetric::ErrorRate => "0.5%",
        SloMetric::LatencyP50 | SloMetric::LatencyP95 | SloMetric::LatencyP99 => "300ms",
        SloMetric::Restarts => "3",
    }
}

fn value(metric: SloMetric, used: Use, comparison: &Comparison<'_>) -> Result<SloObjective, Problem> {
    match metric {
        SloMetric::Availability => {
            let share = percent(metric, comparison.number)?;
            Ok(SloObjective::ErrorRate(Percent(100_000 - share.0)))
        }
        SloMetric::ErrorRate => Ok(SloObjective::ErrorRate(percent(metric, comparison.number)?)),
        SloMetric::LatencyP50 | SloMetric::LatencyP95 | SloMetric::LatencyP99 => {
            Ok(SloObjective::Latency(latency(metric, comparison.number)?))
        }
        SloMetric::Restarts => count(used, comparison).map(SloObjective::Count),
    }
}

fn is_bare_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|it| it.is_ascii_digit() || it == b'.')
}

fn percent(metric: SloMetric, text: &str) -> Result<Percent, Problem> {
    if is_bare_number(text) {
        let message = format!("`{}` has no unit", shown(text));
        let problem = Problem::new(codes::UNIT, message, format!("`{metric}` is a percentage"));
        return Err(problem.help(format!("did you mean `{}%`?", shown(text))));
    }
    if text.parse::<Millis>().is_ok() {
        let message = format!("`{}` is a duration, and `{metric}` is a percentage", shown(text));
        return Err(Problem::new(codes::UNIT, message, "a percentage such as `0.5%` is wanted"));
    }
    text.parse().map_err(|error: lockgate_model::InvalidQuantity| {
        Problem::new(codes::BAD_THRESHOLD, told(&error, text), "a percentage such as `0.5%` is wanted")
    })
}

fn latency(metric: SloMetric, text: &str) -> Result<Millis, Problem> {
    if is_bare_number(text) {
        let message = format!("`{}` has no unit: ms or s?", shown(text));
        let problem = Problem::new(codes::UNIT, message, format!("`{metric}` is a duration"));
        return Err(problem.help(format!("write `{0}ms` or `{0}s`", shown(text))));
    }
    if text.ends_with('%') {
        let message = format!("`{}` is a percentage, and `{metric}` is a duration", shown(text));
        return Err(Problem::new(codes::UNIT, message, "a duration such as `300ms` is wanted"));
    }
    let span: Millis = text.parse().map_err(|error: lockgate_model::InvalidDuration| {
        let problem =
            Problem::new(codes::BAD_THRESHOLD, told(&error, text), "a duration such as `300ms` is wanted");
        if text.contains('.') { problem.help("write a fraction of a second in `ms`") } else { problem }
    })?;
    // Latencies are counted in buckets whose bounds are 32-bit milliseconds; an hour is far beyond any of them.
    if Millis::mins(60) < span {
        let message = format!("`{}` is longer than an hour", shown(text));
        return Err(Problem::new(codes::BAD_THRESHOLD, message, "not a latency"));
    }
    Ok(span)
}

/// The most restarts that hold the objective, or that do not fire the alert yet.
fn count(used: Use, comparison: &Comparison<'_>) -> Result<u32, Problem> {
    let text = comparison.number;
    let number: u32 = text.parse().map_err(|_| {
        let code = if text.ends_with('%') { codes::UNIT } else { codes::BAD_THRESHOLD };
        let message = format!("`{}` is not a number of restarts", shown(text));
        Problem::new(code, message, "a whole number is wanted")
    })?;
    // An alert `> 3` and an objective `<= 3` keep three; an alert `>= 3` and an objective `< 3` keep two.
    let inside = match used {
        Use::Objective => !comparison.exclusive,
        Use::Alert => comparison.exclusive,
    };
    if inside {
        return Ok(number);
    }
    number.checked_sub(1).ok_or_else(|| {
        let message = format!("no number of restarts is below `{}`", shown(text));
        Problem::new(codes::NEVER_MET, message, "write `= 0` for none at all")
    })
}

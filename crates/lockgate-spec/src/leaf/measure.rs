//! What can be measured beside the metrics of a canary, and comparisons with any unit: `> 80% for 5m`.

use lockgate_diagnostics::{codes, shown, suggest};
use lockgate_model::{Amount, Comparison, InvalidThreshold, Millis, Percent, Threshold, Unit};
use lockgate_yaml::Scalar;

use crate::scalar::Problem;

/// Metrics of the system as a whole.
pub(crate) const OF_THE_SYSTEM: &[(&str, Unit)] = &[
    ("availability", Unit::Share),
    ("error_rate", Unit::Share),
    ("errors", Unit::Count),
    ("latency_p50", Unit::Duration),
    ("latency_p95", Unit::Duration),
    ("latency_p99", Unit::Duration),
    ("restarts", Unit::Count),
    ("up", Unit::Count),
    ("cpu", Unit::Share),
    ("memory", Unit::Share),
    ("disk", Unit::Share),
    ("request_rate", Unit::Count),
    ("rate_limited", Unit::Share),
    ("grpc_error_rate", Unit::Share),
    ("grpc_latency_p95", Unit::Duration),
    ("deploy_success", Unit::Share),
    ("migration_duration", Unit::Duration),
];

/// Metrics of a dependency, as `postgres.connections`.
pub(crate) const OF_A_DEPENDENCY: &[(&str, Unit)] = &[
    ("up", Unit::Count),
    ("cpu", Unit::Share),
    ("memory", Unit::Share),
    ("disk", Unit::Share),
    ("connections", Unit::Share),
    ("error_rate", Unit::Share),
    ("latency_p95", Unit::Duration),
    ("latency_p99", Unit::Duration),
    ("slow_queries", Unit::Count),
    ("evictions", Unit::Count),
    ("replication_lag", Unit::Duration),
    ("consumer_lag", Unit::Count),
    ("under_replicated", Unit::Count),
    ("queue_depth", Unit::Count),
    ("unassigned_shards", Unit::Count),
];

/// The unit of a metric, by its name.
pub(crate) fn metric(name: &str) -> Result<Unit, Problem> {
    let (known, own) = match name.split_once('.') {
        Some((_, own)) => (OF_A_DEPENDENCY, own),
        None => (OF_THE_SYSTEM, name),
    };
    if let Some(found) = known.iter().find(|it| it.0 == own) {
        return Ok(found.1);
    }
    let names = || known.iter().map(|it| it.0);
    let message = format!("`{}` is no metric", shown(name));
    let label = match suggest::nearest(own, names()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => "not known".to_owned(),
    };
    let problem = Problem::new(codes::NOT_A_CHOICE, message, label);
    let whose = if name.contains('.') { "a dependency" } else { "the system" };
    Err(problem.help(format!("the metrics of {whose} are {}", suggest::all(names()))))
}

enum Holds {
    Never,
    Sometimes,
    Always,
}

/// No amount is below nothing, and no share is beyond all of it.
fn holds(threshold: Threshold) -> Holds {
    let (nothing, everything) = match threshold.amount {
        Amount::Share(share) => (share == Percent(0), share == Percent(100_000)),
        Amount::Duration(span) => (span == Millis::ZERO, false),
        Amount::Count(count) => (count == 0.0, false),
    };
    match threshold.comparison {
        Comparison::Less if nothing => Holds::Never,
        Comparison::More if everything => Holds::Never,
        Comparison::AtLeast if nothing => Holds::Always,
        Comparison::AtMost if everything => Holds::Always,
        Comparison::Less
        | Comparison::AtMost
        | Comparison::Equal
        | Comparison::AtLeast
        | Comparison::More => Holds::Sometimes,
    }
}

fn bad(message: impl Into<String>, label: &str) -> Problem {
    Problem::new(codes::BAD_THRESHOLD, message, label)
}

pub(crate) fn threshold(scalar: &Scalar) -> Result<Threshold, Problem> {
    scalar.text.parse().map_err(|error| match error {
        InvalidThreshold::NoComparison(text) => {
            let message = format!("`{}` compares with nothing", shown(&text));
            bad(message, "begin with `<` or `>`").help("as in `> 80% for 5m`")
        }
        InvalidThreshold::NoAmount(text) => {
            bad(format!("`{}` is no amount", shown(&text)), "a number, a percentage or a duration is wanted")
        }
        InvalidThreshold::NoTime(text) => {
            bad(format!("`{}` is no time", shown(&text)), "a duration such as `5m` is wanted")
        }
    })
}

/// What must hold of a metric: no time belongs to it.
pub(crate) fn objective(metric_name: &str, scalar: &Scalar) -> Result<(), Problem> {
    let Ok(unit) = metric(metric_name) else { return Ok(()) };
    let threshold = threshold(scalar)?;
    in_unit(metric_name, unit, threshold.amount)?;
    if threshold.period.is_some() {
        let message = format!("the objective `{}` has a time", shown(&scalar.text));
        return Err(bad(message, "only alerts have one").help("say the time in `alert`"));
    }
    let text = shown(&scalar.text);
    match holds(threshold) {
        Holds::Never => {
            let message = format!("the objective `{text}` can never be met");
            Err(Problem::new(codes::NEVER_MET, message, "nothing is beyond this"))
        }
        Holds::Always => {
            let message = format!("the objective `{text}` can never be missed");
            Err(Problem::new(codes::NEVER_MET, message, "nothing is beyond this"))
        }
        Holds::Sometimes => Ok(()),
    }
}

/// What must not be seen of a metric, and how long.
pub(crate) fn alert(metric_name: &str, scalar: &Scalar) -> Result<(), Problem> {
    let Ok(unit) = metric(metric_name) else { return Ok(()) };
    let threshold = threshold(scalar)?;
    in_unit(metric_name, unit, threshold.amount)?;
    // A migration is measured once, when it has ended.
    if threshold.period.is_none() && metric_name != "migration_duration" {
        let message = format!("the alert `{}` does not say how long it must last", shown(&scalar.text));
        return Err(
            bad(message, "add `for` and a duration").help(format!("as in `{} for 5m`", shown(&scalar.text)))
        );
    }
    let text = shown(&scalar.text);
    match holds(threshold) {
        Holds::Never => {
            let message = format!("the alert `{text}` can never fire");
            Err(Problem::new(codes::NEVER_MET, message, "nothing is beyond this"))
        }
        Holds::Always => {
            let message = format!("the alert `{text}` fires all the time");
            Err(Problem::new(codes::NEVER_MET, message, "nothing is beyond this"))
        }
        Holds::Sometimes => Ok(()),
    }
}

pub(crate) fn in_unit(metric: &str, unit: Unit, amount: Amount) -> Result<(), Problem> {
    if amount.unit() == unit {
        return Ok(());
    }
    let wanted = match unit {
        Unit::Share => "a percentage such as `80%`",
        Unit::Duration => "a duration such as `500ms`",
        Unit::Count => "a number such as `3`",
    };
    let message = format!("the threshold of `{metric}` has the wrong unit");
    Err(Problem::new(codes::UNIT, message, format!("{wanted} is wanted")))
}

//! What is computed once and asked often: rates, shares and quantiles of each service.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_model::metrics::{CALL_DURATION_BUCKETS, CALLS, DURATION_BUCKETS, FAILED_CODES, REQUESTS};
use lockgate_model::{Millis, Period};

use super::burn::{self, BURNS};
use super::rule::Record;
use super::services::{self, Limit};
use crate::facts::{Environment, Measured};

/// Short windows, for alerts and panels.
pub(super) fn short(environment: &Environment<'_>) -> Vec<Record> {
    if services::measured(environment).next().is_none() {
        return vec![];
    }
    let mut records = vec![];
    for window in windows(environment) {
        records.push(record("http_requests:rate", window, total(REQUESTS, "", window)));
        records.push(record("http_errors:ratio_rate", window, share(REQUESTS, r#"status=~"5..""#, window)));
        records.push(record(
            "http_rate_limited:ratio_rate",
            window,
            share(REQUESTS, r#"status="429""#, window),
        ));
        for (name, quantile) in [("p50", 0.5), ("p95", 0.95), ("p99", 0.99)] {
            let name = format!("http_request_duration_seconds:{name}_rate");
            records.push(record(&name, window, slower(DURATION_BUCKETS, quantile, window)));
        }
        records.push(record("grpc_errors:ratio_rate", window, share(CALLS, &failed_calls(), window)));
        let name = "grpc_server_handling_seconds:p95_rate";
        records.push(record(name, window, slower(CALL_DURATION_BUCKETS, 0.95, window)));
    }
    records.extend(limits(environment, services::CPU_LIMIT, Limit::Cpu));
    records.extend(limits(environment, services::MEMORY_LIMIT, Limit::Memory));
    records
}

/// The proxy counts the same as errors.
fn failed_calls() -> String {
    format!(r#"grpc_code=~"{}""#, FAILED_CODES.join("|"))
}

/// Long windows, for the error budget.
pub(super) fn long(environment: &Environment<'_>) -> Vec<Record> {
    if burn::budget(environment).is_none() || services::measured(environment).next().is_none() {
        return vec![];
    }
    let known = windows(environment);
    let windows: BTreeSet<Millis> = BURNS.iter().flat_map(|it| [it.short, it.long]).collect();
    let windows = windows.into_iter().filter(|it| !known.contains(it));
    windows.map(|it| record("http_errors:ratio_rate", it, share(REQUESTS, r#"status=~"5..""#, it))).collect()
}

/// That of a look, and those that alerts take the average over.
fn windows(environment: &Environment<'_>) -> BTreeSet<Millis> {
    let averages = environment.alerts.iter().filter_map(|it| match (it.measured, it.threshold.period) {
        (Measured::System(_), Some(Period::Over(span))) => Some(span),
        _ => None,
    });
    averages.chain([services::window(environment)]).collect()
}

fn record(name: &str, window: Millis, expr: String) -> Record {
    Record { name: format!("service:{name}{window}"), expr, labels: BTreeMap::new() }
}

fn total(counter: &str, matcher: &str, window: Millis) -> String {
    let comma = if matcher.is_empty() { "" } else { ", " };
    format!(r#"sum by (service) (rate({counter}{{service!=""{comma}{matcher}}}[{window}]))"#)
}

/// No series of failures is a share of none, and not an unknown one.
fn share(counter: &str, matcher: &str, window: Millis) -> String {
    let all = total(counter, "", window);
    format!("({} or 0 * {all}) / {all}", total(counter, matcher, window))
}

fn slower(bucket: &str, quantile: f64, window: Millis) -> String {
    format!(
        r#"histogram_quantile({quantile}, sum by (service, le) (rate({bucket}{{service!=""}}[{window}])))"#
    )
}

fn limits(environment: &Environment<'_>, name: &str, limit: Limit) -> Vec<Record> {
    let limits = services::limits(environment, limit);
    let records = limits.into_iter().map(|(service, value)| Record {
        name: name.to_owned(),
        expr: format!("vector({value})"),
        labels: BTreeMap::from([("service", service.to_owned())]),
    });
    records.collect()
}

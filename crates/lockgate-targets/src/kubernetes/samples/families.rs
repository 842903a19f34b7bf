//! Which samples are requests, which of them errors, and how long they took.

use std::collections::BTreeMap;

use lockgate_model::Counter;
use lockgate_model::metrics::FAILED_CODES;

use super::exposition::Sample;

/// Names of what one program counts of its requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Family {
    /// Counter of requests, with their status unless `errors` says otherwise.
    pub(crate) requests: &'static str,
    /// Counter of those that failed, where the status is no label.
    pub(crate) errors: Option<&'static str>,
    /// Buckets of a histogram of their times, in the unit that the name says.
    pub(crate) buckets: Option<&'static str>,
}

impl Family {
    /// The number of requests whose time was taken.
    pub(crate) fn timed(self) -> Option<String> {
        self.buckets.map(|it| it.replace("_bucket", "_count"))
    }
}

/// Labels that client libraries put the status under.
pub(crate) const STATUS: [&str; 5] = ["status", "code", "status_code", "http_status", "response_code"];
/// Labels of calls: the name of a code, and its number as Istio writes it.
pub(crate) const CODE: [&str; 2] = ["grpc_code", "grpc_response_status"];
/// Numbers of [`FAILED_CODES`].
const FAILED_NUMBERS: [&str; 6] = ["2", "4", "12", "13", "14", "15"];
/// And the path, or the template of it.
pub(crate) const PATH: [&str; 5] = ["path", "route", "handler", "uri", "endpoint"];

/// What one instance counted since it started.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reading {
    pub(crate) requests: Counter,
    pub(crate) errors: Counter,
    /// Of those whose time was taken, how many were within each bound, in milliseconds.
    pub(crate) within: BTreeMap<u32, Counter>,
    pub(crate) timed: Counter,
}

/// `None` when the page has no metric of requests: an instance that had none may show none.
/// `ignored` are paths that nobody but the platform asks for.
pub(crate) fn reading(
    families: &[Family],
    samples: &[Sample<'_>],
    ignored: &[String],
) -> Result<Option<Reading>, &'static str> {
    let samples: Vec<_> = samples.iter().filter(|it| !is_ignored(it, ignored)).collect();
    let mut reading = Reading::default();
    let mut is_any = false;
    for family in families {
        let of = |name: &str| samples.iter().copied().filter(|it| it.name == name).collect::<Vec<_>>();
        // A histogram by status counts requests as well.
        let counted = match (of(family.requests), family.timed()) {
            (none, Some(timed)) if none.is_empty() => of(&timed),
            (counted, _) => counted,
        };
        is_any |= !counted.is_empty();
        for sample in counted {
            let count = whole(sample.value).ok_or("a counter of requests is no whole number")?;
            reading.requests += count;
            // A histogram that has counted nothing need not say what its requests would be told apart by.
            if count != 0
                && family.errors.is_none()
                && is_error(sample).ok_or("requests are counted without the label `status`")?
            {
                reading.errors += count;
            }
        }
        for sample in family.errors.map(of).unwrap_or_default() {
            reading.errors += whole(sample.value).ok_or("a counter of errors is no whole number")?;
        }
        if let Some(buckets) = family.buckets {
            add_times(&mut reading, &of(buckets))?;
        }
    }
    Ok(is_any.then_some(reading))
}

fn add_times(reading: &mut Reading, buckets: &[&Sample<'_>]) -> Result<(), &'static str> {
    for sample in buckets {
        let bound = sample.label("le").ok_or("a bucket has no bound")?;
        let bound: f64 = bound.parse().map_err(|_| "a bucket's bound is no number")?;
        let count = whole(sample.value).ok_or("a bucket's count is no whole number")?;
        let scale = if sample.name.contains("_milliseconds_") { 1.0 } else { 1_000.0 };
        if bound.is_infinite() {
            reading.timed += count;
        } else if let Some(bound) = millis(bound * scale) {
            *reading.within.entry(bound).or_default() += count;
        }
    }
    Ok(())
}

fn is_ignored(sample: &Sample<'_>, ignored: &[String]) -> bool {
    PATH.iter().filter_map(|it| sample.label(it)).any(|path| ignored.iter().any(|it| it == path))
}

/// `None` when nothing says it.
fn is_error(sample: &Sample<'_>) -> Option<bool> {
    if let Some(code) = CODE.iter().find_map(|it| sample.label(it)).filter(|it| !it.is_empty()) {
        let is_http_error = sample.label("response_code").is_some_and(|it| it.starts_with('5'));
        return Some(is_http_error || FAILED_CODES.contains(&code) || FAILED_NUMBERS.contains(&code));
    }
    let status = STATUS.iter().find_map(|it| sample.label(it))?;
    // Some write the class only: `5xx`.
    Some(status.starts_with('5'))
}

/// Counters are written as decimals.
fn whole(value: f64) -> Option<Counter> {
    let is_whole = 0.0 <= value && value.fract() == 0.0 && value < 9e15;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked in the line above")]
    is_whole.then_some(value as Counter)
}

/// Bounds that are no whole milliseconds are none of ours.
fn millis(bound: f64) -> Option<u32> {
    let millis = bound.round();
    let is_exact = (bound - millis).abs() < 1e-6 && 1.0 <= millis && millis <= f64::from(u32::MAX);
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked in the line above")]
    is_exact.then_some(millis as u32)
}

#[cfg(test)]
mod tests {
    use super::super::exposition::parse;
    use super::super::preset::OWN;
    use super::*;

    fn read(page: &str) -> Result<Option<Reading>, &'static str> {
        reading(OWN.families, &parse(page).unwrap(), &["/health".to_owned()])
    }

    #[test]
    fn requests_errors_and_times_are_read() {
        let page = r#"
http_requests_total{status="200",path="/"} 90
http_requests_total{status="503",path="/"} 7
http_requests_total{status="404",path="/x"} 3
http_requests_total{status="200",path="/health"} 1000
http_request_duration_seconds_bucket{le="0.0005"} 1
http_request_duration_seconds_bucket{le="0.005"} 10
http_request_duration_seconds_bucket{le="0.1"} 80
http_request_duration_seconds_bucket{le="+Inf"} 100
"#;
        let counts = read(page).unwrap().unwrap();
        assert_eq!((counts.requests, counts.errors, counts.timed), (100, 7, 100));
        assert_eq!(counts.within, BTreeMap::from([(5, 10), (100, 80)]));
    }

    #[test]
    fn calls_count_as_requests_do() {
        let page = r#"
grpc_server_handled_total{grpc_code="OK",grpc_method="Get"} 5
grpc_server_handled_total{grpc_code="NotFound"} 2
grpc_server_handled_total{grpc_code="Internal"} 1
grpc_server_handling_seconds_bucket{le="0.05"} 4
grpc_server_handling_seconds_bucket{le="+Inf"} 8
"#;
        let counts = read(page).unwrap().unwrap();
        assert_eq!((counts.requests, counts.errors, counts.timed), (8, 1, 8));
    }

    #[test]
    fn a_histogram_by_status_is_enough() {
        let page = "http_request_duration_seconds_count{code=\"5xx\"} 2\nhttp_request_duration_seconds_count{code=\"2xx\"} 4\n";
        let counts = read(page).unwrap().unwrap();
        assert_eq!((counts.requests, counts.errors), (6, 2));
    }

    #[test]
    fn what_does_not_say_is_not_taken_for_zero() {
        assert_eq!(read("process_start_time_seconds 5\n"), Ok(None));
        assert_eq!(read("http_requests_total 5\n"), Err("requests are counted without the label `status`"));
        assert_eq!(read("http_request_duration_seconds_count 0\n"), Ok(Some(Reading::default())));
        let half = "http_requests_total{status=\"200\"} 0.5\n";
        assert_eq!(read(half), Err("a counter of requests is no whole number"));
    }
}

//! The metrics page in Prometheus' text format.

use std::fmt::{self, Write};

use crate::count::{CLASSES, Counts};
use crate::forward::Refusals;
use crate::hygiene::Refusal;
use crate::slot::Slot;

/// One slot as the page shows it.
pub(crate) struct Row<'a> {
    pub(crate) slot: &'a Slot,
    pub(crate) counts: Counts,
    pub(crate) weight: f64,
}

impl Row<'_> {
    fn labels(&self) -> String {
        let name = &self.slot.name;
        // Names and versions hold nothing that would need escaping.
        format!(
            "service=\"{}\",release=\"{}\",version=\"{}\"",
            name.service, name.release, self.slot.config.version
        )
    }
}

pub(crate) fn write(rows: &[Row<'_>], refusals: &Refusals) -> String {
    let mut page = String::new();
    write_all(&mut page, rows, refusals).expect("a String takes all that is written");
    page
}

fn write_all(page: &mut String, rows: &[Row<'_>], refusals: &Refusals) -> fmt::Result {
    head(page, "lockgate_requests_total", "counter", "Finished requests by slot and class of status.")?;
    for row in rows {
        for (class, count) in CLASSES.iter().zip(row.counts.by_class) {
            writeln!(page, "lockgate_requests_total{{{},code_class=\"{class}\"}} {count}", row.labels())?;
        }
    }
    durations(page, rows)?;
    plain(
        page,
        rows,
        ("lockgate_errors_total", "counter", "Requests that failed, by status or for want of an answer."),
        |it| it.counts.errors as f64,
    )?;
    plain(
        page,
        rows,
        ("lockgate_connect_failures_total", "counter", "Requests for which no instance could be reached."),
        |it| it.counts.connect_failures as f64,
    )?;
    plain(
        page,
        rows,
        ("lockgate_upstream_resets_total", "counter", "Answers that an instance did not give or not finish."),
        |it| it.counts.resets as f64,
    )?;
    plain(page, rows, ("lockgate_retries_total", "counter", "Second attempts."), |it| {
        it.counts.retries as f64
    })?;
    plain(page, rows, ("lockgate_tunnels_total", "counter", "WebSockets opened."), |it| {
        it.counts.tunnels as f64
    })?;
    plain(page, rows, ("lockgate_tunnels", "gauge", "WebSockets open."), |it| {
        it.slot.tunnels.count() as f64
    })?;
    plain(
        page,
        rows,
        ("lockgate_in_flight", "gauge", "Requests, streams and WebSockets under way."),
        |it| it.slot.flight.count() as f64,
    )?;
    plain(page, rows, ("lockgate_weight", "gauge", "Share of the service's traffic, 0 to 1."), |it| {
        it.weight
    })?;
    readiness(page, rows)?;
    head(page, "lockgate_refused_total", "counter", "Requests refused before they were routed.")?;
    for refusal in Refusal::ALL {
        let (reason, count) = (refusal.reason(), refusals.of(refusal));
        writeln!(page, "lockgate_refused_total{{reason=\"{reason}\"}} {count}")?;
    }
    Ok(())
}

fn head(page: &mut String, name: &str, kind: &str, help: &str) -> fmt::Result {
    writeln!(page, "# HELP {name} {help}\n# TYPE {name} {kind}")
}

fn plain(
    page: &mut String,
    rows: &[Row<'_>],
    (name, kind, help): (&str, &str, &str),
    value: impl Fn(&Row<'_>) -> f64,
) -> fmt::Result {
    head(page, name, kind, help)?;
    rows.iter().try_for_each(|row| writeln!(page, "{name}{{{}}} {}", row.labels(), value(row)))
}

fn durations(page: &mut String, rows: &[Row<'_>]) -> fmt::Result {
    const NAME: &str = "lockgate_request_duration_seconds";
    head(page, NAME, "histogram", "Time to the answer's header.")?;
    for row in rows {
        let labels = row.labels();
        let latency = &row.counts.latency;
        let mut sum = 0;
        for (idx, count) in latency.counts.iter().enumerate() {
            sum += count;
            let bound = latency.bounds_ms.get(idx).map(|it| (f64::from(*it) / 1_000.0).to_string());
            let bound = bound.as_deref().unwrap_or("+Inf");
            writeln!(page, "{NAME}_bucket{{{labels},le=\"{bound}\"}} {sum}")?;
        }
        writeln!(page, "{NAME}_sum{{{labels}}} {}", row.counts.latency_sum.as_secs_f64())?;
        writeln!(page, "{NAME}_count{{{labels}}} {sum}")?;
    }
    Ok(())
}

fn readiness(page: &mut String, rows: &[Row<'_>]) -> fmt::Result {
    head(page, "lockgate_instance_ready", "gauge", "Whether an instance takes requests.")?;
    for row in rows {
        for instance in row.slot.instances().iter() {
            let ready = u8::from(instance.is_ready());
            let (labels, id) = (row.labels(), instance.id);
            writeln!(page, "lockgate_instance_ready{{{labels},instance=\"{id}\"}} {ready}")?;
        }
    }
    Ok(())
}

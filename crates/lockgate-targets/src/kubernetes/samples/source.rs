//! Who counts the requests of a service: found at the first look, and kept for the release.

use std::fmt;

use super::super::{Cluster, traffic};
use super::collected::{self, Collected};
use super::gateway::{self, Gateway};
use super::preset::{GATEWAYS, OWN, Preset};
use super::prometheus::{self, Server};
use super::promql::Queries;
use super::seen::Seen;
use crate::TargetError;

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Source {
    /// Each pod shows its own metrics, and is asked for them.
    Pods,
    Prometheus(Server, &'static Preset),
    /// Its page is read.
    Gateway(&'static Preset, Vec<Gateway>),
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Source::Pods => f.write_str("its own metrics, asked of each pod"),
            Source::Prometheus(server, preset) => write!(f, "{server}, from {}", preset.told()),
            Source::Gateway(preset, gateways) => {
                let names: Vec<String> = gateways.iter().map(ToString::to_string).collect();
                write!(f, "{}, asked of {}", preset.told(), names.join(", "))
            }
        }
    }
}

/// A source that was looked for, and what is worth to be known of others.
pub(crate) struct Found {
    pub(crate) source: Option<Source>,
    pub(crate) notes: Vec<String>,
}

impl Found {
    /// Whoever else counts did not say so in time.
    pub(crate) fn late(seen: &Seen<'_>) -> Found {
        let text = format!("who else counts the requests of {} did not answer in time", seen.service);
        Found { source: seen.shows_metrics().then_some(Source::Pods), notes: vec![text] }
    }
}

/// Prometheus where it knows the pods; else the pods themselves; else whoever stands before them.
pub(crate) async fn find(
    cluster: &Cluster,
    servers: &[Server],
    seen: &mut Seen<'_>,
) -> Result<Found, TargetError> {
    let mut notes: Vec<String> = prometheus::unusable(cluster, servers).into_iter().collect();
    let shows_metrics = seen.shows_metrics();
    if !shows_metrics {
        seen.backends = traffic::backends(cluster, seen.service).await?;
    }
    let presets: &[&Preset] = if shows_metrics { &[&OWN] } else { &GATEWAYS };
    'servers: for server in servers {
        for preset in presets.iter().copied().filter(|it| it.can_tell(seen)) {
            let queries = Queries::new(preset, seen);
            match server.query(cluster, &queries.times, None).await {
                Ok(times) if times.samples.iter().any(|it| preset.whose.of(it, seen).is_some()) => {
                    return Ok(Found { source: Some(Source::Prometheus(server.clone(), preset)), notes });
                }
                Ok(_) => {}
                Err(why) => {
                    notes.push(format!("{server} is not used: {why}"));
                    continue 'servers;
                }
            }
        }
    }
    if shows_metrics {
        return Ok(Found { source: Some(Source::Pods), notes });
    }
    let (source, more) = gateway::find(cluster, seen).await;
    notes.extend(more);
    Ok(Found { source, notes })
}

impl Source {
    /// What Prometheus is asked, if it is.
    pub(crate) fn queries(&self, seen: &Seen<'_>) -> Option<Queries> {
        match self {
            Source::Prometheus(_, preset) => Some(Queries::new(preset, seen)),
            Source::Pods | Source::Gateway(..) => None,
        }
    }

    /// `None` where it is the pods that have to be asked.
    pub(crate) async fn collect(
        &self,
        cluster: &Cluster,
        seen: &Seen<'_>,
    ) -> Option<Result<Vec<Collected>, String>> {
        match self {
            Source::Pods => None,
            Source::Prometheus(server, preset) => {
                let asked = ask(cluster, server, preset, seen).await;
                Some(asked.map_err(|why| format!("{server} does not answer: {why}")))
            }
            Source::Gateway(preset, gateways) => {
                Some(gateway::collect(cluster, preset, gateways, seen).await)
            }
        }
    }

    pub(crate) fn preset(&self) -> &'static Preset {
        match self {
            Source::Pods => &OWN,
            Source::Prometheus(_, preset) | Source::Gateway(preset, _) => preset,
        }
    }
}

/// Both answers are of the moment at which the first was given.
async fn ask(
    cluster: &Cluster,
    server: &Server,
    preset: &'static Preset,
    seen: &Seen<'_>,
) -> Result<Vec<Collected>, String> {
    let queries = Queries::new(preset, seen);
    let times = server.query(cluster, &queries.times, None).await?;
    if times.at.is_none() {
        return Ok(Vec::new());
    }
    let counts = server.query(cluster, &queries.counts, times.at).await?;
    Ok(collected::of_prometheus(preset, seen, &times, counts))
}

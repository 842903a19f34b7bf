//! Reads what the judgement needs and the watches of pods do not tell: events of stuck pods, last words of containers.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ContainerStatus, Event, Pod};
use kube::api::{ListParams, LogParams};
use kube::{Api, Client};
use lockgate_model::Millis;
use tokio::time::Instant;

use super::seen::{containers, last_end, log_key};
use super::{Seen, Times, Verdict, counts, name, verdict};

/// What a crash is told with.
const LAST_LINES: i64 = 10;
/// Instances of one version fail alike; events of these many are read.
const PODS_ASKED_MAX: usize = 3;
/// Events of one object that are read; the cluster itself joins those that repeat.
const EVENTS_MAX: u32 = 50;

/// Watches over pods that are to become ready; remembers since when each runs.
pub(crate) struct Why {
    client: Client,
    namespace: String,
    ready_within: Millis,
    since: Instant,
    running: BTreeMap<String, Instant>,
}

impl Why {
    pub(crate) fn new(client: Client, namespace: &str, ready_within: Millis) -> Why {
        let (namespace, since, running) = (namespace.to_owned(), Instant::now(), BTreeMap::new());
        Why { client, namespace, ready_within, since, running }
    }

    /// How things stand with the pods that a selector finds, and with the Deployment that makes them.
    pub(crate) async fn ask(&mut self, pods: &str, deployment: Option<&str>) -> kube::Result<Verdict> {
        let api: Api<Pod> = Api::namespaced(self.client.clone(), &self.namespace);
        let pods = api.list(&ListParams::default().labels(pods)).await?.items;
        let deployment = match deployment {
            Some(name) => self.deployments().get_opt(name).await?,
            None => None,
        };
        self.judge(pods, deployment).await
    }

    /// The same of pods that somebody watches anyway.
    pub(crate) async fn judge(
        &mut self,
        pods: Vec<Pod>,
        deployment: Option<Deployment>,
    ) -> kube::Result<Verdict> {
        let mut seen = Seen { pods, deployment, ..Seen::default() };
        seen.events = self.events(&seen).await?;
        seen.logs = self.logs(&seen).await;
        let times = self.times(&seen);
        Ok(verdict(&seen, &times))
    }

    fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }

    async fn events(&self, seen: &Seen) -> kube::Result<Vec<Event>> {
        let api: Api<Event> = Api::namespaced(self.client.clone(), &self.namespace);
        let mut events = vec![];
        for pod in seen.pods.iter().filter(|it| counts(it)).take(PODS_ASKED_MAX) {
            let claims = super::placement::claims(pod).map(|it| ("PersistentVolumeClaim", it));
            for (kind, name) in std::iter::once(("Pod", name(pod))).chain(claims) {
                let fields = format!("involvedObject.kind={kind},involvedObject.name={name}");
                events
                    .extend(api.list(&ListParams::default().fields(&fields).limit(EVENTS_MAX)).await?.items);
            }
        }
        Ok(events)
    }

    /// A log that cannot be read takes nothing from a verdict.
    async fn logs(&self, seen: &Seen) -> BTreeMap<String, Vec<String>> {
        let mut logs = BTreeMap::new();
        let ended = seen.pods.iter().filter(|it| counts(it)).flat_map(|pod| {
            let ended = containers(pod).filter(|it| !it.2.ready && last_end(it.2).is_some());
            ended.map(move |it| (name(pod), it.2))
        });
        let ended: Vec<_> = ended.take(PODS_ASKED_MAX).collect();
        for (pod, status) in ended {
            let lines = last_lines(&self.client, &self.namespace, pod, status, LAST_LINES).await;
            logs.insert(log_key(pod, &status.name), lines);
        }
        logs
    }

    fn times(&mut self, seen: &Seen) -> Times {
        let now = Instant::now();
        self.running.retain(|name, _| seen.pods.iter().any(|it| super::name(it) == name));
        for pod in seen.pods.iter().filter(|it| all_run(it)) {
            self.running.entry(name(pod).to_owned()).or_insert(now);
        }
        let since = |it: Instant| elapsed(now.saturating_duration_since(it));
        Times {
            waited: since(self.since),
            running: self.running.iter().map(|(name, at)| (name.clone(), since(*at))).collect(),
            ready_within: self.ready_within,
        }
    }
}

fn elapsed(time: std::time::Duration) -> Millis {
    Millis(u64::try_from(time.as_millis()).unwrap_or(u64::MAX))
}

fn all_run(pod: &Pod) -> bool {
    let statuses = pod.status.as_ref().and_then(|it| it.container_statuses.as_deref()).unwrap_or_default();
    let runs = |it: &ContainerStatus| it.state.as_ref().is_some_and(|it| it.running.is_some());
    !statuses.is_empty() && statuses.iter().all(runs)
}

/// What a kubelet answers, as if it were the log, when the log is gone.
const KUBELETS: [&str; 2] =
    ["failed to try resolving symlinks in path ", "unable to retrieve container logs for "];

/// Last lines of what a container printed before it ended; nothing where they cannot be had.
pub(crate) async fn last_lines(
    client: &Client,
    namespace: &str,
    pod: &str,
    status: &ContainerStatus,
    lines: i64,
) -> Vec<String> {
    let api: Api<Pod> = Api::namespaced(client.clone(), namespace);
    let ended_now = status.state.as_ref().is_some_and(|it| it.terminated.is_some());
    let previous = !ended_now && status.restart_count > 0;
    let container = Some(status.name.clone());
    let params = LogParams { container, previous, tail_lines: Some(lines), ..LogParams::default() };
    match api.logs(pod, &params).await {
        Ok(text) if KUBELETS.iter().any(|it| text.starts_with(it)) => {
            tracing::debug!(pod, container = status.name, text, "no last lines");
            vec![]
        }
        Ok(text) => text.lines().map(str::to_owned).collect(),
        Err(error) => {
            tracing::debug!(pod, container = status.name, %error, "no last lines");
            vec![]
        }
    }
}

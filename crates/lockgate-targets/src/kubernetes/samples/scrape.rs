//! Pages of metrics, read from the pods through the API server: what can reach that can count.

use std::time::Duration;

use hyper::Request;
use k8s_openapi::api::core::v1::Pod;
use kube::ResourceExt as _;
use lockgate_model::{MetricsAt, with_causes};

use super::super::Cluster;
use super::families::{self, Reading};
use super::{exposition, pods, preset};

/// A page that takes longer is missed at this look; a judge wants its counts of one moment.
const WITHIN: Duration = Duration::from_secs(5);

/// What became of one pod's page.
pub(super) enum Page {
    Read(Reading),
    /// It shows no requests: it has had none, or calls them otherwise.
    WithoutRequests,
    Failed(String),
}

pub(super) async fn scrape(cluster: &Cluster, pod: &Pod, at: &MetricsAt) -> Page {
    let text = match tokio::time::timeout(WITHIN, fetch(cluster, &pod.name_any(), at)).await {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => return Page::Failed(error),
        Err(_) => return Page::Failed(format!("no answer within {} seconds", WITHIN.as_secs())),
    };
    let mut ignored: Vec<String> = pods::probed(pod).into_iter().collect();
    ignored.push(at.path.clone());
    read(&text, &ignored)
}

fn read(text: &str, ignored: &[String]) -> Page {
    let samples = match exposition::parse(text) {
        Ok(samples) => samples,
        Err(error) => return Page::Failed(format!("it is no page of metrics: {error}")),
    };
    match families::reading(preset::OWN.families, &samples, ignored) {
        Ok(Some(reading)) => Page::Read(reading),
        Ok(None) => Page::WithoutRequests,
        Err(why) => Page::Failed(why.to_owned()),
    }
}

async fn fetch(cluster: &Cluster, pod: &str, at: &MetricsAt) -> Result<String, String> {
    let path = at.path.trim_start_matches('/');
    let place = format!("/api/v1/namespaces/{}/pods/http:{pod}:{}/proxy/{path}", cluster.namespace, at.port);
    let request = Request::get(place).body(Vec::new()).map_err(|it| it.to_string())?;
    cluster.client.request_text(request).await.map_err(|it| match &it {
        kube::Error::Api(status) => status.message.clone(),
        _ => with_causes(&it),
    })
}

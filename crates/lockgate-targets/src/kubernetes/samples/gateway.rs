//! What stands between users and services, asked for what it has counted.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use futures_util::future::join_all;
use hyper::Request;
use k8s_openapi::api::core::v1::{Pod, Service};
use k8s_openapi::api::discovery::v1::EndpointSlice;
use kube::api::ListParams;
use kube::{Api, ResourceExt as _};
use lockgate_model::with_causes;
use tokio::net::TcpStream;

use super::super::Cluster;
use super::super::client::Once;
use super::super::traffic::is_ready;
use super::collected::{self, Collected};
use super::exposition;
use super::preset::{GATEWAYS, Page, Preset};
use super::seen::Seen;
use super::source::Source;
use crate::exchange;

const WITHIN: Duration = Duration::from_secs(4);
/// Its port for metrics, as charts and operators call it.
const PORT: &str = "metrics";

/// One that is asked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Gateway {
    /// Through the API server.
    Pod { namespace: String, name: String, port: i32 },
    /// Beside the cluster, with a Service that says where: the API server leads to pods only.
    Beside { service: String, address: String },
}

impl fmt::Display for Gateway {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Gateway::Pod { namespace, name, .. } => write!(f, "pod {namespace}/{name}"),
            Gateway::Beside { service, address } => write!(f, "{address} of service {service}"),
        }
    }
}

/// The first gateway whose page knows the service; and why others are not asked.
pub(super) async fn find(cluster: &Cluster, seen: &Seen<'_>) -> (Option<Source>, Vec<String>) {
    let mut notes = Vec::new();
    for preset in GATEWAYS.into_iter().filter(|it| it.can_tell(seen)) {
        let Some(page) = &preset.page else { continue };
        let gateways = match gateways(cluster, page).await {
            Ok(gateways) if gateways.is_empty() => continue,
            Ok(gateways) => gateways,
            Err(why) => {
                notes.push(format!("{} is not asked for its counts: {why}", preset.name));
                continue;
            }
        };
        match collect(cluster, preset, &gateways, seen).await {
            Ok(collected) if collected.is_empty() => {}
            Ok(_) => return (Some(Source::Gateway(preset, gateways)), notes),
            Err(why) => notes.push(why),
        }
    }
    (None, notes)
}

/// Every gateway has to answer: a share of the requests is not all of them.
pub(super) async fn collect(
    cluster: &Cluster,
    preset: &'static Preset,
    gateways: &[Gateway],
    seen: &Seen<'_>,
) -> Result<Vec<Collected>, String> {
    let Some(page) = &preset.page else { return Ok(Vec::new()) };
    let mut collected = Vec::new();
    for (gateway, text) in
        gateways.iter().zip(join_all(gateways.iter().map(|it| it.fetch(cluster, page))).await)
    {
        let text = text.map_err(|why| format!("{} of {gateway} cannot be read: {why}", preset.told()))?;
        let samples = exposition::parse(&text)
            .map_err(|it| format!("what {gateway} shows is no page of metrics: {it}"))?;
        collected.extend(collected::of_page(preset, seen, &gateway.to_string(), samples));
    }
    Ok(collected)
}

/// Those that are ready now.
pub(super) async fn gateways(cluster: &Cluster, page: &Page) -> Result<Vec<Gateway>, String> {
    let labels = ListParams::default().labels(page.selector);
    let pods: Api<Pod> = Api::all(cluster.client.clone());
    let pods = pods.list(&labels).await.map_err(|it| with_causes(&it))?;
    let found: Vec<Gateway> = pods.iter().filter(|it| is_ready(it)).filter_map(of_pod).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    beside(cluster, &labels).await.map_err(|it| with_causes(&it))
}

fn of_pod(pod: &Pod) -> Option<Gateway> {
    let ports = pod.spec.iter().flat_map(|it| &it.containers).flat_map(|it| it.ports.iter().flatten());
    let port = ports.filter(|it| it.name.as_deref() == Some(PORT)).map(|it| it.container_port).next()?;
    Some(Gateway::Pod { namespace: pod.namespace()?, name: pod.name_any(), port })
}

/// Addresses of Services that select no pods.
async fn beside(cluster: &Cluster, labels: &ListParams) -> Result<Vec<Gateway>, kube::Error> {
    let mut found = Vec::new();
    for service in Api::<Service>::all(cluster.client.clone()).list(labels).await?.items {
        let spec = service.spec.as_ref();
        let Some(namespace) = service.namespace() else { continue };
        if !spec.is_some_and(|it| it.selector.as_ref().is_none_or(BTreeMap::is_empty)) {
            continue;
        }
        let name = service.name_any();
        let of_service = ListParams::default().labels(&format!("kubernetes.io/service-name={name}"));
        let slices: Api<EndpointSlice> = Api::namespaced(cluster.client.clone(), &namespace);
        for slice in slices.list(&of_service).await?.items {
            let mut ports = slice.ports.iter().flatten().filter(|it| it.name.as_deref() == Some(PORT));
            let Some(port) = ports.find_map(|it| it.port) else { continue };
            let addresses = slice.endpoints.iter().flat_map(|it| &it.addresses);
            found.extend(addresses.map(|it| Gateway::Beside {
                service: format!("{namespace}/{name}"),
                address: format!("{it}:{port}"),
            }));
        }
    }
    Ok(found)
}

impl Gateway {
    async fn fetch(&self, cluster: &Cluster, page: &Page) -> Result<String, String> {
        let fetched = match self {
            Gateway::Pod { namespace, name, port } => {
                let place =
                    format!("/api/v1/namespaces/{namespace}/pods/http:{name}:{port}/proxy{}", page.path);
                tokio::time::timeout(WITHIN, by_api_server(cluster, &place)).await
            }
            Gateway::Beside { address, .. } => tokio::time::timeout(WITHIN, directly(address, page)).await,
        };
        fetched.map_err(|_| format!("no answer within {} seconds", WITHIN.as_secs()))?
    }
}

async fn by_api_server(cluster: &Cluster, place: &str) -> Result<String, String> {
    let mut request = Request::get(place).body(Vec::new()).map_err(|it| it.to_string())?;
    request.extensions_mut().insert(Once);
    cluster.client.request_text(request).await.map_err(|it| match &it {
        kube::Error::Api(status) => status.message.clone(),
        _ => with_causes(&it),
    })
}

async fn directly(address: &str, page: &Page) -> Result<String, String> {
    let stream = TcpStream::connect(address).await.map_err(|it| it.to_string())?;
    let (status, body) =
        exchange::get(stream, address, page.path, &[]).await.map_err(|it| with_causes(&*it))?;
    if status != 200 {
        return Err(format!("it answers with status {status}"));
    }
    String::from_utf8(body.into()).map_err(|_| "its page is no text".to_owned())
}

//! The node's page for Prometheus.

use std::convert::Infallible;
use std::fmt::Write as _;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::{TokioIo, TokioTimer};
use lockgate_model::Scope;
use tokio::net::TcpListener;

use crate::NodeError;
use crate::node::Node;

/// A scraper sends its request at once.
const HEADERS_WITHIN: Duration = Duration::from_secs(5);

pub(crate) async fn listen(address: SocketAddr) -> Result<TcpListener, NodeError> {
    TcpListener::bind(address).await.map_err(|source| NodeError::Metrics { address, source })
}

pub(crate) async fn serve(node: Arc<Node>, listener: TcpListener) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            tokio::time::sleep(Duration::from_millis(100)).await;
            continue;
        };
        let node = Arc::clone(&node);
        tokio::spawn(async move {
            let service = service_fn(move |request| {
                let answer = answer(&node, &request);
                async move { Ok::<_, Infallible>(answer) }
            });
            let served = hyper::server::conn::http1::Builder::new()
                .timer(TokioTimer::new())
                .header_read_timeout(HEADERS_WITHIN)
                .serve_connection(TokioIo::new(stream), service)
                .await;
            if let Err(error) = served {
                tracing::debug!(%error, "a scraper went away");
            }
        });
    }
}

fn answer(node: &Node, request: &Request<Incoming>) -> Response<Full<Bytes>> {
    let (status, kind, text) = match (request.method(), request.uri().path()) {
        (&Method::GET, "/metrics") => (StatusCode::OK, "text/plain; version=0.0.4", page(node)),
        (&Method::GET, "/healthz") => (StatusCode::OK, "text/plain", "ok\n".to_owned()),
        _ => (StatusCode::NOT_FOUND, "text/plain", "see /metrics\n".to_owned()),
    };
    Response::builder()
        .status(status)
        .header("content-type", kind)
        .body(Full::new(Bytes::from(text)))
        .expect("the status and the header are constants")
}

type Row = (&'static str, &'static str, &'static str, fn(&crate::SlotStatus) -> u64);

const ROWS: [Row; 3] = [
    ("lockgate_node_instances_wanted", "gauge", "Instances that should be up.", |it| it.wanted.into()),
    ("lockgate_node_instances_ready", "gauge", "Instances that pass their health check.", |it| {
        it.ready.into()
    }),
    ("lockgate_node_crashes_total", "counter", "Times that an instance ended by itself.", |it| it.crashes),
];

fn page(node: &Node) -> String {
    let status = node.status();
    let mut text = String::new();
    for (name, kind, help, value) in ROWS {
        writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}").expect("a string takes every write");
        for slot in &status.slots {
            // Names and versions hold no character that a label would have to escape.
            writeln!(
                text,
                "{name}{{system=\"{}\",environment=\"{}\",service=\"{}\",release=\"{}\",version=\"{}\"}} {}",
                slot.scope.system,
                slot.scope.environment,
                slot.slot.service,
                slot.slot.release,
                slot.version,
                value(slot)
            )
            .expect("a string takes every write");
        }
    }
    text.push_str(&merged(node.fronts().iter().map(|(scope, front)| (scope, front.prometheus()))));
    text
}

/// The pages of several routers as one: each sample gets its scope, and each family stands in one place.
fn merged<'a>(pages: impl Iterator<Item = (&'a Scope, String)>) -> String {
    let mut families: Vec<(Vec<String>, Vec<String>)> = vec![];
    for (scope, page) in pages {
        let mut family = 0;
        let mut head: Vec<String> = vec![];
        for line in page.lines() {
            if line.starts_with('#') {
                head.push(line.to_owned());
                continue;
            }
            if !head.is_empty() {
                let head = std::mem::take(&mut head);
                family = families.iter().position(|it| it.0 == head).unwrap_or_else(|| {
                    families.push((head, vec![]));
                    families.len() - 1
                });
            }
            if let Some(family) = families.get_mut(family) {
                family.1.push(labelled(line, scope));
            }
        }
    }
    let lines = families.into_iter().flat_map(|(head, samples)| head.into_iter().chain(samples));
    lines.map(|it| it + "\n").collect()
}

fn labelled(line: &str, scope: &Scope) -> String {
    let labels = format!("system=\"{}\",environment=\"{}\"", scope.system, scope.environment);
    match (line.split_once('{'), line.split_once(' ')) {
        (Some((name, rest)), _) => format!("{name}{{{labels},{rest}"),
        (None, Some((name, value))) => format!("{name}{{{labels}}} {value}"),
        (None, None) => line.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use lockgate_model::{EnvironmentName, SystemName};

    use super::*;

    #[test]
    fn pages_of_two_scopes_become_one_with_each_family_in_one_place() {
        let scope = |name: &str| Scope {
            system: SystemName::new("shop").unwrap(),
            environment: EnvironmentName::new(name).unwrap(),
        };
        let page = "# TYPE a counter\na{x=\"1\"} 2\n# TYPE b gauge\nb 3\n".to_owned();
        let (dev, prod) = (scope("dev"), scope("prod"));
        let text = merged([(&dev, page.clone()), (&prod, page)].into_iter());
        let expected = "# TYPE a counter\n\
            a{system=\"shop\",environment=\"dev\",x=\"1\"} 2\n\
            a{system=\"shop\",environment=\"prod\",x=\"1\"} 2\n\
            # TYPE b gauge\n\
            b{system=\"shop\",environment=\"dev\"} 3\n\
            b{system=\"shop\",environment=\"prod\"} 3\n";
        assert_eq!(text, expected);
    }
}

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
    for (scope, front) in node.fronts() {
        text.push_str(&front.prometheus(&scope));
    }
    text
}

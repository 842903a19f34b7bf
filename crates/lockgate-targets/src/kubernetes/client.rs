//! The connection to the API server: which one, how many requests at a time, and which are repeated.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use hyper::{Request, Response, StatusCode};
use kube::client::{Body, ClientBuilder};
use kube::config::{KubeConfigOptions, Kubeconfig};
use kube::{Client, Config};
use lockgate_model::with_causes;
use tokio::sync::Semaphore;
use tokio::time::Instant;
use tower::buffer::BufferLayer;
use tower::{BoxError, Layer, Service, ServiceExt as _};

use crate::{Class, TargetError};

/// Requests at a time: 50 services that change at once queue here, where it costs nobody anything.
const AT_ONCE: usize = 16;
/// Requests that wait for their turn. More than a release of 100 services has under way.
const QUEUE: usize = 1024;
/// From a request to the head of its answer; the API server's own limit is a minute.
const ANSWER_WITHIN: Duration = Duration::from_secs(20);
/// An API server that is started again is back within this time; what is away for longer is told.
const REPEAT_WITHIN: Duration = Duration::from_secs(30);
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// Connects to the cluster of a context, or to the current one, or to the one that this process runs in.
pub(super) async fn connect(context: Option<&str>, requests: &Arc<AtomicU64>) -> Result<Client, TargetError> {
    let mut config = config(context).await?;
    // Repeats are ours: the client's own know no bound in time.
    config.default_retry = false;
    let address = config.cluster_url.to_string();
    let builder = ClientBuilder::try_from(config).map_err(|it| {
        fatal(format!("no connection to the cluster at {address} can be set up: {}", with_causes(&it)))
    })?;
    let (permits, requests) = (Arc::new(Semaphore::new(AT_ONCE)), Arc::clone(requests));
    let polite = PoliteLayer { address: address.into(), permits, requests };
    Ok(builder.with_layer(&BufferLayer::new(QUEUE)).with_layer(&polite).build())
}

async fn config(context: Option<&str>) -> Result<Config, TargetError> {
    let kubeconfig = match Kubeconfig::read() {
        Ok(it) => it,
        Err(_) if context.is_none() && std::env::var_os("KUBERNETES_SERVICE_HOST").is_some() => {
            return Config::incluster().map_err(|it| {
                fatal(format!("the account of this pod cannot be used: {}", with_causes(&it)))
            });
        }
        Err(error) => {
            return Err(fatal(format!("the kubeconfig cannot be read: {}", with_causes(&error))).hint(
                "set KUBECONFIG to the file that names the cluster, then: kubectl config get-contexts",
            ));
        }
    };
    if let Some(wanted) = context
        && !kubeconfig.contexts.iter().any(|it| it.name == wanted)
    {
        let names: Vec<&str> = kubeconfig.contexts.iter().map(|it| it.name.as_str()).collect();
        let there = if names.is_empty() { "none".to_owned() } else { names.join(", ") };
        return Err(fatal(format!(
            "the kubeconfig has no context `{wanted}`; the contexts that there are: {there}"
        ))
        .hint("kubectl config get-contexts"));
    }
    let options = KubeConfigOptions { context: context.map(str::to_owned), ..KubeConfigOptions::default() };
    Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(|it| {
        fatal(format!("the kubeconfig cannot be used: {}", with_causes(&it)))
            .hint("kubectl config view --minify")
    })
}

fn fatal(message: String) -> TargetError {
    TargetError::new(Class::Fatal, message)
}

/// Put into the extensions of a request that is not repeated: who asks has no time, or asks again by himself.
#[derive(Clone, Copy, Debug)]
pub(super) struct Once;

/// Counts requests, bounds how many are under way, and repeats those that the server was too busy for or never
/// answered. All that this target asks for may be repeated: it says what should be, or carries a version or a
/// name that a second one of the same fails by.
#[derive(Clone)]
struct Polite<S> {
    inner: S,
    address: Arc<str>,
    permits: Arc<Semaphore>,
    requests: Arc<AtomicU64>,
}

struct PoliteLayer {
    address: Arc<str>,
    permits: Arc<Semaphore>,
    requests: Arc<AtomicU64>,
}

impl<S> Layer<S> for PoliteLayer {
    type Service = Polite<S>;

    fn layer(&self, inner: S) -> Polite<S> {
        Polite {
            inner,
            address: Arc::clone(&self.address),
            permits: Arc::clone(&self.permits),
            requests: Arc::clone(&self.requests),
        }
    }
}

impl<S, B> Service<Request<Body>> for Polite<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send,
    B: Send,
{
    type Response = Response<B>;
    type Error = BoxError;
    type Future = Pin<Box<dyn Future<Output = Result<Response<B>, BoxError>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), BoxError>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let polite = self.clone();
        Box::pin(async move { polite.send(request).await })
    }
}

impl<S, B> Polite<S>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError> + Clone + Send + 'static,
    S::Future: Send,
{
    async fn send(self, request: Request<Body>) -> Result<Response<B>, BoxError> {
        let since = Instant::now();
        let (mut pause, until) = (FIRST_PAUSE, since + REPEAT_WITHIN);
        let mut next = Some(request);
        loop {
            let request = next.take().expect("each turn of the loop leaves one");
            let again = if request.extensions().get::<Once>().is_some() { None } else { copy(&request) };
            let (method, path) = (request.method().clone(), request.uri().path().to_owned());
            let permit = self.permits.acquire().await?;
            self.requests.fetch_add(1, Ordering::Relaxed);
            let answer = once(self.inner.clone(), request).await;
            drop(permit);
            let wait = match &answer {
                Ok(answer) if worth_repeating(answer.status()) => retry_after(answer).unwrap_or(pause),
                Ok(_) => return answer,
                Err(_) => pause,
            };
            next = again.filter(|_| Instant::now() + wait < until);
            if next.is_none() {
                return answer.map_err(|source| unanswered(&self.address, since, source.as_ref()));
            }
            match &answer {
                Ok(answer) => tracing::warn!(%method, path, status = %answer.status(), "asked again"),
                Err(error) => tracing::warn!(%method, path, %error, "asked again"),
            }
            drop(answer);
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }
}

/// `the API server at https://10.0.0.1:6443/ does not answer since 30 s: connection refused`
fn unanswered(address: &str, since: Instant, source: &(dyn std::error::Error + 'static)) -> BoxError {
    let mut root = source;
    while let Some(cause) = root.source() {
        root = cause;
    }
    let secs = since.elapsed().as_secs();
    BoxError::from(format!("the API server at {address} does not answer since {secs} s: {root}"))
}

/// One request, to the head of its answer.
async fn once<S, B>(service: S, request: Request<Body>) -> Result<Response<B>, BoxError>
where
    S: Service<Request<Body>, Response = Response<B>, Error = BoxError>,
{
    // What is followed may say nothing for as long as nothing happens.
    let follows = request.uri().query().is_some_and(|it| it.contains("follow=true"));
    let answer = service.oneshot(request);
    if follows {
        return answer.await;
    }
    let late = |_| BoxError::from(format!("no answer within {} seconds", ANSWER_WITHIN.as_secs()));
    tokio::time::timeout(ANSWER_WITHIN, answer).await.map_err(late)?
}

/// `None` when its body is a stream.
fn copy(request: &Request<Body>) -> Option<Request<Body>> {
    let mut copy = Request::new(request.body().try_clone()?);
    *copy.method_mut() = request.method().clone();
    *copy.uri_mut() = request.uri().clone();
    *copy.headers_mut() = request.headers().clone();
    *copy.version_mut() = request.version();
    *copy.extensions_mut() = request.extensions().clone();
    Some(copy)
}

fn worth_repeating(status: StatusCode) -> bool {
    status == StatusCode::TOO_MANY_REQUESTS || matches!(status.as_u16(), 500 | 502 | 503 | 504)
}

fn retry_after<B>(answer: &Response<B>) -> Option<Duration> {
    let secs = answer.headers().get("retry-after")?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(secs))
}

//! The endpoints: what each path answers.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderValue, Method, Response, StatusCode, header};
use http_body_util::{BodyExt as _, Full, Limited, combinators::BoxBody};
use hyper::body::Incoming;
use serde_json::json;
use tokio::time::Instant;

use crate::INJECTED;
use crate::app::App;

pub(crate) type Body = BoxBody<Bytes, Infallible>;
pub(crate) type Request = http::Request<Incoming>;

/// `/echo` keeps the body in memory.
const ECHO_MAX: usize = 16 << 20;
/// Longer than any drain, so that a test can see one run out.
const SLOW_MAX_MS: u64 = 600_000;
const EVENT_EVERY: Duration = Duration::from_millis(250);
/// Asked for by whoever watches over the instance; no requests of users.
const PLATFORM: [&str; 6] =
    ["/health", "/health/live", "/health/ready", "/healthz", "/api/v1/health", "/metrics"];

pub(crate) async fn answer(app: Arc<App>, request: Request) -> Response<Body> {
    app.counts.requests.fetch_add(1, Ordering::Relaxed);
    let path = request.uri().path().to_owned();
    let (since, is_asked_by_platform) = (Instant::now(), PLATFORM.contains(&path.as_str()));
    let response = route(&app, &path, request).await;
    if !is_asked_by_platform {
        app.served.add(response.status(), since.elapsed());
    }
    response
}

async fn route(app: &Arc<App>, path: &str, request: Request) -> Response<Body> {
    match (request.method(), path) {
        (&Method::GET | &Method::POST, "/" | "/work") => work(app).await,
        (&Method::GET, "/health" | "/health/ready" | "/healthz" | "/api/v1/health") => health(app).await,
        (&Method::GET, "/health/live") => json(StatusCode::OK, &identity(app)),
        (&Method::POST, "/jobs") => enqueue(app).await,
        (&Method::GET, "/jobs") => jobs(app, &request).await,
        (&Method::GET, "/slow") => slow(app, &request).await,
        (&Method::GET, "/events") => events(app.clone()),
        (&Method::GET, "/ws") => crate::websocket::accept(app, request),
        (&Method::GET, "/env") => env(app, &request),
        (&Method::GET, "/metrics") => metrics(app),
        (&Method::POST | &Method::PUT, "/echo") => echo(request).await,
        _ => text(StatusCode::NOT_FOUND, "there is nothing here\n"),
    }
}

async fn work(app: &App) -> Response<Body> {
    let fate = app.take_work();
    if app.crash.is_cancelled() {
        return std::future::pending().await;
    }
    if !fate.delay.is_zero() {
        tokio::time::sleep(fate.delay).await;
    }
    if fate.fails {
        return failure(app, INJECTED);
    }
    let hits = match app.dependencies.hit(&app.config.service).await {
        Ok(counted) => counted.unwrap_or(fate.number),
        Err(error) => {
            app.counts.errors.fetch_add(1, Ordering::Relaxed);
            return failure(app, &error);
        }
    };
    let mut body = identity(app);
    body["hits"] = hits.into();
    json(StatusCode::OK, &body)
}

fn failure(app: &App, error: &str) -> Response<Body> {
    let mut body = identity(app);
    body["error"] = error.into();
    json(StatusCode::INTERNAL_SERVER_ERROR, &body)
}

async fn health(app: &App) -> Response<Body> {
    let unready = app.unready().await;
    let mut body = identity(app);
    body["ready"] = unready.is_empty().into();
    body["failing"] = unready.iter().map(|it| (it.0, it.1.clone())).collect();
    let status = if unready.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    json(status, &body)
}

async fn enqueue(app: &App) -> Response<Body> {
    match app.dependencies.enqueue().await {
        Ok(()) => text(StatusCode::ACCEPTED, "a worker will do it\n"),
        Err(error) => failure(app, &error),
    }
}

/// `/jobs?by=v2`: how many the workers of that version have done.
async fn jobs(app: &App, request: &Request) -> Response<Body> {
    let version = parameter(request, "by").unwrap_or_default();
    match app.dependencies.done_by(&version).await {
        Ok(count) => text(StatusCode::OK, if count.is_empty() { "0" } else { &count }),
        Err(error) => failure(app, &error),
    }
}

async fn slow(app: &App, request: &Request) -> Response<Body> {
    let millis = parameter(request, "ms").and_then(|it| it.parse().ok()).unwrap_or(1_000);
    tokio::time::sleep(Duration::from_millis(u64::min(millis, SLOW_MAX_MS))).await;
    json(StatusCode::OK, &identity(app))
}

async fn echo(request: Request) -> Response<Body> {
    let kind = request.headers().get(header::CONTENT_TYPE).cloned();
    match Limited::new(request.into_body(), ECHO_MAX).collect().await {
        Ok(body) => {
            let mut response = Response::new(Full::new(body.to_bytes()).boxed());
            if let Some(kind) = kind {
                response.headers_mut().insert(header::CONTENT_TYPE, kind);
            }
            response
        }
        Err(error) => text(StatusCode::BAD_REQUEST, &format!("the body did not arrive: {error}\n")),
    }
}

/// An endless stream that ends when the service does.
fn events(app: Arc<App>) -> Response<Body> {
    let body = EventBody { app, timer: tokio::time::interval(EVENT_EVERY), sent: 0, ended: None };
    let mut response = Response::new(BoxBody::new(body));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    response
}

struct EventBody {
    app: Arc<App>,
    timer: tokio::time::Interval,
    sent: u64,
    /// Present from the first poll on, so that the end wakes the stream.
    ended: Option<std::pin::Pin<Box<tokio_util::sync::WaitForCancellationFutureOwned>>>,
}

impl hyper::body::Body for EventBody {
    type Data = Bytes;
    type Error = Infallible;

    fn poll_frame(
        mut self: std::pin::Pin<&mut Self>,
        cx: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Infallible>>> {
        let this = &mut *self;
        let app = &this.app;
        let ended = this.ended.get_or_insert_with(|| Box::pin(app.stop.clone().cancelled_owned()));
        if ended.as_mut().poll(cx).is_ready() {
            return std::task::Poll::Ready(None);
        }
        std::task::ready!(this.timer.poll_tick(cx));
        this.sent += 1;
        let event = format!("id: {}\ndata: {}\n\n", this.sent, identity(&this.app));
        std::task::Poll::Ready(Some(Ok(hyper::body::Frame::data(event.into()))))
    }
}

fn env(app: &App, request: &Request) -> Response<Body> {
    let key = parameter(request, "key").unwrap_or_default();
    if !key.starts_with("SAMPLE_") {
        return text(StatusCode::FORBIDDEN, "only variables that start with SAMPLE_ are shown\n");
    }
    match (app.config.shown)(&key) {
        Some(value) => text(StatusCode::OK, &value),
        None => text(StatusCode::NOT_FOUND, "not set\n"),
    }
}

fn metrics(app: &App) -> Response<Body> {
    let labels = format!(
        "service=\"{}\",version=\"{}\",instance=\"{}\"",
        label(&app.config.service),
        label(&app.config.version),
        label(&app.config.instance)
    );
    let counters = [
        ("sample_requests_total", "Requests of every kind.", &app.counts.requests),
        ("sample_work_total", "Work requests.", &app.counts.work),
        ("sample_errors_total", "Work requests that answered 500.", &app.counts.errors),
    ];
    let lines = counters.map(|(name, help, count)| {
        let count = count.load(Ordering::Relaxed);
        format!("# HELP {name} {help}\n# TYPE {name} counter\n{name}{{{labels}}} {count}\n")
    });
    let mut response = text(StatusCode::OK, &(lines.concat() + &app.served.page(&labels)));
    let kind = HeaderValue::from_static("text/plain; version=0.0.4");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// A label's value as the Prometheus text format wants it.
fn label(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n")
}

fn identity(app: &App) -> serde_json::Value {
    let config = &app.config;
    json!({"service": config.service, "version": config.version, "instance": config.instance})
}

/// The value of a parameter as it is written; nothing that is asked here needs escapes.
fn parameter(request: &Request, name: &str) -> Option<String> {
    let pairs = request.uri().query()?.split('&').filter_map(|it| it.split_once('='));
    pairs.into_iter().find(|it| it.0 == name).map(|it| it.1.to_owned())
}

fn json(status: StatusCode, body: &serde_json::Value) -> Response<Body> {
    let mut response = text(status, &format!("{body}\n"));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    response
}

pub(crate) fn text(status: StatusCode, body: &str) -> Response<Body> {
    let mut response = Response::new(Full::new(Bytes::copy_from_slice(body.as_bytes())).boxed());
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response
}

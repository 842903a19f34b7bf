//! One request from a client to an instance and back.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderValue, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use lockgate_model::{PortName, Protocol, ReleaseId};
use tokio::time::{Instant, sleep_until};

use crate::body::{Answer, Passed, Progress, Upload};
use crate::config::Limits;
use crate::count::Outcome;
use crate::exchange::{Counting, Exchange};
use crate::heads::Seen;
use crate::hygiene::{self, Refusal};
use crate::pool::{Link, Pool, Replay};
use crate::route::{Claim, Service};
use crate::{grpc, sticky, tunnel};

/// Names the slot that a request of this machine goes to, whatever its weight.
pub(crate) const OVERRIDE: HeaderName = HeaderName::from_static("x-lockgate-release");
/// The first attempt and one more.
const ATTEMPTS_MAX: u8 = 2;

/// Requests that were refused before they were routed, by reason.
#[derive(Default)]
pub(crate) struct Refusals([AtomicU64; Refusal::ALL.len()]);

impl Refusals {
    pub(crate) fn of(&self, refusal: Refusal) -> u64 {
        self.0[refusal as usize].load(Ordering::Relaxed)
    }

    fn count(&self, refusal: Refusal) {
        self.0[refusal as usize].fetch_add(1, Ordering::Relaxed);
    }
}

/// Where a listener's requests go.
pub(crate) struct Entry {
    pub(crate) service: Arc<Service>,
    pub(crate) port: Arc<PortName>,
    pub(crate) protocol: Protocol,
    pub(crate) limits: Arc<Limits>,
    pub(crate) refusals: Arc<Refusals>,
}

/// Who asks, and what their connection looks like.
pub(crate) struct Caller {
    pub(crate) peer: SocketAddr,
    pub(crate) seen: Arc<Seen>,
}

/// Why an instance's answer is missing.
enum Failure {
    NoneReady,
    Unconnected,
    Reset,
    TimedOut,
    /// The client stopped sending its body.
    UploadStalled,
    UploadBroken,
}

impl Failure {
    fn outcome(&self) -> Outcome {
        match self {
            Failure::NoneReady | Failure::Unconnected => Outcome::Unconnected,
            Failure::Reset => Outcome::Reset,
            Failure::TimedOut => Outcome::TimedOut,
            Failure::UploadStalled | Failure::UploadBroken => Outcome::ClientGone,
        }
    }

    fn answer(&self, slot: &str) -> Response<Answer> {
        let (status, what) = match self {
            Failure::NoneReady => (StatusCode::SERVICE_UNAVAILABLE, "has no ready instance"),
            Failure::Unconnected => (StatusCode::BAD_GATEWAY, "could not be connected to"),
            Failure::Reset => (StatusCode::BAD_GATEWAY, "closed the connection without an answer"),
            Failure::TimedOut => (StatusCode::GATEWAY_TIMEOUT, "did not answer in time"),
            Failure::UploadStalled => (StatusCode::REQUEST_TIMEOUT, "waited too long for the request's body"),
            Failure::UploadBroken => (StatusCode::BAD_REQUEST, "got a broken request body"),
        };
        own_answer(status, &format!("{slot} {what}"))
    }
}

/// An instance's answer and the connection that it came over.
struct Reply {
    response: Response<Incoming>,
    link: Link,
}

fn own_answer(status: StatusCode, text: &str) -> Response<Answer> {
    let body = Answer::Own(Full::new(Bytes::from(format!("lockgate: {text}\n"))));
    let mut response = Response::new(body);
    *response.status_mut() = status;
    let plain = HeaderValue::from_static("text/plain; charset=utf-8");
    response.headers_mut().insert(header::CONTENT_TYPE, plain);
    response
}

pub(crate) async fn handle(entry: &Entry, caller: &Caller, request: Request<Incoming>) -> Response<Answer> {
    let mut spoiled = caller.seen.is_last();
    let mut response = match forward(entry, caller, request).await {
        Ok(response) => response,
        Err(refusal) => {
            entry.refusals.count(refusal);
            spoiled |= refusal.spoils_connection();
            own_answer(refusal.status(), refusal.text())
        }
    };
    let stays_http1 =
        entry.protocol == Protocol::Http && response.status() != StatusCode::SWITCHING_PROTOCOLS;
    if spoiled && stays_http1 {
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    response
}

async fn forward(
    entry: &Entry,
    caller: &Caller,
    mut request: Request<Incoming>,
) -> Result<Response<Answer>, Refusal> {
    let started = Instant::now();
    if caller.seen.is_ambiguous() {
        return Err(Refusal::AmbiguousLength);
    }
    let host = hygiene::accept(&request)?;
    let chosen = take_override(caller, &mut request)?;
    let (claim, session) = match chosen {
        Some(release) => (claim_chosen(&entry.service, release)?, None),
        None => claim_weighted(entry, &request)?,
    };
    let counting = if chosen.is_some() { Counting::Uncounted } else { Counting::Counted };
    let mut exchange = Exchange::new(claim, Arc::clone(&entry.port), counting, started);

    let websocket = entry.protocol == Protocol::Http && hygiene::is_websocket(&request);
    let client = websocket.then(|| hyper::upgrade::on(&mut request));
    let (mut head, body) = request.into_parts();
    hygiene::rewrite(&mut head, host, entry.service.name.as_str(), caller.peer.ip(), entry.protocol)?;
    if websocket {
        hygiene::set_websocket(&mut head.headers);
    }
    let progress = Arc::new(Progress::new(started));
    let upload = Upload::new(body, Arc::clone(&progress));
    let outgoing = Outgoing::new(Request::from_parts(head, upload), progress);
    let mut response = match outgoing.send(entry, &mut exchange).await {
        Ok(reply) => pass(entry, reply, exchange, client),
        Err(failure) => {
            exchange.ended(failure.outcome());
            failure.answer(&exchange.slot().name.to_string())
        }
    };
    if let Some(cookie) = session {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    Ok(response)
}

/// The header never reaches an instance, and is obeyed only if it comes from this machine.
fn take_override<B>(caller: &Caller, request: &mut Request<B>) -> Result<Option<ReleaseId>, Refusal> {
    let Some(value) = request.headers_mut().remove(OVERRIDE) else { return Ok(None) };
    if !caller.peer.ip().is_loopback() {
        return Ok(None);
    }
    let release = value.to_str().ok().and_then(|it| it.parse().ok());
    release.map(Some).ok_or(Refusal::BadOverride)
}

fn claim_chosen(service: &Service, release: ReleaseId) -> Result<Claim, Refusal> {
    let claimed = service.claim(|route| {
        let slot = route.slots.get(&release).filter(|it| !it.is_draining())?;
        Some((Arc::clone(slot), ()))
    });
    claimed.map(|it| it.0).ok_or(Refusal::UnknownSlot)
}

/// By the client's session if it has a valid one, else by weight. The second value starts a session.
fn claim_weighted(
    entry: &Entry,
    request: &Request<Incoming>,
) -> Result<(Claim, Option<HeaderValue>), Refusal> {
    let has_sessions = entry.protocol == Protocol::Http;
    let cookie = has_sessions.then(|| sticky::find(request.headers(), &entry.service.cookie_name)).flatten();
    let claimed = entry.service.claim(|route| {
        if !has_sessions || !route.is_split() {
            return Some((Arc::clone(&route.draw()?.slot), None));
        }
        if let Some(share) = cookie.and_then(|it| route.by_cookie(it)) {
            return Some((Arc::clone(&share.slot), None));
        }
        let share = route.draw()?;
        Some((Arc::clone(&share.slot), Some(share.set_cookie.clone())))
    });
    claimed.ok_or(Refusal::NoRoute)
}

/// A request ready to be sent, maybe twice.
struct Outgoing {
    request: Request<Upload>,
    progress: Arc<Progress>,
    replay: Replay,
}

/// What became of one attempt.
enum Attempt {
    Answered(Reply),
    Failed(Failure),
    /// Nothing has reached an instance, or nothing that could have done anything.
    Again(Request<Upload>, Failure),
}

impl Outgoing {
    fn new(request: Request<Upload>, progress: Arc<Progress>) -> Outgoing {
        let repeatable = progress.is_done() && request.method().is_idempotent();
        let replay = if repeatable { Replay::Possible } else { Replay::Never };
        Outgoing { request, progress, replay }
    }

    /// Tries one instance of the slot, and if that is harmless another: never another slot, which would hide
    /// the errors of a canary.
    async fn send(self, entry: &Entry, exchange: &mut Exchange) -> Result<Reply, Failure> {
        let Outgoing { mut request, progress, replay } = self;
        let slot = Arc::clone(exchange.slot());
        let mut failure = Failure::NoneReady;
        let mut avoid = None;
        for attempt in 1..=ATTEMPTS_MAX {
            let Some(hold) = slot.hold(avoid) else { return Err(failure) };
            let instance = Arc::clone(&hold.instance);
            let same_again = avoid == Some(instance.id);
            if same_again && matches!(failure, Failure::Unconnected) {
                return Err(failure);
            }
            if 1 < attempt {
                slot.counters.retry();
            }
            avoid = Some(instance.id);
            exchange.hold(hold);
            let Some(pool) = instance.pools.get(&*entry.port) else { return Err(Failure::Unconnected) };
            let from_pool = if attempt == 1 { replay_or_fresh(pool, replay, entry) } else { None };
            let (link, reused) = match open(pool, from_pool, entry).await {
                Ok(link) => link,
                Err(error) => {
                    instance.suspect(&slot.config.health, &error.to_string());
                    failure = Failure::Unconnected;
                    continue;
                }
            };
            match attempt_once(link, reused, request, &progress, replay, entry).await {
                Attempt::Answered(reply) => return Ok(reply),
                Attempt::Failed(failure) => return Err(failure),
                Attempt::Again(again, why) => {
                    request = again;
                    failure = why;
                }
            }
        }
        Err(failure)
    }
}

fn replay_or_fresh(pool: &Pool, replay: Replay, entry: &Entry) -> Option<Link> {
    match entry.protocol {
        Protocol::Http => pool.reuse(replay, &entry.limits),
        Protocol::Grpc => None,
    }
}

/// A connection, and whether it was used before.
async fn open(pool: &Pool, from_pool: Option<Link>, entry: &Entry) -> std::io::Result<(Link, bool)> {
    if let Some(link) = from_pool {
        return Ok((link, true));
    }
    match entry.protocol {
        Protocol::Http => Ok((pool.connect(&entry.limits).await?, false)),
        Protocol::Grpc => pool.share(&entry.limits).await,
    }
}

async fn attempt_once(
    mut link: Link,
    reused: bool,
    request: Request<Upload>,
    progress: &Arc<Progress>,
    replay: Replay,
    entry: &Entry,
) -> Attempt {
    let spare = (reused && replay == Replay::Possible).then(|| copy(&request, progress));
    let sent = tokio::select! {
        biased;
        sent = link.send(request) => sent,
        failure = silence(progress, entry.limits.response_header, entry.protocol) => return Attempt::Failed(failure),
    };
    let mut error = match sent {
        Ok(response) => return Attempt::Answered(Reply { response, link }),
        Err(error) => error,
    };
    if let Some(unsent) = error.take_message().filter(|_| reused) {
        return Attempt::Again(unsent, Failure::Reset);
    }
    let error = error.into_error();
    tracing::debug!(%error, port = %entry.port, "an instance did not answer");
    if progress.is_broken() {
        return Attempt::Failed(Failure::UploadBroken);
    }
    match spare {
        // What was not HTTP was an answer, though a bad one.
        Some(spare) if !error.is_parse() => Attempt::Again(spare, Failure::Reset),
        Some(_) | None => Attempt::Failed(Failure::Reset),
    }
}

/// Of a request without a body.
fn copy(request: &Request<Upload>, progress: &Arc<Progress>) -> Request<Upload> {
    let mut copy = Request::new(Upload::empty(Arc::clone(progress)));
    request.method().clone_into(copy.method_mut());
    request.uri().clone_into(copy.uri_mut());
    *copy.version_mut() = request.version();
    request.headers().clone_into(copy.headers_mut());
    copy
}

/// Answers when neither side has moved for too long. A gRPC client may keep its stream open and silent.
async fn silence(progress: &Progress, within: Duration, protocol: Protocol) -> Failure {
    loop {
        let last = progress.last();
        sleep_until(last + within).await;
        if progress.last() != last {
            continue;
        }
        match (progress.is_done(), protocol) {
            (true, _) => return Failure::TimedOut,
            (false, Protocol::Http) => return Failure::UploadStalled,
            (false, Protocol::Grpc) => tokio::time::sleep(within).await,
        }
    }
}

/// Turns an instance's answer into the one that the client gets.
fn pass(entry: &Entry, reply: Reply, mut exchange: Exchange, client: Option<OnUpgrade>) -> Response<Answer> {
    let Reply { mut response, link } = reply;
    exchange.answered(Outcome::Answered(response.status()));
    if response.status() == StatusCode::SWITCHING_PROTOCOLS {
        return switch(response, exchange, client);
    }
    hygiene::strip_hop_by_hop(response.headers_mut());
    if entry.protocol == Protocol::Grpc {
        grpc::apply(response.headers(), &mut exchange);
    }
    let sender = match link {
        Link::One(sender) => Some(sender),
        Link::Shared(_) => None,
    };
    response.map(|body| Answer::Passed(Box::new(Passed::new(body, exchange, sender))))
}

/// The tunnel begins only now that the instance has agreed to it.
fn switch(
    mut response: Response<Incoming>,
    mut exchange: Exchange,
    client: Option<OnUpgrade>,
) -> Response<Answer> {
    let instance = exchange.instance();
    let (Some(client), Some(instance), true) =
        (client, instance, hygiene::names_websocket(response.headers()))
    else {
        exchange.ended(Outcome::Reset);
        return own_answer(
            StatusCode::BAD_GATEWAY,
            "the instance switched to a protocol that nobody asked for",
        );
    };
    let upstream = hyper::upgrade::on(&mut response);
    hygiene::strip_hop_by_hop(response.headers_mut());
    hygiene::set_websocket(response.headers_mut());
    tunnel::start(client, upstream, exchange, instance.id, &instance.gone);
    response.map(|_| Answer::Own(Full::default()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_override_is_obeyed_only_from_this_machine_and_always_removed() {
        for (peer, wanted) in
            [("127.0.0.1:9", Some(ReleaseId(12))), ("[::1]:9", Some(ReleaseId(12))), ("192.0.2.1:9", None)]
        {
            let caller = Caller { peer: peer.parse().unwrap(), seen: Arc::default() };
            let mut request = Request::builder().header(OVERRIDE, "r12").body(()).unwrap();
            assert_eq!(take_override(&caller, &mut request).unwrap(), wanted, "{peer}");
            assert!(!request.headers().contains_key(OVERRIDE), "{peer}");
        }
    }
}

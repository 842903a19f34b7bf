//! What may pass: refuses requests that two parties could read differently, removes what is meant for one
//! connection only, and says who asked.

use std::net::IpAddr;

use http::header::{self, HeaderName};
use http::uri::{Authority, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri, Version};
use lockgate_model::Protocol;

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const FORWARDED_HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");
const PROXY_CONNECTION: HeaderName = HeaderName::from_static("proxy-connection");

/// Meant for one connection, by RFC 9110 section 7.6.1 and by custom.
const HOP_BY_HOP: [HeaderName; 8] = [
    header::CONNECTION,
    KEEP_ALIVE,
    PROXY_CONNECTION,
    header::PROXY_AUTHENTICATE,
    header::PROXY_AUTHORIZATION,
    header::TE,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
];

/// Why a request was refused before it was routed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Refusal {
    AmbiguousLength,
    BadTransferEncoding,
    BadHost,
    BadTarget,
    Connect,
    BadOverride,
    UnknownSlot,
    NoRoute,
}

impl Refusal {
    pub(crate) const ALL: [Refusal; 8] = [
        Refusal::AmbiguousLength,
        Refusal::BadTransferEncoding,
        Refusal::BadHost,
        Refusal::BadTarget,
        Refusal::Connect,
        Refusal::BadOverride,
        Refusal::UnknownSlot,
        Refusal::NoRoute,
    ];

    /// Label on the metrics page.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Refusal::AmbiguousLength => "ambiguous_length",
            Refusal::BadTransferEncoding => "bad_transfer_encoding",
            Refusal::BadHost => "bad_host",
            Refusal::BadTarget => "bad_target",
            Refusal::Connect => "connect",
            Refusal::BadOverride => "bad_override",
            Refusal::UnknownSlot => "unknown_slot",
            Refusal::NoRoute => "no_route",
        }
    }

    pub(crate) fn status(self) -> StatusCode {
        match self {
            Refusal::AmbiguousLength
            | Refusal::BadTransferEncoding
            | Refusal::BadHost
            | Refusal::BadTarget
            | Refusal::BadOverride => StatusCode::BAD_REQUEST,
            Refusal::Connect => StatusCode::METHOD_NOT_ALLOWED,
            Refusal::UnknownSlot | Refusal::NoRoute => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    pub(crate) fn text(self) -> &'static str {
        match self {
            Refusal::AmbiguousLength => "the request has both Content-Length and Transfer-Encoding",
            Refusal::BadTransferEncoding => "the only transfer encoding of a request is `chunked`, once",
            Refusal::BadHost => "the request needs one valid Host",
            Refusal::BadTarget => "the request's target is not a path",
            Refusal::Connect => "CONNECT is not offered",
            Refusal::BadOverride => "x-lockgate-release names a release, as in `r12`",
            Refusal::UnknownSlot => "the release asked for has no slot that takes requests",
            Refusal::NoRoute => "no release of this service takes traffic",
        }
    }

    /// Whether the connection may be out of step, so that nothing more may be read from it.
    pub(crate) fn spoils_connection(self) -> bool {
        self.status() == StatusCode::BAD_REQUEST
    }
}

/// The host that the request is for; `None` only for HTTP/1.0, which need not say.
pub(crate) fn accept<B>(request: &Request<B>) -> Result<Option<Authority>, Refusal> {
    if request.method() == Method::CONNECT {
        return Err(Refusal::Connect);
    }
    check_encoding(request)?;
    let target = request.uri();
    let is_star = request.method() == Method::OPTIONS && target.path() == "*";
    if !is_star && !target.path().starts_with('/') {
        return Err(Refusal::BadTarget);
    }
    if target.scheme().is_some_and(|it| *it != Scheme::HTTP && *it != Scheme::HTTPS) {
        return Err(Refusal::BadTarget);
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let host = hosts.next().map(read_host).transpose()?;
    if hosts.next().is_some() {
        return Err(Refusal::BadHost);
    }
    // The target's own host outranks the header, by RFC 9112 section 3.2.2.
    let named = target.authority().map(|it| check_host(it.clone())).transpose()?;
    match named.or(host) {
        None if request.version() == Version::HTTP_11 => Err(Refusal::BadHost),
        host => Ok(host),
    }
}

fn check_encoding<B>(request: &Request<B>) -> Result<(), Refusal> {
    let mut encodings = request.headers().get_all(header::TRANSFER_ENCODING).iter();
    let Some(encoding) = encodings.next() else { return Ok(()) };
    if request.headers().contains_key(header::CONTENT_LENGTH) {
        return Err(Refusal::AmbiguousLength);
    }
    let is_chunked = encoding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
    if encodings.next().is_some() || !is_chunked || request.version() != Version::HTTP_11 {
        return Err(Refusal::BadTransferEncoding);
    }
    Ok(())
}

fn read_host(value: &HeaderValue) -> Result<Authority, Refusal> {
    check_host(Authority::try_from(value.as_bytes()).map_err(|_| Refusal::BadHost)?)
}

fn check_host(host: Authority) -> Result<Authority, Refusal> {
    if host.host().is_empty() || host.as_str().contains('@') { Err(Refusal::BadHost) } else { Ok(host) }
}

/// Removes what is meant for one connection, and whatever `Connection` names.
pub(crate) fn strip_hop_by_hop(headers: &mut HeaderMap) {
    let named: Vec<HeaderName> = headers
        .get_all(header::CONNECTION)
        .iter()
        .flat_map(|it| it.as_bytes().split(|&byte| byte == b','))
        .filter_map(|it| HeaderName::from_bytes(it.trim_ascii()).ok())
        .collect();
    for name in named.iter().chain(&HOP_BY_HOP) {
        headers.remove(name);
    }
}

/// Whether a client asks for a WebSocket. Any other upgrade is not offered.
pub(crate) fn is_websocket<B>(request: &Request<B>) -> bool {
    request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && has_token(request.headers(), &header::CONNECTION, b"upgrade")
        && names_websocket(request.headers())
}

pub(crate) fn names_websocket(headers: &HeaderMap) -> bool {
    headers.get(header::UPGRADE).is_some_and(|it| it.as_bytes().eq_ignore_ascii_case(b"websocket"))
}

fn has_token(headers: &HeaderMap, name: &HeaderName, token: &[u8]) -> bool {
    let lines = headers.get_all(name).iter();
    let mut tokens = lines.flat_map(|it| it.as_bytes().split(|&byte| byte == b','));
    tokens.any(|it| it.trim_ascii().eq_ignore_ascii_case(token))
}

pub(crate) fn set_websocket(headers: &mut HeaderMap) {
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
}

/// Turns a client's request header into the one that an instance gets.
pub(crate) fn rewrite(
    head: &mut http::request::Parts,
    host: Option<Authority>,
    fallback_host: &str,
    peer: IpAddr,
    protocol: Protocol,
) -> Result<(), Refusal> {
    let wants_trailers = has_token(&head.headers, &header::TE, b"trailers");
    strip_hop_by_hop(&mut head.headers);
    // The body is sent on at once, and hyper itself answers `100 Continue` when the instance's side reads.
    head.headers.remove(header::EXPECT);
    let host = match host {
        Some(host) => host,
        None => Authority::try_from(fallback_host).map_err(|_| Refusal::BadHost)?,
    };
    let host_value = HeaderValue::from_str(host.as_str()).map_err(|_| Refusal::BadHost)?;
    set_forwarded(&mut head.headers, peer, &host_value);
    let path = head.uri.path_and_query().cloned().ok_or(Refusal::BadTarget)?;
    match protocol {
        Protocol::Http => {
            head.headers.insert(header::HOST, host_value);
            head.version = Version::HTTP_11;
            head.uri = Uri::from(path);
        }
        Protocol::Grpc => {
            head.headers.remove(header::HOST);
            if wants_trailers {
                head.headers.insert(header::TE, HeaderValue::from_static("trailers"));
            }
            head.version = Version::HTTP_2;
            let uri = Uri::builder().scheme(Scheme::HTTP).authority(host).path_and_query(path);
            head.uri = uri.build().map_err(|_| Refusal::BadTarget)?;
        }
    }
    Ok(())
}

/// A peer on this machine is another proxy of the user's and is believed; anybody else could say anything.
fn set_forwarded(headers: &mut HeaderMap, peer: IpAddr, host: &HeaderValue) {
    let trusted = peer.is_loopback();
    if !trusted {
        headers.remove(header::FORWARDED);
    }
    let before = headers.get(FORWARDED_FOR).filter(|_| trusted).and_then(|it| it.to_str().ok());
    let chain = before.map_or_else(|| peer.to_string(), |it| format!("{it}, {peer}"));
    headers.insert(FORWARDED_FOR, HeaderValue::try_from(chain).expect("addresses and visible ASCII"));
    if !trusted || !headers.contains_key(FORWARDED_PROTO) {
        headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    }
    if !trusted || !headers.contains_key(FORWARDED_HOST) {
        headers.insert(FORWARDED_HOST, host.clone());
    }
}

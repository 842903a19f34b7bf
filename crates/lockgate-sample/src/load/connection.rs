//! One keep-alive connection: asks, reads the whole answer, and says what it was.

use bytes::Bytes;
use http::{Request, StatusCode, header};
use http_body_util::{BodyExt as _, Empty, Limited};
use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

use super::Destination;
use crate::INJECTED;

/// Answers of the sample are a line; a longer one is not from it, and is read no further.
const BODY_MAX: usize = 4 << 20;
/// A server that closes each connection before the first request is broken, not idle.
const STALE_MAX: usize = 3;
/// The proxy names itself in the answers that it makes on its own.
const PROXY_ERROR: &str = "x-lockgate-error";

#[derive(Default)]
pub(super) struct Connection(Option<SendRequest<Empty<Bytes>>>);

/// What became of one request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Exchange {
    Answered {
        status: StatusCode,
        source: Source,
        version: Option<String>,
    },
    ConnectFailed,
    /// Sent, or at least begun, and the connection ended before the answer.
    Reset,
    /// An answer began and was not whole, or was no HTTP.
    BadResponse,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Source {
    Service,
    /// The service, because a knob asks for errors.
    Injected,
    Proxy,
}

impl Connection {
    pub(super) async fn exchange(&mut self, to: &Destination) -> Exchange {
        for _ in 0..STALE_MAX {
            let Ok(mut sender) = self.open(to).await else { return Exchange::ConnectFailed };
            let request = Request::get(to.path.clone()).header(header::HOST, &to.authority);
            let Ok(request) = request.body(Empty::new()) else { return Exchange::BadResponse };
            let response = match sender.try_send_request(request).await {
                Ok(response) => response,
                // Nothing was sent: the server had closed an idle connection, as it may.
                Err(error) if error.message().is_some() => continue,
                Err(error) if error.error().is_parse() => return Exchange::BadResponse,
                Err(_) => return Exchange::Reset,
            };
            let (head, body) = response.into_parts();
            let Ok(body) = Limited::new(body, BODY_MAX).collect().await else { return Exchange::BadResponse };
            self.0 = Some(sender);
            return answered(&head, &body.to_bytes());
        }
        Exchange::Reset
    }

    async fn open(&mut self, to: &Destination) -> std::io::Result<SendRequest<Empty<Bytes>>> {
        if let Some(mut sender) = self.0.take()
            && sender.ready().await.is_ok()
        {
            return Ok(sender);
        }
        let stream = TcpStream::connect(to.address).await?;
        stream.set_nodelay(true)?;
        let (sender, connection) =
            http1::handshake(TokioIo::new(stream)).await.map_err(std::io::Error::other)?;
        // Ends with its sender or its peer; how it ended shows in the exchange.
        tokio::spawn(async move { drop(connection.await) });
        Ok(sender)
    }
}

fn answered(head: &http::response::Parts, body: &[u8]) -> Exchange {
    let body: Option<serde_json::Value> = serde_json::from_slice(body).ok();
    let field = |name: &str| body.as_ref().and_then(|it| it.get(name)).and_then(|it| it.as_str());
    let source = if head.headers.contains_key(PROXY_ERROR) {
        Source::Proxy
    } else if head.status.is_server_error() && field("error") == Some(INJECTED) {
        Source::Injected
    } else {
        Source::Service
    };
    Exchange::Answered { status: head.status, source, version: field("version").map(str::to_owned) }
}

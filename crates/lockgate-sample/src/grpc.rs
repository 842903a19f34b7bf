//! `grpc.health.v1.Health/Check` over HTTP/2 without TLS, framed by hand: the answer is two bytes.

use std::convert::Infallible;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response};
use http_body_util::{BodyExt as _, Full, combinators::BoxBody};

use crate::app::App;
use crate::endpoints::{Body, Request};

/// Field 1 (`status`), varint: 1 is SERVING, 2 is `NOT_SERVING`.
const SERVING: [u8; 2] = [0x08, 0x01];
const NOT_SERVING: [u8; 2] = [0x08, 0x02];
/// "unimplemented" in gRPC's list of status codes.
const UNIMPLEMENTED: &str = "12";

pub(crate) async fn answer(app: &App, request: Request) -> Response<Body> {
    if request.uri().path() != "/grpc.health.v1.Health/Check" {
        return respond(Bytes::new(), UNIMPLEMENTED);
    }
    let status = if app.unready().await.is_empty() { SERVING } else { NOT_SERVING };
    // One message: not compressed, four bytes of length, the message.
    let mut framed = vec![0, 0, 0, 0, 2];
    framed.extend(status);
    respond(framed.into(), "0")
}

fn respond(message: Bytes, code: &'static str) -> Response<Body> {
    let mut trailers = HeaderMap::new();
    trailers.insert("grpc-status", HeaderValue::from_static(code));
    let with_trailers = Full::new(message).with_trailers(async move { Some(Ok::<_, Infallible>(trailers)) });
    let mut response = Response::new(BoxBody::new(with_trailers));
    response.headers_mut().insert("content-type", HeaderValue::from_static("application/grpc"));
    response
}

//! gRPC answers 200 whatever happened; the truth is in `grpc-status`, mostly in the trailers.

use http::{HeaderMap, StatusCode};

use crate::count::Outcome;
use crate::exchange::Exchange;

/// Counts a server's fault as the HTTP status that means the same.
pub(crate) fn apply(headers: &HeaderMap, exchange: &mut Exchange) {
    let status = headers.get("grpc-status").and_then(|it| it.to_str().ok()).and_then(fault);
    if let Some(status) = status {
        exchange.ended(Outcome::Answered(status));
    }
}

/// `None` for success and for the client's own faults.
fn fault(code: &str) -> Option<StatusCode> {
    match code {
        "2" | "13" | "15" => Some(StatusCode::INTERNAL_SERVER_ERROR),
        "4" => Some(StatusCode::GATEWAY_TIMEOUT),
        "12" => Some(StatusCode::NOT_IMPLEMENTED),
        "14" => Some(StatusCode::SERVICE_UNAVAILABLE),
        _ => None,
    }
}

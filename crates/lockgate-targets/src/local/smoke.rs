//! One request to a running version, through the node's router.

use std::net::SocketAddr;

use lockgate_model::{Secret, SmokeSpec, SmokeVia};
use tokio::net::UnixStream;

use crate::{Class, TargetError, exchange, expect};

/// Picks the slot whatever its weight; the router takes it from its own machine only.
const RELEASE_HEADER: &str = "x-lockgate-release";

pub(super) enum Failure {
    /// The router did not answer: it says nothing of the version.
    Lost(TargetError),
    Answered(TargetError),
}

/// `router` is a connection to the router at `address`.
pub(super) async fn check(
    router: UnixStream,
    address: SocketAddr,
    check: &SmokeSpec,
    bearer: Option<&Secret<String>>,
) -> Result<(), Failure> {
    let what = format!("GET http://{address}{} of {}", check.path, check.service);
    let mut headers = expect::headers(check, bearer);
    match &check.via {
        SmokeVia::Slot(slot) => headers.push((RELEASE_HEADER.to_owned(), slot.release.to_string())),
        SmokeVia::Route => (),
    }
    let host = address.to_string();
    let asking = exchange::get(router, &host, &check.path, &headers);
    let Ok(answer) = tokio::time::timeout(check.timeout.to_std(), asking).await else {
        let text = format!("{what} had no answer within {}", check.timeout);
        return Err(Failure::Answered(TargetError::new(Class::Transient, text)));
    };
    let lost = |it| Failure::Lost(TargetError::new(Class::Transient, format!("{what} failed: {it}")));
    let (status, body) = answer.map_err(lost)?;
    expect::judge(check, &what, status, &body).map_err(Failure::Answered)
}

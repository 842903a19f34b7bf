//! What the API server refuses, in words: which right is missing, who owns a field, what a webhook says.

use kube::core::Status;
use lockgate_model::with_causes;

use crate::{Class, TargetError};

/// Why a request was not carried out. `doing` is what was asked for: `apply Deployment web-r12`.
pub(crate) fn told(error: &kube::Error, doing: &str) -> TargetError {
    let text = |why: &str| format!("cannot {doing}: {why}");
    match error {
        kube::Error::Api(status) => of_status(status, doing),
        kube::Error::SerdeError(_) | kube::Error::BuildRequest(_) => {
            TargetError::new(Class::Fatal, text(&with_causes(error)))
        }
        _ => TargetError::new(Class::Transient, text(&with_causes(error))).hint("kubectl version"),
    }
}

/// Whether the object is not there.
pub(crate) fn is_missing(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404)
}

/// Whether somebody else changed it since it was read, or made it already.
pub(crate) fn is_conflict(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 409)
}

fn of_status(status: &Status, doing: &str) -> TargetError {
    let text = format!("cannot {doing}: {}", status.message);
    let class = match status.code {
        409 | 410 | 429 | 500.. => Class::Transient,
        _ => Class::Fatal,
    };
    TargetError::new(class, text)
}

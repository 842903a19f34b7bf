//! What the API server refuses, in words: which right is missing, who owns a field, what a webhook says.

use kube::core::Status;
use kube::core::response::StatusCause;
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
        // The connection: what failed says where it was to.
        kube::Error::Service(error) => {
            TargetError::new(Class::Away, text(&with_causes(error.as_ref()))).hint("kubectl version")
        }
        _ => TargetError::new(Class::Away, text(&with_causes(error))).hint("kubectl version"),
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

/// Whether the kind is not installed in this cluster; a namespace or an object that is missing is named.
pub(crate) fn is_unknown_kind(error: &kube::Error) -> bool {
    matches!(error, kube::Error::Api(status) if status.code == 404 && names_no_object(status))
}

fn names_no_object(status: &Status) -> bool {
    status.details.as_ref().is_none_or(|it| it.name.is_empty())
}

/// Others that own fields which were to be written, and which fields: `kubectl-edit owns .spec.replicas`.
pub(crate) fn owners(error: &kube::Error) -> Vec<(String, String)> {
    let kube::Error::Api(status) = error else { return Vec::new() };
    let causes = causes(status).iter().filter(|it| it.reason == "FieldManagerConflict");
    causes.map(|it| (owner(&it.message).to_owned(), it.field.clone())).collect()
}

/// From `conflict with "kubectl-edit" using apps/v1`.
fn owner(message: &str) -> &str {
    message.split('"').nth(1).unwrap_or(message)
}

fn causes(status: &Status) -> &[StatusCause] {
    status.details.as_ref().map_or(&[], |it| it.causes.as_slice())
}

fn of_status(status: &Status, doing: &str) -> TargetError {
    let message = status.message.as_str();
    let error = |class, why: &str| TargetError::new(class, format!("cannot {doing}: {why}"));
    let conflicts: Vec<String> = causes(status)
        .iter()
        .filter(|it| it.reason == "FieldManagerConflict")
        .map(|it| format!("{} is owned by {}", it.field, owner(&it.message)))
        .collect();
    if !conflicts.is_empty() {
        let why = format!("somebody else has set other values: {}", conflicts.join(", "));
        let hint = "undo that change, or put its value into the spec; `kubectl get .. --show-managed-fields -o yaml` shows who owns what";
        return error(Class::Fatal, &why).hint(hint);
    }
    if let Some((_, hook)) = message.split_once("admission webhook ") {
        let name = owner(hook);
        let why = hook.split_once("request: ").map_or(hook, |it| it.1);
        return error(Class::Fatal, &format!("the webhook `{name}` refuses it: {why}"))
            .hint("change what it asks for with `patches` in the spec, or ask who runs the webhook");
    }
    if let Some((_, hook)) = message.split_once("failed calling webhook ") {
        let why = format!("the webhook `{}` does not answer: {message}", owner(hook));
        return error(Class::Transient, &why)
            .hint("kubectl get validatingwebhookconfigurations,mutatingwebhookconfigurations");
    }
    if let Some((_, quota)) = message.split_once("exceeded quota: ") {
        return error(Class::Fatal, &format!("the quota of the namespace is used up: {quota}"))
            .hint("raise the quota, or ask for less with `resources` in the spec");
    }
    match status.code {
        401 => error(Class::Fatal, "the cluster does not know this account")
            .hint("log in to the cluster again, then: kubectl auth whoami"),
        403 => forbidden(message, doing),
        404 if names_no_object(status) => error(Class::Fatal, "its kind is not installed in this cluster")
            .hint("kubectl api-resources: install what defines the kind, or choose another in the spec"),
        // Of a replace or a precondition: whoever asks reads and tries again.
        409 | 410 => error(Class::Transient, message),
        429 | 500.. => error(Class::Away, message),
        400 | 422 => invalid(status, doing),
        _ => error(Class::Fatal, message),
    }
}

/// `deployments.apps is forbidden: User "ci" cannot create resource "deployments" in API group "apps" in the
/// namespace "shop"`.
fn forbidden(message: &str, doing: &str) -> TargetError {
    let right = message.split_once(" cannot ").map(|it| it.1);
    let who = message.split_once("User ").map_or("this account", |it| owner(it.1));
    let why = match right {
        Some(right) => format!("{who} has no right to {}", right.replace('"', "`")),
        None => message.to_owned(),
    };
    let error = TargetError::new(Class::Fatal, format!("cannot {doing}: {why}"));
    if right.is_some() {
        error.hint("lockgate render --only rbac, and apply the Role that it writes")
    } else {
        error
    }
}

fn invalid(status: &Status, doing: &str) -> TargetError {
    let fields: Vec<String> =
        causes(status).iter().map(|it| format!("{}: {}", it.field, it.message)).collect();
    let why = if fields.is_empty() { status.message.clone() } else { fields.join("; ") };
    TargetError::new(Class::Fatal, format!("cannot {doing}: the cluster finds it invalid: {why}"))
        .hint("the field follows from the spec or one of its `patches`: lockgate render shows the object")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn told_of(status: serde_json::Value) -> String {
        let status: Status = serde_json::from_value(status).unwrap();
        let error = told(&kube::Error::Api(Box::new(status)), "apply Deployment web-r2 in namespace shop");
        format!("{:?} {}\nhint: {}", error.class, error.message, error.hint.unwrap_or_default())
    }

    #[test]
    fn a_missing_right_is_named() {
        let text = told_of(json!({
            "code": 403, "reason": "Forbidden",
            "message": "deployments.apps \"web-r2\" is forbidden: User \"ci\" cannot patch resource \"deployments\" in API group \"apps\" in the namespace \"shop\"",
            "details": {"name": "web-r2", "group": "apps", "kind": "deployments"},
        }));
        assert!(
            text.contains("ci has no right to patch resource `deployments` in API group `apps`"),
            "{text}"
        );
        assert!(text.starts_with("Fatal") && text.contains("lockgate render --only rbac"), "{text}");
    }

    #[test]
    fn the_owner_of_a_field_is_named() {
        let cause = json!({"reason": "FieldManagerConflict", "field": ".spec.replicas",
            "message": "conflict with \"kubectl-edit\" using apps/v1"});
        let text = told_of(json!({"code": 409, "reason": "Conflict", "message": "Apply failed",
            "details": {"causes": [cause]}}));
        assert!(text.contains(".spec.replicas is owned by kubectl-edit"), "{text}");
    }

    #[test]
    fn a_webhook_speaks_for_itself() {
        let text = told_of(json!({"code": 400, "message":
            "admission webhook \"policy.example.org\" denied the request: images must be signed"}));
        assert!(
            text.contains("the webhook `policy.example.org` refuses it: images must be signed"),
            "{text}"
        );
    }

    #[test]
    fn kinds_fields_and_quotas_are_named() {
        let text = told_of(json!({"code": 404, "message": "404 page not found"}));
        assert!(text.contains("its kind is not installed"), "{text}");
        let cause = json!({"field": "spec.replicas", "message": "must be greater than or equal to 0"});
        let text = told_of(json!({"code": 422, "message": "invalid", "details": {"causes": [cause]}}));
        assert!(text.contains("spec.replicas: must be greater"), "{text}");
        let text = told_of(json!({"code": 403, "message":
            "pods \"a\" is forbidden: exceeded quota: small, requested: pods=1, used: pods=2, limited: pods=2"}));
        assert!(text.contains("the quota of the namespace is used up: small"), "{text}");
        assert!(told_of(json!({"code": 503, "message": "starting"})).starts_with("Away"));
    }
}

//! Whether what is in the cluster under a rendered name is what was rendered, or something of somebody else. Pure.

use lockgate_model::{ReleaseId, Scope};
use serde_json::Value;

use super::super::names;

/// What keeps an object from being taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Hindrance {
    /// It is somebody else's, and stays so.
    Foreign(String),
    /// Not now: something is under way with it.
    Busy(String),
}

/// Labels and annotations of those who put objects back as their repository says, and what they are called.
const RECONCILERS: [(&str, &str); 4] = [
    ("argocd.argoproj.io/", "Argo CD"),
    ("kustomize.toolkit.fluxcd.io/", "Flux"),
    ("helm.toolkit.fluxcd.io/", "Flux"),
    ("kapp.k14s.io/", "kapp"),
];

/// `ours` is the release that takes over, when an earlier attempt has a number already.
pub(super) fn judge(
    scope: &Scope,
    ours: Option<ReleaseId>,
    rendered: &Value,
    live: &Value,
) -> Result<(), Hindrance> {
    let foreign = |why: String| Err(Hindrance::Foreign(why));
    if let Some(owner) = live.pointer("/metadata/ownerReferences/0") {
        let text = |key: &str| owner[key].as_str().unwrap_or_default();
        return foreign(format!("it belongs to {} {}", text("kind"), text("name")));
    }
    if let Some(who) = reconciler(live) {
        return foreign(format!(
            "{who} keeps it as a repository says; take it out of there first, without deleting it"
        ));
    }
    for (name, wanted) in
        [(names::PART_OF, scope.system.as_str()), (names::ENVIRONMENT, scope.environment.as_str())]
    {
        let found = label(live, name);
        let is_rendered = label(rendered, name).is_some();
        if found != Some(wanted) && (found.is_some() || is_rendered) {
            let found = found.map_or_else(|| "missing".to_owned(), |it| format!("`{it}`"));
            return foreign(format!("its label {name} is {found}, not `{wanted}`"));
        }
    }
    if let Some(release) = label(live, names::RELEASE)
        && ours.is_none_or(|it| it.to_string() != release)
    {
        return foreign(format!("it is of {release}, which another state folder released"));
    }
    let selector = selector_of(rendered);
    if selector.is_some() && selector != selector_of(live) {
        let text = |it: Option<&Value>| it.map_or_else(|| "nothing".to_owned(), selected);
        let (found, wanted) = (text(selector_of(live)), text(selector));
        return foreign(format!("it selects pods by {found}, and the spec's by {wanted}"));
    }
    if live["kind"] == "Deployment" {
        of_deployment(scope, live)?;
    }
    if live.pointer("/metadata/deletionTimestamp").is_some() {
        return Err(Hindrance::Busy("it is being deleted".to_owned()));
    }
    Ok(())
}

fn of_deployment(scope: &Scope, live: &Value) -> Result<(), Hindrance> {
    let labels = live.pointer("/spec/template/metadata/labels");
    if labels.is_none_or(|it| it[names::PART_OF] != scope.system.as_str()) {
        let text = format!("its pods have no label {}={}", names::PART_OF, scope.system);
        return Err(Hindrance::Foreign(text));
    }
    let count = |at: &str| live.pointer(at).and_then(Value::as_u64).unwrap_or_default();
    let wanted = live.pointer("/spec/replicas").and_then(Value::as_u64).unwrap_or(1);
    let seen = count("/metadata/generation") <= count("/status/observedGeneration");
    let counts =
        ["replicas", "updatedReplicas", "availableReplicas"].map(|it| count(&format!("/status/{it}")));
    if !seen || counts.iter().any(|it| *it != wanted) {
        let text = format!(
            "its rollout is not over: {} of {wanted} pods are of the newest description, {} are available",
            counts[1], counts[2]
        );
        return Err(Hindrance::Busy(text));
    }
    Ok(())
}

fn label<'v>(object: &'v Value, name: &str) -> Option<&'v str> {
    object.pointer("/metadata/labels")?.get(name)?.as_str()
}

fn reconciler(live: &Value) -> Option<&'static str> {
    let keys = ["/metadata/labels", "/metadata/annotations"].into_iter().filter_map(|it| live.pointer(it));
    let mut keys = keys.filter_map(Value::as_object).flat_map(|it| it.keys());
    keys.find_map(|key| RECONCILERS.iter().find(|it| key.starts_with(it.0)).map(|it| it.1))
}

/// Of what selects pods and may not change: workloads, and the Services of what is released.
fn selector_of(object: &Value) -> Option<&Value> {
    match object["kind"].as_str()? {
        "Deployment" | "StatefulSet" => object.pointer("/spec/selector/matchLabels"),
        "Service" => object.pointer("/spec/selector"),
        _ => None,
    }
}

fn selected(labels: &Value) -> String {
    let pairs = labels.as_object().into_iter().flatten();
    let pairs: Vec<String> =
        pairs.map(|(key, value)| format!("{key}={}", value.as_str().unwrap_or_default())).collect();
    if pairs.is_empty() { "nothing".to_owned() } else { pairs.join(",") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn scope() -> Scope {
        Scope { system: "shop".parse().unwrap(), environment: "prod".parse().unwrap() }
    }

    fn rendered() -> Value {
        let labels = json!({names::NAME: "web", names::PART_OF: "shop"});
        let selector = json!({names::NAME: "web", names::TRACK: "stable"});
        json!({
            "kind": "Deployment",
            "metadata": {"name": "web", "labels": labels, "generation": 1},
            "spec": {"replicas": 2, "selector": {"matchLabels": selector}, "template": {"metadata": {"labels": labels}}},
            "status": {"observedGeneration": 1, "replicas": 2, "updatedReplicas": 2, "availableReplicas": 2},
        })
    }

    #[track_caller]
    fn hindered(ours: Option<u64>, change: impl Fn(&mut Value)) -> Hindrance {
        let mut live = rendered();
        change(&mut live);
        judge(&scope(), ours.map(ReleaseId), &rendered(), &live).unwrap_err()
    }

    #[test]
    fn what_was_rendered_is_known_by_its_labels_and_selectors() {
        assert_eq!(judge(&scope(), None, &rendered(), &rendered()), Ok(()));
        let Hindrance::Foreign(why) =
            hindered(None, |it| it["spec"]["selector"]["matchLabels"] = json!({"app": "web"}))
        else {
            panic!("it is another's")
        };
        assert_eq!(
            why,
            "it selects pods by app=web, and the spec's by app.kubernetes.io/name=web,lockgate.dev/track=stable"
        );
        let others: [(&str, Value); 4] = [
            ("labels", json!({names::PART_OF: "other"})),
            ("labels", json!({names::PART_OF: "shop", names::ENVIRONMENT: "staging"})),
            ("annotations", json!({"argocd.argoproj.io/tracking-id": "shop"})),
            ("ownerReferences", json!([{"kind": "App", "name": "shop"}])),
        ];
        for (key, value) in others {
            let it = hindered(None, |it| it["metadata"][key] = value.clone());
            assert!(matches!(it, Hindrance::Foreign(_)), "{it:?}");
        }
    }

    #[test]
    fn a_release_of_another_state_folder_is_not_taken_and_an_attempt_of_ours_is_repeated() {
        let of = |release: &'static str| {
            move |it: &mut Value| it["metadata"]["labels"][names::RELEASE] = json!(release)
        };
        assert!(matches!(hindered(None, of("r1")), Hindrance::Foreign(_)));
        assert!(matches!(hindered(Some(2), of("r1")), Hindrance::Foreign(_)));
        let mut live = rendered();
        of("r1")(&mut live);
        assert_eq!(judge(&scope(), Some(ReleaseId(1)), &rendered(), &live), Ok(()));
    }

    #[test]
    fn a_rollout_that_is_under_way_is_waited_for() {
        let it = hindered(None, |it| it["status"]["updatedReplicas"] = json!(1));
        assert!(matches!(it, Hindrance::Busy(_)), "{it:?}");
    }
}

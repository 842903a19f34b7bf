//! Routes of the Gateway API as data: whom they send to, who follows them, and the same with other weights.

use lockgate_model::Weight;
use serde_json::{Value, json};

use super::share;

/// The two Services of a service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Pair {
    pub(crate) stable: String,
    pub(crate) canary: String,
}

/// Somebody who keeps a route: `Gateway public`, `Service web`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Parent {
    pub(crate) text: String,
    /// Name of the controller that said so.
    pub(crate) controller: String,
    /// The newest form of the route is the one that it keeps.
    pub(crate) is_current: bool,
}

/// What a parent says against a route: `Gateway public: Accepted is False, NoMatchingListenerHostname: ...`.
pub(crate) type Refusal = String;

/// Does it send requests to this Service?
pub(crate) fn names(route: &Value, service: &str) -> bool {
    backends(route).any(|it| is_service(it, service))
}

/// The other of the two names that the renderer knows, when the route sends there already.
pub(crate) fn second(route: &Value, service: &str) -> Option<String> {
    let names = ["canary", "green"].map(|it| format!("{service}-{it}"));
    names.into_iter().find(|name| backends(route).any(|it| is_service(it, name)))
}

/// Is one of its parents a Gateway, rather than a Service?
pub(crate) fn is_of_gateway(route: &Value) -> bool {
    list(&route["spec"]["parentRefs"]).iter().any(|it| it["kind"].as_str().unwrap_or("Gateway") == "Gateway")
}

/// No controller has said anything of it.
pub(crate) fn is_unseen(route: &Value) -> bool {
    list(&route["status"]["parents"]).is_empty()
}

/// Parents that accepted it and found what it refers to, and what the others say.
pub(crate) fn parents(route: &Value, generation: Option<i64>) -> (Vec<Parent>, Vec<Refusal>) {
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for status in list(&route["status"]["parents"]) {
        let kind = status["parentRef"]["kind"].as_str().unwrap_or("Gateway");
        let text = format!("{kind} {}", status["parentRef"]["name"].as_str().unwrap_or_default());
        match refusal(status) {
            Some(why) => refused.push(format!("{text}: {why}")),
            None => accepted.push(Parent {
                text,
                controller: status["controllerName"].as_str().unwrap_or_default().to_owned(),
                is_current: is_current(status, generation),
            }),
        }
    }
    (accepted, refused)
}

fn refusal(status: &Value) -> Option<String> {
    for wanted in ["Accepted", "ResolvedRefs"] {
        let said = list(&status["conditions"]).iter().find(|it| it["type"] == wanted);
        match said {
            Some(said) if said["status"] == "True" => {}
            Some(said) => {
                let text = |key: &str| said[key].as_str().unwrap_or_default().to_owned();
                return Some(format!(
                    "{wanted} is {}, {}: {}",
                    text("status"),
                    text("reason"),
                    text("message")
                ));
            }
            None => return Some(format!("it says nothing of {wanted}")),
        }
    }
    None
}

fn is_current(status: &Value, generation: Option<i64>) -> bool {
    let conditions = list(&status["conditions"]);
    let mut observed =
        conditions.iter().filter(|it| it["type"] == "Accepted" || it["type"] == "ResolvedRefs");
    observed.all(|it| generation <= it["observedGeneration"].as_i64())
}

/// The canary's share; `None` when rules differ, or split with others.
pub(crate) fn share(route: &Value, pair: &Pair) -> Option<Weight> {
    let rules = list(&route["spec"]["rules"]).iter().filter(|it| is_ours(it, pair));
    let mut shares = rules.map(|rule| {
        let weight = |name: &str| weights(rule).filter(|it| it.0 == name).map(|it| it.1).sum();
        share::of_parts(weight(&pair.stable), weight(&pair.canary))
    });
    let first = shares.next()?;
    shares.all(|it| it == first).then_some(first)
}

/// The same with this share for the canary, in basis points, in each rule that names the stable Service.
/// `keeps` says whether a canary without a share stays in it.
pub(crate) fn with_share(route: &Value, pair: &Pair, share: Weight, keeps: bool) -> Result<Value, String> {
    let mut route = route.clone();
    let rules = route["spec"]["rules"].as_array_mut().into_iter().flatten();
    for rule in rules.filter(|it| is_ours(it, pair)) {
        if let Some((other, _)) = weights(rule).find(|it| it.0 != pair.stable && it.0 != pair.canary) {
            return Err(format!("one of its rules sends a share to `{other}` too"));
        }
        let stable = list(&rule["backendRefs"]).iter().find(|it| is_service(it, &pair.stable));
        // A rule that lost its stable backend has the canary's, which is the same but for its name.
        let model = stable.or_else(|| list(&rule["backendRefs"]).first()).cloned().unwrap_or_default();
        let backend = |name: &str, weight: Weight| {
            let known = list(&rule["backendRefs"]).iter().find(|it| is_service(it, name));
            let mut backend = known.unwrap_or(&model).clone();
            (backend["name"], backend["weight"]) = (json!(name), json!(weight.basis_points()));
            backend
        };
        let mut backends = vec![backend(&pair.stable, share.rest())];
        if keeps || share != Weight::NONE {
            backends.push(backend(&pair.canary, share));
        }
        rule["backendRefs"] = Value::Array(backends);
    }
    Ok(route)
}

fn is_ours(rule: &Value, pair: &Pair) -> bool {
    list(&rule["backendRefs"]).iter().any(|it| is_service(it, &pair.stable) || is_service(it, &pair.canary))
}

fn backends(route: &Value) -> impl Iterator<Item = &Value> {
    list(&route["spec"]["rules"]).iter().flat_map(|it| list(&it["backendRefs"]))
}

/// Names with their weights; one that says none has 1.
fn weights(rule: &Value) -> impl Iterator<Item = (&str, u64)> {
    let backends = list(&rule["backendRefs"]).iter();
    backends.filter_map(|it| Some((it["name"].as_str()?, it["weight"].as_u64().unwrap_or(1))))
}

fn is_service(backend: &Value, name: &str) -> bool {
    let kind = backend["kind"].as_str().unwrap_or("Service");
    let group = backend["group"].as_str().unwrap_or_default();
    kind == "Service" && group.is_empty() && backend["name"] == name
}

fn list(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pair() -> Pair {
        Pair { stable: "web".to_owned(), canary: "web-canary".to_owned() }
    }

    fn route(backends: &Value) -> Value {
        let other =
            json!({"matches": [{"path": {"value": "/api"}}], "backendRefs": [{"name": "api", "port": 80}]});
        json!({"spec": {"parentRefs": [{"name": "public"}], "rules": [other, {"backendRefs": backends}]}})
    }

    fn with_status(accepted: &str, resolved: &str, observed: i64) -> Value {
        let condition = |kind: &str, status: &str| json!({"type": kind, "status": status, "reason": "Because", "message": "so", "observedGeneration": observed});
        let mut route = route(&json!([{"name": "web", "port": 80}]));
        route["status"]["parents"] = json!([{
            "parentRef": {"name": "public"},
            "controllerName": "example.net/gateway",
            "conditions": [condition("Accepted", accepted), condition("ResolvedRefs", resolved)],
        }]);
        route
    }

    #[test]
    fn a_share_is_written_beside_what_else_a_rule_says() {
        let before = route(&json!([{"name": "web", "port": 80, "filters": [{"type": "Kept"}]}]));
        let after = with_share(&before, &pair(), Weight::from_basis_points(500).unwrap(), false).unwrap();
        assert_eq!(after["spec"]["rules"][0], before["spec"]["rules"][0]);
        assert_eq!(
            after["spec"]["rules"][1]["backendRefs"],
            json!([
                {"name": "web", "port": 80, "filters": [{"type": "Kept"}], "weight": 9_500},
                {"name": "web-canary", "port": 80, "filters": [{"type": "Kept"}], "weight": 500},
            ])
        );
        let ended = with_share(&after, &pair(), Weight::NONE, false).unwrap();
        assert_eq!(ended["spec"]["rules"][1]["backendRefs"].as_array().unwrap().len(), 1);
        assert_eq!(second(&after, "web").as_deref(), Some("web-canary"));
        assert!(names(&after, "api") && !names(&after, "db"));
    }

    #[test]
    fn a_rule_that_others_share_is_left_alone() {
        let before =
            route(&json!([{"name": "web", "port": 80}, {"name": "old-web", "port": 80, "weight": 3}]));
        let refused = with_share(&before, &pair(), Weight::ALL, true);
        assert_eq!(refused, Err("one of its rules sends a share to `old-web` too".to_owned()));
    }

    #[test]
    fn only_who_accepted_a_route_keeps_it() {
        let (accepted, refused) = parents(&with_status("True", "True", 3), Some(3));
        assert_eq!(
            (accepted[0].text.as_str(), accepted[0].is_current, refused.len()),
            ("Gateway public", true, 0)
        );
        assert!(!parents(&with_status("True", "True", 2), Some(3)).0[0].is_current);
        let (accepted, refused) = parents(&with_status("True", "False", 3), Some(3));
        assert!(accepted.is_empty());
        assert_eq!(refused, ["Gateway public: ResolvedRefs is False, Because: so"]);
        assert_eq!(parents(&route(&json!([])), Some(1)), (vec![], vec![]));
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_back(points in 0..=10_000_u16, keeps: bool) {
            let share_wanted = Weight::from_basis_points(points).unwrap();
            let before = route(&json!([{"name": "web", "port": 80}]));
            let after = with_share(&before, &pair(), share_wanted, keeps).unwrap();
            prop_assert_eq!(share(&after, &pair()), Some(share_wanted));
            prop_assert_eq!(with_share(&after, &pair(), share_wanted, keeps).unwrap(), after);
        }
    }
}

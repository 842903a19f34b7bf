//! Two answers of the API server for one object, field by field, and who wrote what is there.

use std::collections::BTreeSet;
use std::fmt;

use serde::Serialize;
use serde_json::Value;

use super::super::names;

/// Annotations that say which request and which release wrote an object, and nothing of how it should be.
const BOOKKEEPING: [&str; 4] =
    [names::FENCE, names::WORKLOAD, names::SPEC, "kubectl.kubernetes.io/last-applied-configuration"];
/// What the API server says of an object.
const SERVERS: [&str; 6] =
    ["managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"];
/// What tells the items of a list apart, in the order of Kubernetes' own keys.
const KEYS: [&str; 4] = ["name", "mountPath", "containerPort", "port"];
const HIDDEN: &str = "(hidden)";

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldDiff {
    /// As in `spec.template.spec.containers[web].image`.
    pub path: String,
    /// Nothing when it should not be there.
    pub wanted: Option<Value>,
    pub live: Option<Value>,
    /// Who wrote what is there, if it was not Lockgate.
    pub by: Option<Writer>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Writer {
    /// As it called itself: `kubectl-edit`, `helm`, `kube-controller-manager`.
    pub manager: String,
    pub at: Option<String>,
}

impl fmt::Display for Writer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.at {
            Some(at) => write!(f, "{} at {at}", self.manager),
            None => f.write_str(&self.manager),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Step {
    Key(String),
    Item { key: &'static str, value: Value },
    Index(usize),
}

impl Step {
    fn text(&self, is_first: bool) -> String {
        match self {
            Step::Key(key) if key.contains(['.', '/']) => format!("[{key}]"),
            Step::Key(key) if is_first => key.clone(),
            Step::Key(key) => format!(".{key}"),
            Step::Item { value: Value::String(value), .. } => format!("[{value}]"),
            Step::Item { value, .. } => format!("[{value}]"),
            Step::Index(idx) => format!("[{idx}]"),
        }
    }
}

pub(super) fn compare(live: &Value, wanted: &Value) -> Vec<FieldDiff> {
    let mut walk = Walk { path: vec![], live, hides: live["kind"] == "Secret", found: vec![] };
    for key in keys(live, wanted) {
        if !matches!(key.as_str(), "status" | "apiVersion" | "kind") {
            walk.step(Step::Key(key.clone()), live.get(&key), wanted.get(&key));
        }
    }
    walk.found
}

struct Walk<'v> {
    path: Vec<Step>,
    /// The whole object, with its managed fields.
    live: &'v Value,
    hides: bool,
    found: Vec<FieldDiff>,
}

impl Walk<'_> {
    fn step(&mut self, step: Step, live: Option<&Value>, wanted: Option<&Value>) {
        self.path.push(step);
        if !self.is_ignored() {
            self.compare(live, wanted);
        }
        self.path.pop();
    }

    fn compare(&mut self, live: Option<&Value>, wanted: Option<&Value>) {
        if live == wanted {
            return;
        }
        match (live, wanted) {
            (Some(live @ Value::Object(_)), Some(wanted @ Value::Object(_))) => {
                for key in keys(live, wanted) {
                    self.step(Step::Key(key.clone()), live.get(&key), wanted.get(&key));
                }
            }
            (Some(Value::Array(live)), Some(Value::Array(wanted))) => self.items(live, wanted),
            _ => self.differs(live, wanted),
        }
    }

    fn items(&mut self, live: &[Value], wanted: &[Value]) {
        let all = || live.iter().chain(wanted);
        let key = KEYS.iter().find(|key| all().all(|it| it.get(**key).is_some()));
        let Some(key) = key else {
            for idx in 0..live.len().max(wanted.len()) {
                self.step(Step::Index(idx), live.get(idx), wanted.get(idx));
            }
            return;
        };
        let mut seen: Vec<&Value> = vec![];
        for value in all().map(|it| &it[*key]) {
            if seen.contains(&value) {
                continue;
            }
            seen.push(value);
            let of = |items: &'_ [Value]| items.iter().position(|it| it[*key] == *value);
            let (live, wanted) = (of(live).map(|at| &live[at]), of(wanted).map(|at| &wanted[at]));
            self.step(Step::Item { key, value: value.clone() }, live, wanted);
        }
    }

    fn is_ignored(&self) -> bool {
        match self.path.as_slice() {
            [Step::Key(metadata), Step::Key(key)] if metadata == "metadata" => {
                SERVERS.contains(&key.as_str())
            }
            [Step::Key(metadata), Step::Key(annotations), Step::Key(key)]
                if metadata == "metadata" && annotations == "annotations" =>
            {
                BOOKKEEPING.contains(&key.as_str())
            }
            _ => false,
        }
    }

    fn differs(&mut self, live: Option<&Value>, wanted: Option<&Value>) {
        let path = path_text(&self.path);
        let hidden = self.hides && (path.starts_with("data") || path.starts_with("stringData"));
        let shown = |it: Option<&Value>| {
            it.map(|it| if hidden { Value::String(HIDDEN.to_owned()) } else { it.clone() })
        };
        let by = live.and_then(|_| writer(self.live, &self.path));
        self.found.push(FieldDiff { path, wanted: shown(wanted), live: shown(live), by });
    }
}

fn keys(one: &Value, other: &Value) -> BTreeSet<String> {
    let of = |it: &Value| it.as_object().map(|it| it.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    of(one).into_iter().chain(of(other)).collect()
}

fn path_text(path: &[Step]) -> String {
    path.iter().enumerate().map(|(idx, step)| step.text(idx == 0)).collect()
}

/// The newest of those that own the field, Lockgate aside.
fn writer(live: &Value, path: &[Step]) -> Option<Writer> {
    let managers = live.pointer("/metadata/managedFields")?.as_array()?;
    let others = managers.iter().filter(|it| it["manager"] != names::MANAGER);
    let owners = others.filter(|it| covers(&it["fieldsV1"], path));
    let newest = owners.max_by_key(|it| it["time"].as_str().unwrap_or_default())?;
    let at = newest["time"].as_str().map(str::to_owned);
    Some(Writer { manager: newest["manager"].as_str()?.to_owned(), at })
}

/// Whether a set of fields, in the notation of Kubernetes, has this one.
fn covers(fields: &Value, path: &[Step]) -> bool {
    let mut at = fields;
    for step in path {
        let Some(map) = at.as_object() else { return false };
        // A value that is owned as a whole.
        if map.is_empty() {
            return true;
        }
        let inner = match step {
            Step::Key(key) => map.get(&format!("f:{key}")),
            Step::Item { key, value } => map.iter().find_map(|(name, inner)| {
                let keys: Value = serde_json::from_str(name.strip_prefix("k:")?).ok()?;
                (keys.get(*key)? == value).then_some(inner)
            }),
            Step::Index(_) => None,
        };
        let Some(inner) = inner else { return false };
        at = inner;
    }
    true
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn object(replicas: u64, image: &str) -> Value {
        let fields = json!({"f:spec": {"f:replicas": {}, "f:template": {"f:spec": {"f:containers": {
            "k:{\"name\":\"web\"}": {"f:image": {}}}}}}});
        json!({
            "kind": "Deployment",
            "metadata": {
                "annotations": {"lockgate.dev/fence": image},
                "resourceVersion": image,
                "managedFields": [
                    {"manager": "lockgate", "time": "2026-01-01T00:00:00Z", "fieldsV1": fields},
                    {"manager": "kubectl-edit", "time": "2026-01-02T00:00:00Z",
                     "fieldsV1": {"f:spec": {"f:replicas": {}}}},
                ],
            },
            "spec": {
                "replicas": replicas,
                "template": {"spec": {"containers": [{"name": "web", "image": image}]}},
            },
        })
    }

    #[test]
    fn fields_that_differ_are_named_with_who_wrote_them() {
        let found = compare(&object(5, "a"), &object(2, "b"));
        let lines: Vec<String> = found
            .iter()
            .map(|it| {
                format!(
                    "{} {:?} {:?} {:?}",
                    it.path,
                    it.live,
                    it.wanted,
                    it.by.as_ref().map(ToString::to_string)
                )
            })
            .collect();
        assert_eq!(
            lines,
            [
                r#"spec.replicas Some(Number(5)) Some(Number(2)) Some("kubectl-edit at 2026-01-02T00:00:00Z")"#,
                r#"spec.template.spec.containers[web].image Some(String("a")) Some(String("b")) None"#,
            ]
        );
    }

    #[test]
    fn values_of_secrets_are_not_shown() {
        let secret = |value: &str| json!({"kind": "Secret", "data": {"PASSWORD": value}});
        let found = compare(&secret("YQ=="), &secret("Yg=="));
        assert_eq!((found.len(), &found[0].live), (1, &Some(json!(HIDDEN))));
    }

    #[test]
    fn an_object_is_like_itself_whatever_the_server_says_of_it() {
        let mut other = object(2, "a");
        other["metadata"]["resourceVersion"] = json!("77");
        other["status"] = json!({"replicas": 1});
        assert_eq!(compare(&object(2, "a"), &other), []);
    }
}

//! Which revision of a Helm release the cluster's objects are of, when an upgrade was cut off in the middle.
//!
//! Only where two revisions differ can one be told from the other: at each such field the cluster has the value of
//! one, of the other, or of neither.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Kinds that do nothing until something reads them.
const INERT: [&str; 3] = ["ConfigMap", "Secret", "ServiceAccount"];

/// Kind and name.
pub(super) type Named = (String, String);

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// What runs is of the old revision. What nothing of it reads was made for the new one.
    Before { leftover: Vec<String> },
    /// What runs is of the new revision. What nothing of it reads was kept from the old one.
    After { leftover: Vec<String> },
    /// Objects of each, and those that are of neither as a whole.
    Between { before: Vec<String>, after: Vec<String>, torn: Vec<String> },
}

pub(super) fn named(object: &Value) -> Option<Named> {
    Some((object["kind"].as_str()?.to_owned(), object.pointer("/metadata/name")?.as_str()?.to_owned()))
}

pub(super) fn standing(before: &[Value], after: &[Value], live: &BTreeMap<Named, Value>) -> Standing {
    let by_name = |all: &'_ [Value]| -> BTreeMap<Named, Value> {
        all.iter().filter_map(|it| Some((named(it)?, it.clone()))).collect()
    };
    let (old, new) = (by_name(before), by_name(after));
    let all: BTreeSet<&Named> = old.keys().chain(new.keys()).collect();
    let (mut is_old, mut is_new, mut torn) = (vec![], vec![], vec![]);
    let (mut kept, mut made) = (vec![], vec![]);
    for it in all {
        let text = format!("{} {}", it.0, it.1);
        if INERT.contains(&it.0.as_str()) && live.contains_key(it) {
            match (old.contains_key(it), new.contains_key(it)) {
                (true, false) => {
                    kept.push(text);
                    continue;
                }
                (false, true) => {
                    made.push(text);
                    continue;
                }
                _ => (),
            }
        }
        let of = match (old.get(it), new.get(it), live.get(it)) {
            (Some(old), Some(new), Some(live)) => votes(old, new, live),
            // What both have and nobody finds was taken away by somebody else.
            (Some(_), Some(_), None) => Votes { neither: 1, ..Votes::default() },
            // Helm makes what is new first and removes what is gone last.
            (Some(_), None, Some(_)) | (None, Some(_), None) => Votes { old: 1, ..Votes::default() },
            (Some(_), None, None) | (None, Some(_), Some(_)) => Votes { new: 1, ..Votes::default() },
            (None, None, _) => Votes::default(),
        };
        match of {
            Votes { old: 0, new: 0, neither: 0 } => (),
            Votes { new: 0, neither: 0, .. } => is_old.push(text),
            Votes { old: 0, neither: 0, .. } => is_new.push(text),
            Votes { .. } => torn.push(text),
        }
    }
    match (is_old.is_empty(), is_new.is_empty(), torn.is_empty()) {
        (true, _, true) => Standing::After { leftover: kept },
        (false, true, true) => Standing::Before { leftover: made },
        _ => Standing::Between { before: is_old, after: is_new, torn },
    }
}

#[derive(Default)]
struct Votes {
    old: usize,
    new: usize,
    neither: usize,
}

fn votes(old: &Value, new: &Value, live: &Value) -> Votes {
    let mut votes = Votes::default();
    for part in ["spec", "data", "stringData", "metadata"] {
        count(&mut votes, old.get(part), new.get(part), live.get(part));
    }
    votes
}

fn count(votes: &mut Votes, old: Option<&Value>, new: Option<&Value>, live: Option<&Value>) {
    if old == new {
        return;
    }
    match (old, new, live) {
        (Some(Value::Object(old)), Some(Value::Object(new)), Some(Value::Object(live))) => {
            for key in old.keys().chain(new.keys().filter(|it| !old.contains_key(*it))) {
                count(votes, old.get(key), new.get(key), live.get(key));
            }
        }
        (Some(Value::Array(old)), Some(Value::Array(new)), Some(Value::Array(live)))
            if old.len() == new.len() && new.len() == live.len() =>
        {
            for ((old, new), live) in old.iter().zip(new).zip(live) {
                count(votes, Some(old), Some(new), Some(live));
            }
        }
        // What only one of them says is there as it says, or it is the other one that was applied.
        (old, None, live) if has(live, old) => votes.old += 1,
        (_, None, _) => votes.new += 1,
        (None, new, live) if has(live, new) => votes.new += 1,
        (None, ..) => votes.old += 1,
        (old, new, live) if has(live, new) && !has(live, old) => votes.new += 1,
        (old, new, live) if has(live, old) && !has(live, new) => votes.old += 1,
        _ => votes.neither += 1,
    }
}

/// Whether what is there says all that was asked for; it says more, by default.
fn has(live: Option<&Value>, asked: Option<&Value>) -> bool {
    match (live, asked) {
        (live, None | Some(Value::Null)) => live.is_none_or(Value::is_null),
        (Some(Value::Object(live)), Some(Value::Object(asked))) => {
            asked.iter().all(|(key, it)| has(live.get(key), Some(it)))
        }
        (Some(Value::Array(live)), Some(Value::Array(asked))) => {
            live.len() == asked.len() && live.iter().zip(asked).all(|it| has(Some(it.0), Some(it.1)))
        }
        (Some(live), Some(asked)) => live == asked,
        (None, Some(_)) => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const BEFORE: Standing = Standing::Before { leftover: vec![] };
    const AFTER: Standing = Standing::After { leftover: vec![] };

    fn object(kind: &str, name: &str, spec: &Value) -> Value {
        json!({"kind": kind, "metadata": {"name": name}, "spec": spec})
    }

    fn deployment(name: &str, env: &Value) -> Value {
        let containers = json!([{"name": name, "image": "a", "env": env}]);
        object("Deployment", name, &json!({"template": {"spec": {"containers": containers}}}))
    }

    fn stands(before: &[Value], after: &[Value], live: &[Value]) -> Standing {
        let live = live.iter().map(|it| {
            let mut live = it.clone();
            live["spec"]["progressDeadlineSeconds"] = json!(600);
            (named(it).unwrap(), live)
        });
        standing(before, after, &live.collect())
    }

    #[test]
    fn objects_are_of_the_old_revision_of_the_new_one_or_of_both() {
        let (one, two) = (json!([{"name": "A", "value": "1"}]), json!([{"name": "A", "value": "2"}]));
        let old = [deployment("api", &one), deployment("web", &one)];
        let new = [deployment("api", &two), deployment("web", &two), object("Service", "more", &json!({}))];
        assert_eq!(stands(&old, &new, &old), BEFORE);
        assert_eq!(stands(&old, &new, &new), AFTER);
        assert_eq!(stands(&old, &old, &old), AFTER, "nothing tells one from the other");
        let half = [new[0].clone(), old[1].clone()];
        let between = Standing::Between {
            before: vec!["Deployment web".to_owned(), "Service more".to_owned()],
            after: vec!["Deployment api".to_owned()],
            torn: vec![],
        };
        assert_eq!(stands(&old, &new, &half), between);
    }

    #[test]
    fn a_field_that_a_revision_takes_away_tells_them_apart_too() {
        let (with, without) = (json!([{"name": "A"}, {"name": "B"}]), json!([{"name": "A"}]));
        let (old, new) = ([deployment("web", &with)], [deployment("web", &without)]);
        assert_eq!(stands(&old, &new, &old), BEFORE);
        assert_eq!(stands(&old, &new, &new), AFTER);
    }

    #[test]
    fn what_nothing_reads_any_more_or_yet_is_left_over() {
        let map = |it: &str| object("ConfigMap", it, &json!({}));
        let of = |it: &str| deployment("web", &json!([{"name": "A", "value": it}]));
        let (old, new) = ([of("1"), map("web-1")], [of("2"), map("web-2")]);
        let kept = Standing::After { leftover: vec!["ConfigMap web-1".to_owned()] };
        assert_eq!(stands(&old, &new, &[of("2"), map("web-1"), map("web-2")]), kept);
        let made = Standing::Before { leftover: vec!["ConfigMap web-2".to_owned()] };
        assert_eq!(stands(&old, &new, &[of("1"), map("web-1"), map("web-2")]), made);
        assert_eq!(stands(&old, &new, &[of("1"), map("web-1")]), BEFORE);
    }

    #[test]
    fn what_is_of_neither_is_told() {
        let env = |it: &str| json!([{"name": "A", "value": it}]);
        let (old, new) = ([deployment("web", &env("1"))], [deployment("web", &env("2"))]);
        let torn =
            Standing::Between { before: vec![], after: vec![], torn: vec!["Deployment web".to_owned()] };
        assert_eq!(stands(&old, &new, &[deployment("web", &env("3"))]), torn);
        assert_eq!(stands(&old, &new, &[]), torn);
    }
}

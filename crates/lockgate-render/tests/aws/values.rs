//! Whatever the text of a variable is, the documents hold that text.

use std::sync::LazyLock;

use lockgate_model::System;
use lockgate_render::{Kind, Rendered, Request, Selection, render};
use lockgate_yaml::{Kind as NodeKind, Node};
use proptest::prelude::*;
use serde_json::Value;

use crate::common::{request, text};
use crate::specs::{APP_RUNNER, ECS, EXPRESS};

static OF_ECS: LazyLock<Vec<System>> = LazyLock::new(|| request(ECS).systems);
static OF_EXPRESS: LazyLock<Vec<System>> = LazyLock::new(|| request(EXPRESS).systems);
static OF_APP_RUNNER: LazyLock<Vec<System>> = LazyLock::new(|| {
    request(&APP_RUNNER.replace(", config: {aws-parameter-store: /shop/config}", "")).systems
});

/// The systems with this value of `PLAIN`: no notation of the spec is between.
fn with_value(systems: &[System], value: &str) -> Rendered {
    let mut systems = systems.to_vec();
    for service in systems.iter_mut().flat_map(|it| it.services.values_mut()) {
        service.env.insert("PLAIN".to_owned(), value.to_owned());
    }
    let kinds = [Kind::Ecs, Kind::EcsExpress, Kind::AppRunner].into_iter().collect();
    let selection = Selection { kinds: Some(kinds), ..Selection::default() };
    render(&Request { systems, selection, ..request("lockgate: v1\nsystem: none\n") }).unwrap()
}

fn texts() -> impl Strategy<Value = String> {
    let pieces = prop_oneof![
        Just("${{ x }}"),
        Just("{{ x }}"),
        Just("$(x)"),
        Just("#"),
        Just(": "),
        Just("\n"),
        Just("\""),
        Just("'"),
        Just("\\"),
        Just("$$"),
        Just("é"),
        Just("«x»"),
        Just("«account»"),
        Just("|"),
        Just("`"),
        Just("-"),
        Just("true"),
        Just(" "),
        Just("\t"),
    ];
    // A reference to something is no text any more.
    let text = prop_oneof![prop::collection::vec(pieces, 0..6).prop_map(|it| it.concat()), any::<String>()];
    text.prop_map(|it| it.replace("${", "$ {"))
}

fn variables(document: &Value) -> &Value {
    let of_ecs = &document["containerDefinitions"][0]["environment"];
    if of_ecs.is_null() { &document["primaryContainer"]["environment"] } else { of_ecs }
}

fn plain(document: &Value) -> Option<&str> {
    let found = variables(document).as_array()?.iter().find(|it| it["name"] == "PLAIN")?;
    found["value"].as_str()
}

/// Is it the value of a variable of the template?
fn template_holds(template: &str, value: &str) -> bool {
    fn holds(node: &Node, value: &str) -> bool {
        let text = |key: &str| match node.get(key).map(|it| &it.kind) {
            Some(NodeKind::Scalar(scalar)) => Some(scalar.text.as_str()),
            _ => None,
        };
        if text("Name") == Some("PLAIN") && text("Value") == Some(value) {
            return true;
        }
        match &node.kind {
            NodeKind::Map(entries) => entries.iter().any(|it| holds(&it.value, value)),
            NodeKind::Seq(items) => items.iter().any(|it| holds(it, value)),
            NodeKind::Scalar(_) => false,
        }
    }
    lockgate_yaml::read_foreign(template).documents.iter().any(|it| holds(it, value))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn documents_hold_the_value(value in texts()) {
        let with_store = with_value(&OF_ECS, &value);
        let folder = "deploy/ecs/production";
        let path = format!("{folder}/parameters/PLAIN.json");
        if with_store.artifacts.iter().any(|it| it.path == path) {
            let parameter: Value = serde_json::from_str(text(&with_store, &path)).unwrap();
            prop_assert_eq!(parameter["Value"].as_str(), Some(value.as_str()));
        } else {
            let path = format!("{folder}/services/web/task-definition.json");
            let task: Value = serde_json::from_str(text(&with_store, &path)).unwrap();
            prop_assert_eq!(plain(&task), Some(value.as_str()));
        }
        let express = with_value(&OF_EXPRESS, &value);
        let folder = "deploy/ecs-express/production";
        let service: Value =
            serde_json::from_str(text(&express, &format!("{folder}/services/web/express-service.json"))).unwrap();
        prop_assert_eq!(plain(&service), Some(value.as_str()));
        let template = text(&express, &format!("{folder}/template.yaml"));
        prop_assert!(template_holds(template, &value));
        let runner = with_value(&OF_APP_RUNNER, &value);
        let service: Value =
            serde_json::from_str(text(&runner, "deploy/apprunner/production/services/web/service.json")).unwrap();
        let image = &service["SourceConfiguration"]["ImageRepository"]["ImageConfiguration"];
        prop_assert_eq!(image["RuntimeEnvironmentVariables"]["PLAIN"].as_str(), Some(value.as_str()));
    }
}

//! The JSON Schema and the reader agree: what the reader takes, an editor does not mark as wrong.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]
#![expect(clippy::disallowed_methods, reason = "the specs of the repository are files")]

use std::sync::LazyLock;

use jsonschema::Validator;
use lockgate_diagnostics::{codes, explain_code};
use lockgate_model::{Code, Severity, SourceId};
use lockgate_spec::{Spec, json_schema};
use lockgate_yaml::{Kind, Node, Style};
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::RngSeed;
use serde_json::{Value, json};

static SCHEMA: LazyLock<Validator> = LazyLock::new(|| jsonschema::draft202012::new(&json_schema()).unwrap());

/// As editors read YAML 1.2.
fn to_json(node: &Node) -> Value {
    match &node.kind {
        Kind::Scalar(scalar) if node.is_null() || scalar.style == Style::Plain => {
            match scalar.text.as_str() {
                "" | "~" | "Null" | "NULL" => Value::Null,
                "True" | "TRUE" => json!(true),
                "False" | "FALSE" => json!(false),
                text => serde_json::from_str(text).unwrap_or_else(|_| json!(text)),
            }
        }
        Kind::Scalar(scalar) => json!(scalar.text),
        Kind::Seq(items) => items.iter().map(to_json).collect(),
        Kind::Map(entries) => entries.iter().map(|it| (it.key.clone(), to_json(&it.value))).collect(),
    }
}

/// Nothing, when it is no YAML.
fn read(text: &str) -> Option<Value> {
    lockgate_yaml::read(SourceId::default(), text, &mut vec![]).map(|it| to_json(&it))
}

fn errors_of_the_reader(text: &str) -> Vec<Code> {
    let found = Spec::parse("lockgate.yaml", text).0.check();
    found.iter().filter(|it| it.severity == Severity::Error).map(|it| it.code).collect()
}

fn errors_of_the_schema(value: &Value) -> Vec<String> {
    SCHEMA.iter_errors(value).map(|it| format!("{}: {it}", it.instance_path())).collect()
}

fn blocks(page: &str) -> impl Iterator<Item = &str> {
    page.split("```yaml\n").skip(1).map(|it| it.split("```").next().unwrap())
}

/// Every spec of the repository, wrong ones included, as it is written and as editors read it.
static SPECS: LazyLock<Vec<(String, Value)>> = LazyLock::new(|| {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let mut specs = vec![include_str!("specs/nova.yaml").to_owned()];
    for entry in std::fs::read_dir(format!("{root}/examples")).unwrap() {
        specs.extend(std::fs::read_to_string(entry.unwrap().path().join("lockgate.yaml")));
    }
    let reference = std::fs::read_to_string(format!("{root}/docs/reference/spec.md")).unwrap();
    specs.extend(blocks(&reference).map(str::to_owned));
    let pages = codes().filter(|it| it.0 < Code(700)).map(|it| explain_code(it.0).unwrap());
    specs.extend(pages.flat_map(blocks).map(str::to_owned));
    specs.into_iter().filter_map(|it| read(&it).map(|value| (it, value))).collect()
});

/// What the reader says of a single value or of a map by itself, and the schema as well. References between parts of
/// the file are the reader's business.
fn is_local(code: Code) -> bool {
    let other = [Code(107), Code(201), Code(202), Code(203), Code(204), Code(206), Code(302)];
    (Code(10)..Code(20)).contains(&code) || other.contains(&code)
}

#[test]
fn the_schema_is_one() {
    jsonschema::draft202012::meta::validate(&json_schema()).unwrap();
}

#[test]
fn what_the_reader_takes_is_accepted() {
    assert!(100 < SPECS.len());
    for (text, value) in SPECS.iter() {
        let wrong = errors_of_the_reader(text);
        if wrong.iter().any(|it| is_local(*it) || it.0 < 10) {
            continue;
        }
        assert_eq!(errors_of_the_schema(value), [""; 0], "{wrong:?} in\n{text}");
    }
}

#[test]
fn mistakes_of_form_are_refused() {
    for code in [10, 12, 15, 16, 17, 202, 203] {
        let wrong = blocks(explain_code(Code(code)).unwrap()).next().unwrap();
        assert!(!SCHEMA.is_valid(&read(wrong).unwrap()), "{code}\n{wrong}");
    }
}

#[test]
fn what_a_file_must_say_depends_on_what_it_is() {
    let services = json!({"web": {"port": 80}});
    let environments = json!({"local": {"target": "local"}});
    let accepted = |value: Value| SCHEMA.is_valid(&value);
    assert!(accepted(
        json!({"lockgate": "v1", "system": "a", "services": services, "environments": environments})
    ));
    assert!(!accepted(json!({"lockgate": "v1", "services": services, "environments": environments})));
    assert!(!accepted(json!({"lockgate": "v1", "system": "a", "services": services})));
    assert!(!accepted(
        json!({"lockgate": "v1", "system": "a", "services": services, "environments": {"e": {}}})
    ));
    assert!(accepted(json!({"lockgate": "v1", "system": "a", "include": "services/*.yaml"})));
    assert!(accepted(json!({"services": services})));
    assert!(accepted(json!({"environments": {"prod": {"branch": "main"}}})));
}

#[test]
fn nulls_remove_what_a_weaker_layer_says_and_stand_nowhere_else() {
    let with = |root: Value, environment: Value| {
        let mut spec = json!({
            "lockgate": "v1", "system": "a", "services": {"web": {"port": 80}},
            "environments": {"prod": {"target": "docker"}},
        });
        spec.as_object_mut().unwrap().extend(root.as_object().unwrap().clone());
        let prod = spec["environments"]["prod"].as_object_mut().unwrap();
        prod.extend(environment.as_object().unwrap().clone());
        SCHEMA.is_valid(&spec)
    };
    for removed in [
        json!({"rollout": {"steps": null}}),
        json!({"dependencies": {"redis": null}}),
        json!({"services": {"web": {"secrets": null, "health": {"path": null}}}}),
        json!({"defaults": {"resources": {"limits": {"cpu": null}}}}),
        json!({"smoke": null, "alerts": {"RedisDown": null}}),
    ] {
        assert!(with(json!({}), removed.clone()), "{removed}");
    }
    assert!(with(json!({"services": {"web": {"env": {"A": null}}}}), json!({})));
    for nothing in [json!({"slo": null}), json!({"rollout": {"bake": null}}), json!({"owner": null})] {
        assert!(!with(nothing.clone(), json!({})), "{nothing}");
    }
    for nothing in [json!({"target": null}), json!({"branch": null}), json!({"smoke": [null]})] {
        assert!(!with(json!({}), nothing.clone()), "{nothing}");
    }
}

/// Values that fit somewhere, and values that fit nowhere.
const TEXTS: &[&str] = &[
    "",
    " ",
    "a",
    "web",
    "local",
    "A_B",
    "1a",
    "5%",
    "5.25 %",
    "101%",
    "30s",
    "1m30s",
    "0",
    "0s",
    "1y",
    "5",
    "/",
    "/health",
    "a/b",
    "../a",
    "a/..",
    "..a",
    "~/a",
    "C:/a",
    "a.yaml",
    "services/*.yaml",
    "*/a.yaml",
    "500m",
    "0.5",
    "256Mi",
    "1.5Gi",
    "512",
    "0 7 * * 1",
    "@daily",
    "UTC",
    "Europe/Berlin",
    "CET",
    "fri 16:00",
    "2026-12-20",
    "2026-12-20 18:00",
    "#deploys",
    "http + 1000",
    "< 300ms",
    "> 99.9%",
    "= 0",
    "> 1% for 5m",
    "< 1 for 1m",
    "> 100k for 5m",
    "80%",
    "postgres.up",
    "up",
    "a.b.c",
    "${web.url}",
    "${web",
    "$",
    "$$",
    "$${a}",
    "a$b",
    "${a}",
    "127.0.0.1",
    "::1",
    "tcp://a.example:587",
    "https://a",
    "canary",
    "true",
    "null",
    "v1",
    "v2",
    "sqlx",
    "node",
    "x-y",
    "$.a[0].b",
    "LG402",
    "é",
    "a\nb",
    "\\",
];

fn scalar() -> impl Strategy<Value = Value> {
    prop_oneof![
        4 => select(TEXTS).prop_map(|it| json!(it)),
        1 => "[a-z0-9 .%$/{}<>=:#*~+-]{0,12}".prop_map(|it| json!(it)),
        1 => select(vec![json!(0), json!(1), json!(2), json!(80), json!(65_536), json!(0.25), json!(1.5), json!(-1), json!(1_048_576)]),
        1 => select(vec![json!(true), json!(false), json!(null)]),
    ]
}

#[derive(Clone, Debug)]
enum Edit {
    Set(Value),
    Remove,
    Rename(&'static str),
    InList,
    /// What stands somewhere else.
    Copy(Index),
}

fn edit() -> impl Strategy<Value = Edit> {
    let collections =
        select(vec![json!([]), json!({}), json!(["a"]), json!(["a", 1]), json!({"a": "b"}), json!([["a"]])]);
    prop_oneof![
        4 => scalar().prop_map(Edit::Set),
        1 => collections.prop_map(Edit::Set),
        2 => Just(Edit::Remove),
        1 => select(&["x-own", "web", "A_B", "prod", "a b", "image", "path", "min", "cpu"][..]).prop_map(Edit::Rename),
        1 => Just(Edit::InList),
        2 => any::<Index>().prop_map(Edit::Copy),
    ]
}

/// Pointers to everything below the root.
fn places(value: &Value, at: &str, found: &mut Vec<String>) {
    let mut inner = |key: &str, value: &Value| {
        let at = format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"));
        found.push(at.clone());
        places(value, &at, found);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, it)| inner(key, it)),
        Value::Array(items) => items.iter().enumerate().for_each(|(at, it)| inner(&at.to_string(), it)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

fn apply(spec: &mut Value, at: Index, edit: Edit) {
    let mut found = vec![];
    places(spec, "", &mut found);
    if found.is_empty() {
        return;
    }
    let place = &found[at.index(found.len())];
    let (around, key) = place.rsplit_once('/').unwrap();
    let key = key.replace("~1", "/").replace("~0", "~");
    match edit {
        Edit::Set(value) => *spec.pointer_mut(place).unwrap() = value,
        Edit::InList => {
            let value = spec.pointer_mut(place).unwrap();
            *value = json!([value.take()]);
        }
        Edit::Copy(from) => {
            let copy = spec.pointer(&found[from.index(found.len())]).unwrap().clone();
            *spec.pointer_mut(place).unwrap() = copy;
        }
        Edit::Remove | Edit::Rename(_) => {
            let Some(map) = spec.pointer_mut(around).unwrap().as_object_mut() else { return };
            let value = map.remove(&key).unwrap();
            if let Edit::Rename(name) = edit {
                map.insert(name.to_owned(), value);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig {
        cases: 1_500,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(1),
        ..ProptestConfig::default()
    })]

    /// JSON is YAML, so both can be asked about the same value.
    #[test]
    fn edited_specs_that_the_reader_takes_are_accepted(
        which in any::<Index>(),
        edits in prop::collection::vec((any::<Index>(), edit()), 1..4),
    ) {
        let mut spec = SPECS[which.index(SPECS.len())].1.clone();
        for (at, edit) in edits {
            apply(&mut spec, at, edit);
        }
        let text = spec.to_string();
        let wrong = errors_of_the_reader(&text);
        let refused = errors_of_the_schema(&spec);
        if wrong.is_empty() {
            prop_assert_eq!(refused, [""; 0], "{}", text);
        } else if wrong.contains(&Code(10)) || wrong.contains(&Code(12)) {
            prop_assert!(!refused.is_empty(), "{:?} {}", wrong, text);
        }
    }
}

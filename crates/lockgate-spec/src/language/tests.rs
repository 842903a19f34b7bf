//! What the tables say of themselves.

use std::collections::BTreeMap;

use lockgate_model::EnvironmentName;
use lockgate_yaml::Scalar;

use super::ROOT;
use crate::schema::{Field, Keys, Shape};
use crate::validate::check_leaf;
use crate::{Facts, Spec};

/// Every map of the language, by what it is called.
fn maps() -> BTreeMap<&'static str, &'static Keys> {
    fn collect(shape: &'static Shape, maps: &mut BTreeMap<&'static str, &'static Keys>) {
        match shape {
            Shape::Keys(keys) => {
                if maps.insert(keys.what, keys).is_none() {
                    keys.fields.iter().for_each(|it| collect(&it.shape, maps));
                }
            }
            Shape::Named(named) => collect(&named.value, maps),
            Shape::List(item) | Shape::Many(item) => collect(item, maps),
            Shape::Scalar(_) | Shape::Argv | Shape::Argvs | Shape::Any => {}
        }
    }
    let mut maps = BTreeMap::new();
    collect(&ROOT, &mut maps);
    maps
}

fn fields() -> impl Iterator<Item = (&'static str, &'static Field)> {
    maps().into_iter().flat_map(|(what, keys)| keys.fields.iter().map(move |it| (what, it)))
}

#[test]
fn every_default_is_a_value_of_its_key() {
    for (what, field) in fields().filter(|it| !it.1.default.is_empty()) {
        let leaf = match &field.shape {
            Shape::Scalar(leaf) | Shape::Many(Shape::Scalar(leaf)) => *leaf,
            _ if (what, field.key) == ("rollout", "steps") => continue,
            other => panic!("`{}` of {what} has a default, and is {other:?}", field.key),
        };
        let read = check_leaf(leaf, &Scalar::plain(field.default), "");
        assert!(read.is_ok(), "`{}` of {what}: {read:?}", field.key);
    }
}

#[test]
fn the_steps_that_nobody_writes_are_those_that_are_described() {
    let text = "lockgate: v1\nsystem: shop\nrollout: {strategy: canary}\n\
                slo: {error_rate: {alert: \"> 1% for 5m\"}}\n\
                services: {web: {port: 80, command: [./web]}}\nenvironments: {local: {target: local}}\n";
    let environment = EnvironmentName::new("local").unwrap();
    let (system, report) = Spec::parse("lockgate.yaml", text).0.resolve(&environment, &Facts::default());
    let steps = system.unwrap_or_else(|| panic!("{report:#?}")).rollout.steps;
    let steps = steps.iter().map(|it| match it.pause.0 {
        0 => it.weight.to_string(),
        _ => format!("{} for {}", it.weight, it.pause),
    });
    let described = maps()["rollout"].field("steps").unwrap().default;
    assert_eq!(steps.collect::<Vec<_>>().join(", "), described);
}

#[test]
fn what_is_required_has_no_default() {
    for (what, field) in fields().filter(|it| it.1.required) {
        assert_eq!(field.default, "", "`{}` of {what}", field.key);
    }
}

#[test]
fn every_key_is_explained_in_sentences() {
    for (what, field) in fields() {
        let about = field.about;
        let begins = about.starts_with(|it: char| it.is_uppercase());
        assert!(
            begins && about.ends_with('.') && !about.contains("  "),
            "`{}` of {what}: {about}",
            field.key
        );
        assert_eq!(about.matches('`').count() % 2, 0, "`{}` of {what}: {about}", field.key);
    }
}

#[test]
fn short_forms_and_alternatives_are_keys_of_their_map() {
    for (what, keys) in maps() {
        for key in keys.pick.keys() {
            assert!(keys.field(key).is_some(), "`{key}` of {what}");
        }
        if let crate::schema::Short::Field(key) = keys.short {
            assert!(keys.short_field().is_some(), "`{key}` of {what}");
        }
    }
}

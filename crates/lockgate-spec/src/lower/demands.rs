//! What the language demands of a map: keys that must be there, and keys that exclude each other. It is asked of the
//! resolved tree, because any layer may say it.

use lockgate_diagnostics::{codes, shown, suggest};
use lockgate_model::Diagnostic;

use super::missing;
use crate::language;
use crate::layers::{Data, Value, inner};
use crate::schema::{Keys, Pick, Shape};

/// Of the file as a whole, and told apart there.
const OF_THE_FILE: [&str; 4] = ["lockgate", "system", "services", "environments"];

pub(super) fn check(tree: &Value, report: &mut Vec<Diagnostic>) {
    for (key, value) in tree.entries() {
        walk(value, inner(&language::ROOT, key), key, report);
    }
}

fn walk(value: &Value, shape: &'static Shape, name: &str, report: &mut Vec<Diagnostic>) {
    match (shape, &value.data) {
        (Shape::Keys(keys), Data::Map(map)) => {
            demands(value, keys, name, report);
            for (key, it) in map.iter() {
                walk(it, inner(shape, key), key, report);
            }
        }
        (Shape::Named(named), Data::Map(map)) => {
            for (name, it) in map.iter() {
                walk(it, &named.value, name, report);
            }
        }
        (Shape::List(item) | Shape::Many(item), Data::Seq(items)) => {
            for it in items {
                walk(it, item, "", report);
            }
        }
        _ => {}
    }
}

fn demands(value: &Value, keys: &'static Keys, name: &str, report: &mut Vec<Diagnostic>) {
    let of = || match name {
        "" => keys.what.to_owned(),
        name if keys.noun() == name || keys.noun() == keys.what => format!("`{}`", shown(name)),
        name => format!("{} `{}`", keys.noun(), shown(name)),
    };
    for field in keys.fields.iter().filter(|it| it.required && !OF_THE_FILE.contains(&it.key)) {
        if value.get(field.key).is_none() {
            report.push(missing(field.key, &of(), value.key_span).help(field.about));
        }
    }
    let written: Vec<&Value> = keys.pick.keys().iter().filter_map(|it| value.get(it)).collect();
    let names = || keys.pick.keys().iter().copied();
    match (keys.pick, &written[..]) {
        (_, [first, second, ..]) => {
            let both: Vec<&str> = names().filter(|it| value.get(it).is_some()).collect();
            let message = format!("{} has both {}", of(), suggest::all(both));
            report.push(
                Diagnostic::error(codes::EITHER_OR, message)
                    .label(second.key_span, "one way of saying it")
                    .label(first.key_span, "and another")
                    .help("keep one of them"),
            );
        }
        (Pick::ExactlyOne(_), []) => {
            let message = format!("{} has none of {}", of(), suggest::list(names()));
            report.push(
                Diagnostic::error(codes::EITHER_OR, message)
                    .label(value.place(), "exactly one of them is wanted"),
            );
        }
        (Pick::Any | Pick::AtMostOne(_) | Pick::ExactlyOne(_), [] | [_]) => {}
    }
}

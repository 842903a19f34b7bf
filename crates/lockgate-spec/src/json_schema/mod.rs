//! The language as a JSON Schema, for editors. It is never stricter than the reader: what a layer may leave to
//! another one is not required here, and what only the whole of a system shows is left to `lockgate check`.

mod leaf;
mod pick;
mod way;

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json, json};

use crate::language;
use crate::leaf::{measure, text};
use crate::schema::{Field, Keys, NameRule, Named, Shape};
use lockgate_yaml::Scalar;

const ABOUT: &str = "A system, and how it is released.";

/// Keys of the root that may stand there without a value, and in which nulls remove what weaker layers say.
const MAY_BE_EMPTY: [&str; 3] = ["defaults", "include", "services"];

/// JSON Schema 2020-12 of `lockgate.yaml` and of the files that it includes.
pub fn json_schema() -> Json {
    let mut schema = Schema { defs: BTreeMap::new(), maps: BTreeMap::new() };
    let Shape::Keys(root) = &language::ROOT else { unreachable!("the root is a map of the language") };
    let mut whole = schema.object(root, Place::Alone);
    set(&mut whole, "$schema", json!("https://json-schema.org/draft/2020-12/schema"));
    set(&mut whole, "$id", json!("urn:lockgate:schema:v1"));
    set(&mut whole, "title", json!("lockgate.yaml"));
    set(&mut whole, "description", json!(ABOUT));
    // A file without the version of the language is included by another one, and says a part only.
    set(&mut whole, "if", json!({"required": ["lockgate"], "not": {"required": ["include"]}}));
    set(&mut whole, "then", of_one_file());
    set(&mut whole, "$defs", schema.defs.into_iter().collect());
    whole
}

/// What a spec must say that includes no other file.
fn of_one_file() -> Json {
    json!({
        "required": ["system", "services", "environments"],
        "properties": {
            "services": {"type": "object", "minProperties": 1},
            "environments": {
                "minProperties": 1,
                "patternProperties": {"^x-": true},
                "additionalProperties": {"required": ["target"]},
            },
        },
    })
}

/// Which layers can say something of the same map.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// No other: what is required must be here, and there is nothing that a null could remove.
    Alone,
    /// A stronger one, which may add what is required.
    Under,
    /// A weaker one, of which a null removes a key.
    Over,
}

/// Whether a null may stand for a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Null {
    Refused,
    Removes,
}

struct Schema {
    defs: BTreeMap<String, Json>,
    /// The map of the language behind each definition.
    maps: BTreeMap<String, (&'static Keys, Place)>,
}

impl Schema {
    fn keys(&mut self, keys: &'static Keys, place: Place, null: Null) -> Json {
        let noun = keys.noun().to_ascii_lowercase().replace(' ', "-");
        let name = if place == Place::Under { format!("root-{noun}") } else { noun };
        if let Some((known, at)) = self.maps.get(&name) {
            let same = known.fields.iter().map(|it| it.key).eq(keys.fields.iter().map(|it| it.key));
            assert!(same && *at == place, "two maps of the language are called `{name}`");
            return reference(&name);
        }
        self.maps.insert(name.clone(), (keys, place));
        let mut object = self.object(keys, place);
        set(&mut object, "type", types(&["object"], null));
        self.defs.insert(name.clone(), object);
        reference(&name)
    }

    fn object(&mut self, keys: &'static Keys, place: Place) -> Json {
        let mut properties = Map::new();
        for field in keys.fields {
            properties.insert(field.key.to_owned(), self.field(field, keys, place));
        }
        let mut object = json!({
            "title": keys.what,
            "type": "object",
            "properties": properties,
            "patternProperties": {"^x-": true},
            "additionalProperties": false,
        });
        // What the file must say as a whole depends on what it includes.
        let split = is_root(keys) || is_environment(keys);
        let required: Vec<&str> = keys.fields.iter().filter(|it| it.required).map(|it| it.key).collect();
        if place == Place::Alone && !split && !required.is_empty() {
            set(&mut object, "required", json!(required));
        }
        pick::choice(keys.pick, place, &mut object);
        object
    }

    fn field(&mut self, field: &'static Field, of: &'static Keys, place: Place) -> Json {
        let mut json = self.value(&field.shape, place_of(field, of, place));
        let mut about = field.about.to_owned();
        if field.required {
            about.push_str("\n\nRequired.");
        }
        if !field.default.is_empty() {
            about.push_str("\n\nDefault: `");
            about.push_str(field.default);
            about.push('`');
        }
        set(&mut json, "title", json!(format!("{} of {}", field.key, of.what)));
        set(&mut json, "description", json!(field.about));
        if about.contains('`') || about.contains('\n') {
            set(&mut json, "markdownDescription", json!(about));
        }
        if let Some(default) = default(field) {
            set(&mut json, "default", default);
        }
        json
    }

    fn named(&mut self, named: &'static Named, place: Place, null: Null) -> Json {
        let mut object = json!({
            "type": types(&["object"], null),
            "patternProperties": {"^x-": true},
            "additionalProperties": self.value(&named.value, place),
        });
        if let Some((pattern, wanted)) = leaf::name(named.name) {
            // Keys of the user's own are no names.
            let rule = json!({"pattern": format!("^(?:x-.*|{pattern})$"), "patternErrorMessage": wanted});
            set(&mut object, "propertyNames", rule);
        }
        if matches!(named.name, NameRule::Metric) {
            // Written out, so that they are offered.
            let value = self.value(&named.value, place);
            let metrics = measure::OF_THE_SYSTEM.iter().map(|it| (it.0.to_owned(), value.clone()));
            set(&mut object, "properties", metrics.collect());
        }
        object
    }

    fn define(&mut self, name: &str, null: Null, make: impl FnOnce() -> Json) -> Json {
        let name = match null {
            Null::Refused => name.to_owned(),
            Null::Removes => format!("{name}-or-null"),
        };
        if !self.defs.contains_key(&name) {
            self.defs.insert(name.clone(), make());
        }
        reference(&name)
    }
}

/// An environment lies over the root; services lie over the defaults; nothing else is said twice.
fn place_of(field: &Field, of: &Keys, place: Place) -> Place {
    if is_root(of) {
        match language::ENVIRONMENT.field(field.key) {
            _ if MAY_BE_EMPTY.contains(&field.key) => Place::Over,
            Some(_) => Place::Under,
            None => Place::Alone,
        }
    } else if is_environment(of) {
        let of_the_root = matches!(&language::ROOT, Shape::Keys(root) if root.field(field.key).is_some());
        if of_the_root { Place::Over } else { Place::Alone }
    } else {
        place
    }
}

fn is_root(keys: &Keys) -> bool {
    matches!(&language::ROOT, Shape::Keys(root) if root.what == keys.what)
}

fn is_environment(keys: &Keys) -> bool {
    keys.what == language::ENVIRONMENT.what
}

/// The default as a value, where it is one and not a description of several.
fn default(field: &Field) -> Option<Json> {
    let scalar = match &field.shape {
        Shape::Scalar(_) => true,
        Shape::Many(item) => matches!(item, Shape::Scalar(_)),
        Shape::Argv | Shape::Argvs | Shape::List(_) | Shape::Keys(_) | Shape::Named(_) | Shape::Any => false,
    };
    (scalar && !field.default.is_empty()).then(|| text::core_schema(&Scalar::plain(field.default)))
}

fn types(of: &[&str], null: Null) -> Json {
    match (of, null) {
        ([one], Null::Refused) => json!(one),
        (of, Null::Refused) => json!(of),
        (of, Null::Removes) => of.iter().copied().chain(["null"]).collect(),
    }
}

fn reference(name: &str) -> Json {
    json!({"$ref": format!("#/$defs/{name}")})
}

fn set(object: &mut Json, key: &str, value: Json) {
    object[key] = value;
}

//! The ways of writing one value: in full as a map, as a list, as a single value. They differ in their type, so the
//! schema looks at that first: an editor then speaks of the way that was chosen and not of all.

use serde_json::{Value as Json, json};

use super::{Null, Place, Schema, leaf, set, types};
use crate::schema::{Keys, Leaf, NameRule, Named, Shape, Short};

enum Way {
    Keys(&'static Keys),
    Named(&'static Named),
    List(&'static Shape),
    Command,
    /// One command, or a list of them.
    Commands,
    /// A list of names for a map by name.
    Names(NameRule),
    Name(NameRule),
    /// A key for a map of keys.
    Key(&'static Keys),
    Leaf(Leaf),
    Any,
}

/// Maps first, then lists, single values last.
fn ways(shape: &'static Shape) -> Vec<Way> {
    let (first, short) = match shape {
        Shape::Scalar(leaf) => (Way::Leaf(*leaf), vec![]),
        Shape::Argv => (Way::Command, vec![]),
        Shape::Argvs => (Way::Commands, vec![]),
        Shape::List(item) => (Way::List(item), vec![]),
        Shape::Many(item) => (Way::List(item), ways(item)),
        Shape::Keys(keys) => (Way::Keys(keys), short_of_keys(keys)),
        Shape::Named(named) => (Way::Named(named), short_of_named(named)),
        Shape::Any => (Way::Any, vec![]),
    };
    std::iter::once(first).chain(short).collect()
}

fn short_of_keys(keys: &'static Keys) -> Vec<Way> {
    match keys.short {
        Short::Field(_) => keys.short_field().map_or(vec![], |it| ways(&it.shape)),
        Short::Key => vec![Way::Key(keys)],
        Short::None | Short::Items | Short::Item(_) => vec![],
    }
}

fn short_of_named(named: &Named) -> Vec<Way> {
    match named.short {
        Short::Items => vec![Way::Names(named.name)],
        Short::Item(_) => vec![Way::Name(named.name)],
        Short::None | Short::Field(_) | Short::Key => vec![],
    }
}

impl Way {
    fn json_type(&self) -> &'static str {
        match self {
            Way::Keys(_) | Way::Named(_) => "object",
            Way::List(_) | Way::Command | Way::Commands | Way::Names(_) => "array",
            Way::Name(_) | Way::Key(_) | Way::Leaf(_) | Way::Any => "string",
        }
    }

    /// All that may be written, where that is a choice.
    fn words(&self) -> Vec<&'static str> {
        match self {
            Way::Key(keys) => keys.fields.iter().map(|it| it.key).collect(),
            Way::Leaf(Leaf::OneOf(words)) => words.to_vec(),
            Way::Keys(_)
            | Way::Named(_)
            | Way::List(_)
            | Way::Command
            | Way::Commands
            | Way::Names(_)
            | Way::Name(_)
            | Way::Leaf(_)
            | Way::Any => vec![],
        }
    }
}

impl Schema {
    pub(super) fn value(&mut self, shape: &'static Shape, place: Place) -> Json {
        let null = if place == Place::Over { Null::Removes } else { Null::Refused };
        let mut ways = ways(shape).into_iter().rev();
        let Some(shortest) = ways.next() else { return json!({}) };
        // What is not written yet is taken for the shortest way.
        let short = self.way(&shortest, place, null);
        let mut json = ways.fold(short, |short, long| {
            let asked = json!({"type": long.json_type()});
            json!({"if": asked, "then": self.way(&long, place, Null::Refused), "else": short})
        });
        if json.get("if").is_some() && !shortest.words().is_empty() {
            // Editors look for words to offer before they know which way is meant.
            let offered = shortest.words().into_iter().map(|it| json!({"label": it, "body": it}));
            set(&mut json, "defaultSnippets", offered.collect());
        }
        json
    }

    fn way(&mut self, way: &Way, place: Place, null: Null) -> Json {
        match way {
            Way::Keys(keys) => self.keys(keys, place, null),
            Way::Named(named) => self.named(named, place, null),
            Way::List(item) => {
                // Items are replaced as a whole: no other layer adds to them.
                json!({"type": types(&["array"], null), "items": self.value(item, Place::Alone)})
            }
            Way::Command => self.command(null),
            Way::Commands => {
                let one = self.command(Null::Refused);
                let several = json!({"type": "array", "contains": {"type": "array"}});
                json!({
                    "if": several,
                    "then": {"type": "array", "items": one},
                    "else": self.command(null),
                })
            }
            Way::Names(rule) => {
                json!({"type": types(&["array"], null), "items": leaf::item(*rule), "uniqueItems": true})
            }
            Way::Name(rule) => leaf::item(*rule),
            Way::Key(_) | Way::Leaf(Leaf::OneOf(_)) => choice(way.words(), null),
            Way::Leaf(leaf) => self.leaf(*leaf, null),
            Way::Any => json!({}),
        }
    }

    fn command(&mut self, null: Null) -> Json {
        let argument = self.leaf(Leaf::Template, Null::Refused);
        let title = "a command, one item for each argument";
        self.define(
            "command",
            null,
            || json!({"title": title, "type": types(&["array"], null), "minItems": 1, "items": argument}),
        )
    }
}

fn choice(words: Vec<&str>, null: Null) -> Json {
    let mut words: Vec<Option<&str>> = words.into_iter().map(Some).collect();
    if null == Null::Refused {
        return json!({"enum": words});
    }
    let mut about = vec![""; words.len()];
    about.push("removes what a weaker layer says");
    words.push(None);
    json!({"enum": words, "markdownEnumDescriptions": about})
}

//! From a part of the tree to the type of the model that has the same shape: references are replaced, defaults are
//! filled in, and every scalar becomes what its leaf says.

use lockgate_model::Millis;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value as Json};

use super::Context;
use crate::layers::{Data, Value};
use crate::leaf::text;
use crate::scalar;
use crate::schema::{Field, Keys, Leaf, Shape};
use crate::scope::Mentions;
use lockgate_yaml::Scalar;

impl Context<'_> {
    /// `None` when something in it is missing or wrong, which is in the report then.
    pub(super) fn typed<T: DeserializeOwned>(
        &mut self,
        value: &Value,
        shape: &'static Shape,
        own: Option<&str>,
        mentions: &mut Mentions,
    ) -> Option<T> {
        serde_json::from_value(self.json(value, shape, own, mentions)?).ok()
    }

    fn json(
        &mut self,
        value: &Value,
        shape: &'static Shape,
        own: Option<&str>,
        mentions: &mut Mentions,
    ) -> Option<Json> {
        match (shape, &value.data) {
            (Shape::Scalar(Leaf::Template | Leaf::VariableValue | Leaf::Endpoint), Data::Scalar(_)) => {
                self.expand(value, own, mentions).map(Json::String)
            }
            (Shape::Scalar(leaf), Data::Scalar(scalar)) => leaf_json(*leaf, scalar),
            (Shape::Argv, Data::Seq(_)) => Some(self.argv(value, own, mentions).into()),
            (Shape::Argvs, Data::Seq(items)) => {
                Some(items.iter().map(|it| Json::from(self.argv(it, own, mentions))).collect())
            }
            (Shape::List(item) | Shape::Many(item), Data::Seq(items)) => {
                items.iter().map(|it| self.json(it, item, own, mentions)).collect()
            }
            (Shape::Keys(keys), Data::Map(_)) => self.keys_json(value, keys, own, mentions),
            (Shape::Named(named), Data::Map(map)) => {
                let entries = map
                    .iter()
                    .map(|(name, it)| Some((name.clone(), self.json(it, &named.value, own, mentions)?)));
                entries.collect::<Option<Map<String, Json>>>().map(Json::Object)
            }
            (Shape::Any, _) => Some(any_json(value)),
            _ => None,
        }
    }

    fn keys_json(
        &mut self,
        value: &Value,
        keys: &'static Keys,
        own: Option<&str>,
        mentions: &mut Mentions,
    ) -> Option<Json> {
        let mut object = Map::new();
        for field in keys.fields {
            let json = match value.get(field.key) {
                Some(written) => Some(self.json(written, &field.shape, own, mentions)?),
                None if field.default.is_empty() => None,
                None => self.default_json(value, field, own, mentions),
            };
            if let Some(json) = json {
                object.insert(field.key.to_owned(), json);
            }
        }
        Some(Json::Object(object))
    }

    fn default_json(
        &mut self,
        around: &Value,
        field: &'static Field,
        own: Option<&str>,
        mentions: &mut Mentions,
    ) -> Option<Json> {
        let default = Value::scalar(field.default, around.origin);
        match &field.shape {
            Shape::Many(item) => Some(Json::Array(vec![self.json(&default, item, own, mentions)?])),
            shape => self.json(&default, shape, own, mentions),
        }
    }
}

fn leaf_json(leaf: Leaf, scalar: &Scalar) -> Option<Json> {
    Some(match leaf {
        Leaf::Integer { .. } => scalar::integer(scalar, 0, u64::MAX).ok()?.into(),
        Leaf::Decimal { .. } => scalar::decimal(scalar, 0.0, f64::MAX).ok()?.into(),
        Leaf::Share => scalar::share(scalar).ok()?.into(),
        Leaf::PercentValue => scalar::percent(scalar).ok()?.0.into(),
        Leaf::Bool => scalar::boolean(scalar).ok()?.into(),
        Leaf::Duration { .. } => scalar::duration(scalar, Millis::ZERO).ok()?.0.into(),
        Leaf::Weight => scalar::weight(scalar).ok()?.basis_points().into(),
        _ => scalar.text.clone().into(),
    })
}

/// As YAML 1.2 reads it.
fn any_json(value: &Value) -> Json {
    match &value.data {
        Data::Scalar(scalar) => text::core_schema(scalar),
        Data::Seq(items) => items.iter().map(any_json).collect(),
        Data::Map(map) => map.iter().map(|(key, it)| (key.clone(), any_json(it))).collect(),
    }
}

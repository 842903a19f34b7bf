//! What one environment has: its objects, and what their texts are made of.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::facts::Environment;
use crate::kubernetes::objects::{Object, namespace};

/// Kind and name, as patches call an object.
pub(super) type Key = (String, String);

pub(super) const NAMESPACE: &str = "Namespace";

pub(super) struct Scene<'s> {
    pub(super) objects: BTreeMap<Key, &'s Object>,
    /// By reference, as it is written.
    pub(super) images: BTreeMap<String, ImageValue>,
    pub(super) namespace: String,
    /// Objects whose names end in a digest of their content, by that name.
    by_content: BTreeMap<&'s str, Key>,
}

/// An image that is built for the system, as values.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct ImageValue {
    /// The service whose build makes it.
    pub(super) name: String,
    pub(super) repository: String,
    /// Where it is known.
    pub(super) digest: Option<String>,
}

/// What a pod refers to by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Reference {
    ConfigMap,
    Secret,
    Account,
    Claim,
}

/// Everything that an object refers to.
pub(super) fn references<'v>(
    value: &'v Value,
    keys: &mut Vec<&'v str>,
    found: &mut impl FnMut(Reference, &str),
) {
    match value {
        Value::Object(map) => {
            for (key, value) in map {
                keys.push(key);
                references(value, keys, found);
                keys.pop();
            }
        }
        Value::Array(items) => items.iter().for_each(|it| references(it, keys, found)),
        Value::String(text) => {
            if let Some(reference) = Reference::of_field(keys) {
                found(reference, text);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

impl<'s> Scene<'s> {
    pub(super) fn new(environment: &'s Environment<'_>, objects: &'s [Object]) -> Scene<'s> {
        let keyed = objects.iter().map(|it| (key_of(it), it));
        let images = environment.services.values().filter_map(|it| {
            let image = it.image.as_ref()?;
            let (owner, _) = image.build?;
            let value = ImageValue {
                name: owner.to_string(),
                repository: image.repository.clone(),
                digest: image.digest.map(|it| it.to_string()),
            };
            Some((image.reference(), value))
        });
        let by_content = objects.iter().filter(|it| full_name(it) != it.name);
        Scene {
            by_content: by_content.map(|it| (full_name(it), key_of(it))).collect(),
            objects: keyed.collect(),
            images: images.collect(),
            namespace: namespace(environment),
        }
    }

    /// Does its name end in a digest of its content?
    pub(super) fn is_by_content(&self, key: &Key) -> bool {
        self.objects.get(key).is_some_and(|it| full_name(it) != it.name)
    }

    /// The object that has this name because of its content.
    pub(super) fn named_by_content(&self, name: &str) -> Option<&Key> {
        self.by_content.get(name)
    }

    /// The object that makes what a pod refers to.
    pub(super) fn provider(&self, reference: Reference, name: &str) -> Option<&Key> {
        let mut objects = self.objects.iter();
        let makes = |object: &Object| match (reference, object.kind.as_str()) {
            (Reference::ConfigMap, "ConfigMap")
            | (Reference::Secret, "Secret")
            | (Reference::Account, "ServiceAccount")
            | (Reference::Claim, "PersistentVolumeClaim") => full_name(object) == name,
            (Reference::Secret, "ExternalSecret") => target(object) == name,
            _ => false,
        };
        objects.find(|it| makes(it.1)).map(|it| it.0)
    }
}

impl Reference {
    /// What the field at the end of these keys refers to.
    pub(super) fn of_field(keys: &[&str]) -> Option<Reference> {
        match keys {
            [.., "configMapRef" | "configMapKeyRef" | "configMap", "name"] => Some(Reference::ConfigMap),
            [.., "secretRef" | "secretKeyRef", "name"] | [.., "secret", "secretName"] => {
                Some(Reference::Secret)
            }
            [.., "persistentVolumeClaim", "claimName"] => Some(Reference::Claim),
            [.., "serviceAccountName"] => Some(Reference::Account),
            _ => None,
        }
    }
}

/// The namespace is the same object in all environments, whatever it is called.
fn key_of(object: &Object) -> Key {
    let name = if object.kind == NAMESPACE { "namespace" } else { &object.name };
    (object.kind.clone(), name.to_owned())
}

fn full_name(object: &Object) -> &str {
    text(object, "/metadata/name").unwrap_or(&object.name)
}

/// The Secret that an `ExternalSecret` fills.
fn target(object: &Object) -> &str {
    text(object, "/spec/target/name").unwrap_or_else(|| full_name(object))
}

fn text<'o>(object: &'o Object, pointer: &str) -> Option<&'o str> {
    object.value.pointer(pointer).and_then(Value::as_str)
}

//! Images of the release: the base has them without a digest that could be pulled, each overlay says which it is.

use std::collections::BTreeMap;

use lockgate_model::{Digest, ServiceName};
use serde_json::Value;

use crate::facts::Environment;
use crate::output::Output;

/// Digests by repository.
pub(super) type Images = BTreeMap<String, Digest>;

const ZERO: [u8; 32] = [0; 32];

pub(super) fn of(environment: &Environment<'_>, output: &mut Output<'_>) -> Images {
    let mut images = Images::new();
    let mut owners: BTreeMap<&str, &ServiceName> = BTreeMap::new();
    for image in environment.services.values().filter_map(|it| it.image.as_ref()) {
        let Some((owner, _)) = image.build else { continue };
        let first = owners.entry(&image.repository).or_insert(owner);
        if *first != owner {
            // Kustomize tells images apart by their repository.
            output.problem(
                format!("`{first}` and `{owner}` are built into the same repository `{}`", image.repository),
                "put `${service.name}` into `image` of `build`".to_owned(),
            );
        }
        let digest = image.digest.unwrap_or(Digest::from_bytes(ZERO));
        images.insert(image.repository.clone(), digest);
    }
    images
}

/// Takes the digests out of an object.
pub(super) fn unknown(images: &Images, object: &mut Value) {
    match object {
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                let repository = value.as_str().and_then(|it| Some(it.split_once('@')?.0.to_owned()));
                match repository.filter(|it| key == "image" && images.contains_key(it)) {
                    Some(it) => *value = Value::String(format!("{it}@{}", Digest::from_bytes(ZERO))),
                    None => unknown(images, value),
                }
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|it| unknown(images, it)),
        Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => {}
    }
}

//! Values of Secrets, put in from the vault at the moment that they are written.

use std::collections::BTreeMap;

use k8s_openapi::ByteString;
use lockgate_model::{SecretRef, with_causes};
use serde_json::{Map, Value, json};

use super::{Cluster, names, workload::set};
use crate::{Class, TargetError};

/// A Secret that says which values it is made of gets them; every other object is as it was.
pub(super) fn filled(cluster: &Cluster, object: &Value) -> Result<Value, TargetError> {
    let mut object = object.clone();
    let refs = object["metadata"]["annotations"][names::SECRET_REFS].as_str().map(str::to_owned);
    let (Some(refs), Some("Secret")) = (refs, object["kind"].as_str()) else { return Ok(object) };
    let name = object["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let fatal = |why: String| TargetError::new(Class::Fatal, format!("Secret {name} cannot be made: {why}"));
    let refs: BTreeMap<String, SecretRef> = serde_json::from_str(&refs)
        .map_err(|it| fatal(format!("its annotation {} cannot be read: {it}", names::SECRET_REFS)))?;
    let Some(vault) = &cluster.vault else {
        return Err(fatal("this program has no values of secrets".to_owned()));
    };
    let mut data = Map::new();
    for (key, secret) in refs {
        let value = vault.reveal(&secret).map_err(|it| {
            let hint = "request the release again where the state folder is that it was requested from";
            fatal(format!("the value of {}: {}", secret.name, with_causes(&it))).hint(hint)
        })?;
        data.insert(key, json!(ByteString(value.reveal().clone().into_bytes())));
    }
    set(&mut object, &["data"], Value::Object(data));
    Ok(object)
}

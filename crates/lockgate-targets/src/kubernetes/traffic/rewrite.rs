//! Objects that others write too: read, edited in one place, and written if nobody wrote meanwhile.

use kube::ResourceExt as _;
use kube::api::{DynamicObject, PostParams};
use lockgate_model::Fence;
use serde_json::Value;

use super::super::fence::{mark, refuse_older};
use super::super::refusal::{is_conflict, told};
use super::super::{Cluster, names};
use crate::{Class, TargetError};

/// Controllers write the status of what was just changed, so a few conflicts are nobody's fault.
const ATTEMPTS_MAX: usize = 8;

/// Which object is meant.
#[derive(Clone, Copy, Debug)]
pub(super) struct At<'a> {
    pub(super) api_version: &'a str,
    pub(super) kind: &'a str,
    pub(super) name: &'a str,
}

/// The object as it is then. What is as it should be is not written.
pub(super) async fn rewrite(
    cluster: &Cluster,
    fence: &Fence,
    at: At<'_>,
    edit: impl Fn(&mut DynamicObject) -> Result<(), TargetError>,
) -> Result<DynamicObject, TargetError> {
    let api = cluster.dynamic(at.api_version, at.kind)?;
    let doing = |verb: &str| format!("{verb} {} {} in namespace {}", at.kind, at.name, cluster.namespace);
    let params = PostParams { field_manager: Some(names::MANAGER.to_owned()), ..PostParams::default() };
    let mut writer = None;
    for _ in 0..ATTEMPTS_MAX {
        let before = api.get(at.name).await.map_err(|it| told(&it, &doing("read")))?;
        refuse_older(annotation(&before, names::FENCE), fence, &format!("{} {}", at.kind, at.name))?;
        let mut after = before.clone();
        edit(&mut after)?;
        if after == before {
            return Ok(before);
        }
        after.annotations_mut().insert(names::FENCE.to_owned(), mark(fence));
        match api.replace(at.name, &params, &after).await {
            Ok(written) => return Ok(written),
            Err(error) if is_conflict(&error) => writer = last_writer(&before),
            Err(error) => return Err(told(&error, &doing("write"))),
        }
    }
    let who = writer.map_or_else(|| "somebody else".to_owned(), |it| format!("`{it}`"));
    let text = format!("cannot {}: {who} writes it all the time", doing("write"));
    let hint = format!("kubectl get {} {} -o yaml --show-managed-fields", at.kind, at.name);
    Err(TargetError::new(Class::Transient, text).hint(hint))
}

/// Who else changed it last, by the record that the API server keeps.
fn last_writer(object: &DynamicObject) -> Option<String> {
    let others = object.managed_fields().iter().filter(|it| it.manager.as_deref() != Some(names::MANAGER));
    let last = others.max_by_key(|it| it.time.as_ref().map(|it| it.0))?;
    last.manager.clone()
}

/// A text of an object's annotations.
pub(super) fn annotation<'o>(object: &'o DynamicObject, name: &str) -> Option<&'o str> {
    object.annotations().get(name).map(String::as_str)
}

/// A map of texts, as labels and selectors are.
pub(crate) fn texts(value: &Value) -> super::selector::Labels {
    let pairs = value.as_object().into_iter().flatten();
    pairs.filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned()))).collect()
}

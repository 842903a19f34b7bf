//! Releases of Helm: what its own record says of the objects that are to be taken over, and how Helm lets go of them.
//!
//! A release goes whole or stays whole. Helm finds its records by the label `owner=helm`; with another owner they are
//! kept, and no `helm upgrade`, `rollback` or `uninstall` touches an object of theirs again.

mod record;
mod standing;

use std::collections::{BTreeMap, BTreeSet};

use k8s_openapi::api::core::v1::Secret;
use kube::api::{ListParams, Patch};
use serde::Serialize;
use serde_json::{Value, json};

use super::super::refusal::told;
use super::super::{Cluster, names};
use super::{Mode, find};
use crate::{Class, TargetError};
use record::Record;
use standing::{Named, Standing, named, standing};

const OWNER: &str = "owner";
/// Objects of a release that are named when it is left alone.
const NAMED_MAX: usize = 5;

/// A release of Helm that has something of what is to be taken over.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct HelmRelease {
    pub name: String,
    /// The newest.
    pub revision: u32,
    /// In Helm's words.
    pub status: String,
    pub verdict: HelmVerdict,
    /// Its Secrets, one for each revision.
    #[serde(skip)]
    pub(super) secrets: Vec<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum HelmVerdict {
    /// What runs is of one revision: this one. What is left over of another one is read by nothing.
    Adopt {
        revision: u32,
        leftover: Vec<String>,
    },
    Leave {
        why: String,
        hint: String,
    },
}

/// Of the releases that have any of `taken`.
pub(super) async fn look(
    cluster: &Cluster,
    taken: &BTreeMap<Named, Value>,
) -> Result<Vec<HelmRelease>, TargetError> {
    let mut releases = vec![];
    for (name, records) in records(cluster).await? {
        let has = |it: &Record| it.objects.iter().filter_map(named).any(|it| taken.contains_key(&it));
        let Some(newest) = records.last() else { continue };
        if !records.iter().any(has) {
            continue;
        }
        let verdict = judge(cluster, &records, taken).await?;
        releases.push(HelmRelease {
            name,
            revision: newest.revision,
            status: newest.status.clone(),
            verdict,
            secrets: records.iter().map(|it| it.secret.clone()).collect(),
        });
    }
    Ok(releases)
}

/// The revisions of each release, oldest first.
async fn records(cluster: &Cluster) -> Result<BTreeMap<String, Vec<Record>>, TargetError> {
    let params = ListParams::default().labels(&format!("{OWNER}=helm"));
    let listed = cluster.api::<Secret>().list(&params).await;
    let doing = format!("read Helm's records, which are Secrets, in namespace {}", cluster.namespace);
    let mut found: BTreeMap<String, Vec<Record>> = BTreeMap::new();
    for secret in listed.map_err(|it| told(&it, &doing))?.items {
        let record = record::read(&secret).map_err(|why| {
            let name = secret.metadata.name.as_deref().unwrap_or_default();
            TargetError::new(Class::Fatal, format!("Helm's record in Secret {name} does not read: {why}"))
        })?;
        found.entry(record.name.clone()).or_default().push(record);
    }
    for records in found.values_mut() {
        records.sort_by_key(|it| it.revision);
    }
    Ok(found)
}

async fn judge(
    cluster: &Cluster,
    records: &[Record],
    taken: &BTreeMap<Named, Value>,
) -> Result<HelmVerdict, TargetError> {
    let newest = records.last().expect("whoever asks has one");
    let before =
        records.iter().rev().skip(1).find(|it| matches!(it.status.as_str(), "deployed" | "superseded"));
    let (name, namespace) = (&newest.name, &cluster.namespace);
    let leave = |why: String, hint: String| Ok(HelmVerdict::Leave { why, hint });
    let live =
        live(cluster, newest.objects.iter().chain(before.iter().flat_map(|it| &it.objects)), taken).await?;
    let (of, leftover) = match newest.status.as_str() {
        "deployed" | "superseded" => (newest, vec![]),
        "failed" | "pending-install" | "pending-upgrade" | "pending-rollback" => {
            let old = before.map_or(&[][..], |it| &it.objects);
            match (standing(old, &newest.objects, &live), before) {
                (Standing::After { leftover }, _) => (newest, leftover),
                (Standing::Before { leftover }, Some(before)) => (before, leftover),
                (Standing::Before { .. }, None) => {
                    let hint = format!("helm -n {namespace} uninstall {name}, and install it again");
                    return leave(format!("it is {}, and nothing of it is there", newest.status), hint);
                }
                (Standing::Between { before: old, after, torn }, before) => {
                    return Ok(half(newest, before, namespace, [old, after, torn]));
                }
            }
        }
        other => {
            let hint = format!("helm -n {namespace} status {name}");
            return leave(format!("it is {other}"), hint);
        }
    };
    let others: BTreeSet<String> = of
        .objects
        .iter()
        .filter_map(named)
        .filter(|it| live.contains_key(it) && !taken.contains_key(it))
        .map(|it| format!("{} {}", it.0, it.1))
        .collect();
    if others.is_empty() {
        return Ok(HelmVerdict::Adopt { revision: of.revision, leftover });
    }
    let why =
        format!("it has more than the spec renders: {}", listed(&others.into_iter().collect::<Vec<_>>()));
    leave(why, format!("take it out of the chart, and helm -n {namespace} upgrade {name}"))
}

/// Nobody but Helm can say which of the two it should be.
fn half(newest: &Record, before: Option<&Record>, namespace: &str, parts: [Vec<String>; 3]) -> HelmVerdict {
    let (name, status) = (&newest.name, &newest.status);
    let [old, after, torn] = parts;
    let of = |revision: u32| format!("of revision {revision}");
    let old_text = before.map_or_else(|| "not there".to_owned(), |it| of(it.revision));
    let texts = [(old, old_text), (after, of(newest.revision)), (torn, "of neither revision".to_owned())];
    let texts: Vec<String> = texts
        .into_iter()
        .filter(|it| !it.0.is_empty())
        .map(|(objects, what)| format!("{what}: {}", listed(&objects)))
        .collect();
    let hint = match before {
        Some(before) => format!("helm -n {namespace} rollback {name} {} --wait", before.revision),
        None => format!("helm -n {namespace} uninstall {name}, and install it again"),
    };
    HelmVerdict::Leave { why: format!("it is {status}, half of it; {}", texts.join("; ")), hint }
}

fn listed(names: &[String]) -> String {
    let more = names.len().saturating_sub(NAMED_MAX);
    let shown = names[..names.len() - more].join(", ");
    if more == 0 { shown } else { format!("{shown} and {more} more") }
}

/// Everything that the records name and that is there; what is outside of the namespace is others' as well.
async fn live<'r>(
    cluster: &Cluster,
    objects: impl Iterator<Item = &'r Value>,
    taken: &BTreeMap<Named, Value>,
) -> Result<BTreeMap<Named, Value>, TargetError> {
    let mut live = BTreeMap::new();
    for object in objects {
        let Some(it) = named(object).filter(|it| it.0 != "Namespace" && !live.contains_key(it)) else {
            continue;
        };
        let found = match taken.get(&it) {
            Some(found) => Some(found.clone()),
            None => find::read(cluster, object).await?,
        };
        live.extend(found.map(|found| (it, found)));
    }
    Ok(live)
}

/// Makes Helm forget a release that was taken over. Fails when Helm has begun another revision meanwhile.
pub(super) async fn let_go(cluster: &Cluster, release: &HelmRelease, mode: Mode) -> Result<(), TargetError> {
    let records = records(cluster).await?;
    let now = records.get(&release.name).map(Vec::as_slice).unwrap_or_default();
    if let Some(new) = now.iter().find(|it| !release.secrets.contains(&it.secret)) {
        let text = format!(
            "Helm has begun revision {} of release {} while it was being taken over",
            new.revision, release.name
        );
        return Err(TargetError::new(Class::Transient, text).hint("once Helm is done, adopt again"));
    }
    for record in now {
        let patch = Patch::Merge(json!({"metadata": {"labels": {OWNER: names::MANAGER}}}));
        let done = cluster.api::<Secret>().patch(&record.secret, &mode.params(), &patch).await;
        done.map_err(|it| told(&it, &format!("change the label {OWNER} of Secret {}", record.secret)))?;
    }
    Ok(())
}

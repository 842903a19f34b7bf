//! Taking over what was installed from the rendered files, by Helm, `kubectl apply` or Kustomize.
//!
//! It looks first, and takes all of it or nothing. What is written is metadata: labels, annotations and who owns the
//! fields; no pod is started again. What runs becomes the form of the release that takes over, so that a rollback
//! restores exactly that. Every write may be repeated: an attempt that was cut off is finished by the next one.

mod find;
mod frozen;
mod helm;
mod judge;
mod owners;
mod write;

use std::collections::BTreeMap;

use futures_util::{StreamExt as _, TryStreamExt as _, stream};
use k8s_openapi::api::apps::v1::Deployment;
use kube::ResourceExt as _;
use kube::api::{ListParams, PatchParams};
use lockgate_model::{Fence, Fixtures, Form, Objects, ReleaseId, ServiceName, SlotSpec, Subject};
use serde::Serialize;
use serde_json::{Value, json};

use super::diff::{Change, of_live};
use super::refusal::told;
use super::{Cluster, FieldDiff, fence, names};
use crate::TargetError;
use find::Pair;
use frozen::Images;
pub(super) use frozen::{Images as InstalledImages, unpin};
pub use helm::{HelmRelease, HelmVerdict};
use judge::Hindrance;

/// Objects that are written at a time.
const AT_ONCE: usize = 8;
/// Of pods of files that were rendered without a version.
const UNRELEASED: &str = "unreleased";

/// An object as the rendered files have it.
#[derive(Clone, Debug)]
pub struct Rendered {
    /// Whose Deployment it is, or what only its pods read.
    pub service: Option<ServiceName>,
    pub object: Value,
}

/// What is in the namespace of what was rendered.
#[derive(Clone, Debug, Serialize)]
pub struct Adoption {
    pub objects: Vec<Found>,
    pub helm: Vec<HelmRelease>,
    #[serde(skip)]
    pub taken: Taken,
}

impl Adoption {
    /// Whether all that is there can be taken over, and there is something.
    pub fn is_possible(&self) -> bool {
        let may = |it: &Found| matches!(it.verdict, Verdict::Adopt { .. } | Verdict::Missing);
        let is_whole = |it: &HelmRelease| matches!(it.verdict, HelmVerdict::Adopt { .. });
        !self.taken.forms.is_empty() && self.objects.iter().all(may) && self.helm.iter().all(is_whole)
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Found {
    pub kind: String,
    pub name: String,
    /// Field managers, such as `helm`.
    pub written_by: Vec<String>,
    pub verdict: Verdict,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is taken over as it is.
    Adopt {
        /// Where it is not as the spec says; a release changes that.
        differs: Vec<FieldDiff>,
        /// The API server would not take what the spec says, for this reason.
        refused: Option<String>,
    },
    Missing,
    Foreign {
        why: String,
    },
    Busy {
        why: String,
    },
}

/// What runs, as the snapshot of a release has it.
#[derive(Clone, Debug, Default)]
pub struct Taken {
    pub forms: BTreeMap<ServiceName, Form>,
    pub fixtures: Fixtures,
    images: BTreeMap<ServiceName, Images>,
}

/// What is to be written.
#[derive(Clone, Debug)]
pub struct TakeOver {
    pub slots: Vec<SlotSpec>,
    pub fixtures: Fixtures,
    images: BTreeMap<ServiceName, Images>,
    helm: Vec<HelmRelease>,
}

impl TakeOver {
    /// `slots` are those of the release whose forms were found.
    pub fn new(adoption: &Adoption, slots: Vec<SlotSpec>) -> TakeOver {
        let Taken { fixtures, images, .. } = adoption.taken.clone();
        TakeOver { slots, fixtures, images, helm: adoption.helm.clone() }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    TryOut,
    Write,
}

impl Mode {
    fn params(self) -> PatchParams {
        let field_manager = Some(names::MANAGER.to_owned());
        PatchParams { dry_run: self == Mode::TryOut, field_manager, ..PatchParams::default() }
    }
}

/// What those who installed the services call the version that runs: of the pods, or the tag of the image.
pub(super) async fn versions(
    cluster: &Cluster,
    services: &[ServiceName],
) -> Result<BTreeMap<ServiceName, String>, TargetError> {
    let selector = format!("{}={}", names::PART_OF, cluster.scope.system);
    let listed = cluster.api::<Deployment>().list(&ListParams::default().labels(&selector)).await;
    let doing = format!("list Deployments in namespace {}", cluster.namespace);
    let mut versions = BTreeMap::new();
    for deployment in listed.map_err(|it| told(&it, &doing))?.items {
        let Some(service) = services.iter().find(|it| it.as_str() == deployment.name_any()) else { continue };
        let value = serde_json::to_value(&deployment).unwrap_or_default();
        let said = value.pointer("/spec/template/metadata/annotations").map(|it| &it[names::VERSION]);
        let said = said.and_then(Value::as_str).filter(|it| *it != UNRELEASED);
        let image = find::written(&value).get(service.as_str()).copied();
        if let Some(version) = said.or_else(|| find::tag(image?)) {
            versions.insert(service.clone(), version.to_owned());
        }
    }
    Ok(versions)
}

/// `ours` is the number that an earlier attempt has.
pub(super) async fn look(
    cluster: &Cluster,
    rendered: &[Rendered],
    ours: Option<ReleaseId>,
) -> Result<Adoption, TargetError> {
    let pairs = find::pairs(cluster, rendered).await?;
    let asked: Vec<_> = pairs.iter().map(|it| found(cluster, ours, it)).collect();
    let mut objects: Vec<Found> = stream::iter(asked).buffered(AT_ONCE).try_collect().await?;
    let mut taken = Taken::default();
    let (mut fixtures, mut live) = (vec![], BTreeMap::new());
    for (pair, found) in pairs.iter().zip(&mut objects) {
        let (Some(object), Verdict::Adopt { .. }) = (&pair.live, &found.verdict) else { continue };
        live.insert((found.kind.clone(), found.name.clone()), object.clone());
        match &pair.rendered.service {
            None => fixtures.push(frozen::freeze(object)),
            Some(service) if found.kind == "Deployment" => match find::images(cluster, object).await? {
                Ok(images) => {
                    let read = find::read_by(cluster, object).await?;
                    taken.forms.insert(service.clone(), form(object, &read, &images));
                    taken.images.insert(service.clone(), images);
                    live.extend(read.into_iter().filter_map(|it| Some((key(&it)?, it))));
                }
                Err(container) => {
                    let why = format!("its pods run several images as `{container}`: the tag has moved");
                    found.verdict = Verdict::Busy { why };
                }
            },
            // It is of the service's form where its pods read it.
            Some(_) => (),
        }
    }
    add_read(&mut objects, &live);
    taken.fixtures = Fixtures::Objects(Objects(fixtures));
    let helm = helm::look(cluster, &live).await?;
    Ok(Adoption { objects, helm, taken })
}

fn form(deployment: &Value, read: &[Value], images: &Images) -> Form {
    let mut frozen = frozen::freeze(deployment);
    frozen::pin(&mut frozen, images);
    let read = read.iter().map(frozen::freeze);
    Form::Objects(Objects(read.chain([frozen]).collect()))
}

fn key(object: &Value) -> Option<(String, String)> {
    Some((object["kind"].as_str()?.to_owned(), object.pointer("/metadata/name")?.as_str()?.to_owned()))
}

/// What pods read under a name that is not rendered any more, as its content was another.
fn add_read(objects: &mut Vec<Found>, live: &BTreeMap<(String, String), Value>) {
    for ((kind, name), object) in live {
        if !objects.iter().any(|it| it.kind == *kind && it.name == *name) {
            let verdict = Verdict::Adopt { differs: vec![], refused: None };
            let written_by = owners::others(object);
            objects.push(Found { kind: kind.clone(), name: name.clone(), written_by, verdict });
        }
    }
}

async fn found(cluster: &Cluster, ours: Option<ReleaseId>, pair: &Pair) -> Result<Found, TargetError> {
    let (kind, name) = key(&pair.rendered.object).unwrap_or_default();
    let Some(live) = &pair.live else {
        return Ok(Found { kind, name, written_by: vec![], verdict: Verdict::Missing });
    };
    let verdict = match judge::judge(&cluster.scope, ours, &pair.rendered.object, live) {
        Err(Hindrance::Foreign(why)) => Verdict::Foreign { why },
        Err(Hindrance::Busy(why)) => Verdict::Busy { why },
        Ok(()) => match of_live(cluster, &as_released(&pair.rendered.object, live), live).await? {
            Some(Change::Fields(differs)) => Verdict::Adopt { differs, refused: None },
            Some(Change::Refused(why)) => Verdict::Adopt { differs: vec![], refused: Some(why) },
            Some(Change::Missing | Change::Unwanted) | None => {
                Verdict::Adopt { differs: vec![], refused: None }
            }
        },
    };
    Ok(Found { kind, name, written_by: owners::others(live), verdict })
}

/// With what only a release says as it is: images, versions, and whose the object is.
fn as_released(rendered: &Value, live: &Value) -> Value {
    let mut wanted = rendered.clone();
    let manager = live.pointer("/metadata/labels").map(|it| &it[names::MANAGED_BY]);
    if let (Some(manager), true) = (manager, rendered["metadata"]["labels"].is_object()) {
        wanted["metadata"]["labels"][names::MANAGED_BY] = manager.clone();
    }
    for template in ["/spec/template", "/spec/jobTemplate/spec/template"] {
        let (Some(wanted), Some(live)) = (wanted.pointer_mut(template), live.pointer(template)) else {
            continue;
        };
        let said = live.pointer("/metadata/annotations").and_then(Value::as_object).into_iter().flatten();
        for (key, value) in said.filter(|it| it.0.starts_with("lockgate.dev/")) {
            wanted["metadata"]["annotations"][key] = value.clone();
        }
        let images = find::written(&json!({"spec": {"template": live}}))
            .into_iter()
            .map(|(name, image)| (name.to_owned(), image.to_owned()))
            .collect::<BTreeMap<_, _>>();
        for kind in ["containers", "initContainers"] {
            for container in wanted["spec"].get_mut(kind).and_then(Value::as_array_mut).into_iter().flatten()
            {
                let image = container["name"].as_str().and_then(|it| images.get(it));
                if let Some(image) = image {
                    container["image"] = json!(image);
                }
            }
        }
    }
    wanted
}

/// Every write as a dry run.
pub(super) async fn try_out(cluster: &Cluster, taking: &TakeOver) -> Result<(), TargetError> {
    let fence = Fence { scope: cluster.scope.clone(), epoch: 0, seq: 0 };
    write_all(cluster, &fence, taking, Mode::TryOut).await
}

pub(super) async fn take_over(
    cluster: &Cluster,
    fence: &Fence,
    taking: &TakeOver,
) -> Result<(), TargetError> {
    fence::admit(cluster, fence, &Subject::Fixtures).await?;
    for spec in &taking.slots {
        fence::admit(cluster, fence, &Subject::Service(&spec.slot.service)).await?;
    }
    write_all(cluster, fence, taking, Mode::Write).await
}

/// Helm lets go when all is ours.
async fn write_all(
    cluster: &Cluster,
    fence: &Fence,
    taking: &TakeOver,
    mode: Mode,
) -> Result<(), TargetError> {
    let stamps = write::stamps(cluster, fence, taking);
    let writes: Vec<_> = stamps.iter().map(|it| write::write(cluster, it, mode)).collect();
    stream::iter(writes).buffer_unordered(AT_ONCE).try_collect::<()>().await?;
    for release in &taking.helm {
        helm::let_go(cluster, release, mode).await?;
    }
    Ok(())
}

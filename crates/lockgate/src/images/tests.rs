//! Which image a release runs: settled by digest, promoted without a build.

use lockgate_driver::Ending;
use lockgate_driver::store::{NewRelease, ReleaseKind};
use lockgate_engine::End;
use lockgate_model::{Container, Form, Limits, Scope, Snapshot, Timestamp};
use lockgate_testbed::{Config as ImageConfig, Image as TestImage, Registry};

use super::*;
use crate::args::{Color, FormatName, Global};
use crate::out::Out;

const WHAT: &str = "images of a release are found";
const PIN: &str = "sha256:6f4c2d1e0b9a88776655443322110ffeeddccbbaa99887766554433221100ffe";

/// Gives `repository@sha256:...`.
fn push(registry: &Registry, name_and_tag: &str) -> String {
    TestImage::empty(ImageConfig::default()).push(&registry.address, name_and_tag)
}

/// A folder with a lock file and a state.
struct Place {
    folder: tempfile::TempDir,
    state: State,
    /// What is checked out.
    commit: Option<Commit>,
}

impl Place {
    async fn new() -> Place {
        let folder = tempfile::tempdir().unwrap();
        let global = Global {
            file: None,
            state: None,
            format: FormatName::Human,
            color: Color::Never,
            quiet: true,
            verbose: 0,
        };
        let state = State::open_dir(&folder.path().join("state"), Out::new(&global)).await.unwrap();
        Place { folder, state, commit: None }
    }

    async fn images(&self, system: &System, version: &str, named: &[&str], effort: Effort) -> Found {
        let named: Vec<ImageArg> = named.iter().map(|it| it.parse().unwrap()).collect();
        let version = version.parse().unwrap();
        let wanted = Wanted {
            system,
            version: &version,
            asked: Some(&version),
            commit: self.commit.as_ref(),
            folder: self.folder.path(),
            named: &named,
            effort,
        };
        let found = resolve_images(&self.state, &wanted).await;
        found.map(|it| it.into_iter().map(|(name, image)| (name.to_string(), image)).collect())
    }

    /// Writes down a release of `web` as if it had gone well.
    async fn released(&self, system: &System, version: &str, image: &str) {
        let scope = Scope { system: system.name.clone(), environment: system.environment.clone() };
        let container = Container {
            image: image.to_owned(),
            entrypoint: vec![],
            user: None,
            templates: BTreeMap::new(),
            networks: vec![],
            limits: Limits::default(),
            mounts: vec![],
            writable: false,
            init: false,
        };
        let forms = BTreeMap::from([(name("web"), Form::Container(Box::new(container)))]);
        let new = Snapshot::new(version.parse().unwrap(), system.clone());
        let snapshot = Snapshot { forms, commit: self.commit.clone(), ..new };
        let new = NewRelease { scope, kind: ReleaseKind::Deploy, snapshot, by: "tester".to_owned() };
        let store = &self.state.store;
        let id = store.request(&new, Timestamp(1)).await.unwrap();
        store.end(id, &Ending::Engine(End::Done { leftovers: vec![] }), Timestamp(2)).await.unwrap();
    }
}

type Found = anyhow::Result<BTreeMap<String, String>>;

fn name(text: &str) -> ServiceName {
    text.parse().unwrap()
}

/// `web` is built, `worker` runs the same, `cache` is somebody else's.
fn system(registry: &Registry, production: &Registry, environment: &str) -> System {
    let (registry, production) = (&registry.address, &production.address);
    let text = format!(
        "lockgate: v1
system: shop
services:
  web: {{port: 8080, build: {{image: \"{registry}/shop/web\"}}}}
  worker: {{extends: web, port: 8082, command: [work]}}
  cache: {{port: 8090, image: \"{registry}/other/cache:7\"}}
environments:
  staging: {{target: docker}}
  production:
    target: docker
    promote: staging
    services: {{web: {{build: {{image: \"{production}/live/web\"}}}}}}
"
    );
    let (spec, _) = lockgate_spec::Spec::parse("lockgate.yaml", &text);
    let (system, report) = spec.resolve(&environment.parse().unwrap(), &lockgate_spec::Facts::default());
    system.unwrap_or_else(|| panic!("{report:?}"))
}

#[tokio::test]
async fn a_version_is_looked_up_once_and_everything_is_known_by_its_digest() {
    let Some(registry) = Registry::start(WHAT) else { return };
    let place = Place::new().await;
    let system = system(&registry, &registry, "staging");
    let (web, cache) = (push(&registry, "shop/web:1.0"), push(&registry, "other/cache:7"));
    let found = place.images(&system, "1.0", &[], Effort::Look).await.unwrap();
    let all = [("cache", &cache), ("web", &web), ("worker", &web)];
    assert_eq!(found, all.map(|(name, image)| (name.to_owned(), image.clone())).into());

    let other = push(&registry, "shop/web:1.1");
    let named = format!("web={}/shop/web:1.1", registry.address);
    let found = place.images(&system, "1.0", &[&named], Effort::Look).await.unwrap();
    assert_eq!((&found["web"], &found["worker"]), (&other, &other));

    let name = format!("{}/other/cache:7", registry.address);
    let pin = serde_json::json!({"tag": "7", "digest": PIN, "date": "2026-01-01"});
    let pins = serde_json::json!({"images": {name: pin}, "actions": {}});
    std::fs::write(place.folder.path().join("lockgate.lock"), pins.to_string()).unwrap();
    let found = place.images(&system, "1.0", &[], Effort::Look).await.unwrap();
    assert_eq!(found["cache"], format!("{}/other/cache@{PIN}", registry.address));
}

#[tokio::test]
async fn a_promotion_takes_the_images_that_were_released_before_and_keeps_their_digests() {
    let (Some(staging), Some(production)) = (Registry::start(WHAT), Registry::start(WHAT)) else { return };
    let place = Place::new().await;
    let [before, here] = ["staging", "production"].map(|it| system(&staging, &production, it));
    push(&staging, "other/cache:7");
    let [first, second] = ["1.0", "1.1"].map(|it| push(&staging, &format!("shop/web:{it}")));
    place.released(&before, "1.0", &first).await;
    place.released(&before, "1.1", &second).await;
    let there = |image: &str| {
        let digest = image.split_once('@').unwrap().1;
        format!("{}/live/web@{digest}", production.address)
    };
    let is_there = |image: String| {
        let reference: Reference = image.parse().unwrap();
        tokio::task::spawn_blocking(move || Client::new(Config::default()).resolve(&reference).is_ok())
    };
    let found = place.images(&here, "1.0", &[], Effort::Look).await.unwrap();
    assert_eq!((&found["web"], &found["worker"]), (&there(&first), &there(&first)));
    assert!(!is_there(there(&first)).await.unwrap(), "looking copies nothing");

    let found = place.images(&here, "1.0", &[], Effort::Copy).await.unwrap();
    assert_eq!(found["web"], there(&first));
    assert!(is_there(there(&first)).await.unwrap());
    assert!(is_there(format!("{}/live/web:1.0", production.address)).await.unwrap());

    let error = place.images(&here, "2026", &[], Effort::Look).await.unwrap_err().to_string();
    assert!(error.contains("no release of 2026 has succeeded; the newest there is 1.1 (r2)"), "{error}");
}

#[tokio::test]
async fn a_promotion_knows_the_commit_whatever_its_versions_are_called() {
    let Some(registry) = Registry::start(WHAT) else { return };
    let mut place = Place::new().await;
    let commit = |sha: &str| Some(Commit { sha: sha.repeat(20), branch: Some("main".to_owned()), tag: None });
    let [before, here] = ["staging", "production"].map(|it| system(&registry, &registry, it));
    push(&registry, "other/cache:7");
    let [first, second] = ["staging-1", "staging-2"].map(|it| push(&registry, &format!("shop/web:{it}")));
    place.commit = commit("a1");
    place.released(&before, "staging-1", &first).await;
    place.commit = commit("b2");
    place.released(&before, "staging-2", &second).await;
    let digest = |image: &str| image.split_once('@').unwrap().1.to_owned();
    place.commit = commit("a1");
    let found = place.images(&here, "v1.0.0", &[], Effort::Look).await.unwrap();
    assert_eq!(digest(&found["web"]), digest(&first));
    place.commit = commit("c3");
    let error = place.images(&here, "v1.0.1", &[], Effort::Look).await.unwrap_err().to_string();
    assert!(error.contains("no release of v1.0.1 or of commit c3c3c3c has succeeded"), "{error}");
}

#[tokio::test]
async fn an_image_that_only_the_engine_has_is_known_by_its_number_there() {
    let Some(registry) = Registry::start(WHAT) else { return };
    let place = Place::new().await;
    let mut system = system(&registry, &registry, "staging");
    system.services.retain(|it, _| it.as_str() == "web");
    let Some(Image::Built(build)) = &mut system.services.get_mut(&name("web")).unwrap().image else {
        panic!("it is built")
    };
    build.image = None;
    let error = place.images(&system, "1.0", &[], Effort::Look).await.unwrap_err();
    assert!(error.to_string().contains("`build.image` names no repository to push it to"), "{error}");
    let image = recorded::BuiltImage {
        repository: "shop/web".to_owned(),
        version: "1.0".parse().unwrap(),
        digest: None,
        id: PIN.to_owned(),
        inputs: lockgate_model::Digest::of(b"inputs"),
        at: Timestamp(1),
    };
    Recorded::add(&place.state.dir, &image).unwrap();
    let found = place.images(&system, "1.0", &[], Effort::Look).await.unwrap();
    assert_eq!(found["web"], PIN);
}

//! What a tag or digest means: the manifest of an image, or an index of one for each platform.

use std::collections::BTreeMap;

use lockgate_model::Digest;
use serde::Deserialize;
use ureq::http::{Method, Response};

use crate::auth::Wish;
use crate::client::{Access, Ask, Client, Content, problem, unreachable};
use crate::error::RegistryError;
use crate::reference::{Reference, Repository};

/// Indexes first: one digest for all platforms.
const MANIFESTS: &str = "application/vnd.oci.image.index.v1+json, \
                         application/vnd.docker.distribution.manifest.list.v2+json, \
                         application/vnd.oci.image.manifest.v1+json, \
                         application/vnd.docker.distribution.manifest.v2+json";
/// What registries take at least, by the specification, and at most in practice.
const MANIFEST_MAX: u64 = 4 << 20;
/// Enough to see that a version is called otherwise.
const TAGS_SHOWN: usize = 5;

/// The bytes as they are, since their digest is the image's.
pub(crate) struct Manifest {
    pub(crate) bytes: Vec<u8>,
    pub(crate) media_type: String,
    pub(crate) digest: Digest,
    pub(crate) content: Document,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document {
    #[serde(default)]
    media_type: Option<String>,
    /// Of an index.
    #[serde(default)]
    pub(crate) manifests: Vec<Descriptor>,
    pub(crate) config: Option<Descriptor>,
    #[serde(default)]
    pub(crate) layers: Vec<Descriptor>,
}

#[derive(Deserialize)]
pub(crate) struct Descriptor {
    pub(crate) digest: Digest,
    pub(crate) size: u64,
    platform: Option<Platform>,
    /// Where bytes are that no registry may keep.
    #[serde(default)]
    pub(crate) urls: Vec<String>,
}

#[derive(Deserialize)]
struct Platform {
    os: String,
    architecture: String,
    variant: Option<String>,
}

impl Platform {
    /// `linux/arm64`; what is attached to images says `unknown`.
    fn name(&self) -> Option<String> {
        let variant = self
            .variant
            .as_deref()
            .filter(|it| !it.is_empty() && (self.architecture.as_str(), *it) != ("arm64", "v8"));
        let variant = variant.map(|it| format!("/{it}")).unwrap_or_default();
        (self.os != "unknown").then(|| format!("{}/{}{variant}", self.os, self.architecture))
    }
}

impl Client {
    /// The digest of what a reference names, which the registry has.
    pub fn resolve(&self, reference: &Reference) -> Result<Digest, RegistryError> {
        let mut answer = self.ask_manifest(Method::HEAD, reference, Access::Pull)?;
        match answer.status().as_u16() {
            200 => (),
            404 => return Err(self.missing(reference)),
            status => return Err(unexpected(self.manifest_url(reference), status, &mut answer)),
        }
        let said = answer.headers().get("docker-content-digest").and_then(|it| it.to_str().ok());
        match (said.map(|it| Digest::try_from(it.to_owned())), reference.digest) {
            (Some(Ok(digest)), None) => Ok(digest),
            (Some(Ok(digest)), Some(wanted)) if digest == wanted => Ok(digest),
            // Registries may leave it out, and then the bytes say it.
            (Some(_) | None, _) => Ok(self.manifest(reference)?.digest),
        }
    }

    /// Whether the registry has what a reference names.
    pub fn exists(&self, reference: &Reference, access: Access) -> Result<bool, RegistryError> {
        let mut answer = self.ask_manifest(Method::HEAD, reference, access)?;
        match answer.status().as_u16() {
            200 => Ok(true),
            404 => Ok(false),
            status => Err(unexpected(self.manifest_url(reference), status, &mut answer)),
        }
    }

    /// What an image can run on, such as `linux/amd64`.
    pub fn platforms(&self, reference: &Reference) -> Result<Vec<String>, RegistryError> {
        let manifest = self.manifest(reference)?;
        let Some(config) = &manifest.content.config else {
            let named = manifest.content.manifests.iter().filter_map(|it| it.platform.as_ref()?.name());
            return Ok(named.collect());
        };
        let config = self.config(&reference.repository, config)?;
        let platform: Option<Platform> = serde_json::from_value(config).ok();
        Ok(platform.and_then(|it| it.name()).into_iter().collect())
    }

    /// What its maker wrote on an image; of several platforms, on the first.
    pub fn labels(&self, reference: &Reference) -> Result<BTreeMap<String, String>, RegistryError> {
        let mut manifest = self.manifest(reference)?;
        let first = manifest
            .content
            .manifests
            .iter()
            .find(|it| it.platform.as_ref().is_some_and(|it| it.name().is_some()));
        if let Some(first) = first {
            manifest = self.manifest(&reference.repository.at(first.digest))?;
        }
        let Some(config) = &manifest.content.config else { return Ok(BTreeMap::new()) };
        let labels = self.config(&reference.repository, config)?["config"]["Labels"].take();
        Ok(serde_json::from_value(labels).unwrap_or_default())
    }

    /// What an image says of itself; nothing when it is not as images are.
    fn config(
        &self,
        repository: &Repository,
        config: &Descriptor,
    ) -> Result<serde_json::Value, RegistryError> {
        let mut answer = self.blob(repository, config.digest)?;
        let bytes = answer.body_mut().with_config().limit(MANIFEST_MAX).read_to_vec();
        let bytes = bytes.map_err(|it| unreachable(&repository.host, &it))?;
        Ok(serde_json::from_slice(&bytes).unwrap_or_default())
    }

    /// Refuses an image that cannot run on a platform. `linux/arm` is any of its variants.
    pub fn require_platform(&self, reference: &Reference, wanted: &str) -> Result<(), RegistryError> {
        let has = self.platforms(reference)?;
        let wanted = wanted.strip_suffix("arm64/v8").map_or(wanted.to_owned(), |it| format!("{it}arm64"));
        // What does not say what it is for is for all that its maker thinks of.
        if has.is_empty() || has.iter().any(|it| *it == wanted || it.starts_with(&format!("{wanted}/"))) {
            return Ok(());
        }
        Err(RegistryError::WrongPlatform { reference: Box::new(reference.clone()), wanted, has })
    }

    pub(crate) fn manifest(&self, reference: &Reference) -> Result<Manifest, RegistryError> {
        let host = &reference.repository.host;
        let nonsense = |problem: &str| RegistryError::Nonsense {
            host: host.clone(),
            problem: format!("says of {reference} {problem}"),
        };
        let mut answer = self.ask_manifest(Method::GET, reference, Access::Pull)?;
        match answer.status().as_u16() {
            200 => (),
            404 => return Err(self.missing(reference)),
            status => return Err(unexpected(self.manifest_url(reference), status, &mut answer)),
        }
        let said = answer.headers().get("content-type").and_then(|it| it.to_str().ok()).map(str::to_owned);
        let bytes = answer.body_mut().with_config().limit(MANIFEST_MAX).read_to_vec();
        let bytes = bytes.map_err(|it| unreachable(host, &it))?;
        let digest = Digest::of(&bytes);
        if reference.digest.is_some_and(|it| it != digest) {
            return Err(nonsense("what is not of that digest"));
        }
        let content: Document =
            serde_json::from_slice(&bytes).map_err(|_| nonsense("what is no manifest of an image"))?;
        let media_type =
            content.media_type.clone().or(said).ok_or_else(|| nonsense("nothing of its type"))?;
        Ok(Manifest { bytes, media_type, digest, content })
    }

    pub(crate) fn blob(
        &self,
        repository: &Repository,
        digest: Digest,
    ) -> Result<Response<ureq::Body>, RegistryError> {
        let url = self.url(repository, &format!("blobs/{digest}"));
        let wish = Wish { repository, access: Access::Pull, mounted: None };
        let ask = Ask { method: Method::GET, url: url.clone(), wish, accept: "", content: Content::None };
        let mut answer = self.send(ask)?;
        match answer.status().as_u16() {
            200 => Ok(answer),
            status => Err(unexpected(url, status, &mut answer)),
        }
    }

    pub(crate) fn manifest_url(&self, reference: &Reference) -> String {
        self.url(&reference.repository, &format!("manifests/{}", reference.version()))
    }

    fn ask_manifest(
        &self,
        method: Method,
        reference: &Reference,
        access: Access,
    ) -> Result<Response<ureq::Body>, RegistryError> {
        let wish = Wish { repository: &reference.repository, access, mounted: None };
        let url = self.manifest_url(reference);
        self.send(Ask { method, url, wish, accept: MANIFESTS, content: Content::None })
    }

    /// Why a registry does not have what is asked for: registries say of both that they do not know it.
    fn missing(&self, reference: &Reference) -> RegistryError {
        let repository = &reference.repository;
        let wish = Wish { repository, access: Access::Pull, mounted: None };
        let url = self.url(repository, "tags/list");
        let ask = Ask { method: Method::GET, url, wish, accept: "", content: Content::None };
        let none = || RegistryError::NoTag { reference: Box::new(reference.clone()), tags: vec![] };
        let Ok(mut answer) = self.send(ask) else { return none() };
        if answer.status().as_u16() != 200 {
            let codes = problem(&mut answer).codes;
            let is_unknown = codes.iter().any(|it| it == "NAME_UNKNOWN");
            return if is_unknown { RegistryError::NoRepository(repository.clone()) } else { none() };
        }
        let text = answer.body_mut().with_config().limit(MANIFEST_MAX).read_to_string();
        let value: serde_json::Value = serde_json::from_str(&text.unwrap_or_default()).unwrap_or_default();
        let tags = value["tags"].as_array().map(Vec::as_slice).unwrap_or_default();
        let mut tags: Vec<String> = tags.iter().filter_map(|it| it.as_str()).map(str::to_owned).collect();
        let hidden = tags.len().saturating_sub(TAGS_SHOWN);
        // The last ones are the newest where versions sort as they follow each other.
        tags.drain(..hidden);
        if 0 < hidden {
            tags.push(format!("and {hidden} more"));
        }
        RegistryError::NoTag { reference: Box::new(reference.clone()), tags }
    }
}

pub(crate) fn unexpected(url: String, status: u16, answer: &mut Response<ureq::Body>) -> RegistryError {
    RegistryError::Answer { url, status, message: problem(answer).message }
}

//! One image at another place: the same bytes, so the same digest.

use std::io::Read;

use lockgate_model::Digest;
use ureq::http::{Method, Response};

use crate::auth::Wish;
use crate::client::{Access, Ask, Client, Content, problem};
use crate::error::RegistryError;
use crate::manifest::{Descriptor, Manifest};
use crate::reference::{Reference, Repository};

/// An index of indexes is already rare.
const DEPTH_MAX: u8 = 4;
/// Uploads that break off are begun anew this often in all.
const ATTEMPTS: u8 = 3;
/// Linux's number for a device without space, as registries pass it on.
const NO_SPACE: &str = "\"Err\":28";

impl Client {
    /// Copies an image, all platforms of it; what is already there is left out. With a tag, it is called so there.
    pub fn copy(
        &self,
        from: &Reference,
        to: &Repository,
        tag: Option<&str>,
    ) -> Result<Digest, RegistryError> {
        let digest = self.resolve(from)?;
        self.copy_manifest(&from.repository.at(digest), to, DEPTH_MAX)?;
        if let Some(tag) = tag {
            let manifest = self.manifest(&to.at(digest))?;
            self.put_manifest(&manifest, &to.tagged(tag))?;
        }
        Ok(digest)
    }

    /// A registry takes a manifest only when it has all that it names, so one that is there is whole.
    fn copy_manifest(&self, from: &Reference, to: &Repository, depth: u8) -> Result<(), RegistryError> {
        let digest = from.digest.expect("copies are by digest");
        if self.exists(&to.at(digest), Access::Push)? {
            return Ok(());
        }
        let manifest = self.manifest(from)?;
        if depth == 0 {
            let problem = format!("says of {from} an index of indexes, more than {DEPTH_MAX} deep");
            return Err(RegistryError::Nonsense { host: from.repository.host.clone(), problem });
        }
        for inner in &manifest.content.manifests {
            self.copy_manifest(&from.repository.at(inner.digest), to, depth - 1)?;
        }
        for blob in manifest.content.config.iter().chain(&manifest.content.layers) {
            if blob.urls.is_empty() {
                self.copy_blob(&from.repository, to, blob)?;
            }
        }
        self.put_manifest(&manifest, &to.at(digest))
    }

    fn put_manifest(&self, manifest: &Manifest, to: &Reference) -> Result<(), RegistryError> {
        let url = self.manifest_url(to);
        let content = Content::Bytes { media_type: &manifest.media_type, bytes: &manifest.bytes };
        let wish = push(&to.repository, None);
        let ask = Ask { method: Method::PUT, url: url.clone(), wish, accept: "", content };
        let mut answer = self.send(ask)?;
        match answer.status().as_u16() {
            200..=202 => Ok(()),
            _ => Err(not_taken(&to.repository, url, &mut answer)),
        }
    }

    fn copy_blob(&self, from: &Repository, to: &Repository, blob: &Descriptor) -> Result<(), RegistryError> {
        let mut attempt = 1;
        loop {
            match self.copy_blob_once(from, to, blob) {
                Err(error) if error.is_transient() && attempt < ATTEMPTS => attempt += 1,
                ended => return ended,
            }
        }
    }

    fn copy_blob_once(
        &self,
        from: &Repository,
        to: &Repository,
        blob: &Descriptor,
    ) -> Result<(), RegistryError> {
        if self.has_blob(to, blob.digest)? {
            return Ok(());
        }
        let Some(place) = self.begin_upload(from, to, blob.digest)? else { return Ok(()) };
        let mut source = self.blob(from, blob.digest)?;
        let reader = source.body_mut().with_config().limit(u64::MAX).reader();
        let mut reader = Source { reader, failed: None };
        let content = Content::Stream { reader: &mut reader, length: blob.size };
        let ask = Ask { method: Method::PUT, url: place.clone(), wish: push(to, None), accept: "", content };
        let sent = self.send(ask);
        if let Some(why) = reader.failed {
            return Err(RegistryError::Unreachable { host: from.host.clone(), why });
        }
        let mut answer = sent?;
        match answer.status().as_u16() {
            201 | 204 => Ok(()),
            _ => Err(not_taken(to, place, &mut answer)),
        }
    }

    fn has_blob(&self, repository: &Repository, digest: Digest) -> Result<bool, RegistryError> {
        let url = self.url(repository, &format!("blobs/{digest}"));
        let wish = push(repository, None);
        let ask = Ask { method: Method::HEAD, url: url.clone(), wish, accept: "", content: Content::None };
        let mut answer = self.send(ask)?;
        match answer.status().as_u16() {
            200 => Ok(true),
            404 => Ok(false),
            _ => Err(not_taken(repository, url, &mut answer)),
        }
    }

    /// Where to send the bytes; nowhere if the registry took them from its other repository.
    fn begin_upload(
        &self,
        from: &Repository,
        to: &Repository,
        digest: Digest,
    ) -> Result<Option<String>, RegistryError> {
        let mounted = (from.host == to.host).then_some(from);
        let query = mounted.map(|it| format!("?mount={digest}&from={}", it.path)).unwrap_or_default();
        let url = self.url(to, &format!("blobs/uploads/{query}"));
        let wish = push(to, mounted);
        let ask = Ask { method: Method::POST, url: url.clone(), wish, accept: "", content: Content::None };
        let mut answer = self.send(ask)?;
        match answer.status().as_u16() {
            201 => return Ok(None),
            202 => (),
            _ => return Err(not_taken(to, url, &mut answer)),
        }
        let place = answer.headers().get("location").and_then(|it| it.to_str().ok());
        let place = place.ok_or_else(|| RegistryError::Nonsense {
            host: to.host.clone(),
            problem: "does not say where to send a layer".to_owned(),
        })?;
        let joint = if place.contains('?') { '&' } else { '?' };
        let origin = if place.starts_with('/') { self.origin(to) } else { String::new() };
        Ok(Some(format!("{origin}{place}{joint}digest={digest}")))
    }
}

/// Remembers that it was the source that broke off.
struct Source<R> {
    reader: R,
    failed: Option<String>,
}

impl<R: Read> Read for Source<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.reader.read(buffer);
        if let Err(error) = &read {
            self.failed = Some(error.to_string());
        }
        read
    }
}

fn push<'a>(repository: &'a Repository, mounted: Option<&'a Repository>) -> Wish<'a> {
    Wish { repository, access: Access::Push, mounted }
}

/// Why a registry does not take an image.
fn not_taken(to: &Repository, url: String, answer: &mut Response<ureq::Body>) -> RegistryError {
    let status = answer.status().as_u16();
    let problem = problem(answer);
    let (host, path, message) = (to.host.clone(), to.path.clone(), problem.message);
    let says = |it: &str| problem.codes.iter().any(|code| code == it);
    let text = problem.text.to_ascii_lowercase();
    let is_full = ["no space", "quota", "storage limit"].iter().any(|it| text.contains(it))
        || problem.text.contains(NO_SPACE);
    match status {
        507 => RegistryError::Full { host, path, status, message },
        _ if is_full => RegistryError::Full { host, path, status, message },
        404 if says("NAME_UNKNOWN") => RegistryError::NoRepository(to.clone()),
        400 | 405 | 409 | 413 | 415 | 422 => RegistryError::Refused { host, path, status, message },
        _ => RegistryError::Answer { url, status, message },
    }
}

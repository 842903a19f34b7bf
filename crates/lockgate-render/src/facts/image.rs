//! Which image a service runs, and which service's build makes it.

use std::collections::BTreeMap;

use lockgate_model::{Build, Digest, Image, ServiceName, System};

pub(crate) struct ImageFact<'a> {
    /// Without tag and digest.
    pub(crate) repository: String,
    /// What somebody else's image is pinned by: `:1.29`, `@sha256:...`; empty for an image that is built.
    pub(crate) pinned: &'a str,
    /// Of the release, where it is known.
    pub(crate) digest: Option<Digest>,
    /// The service whose build makes it, and how.
    pub(crate) build: Option<(&'a ServiceName, &'a Build)>,
}

impl ImageFact<'_> {
    /// Name of the image, with its digest as far as it is known. One that is not known yet is all zeros: it is valid
    /// and can never be pulled, so an artifact that nobody filled in fails instead of running something else.
    pub(crate) fn reference(&self) -> String {
        match (&self.digest, self.pinned, self.build) {
            (Some(digest), _, _) => format!("{}@{digest}", self.repository),
            (None, "", Some(_)) => format!("{}@{}", self.repository, Digest::from_bytes([0; 32])),
            (None, pinned, _) => format!("{}{pinned}", self.repository),
        }
    }

    /// Is it built by a Dockerfile of ours? Such an image writes to `/tmp` and its volumes only.
    pub(crate) fn is_of_preset(&self) -> bool {
        self.build.is_some_and(|it| it.1.preset.is_some() && it.1.dockerfile.is_none())
    }
}

pub(super) fn of<'a>(
    system: &'a System,
    name: &'a ServiceName,
    images: &BTreeMap<ServiceName, Digest>,
) -> Option<ImageFact<'a>> {
    match system.services.get(name)?.image.as_ref()? {
        Image::SameAs(other) => of(system, other, images),
        Image::Named(text) => {
            let (repository, pinned) = split(text);
            Some(ImageFact {
                repository: repository.to_owned(),
                pinned,
                digest: images.get(name).copied(),
                build: None,
            })
        }
        Image::Built(build) => {
            let repository = build.image.clone().unwrap_or_else(|| format!("{}/{name}", system.name));
            Some(ImageFact {
                repository,
                pinned: "",
                digest: images.get(name).copied(),
                build: Some((name, build)),
            })
        }
    }
}

/// `host:5000/a/b:1.2` as `host:5000/a/b` and `:1.2`.
fn split(text: &str) -> (&str, &str) {
    if let Some(at) = text.find('@') {
        return text.split_at(at);
    }
    let path = text.rfind('/').map_or(0, |it| it + 1);
    match text[path..].find(':') {
        Some(at) => text.split_at(path + at),
        None => (text, ""),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_of_a_registry_is_no_tag() {
        assert_eq!(split("host:5000/a/b:1.2"), ("host:5000/a/b", ":1.2"));
        assert_eq!(split("host:5000/a/b"), ("host:5000/a/b", ""));
        assert_eq!(split("a@sha256:00"), ("a", "@sha256:00"));
    }
}

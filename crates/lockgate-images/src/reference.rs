//! Names of images, taken apart as Docker does it: `host:port/path/name:tag@digest`.

use std::fmt;
use std::str::FromStr;

use lockgate_model::Digest;

/// What people call Docker's own registry.
pub(crate) const DOCKER: &str = "docker.io";

/// A place of a registry where versions of one image are.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Repository {
    /// With its port: `ghcr.io`, `localhost:5000`.
    pub host: String,
    /// As the registry knows it: `library/redis`.
    pub path: String,
    /// As it was written: `redis`.
    name: String,
}

/// An image, by its tag, its digest or both. The digest counts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    pub repository: Repository,
    pub tag: Option<String>,
    pub digest: Option<Digest>,
}

#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no name of an image: {problem}")]
pub struct BadReference {
    text: String,
    problem: &'static str,
}

impl Repository {
    /// `repository@sha256:...`.
    pub fn at(&self, digest: Digest) -> Reference {
        Reference { repository: self.clone(), tag: None, digest: Some(digest) }
    }

    pub fn tagged(&self, tag: &str) -> Reference {
        Reference { repository: self.clone(), tag: Some(tag.to_owned()), digest: None }
    }
}

impl Reference {
    /// What follows the repository in a registry's addresses.
    pub(crate) fn version(&self) -> String {
        match (&self.digest, &self.tag) {
            (Some(digest), _) => digest.to_string(),
            (None, Some(tag)) => tag.clone(),
            (None, None) => "latest".to_owned(),
        }
    }
}

impl FromStr for Repository {
    type Err = BadReference;

    fn from_str(text: &str) -> Result<Repository, BadReference> {
        let reference: Reference = text.parse()?;
        if reference.tag.is_some() || reference.digest.is_some() {
            return Err(bad(text, "a tag or digest does not belong to a repository"));
        }
        Ok(reference.repository)
    }
}

impl FromStr for Reference {
    type Err = BadReference;

    fn from_str(text: &str) -> Result<Reference, BadReference> {
        let (rest, digest) = match text.split_once('@') {
            None => (text, None),
            Some((rest, digest)) => {
                let digest = Digest::try_from(digest.to_owned());
                (rest, Some(digest.map_err(|problem| bad(text, problem))?))
            }
        };
        let last = rest.rfind('/').map_or(0, |it| it + 1);
        let (name, tag) = match rest[last..].find(':') {
            Some(at) => (&rest[..last + at], Some(&rest[last + at + 1..])),
            None => (rest, None),
        };
        if tag.is_some_and(|it| !is_tag(it)) {
            return Err(bad(text, "a tag is letters, digits, `_`, `.` and `-`, 128 of them at most"));
        }
        let repository = repository(name).ok_or_else(|| {
            bad(text, "its path is lowercase letters and digits, with `.`, `_`, `-` and `/` between them")
        })?;
        Ok(Reference { repository, tag: tag.map(str::to_owned), digest })
    }
}

fn bad(text: &str, problem: &'static str) -> BadReference {
    BadReference { text: text.to_owned(), problem }
}

/// The first part is a host when it looks like one.
fn repository(name: &str) -> Option<Repository> {
    let (host, path) = match name.split_once('/') {
        Some((host, path)) if host.contains(['.', ':']) || host == "localhost" => (host, path),
        Some(_) | None => (DOCKER, name),
    };
    let host = if matches!(host, "index.docker.io" | "registry-1.docker.io") { DOCKER } else { host };
    let is_official = host == DOCKER && !path.contains('/');
    let path = if is_official { format!("library/{path}") } else { path.to_owned() };
    let good = is_host(host) && path.split('/').all(is_component);
    good.then(|| Repository { host: host.to_owned(), path, name: name.to_owned() })
}

fn is_host(host: &str) -> bool {
    let (name, port) = match host.rsplit_once(':') {
        Some((name, port)) if !host.ends_with(']') => (name, Some(port)),
        Some(_) | None => (host, None),
    };
    let is_name =
        !name.is_empty() && name.bytes().all(|it| it.is_ascii_alphanumeric() || b".-_[]:".contains(&it));
    is_name && port.is_none_or(|it| it.parse::<u16>().is_ok())
}

fn is_component(part: &str) -> bool {
    let is_inner = |it: u8| it.is_ascii_lowercase() || it.is_ascii_digit();
    let bytes = part.as_bytes();
    let ends = bytes.first().is_some_and(|it| is_inner(*it)) && bytes.last().is_some_and(|it| is_inner(*it));
    ends && bytes.iter().all(|it| is_inner(*it) || b"._-".contains(it))
}

fn is_tag(text: &str) -> bool {
    let first = text.starts_with(|it: char| it.is_ascii_alphanumeric() || it == '_');
    first && text.len() <= 128 && text.bytes().all(|it| it.is_ascii_alphanumeric() || b"_.-".contains(&it))
}

impl fmt::Display for Repository {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.repository)?;
        if let Some(tag) = &self.tag {
            write!(f, ":{tag}")?;
        }
        self.digest.map_or(Ok(()), |it| write!(f, "@{it}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DIGEST: &str = "sha256:6f4c2d1e0b9a88776655443322110ffeeddccbbaa99887766554433221100ffe";

    #[test]
    fn names_are_taken_apart_as_docker_does_it() {
        let known = [
            ("postgres:17", "docker.io", "library/postgres", Some("17")),
            ("docker.io/redis", "docker.io", "library/redis", None),
            ("apache/kafka", "docker.io", "apache/kafka", None),
            ("quay.io/a/b:v1", "quay.io", "a/b", Some("v1")),
            ("127.0.0.1:5000/b:1", "127.0.0.1:5000", "b", Some("1")),
            ("localhost/b", "localhost", "b", None),
        ];
        for (text, host, path, tag) in known {
            let reference: Reference = text.parse().unwrap();
            let Repository { host: found, path: at, .. } = &reference.repository;
            assert_eq!((found.as_str(), at.as_str(), reference.tag.as_deref()), (host, path, tag), "{text}");
            assert_eq!(reference.to_string(), text);
        }
        let both: Reference = format!("localhost:5000/a:1@{DIGEST}").parse().unwrap();
        assert_eq!((both.version().as_str(), both.tag.as_deref()), (DIGEST, Some("1")));
    }

    #[test]
    fn what_no_registry_takes_is_refused() {
        for bad in ["", "Web", "a b", "https://a/b", "web:", "web:a/b", "a//b", "-web", "web@sha256:ab", "a/"]
        {
            assert!(bad.parse::<Reference>().is_err(), "{bad}");
        }
        assert!("web:1".parse::<Repository>().is_err());
    }
}

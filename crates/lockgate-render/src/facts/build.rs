//! What every build of an image is given, and which Dockerfile it follows.

use lockgate_model::{Build, ServiceName};

use super::path;

/// Build arguments of every image of a preset. Whoever builds passes them; they become labels of the image.
pub(crate) const VERSION: &str = "APP_VERSION";
/// The commit.
pub(crate) const REVISION: &str = "APP_REVISION";
/// Address of the repository.
pub(crate) const SOURCE: &str = "APP_SOURCE";

/// Relative to the spec's folder.
pub(crate) fn dockerfile(owner: &ServiceName, build: &Build) -> String {
    match own(build) {
        Some(file) => path::relative(".", &format!("{}/{file}", build.context)),
        None => format!("deploy/docker/{owner}/Dockerfile"),
    }
}

/// The user's own, relative to the context. A build without a preset has one, under the usual name unless told.
pub(crate) fn own(build: &Build) -> Option<&str> {
    match (&build.dockerfile, build.preset) {
        (Some(file), _) => Some(file),
        (None, Some(_)) => None,
        (None, None) => Some("Dockerfile"),
    }
}

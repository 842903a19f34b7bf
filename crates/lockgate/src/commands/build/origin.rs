//! Which commit and which repository an image is made of, as git says.

use std::path::Path;

use lockgate_model::Version;
use lockgate_render::Origin;

use crate::git;

/// What git does not know is empty: not every folder is a repository.
pub fn of(folder: &Path, version: &Version) -> Origin {
    let git = |args: &[&str]| git::ask(folder, args).unwrap_or_default();
    Origin {
        version: version.to_string(),
        revision: git(&["rev-parse", "--verify", "--quiet", "HEAD"]),
        source: without_credentials(&git(&["config", "--get", "remote.origin.url"])),
    }
}

/// Some have a token in the address of their repository, and an image is read by many.
fn without_credentials(url: &str) -> String {
    match url.split_once("://") {
        Some((scheme, rest)) => {
            let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
            let host = host.rsplit_once('@').map_or(host, |it| it.1);
            format!("{scheme}://{host}/{path}")
        }
        None => url.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_token_gets_into_an_image() {
        let check = |from, to| assert_eq!(without_credentials(from), to);
        check("https://me:secret@github.com/shop/web.git", "https://github.com/shop/web.git");
        check("https://github.com/shop/web", "https://github.com/shop/web");
        check("git@github.com:shop/web.git", "git@github.com:shop/web.git");
        check("", "");
    }
}

//! Which commit and which repository an image is made of, as git says.

use std::path::Path;
use std::process::{Command, Stdio};

use lockgate_model::Version;
use lockgate_render::Origin;

/// What git does not know is empty: not every folder is a repository.
pub fn of(folder: &Path, version: &Version) -> Origin {
    Origin {
        version: version.to_string(),
        revision: git(folder, &["rev-parse", "--verify", "--quiet", "HEAD"]),
        source: without_credentials(&git(folder, &["config", "--get", "remote.origin.url"])),
    }
}

fn git(folder: &Path, args: &[&str]) -> String {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(args).stdin(Stdio::null()).stderr(Stdio::null());
    let done = command.output().ok().filter(|it| it.status.success());
    done.map(|it| String::from_utf8_lossy(&it.stdout).trim().to_owned()).unwrap_or_default()
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

//! The images that Dockerfiles of presets begin from.

use lockgate_model::{Build, Preset};

use crate::facts::Environment;

/// Toolchain where `ci.tools` names none. It also builds the tools that an image needs beside the application.
const RUST: &str = "1.95";
/// The line with long-term support.
const NODE: &str = "24";
const PYTHON: &str = "3.13";
/// Of Debian, where `base` does not tell.
const SUITE: &str = "trixie";

/// What installs packages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Debian,
    Alpine,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Bases {
    pub(super) family: Family,
    /// What it is built in.
    pub(super) build: String,
    /// What it runs in.
    pub(super) runtime: String,
    /// What builds the tools of a Rust service's migrations.
    pub(super) tools: String,
}

pub(super) fn bases(environment: &Environment<'_>, preset: Preset, build: &Build) -> Bases {
    let tool = |name: &str, otherwise: &str| {
        let said = environment.system.ci.tools.get(name).and_then(|it| version(it));
        said.unwrap_or_else(|| otherwise.to_owned())
    };
    let base = build.base.clone();
    let usual = |name: String| base.clone().unwrap_or(name);
    let runtime = match preset {
        Preset::Rust => usual(format!("debian:{SUITE}-slim")),
        Preset::Node | Preset::Nextjs | Preset::Nestjs => {
            usual(format!("node:{}-{SUITE}-slim", tool("node", NODE)))
        }
        Preset::Python => usual(format!("python:{}-slim-{SUITE}", tool("python", PYTHON))),
    };
    let family = if runtime.contains("alpine") { Family::Alpine } else { Family::Debian };
    let rust = |version: &str| format!("rust:{version}-{}", suite(&runtime, family));
    let build = match preset {
        // What is linked there must be found here, so both are of one distribution.
        Preset::Rust => rust(&tool("rust", RUST)),
        Preset::Node | Preset::Nextjs | Preset::Nestjs | Preset::Python => runtime.clone(),
    };
    Bases { family, build, tools: rust(RUST), runtime }
}

fn suite(image: &str, family: Family) -> &'static str {
    match family {
        Family::Alpine => "alpine",
        Family::Debian => {
            let known = ["bullseye", "bookworm", "trixie", "forky"];
            known.into_iter().find(|it| image.contains(it)).unwrap_or(SUITE)
        }
    }
}

/// `22`, `22.x` and `v22.1` are versions; what moves, such as `stable` or `lts/*`, is none.
fn version(text: &str) -> Option<String> {
    let text = text.trim_start_matches('v').trim_end_matches(".x");
    let is_number = |it: &str| !it.is_empty() && it.bytes().all(|it| it.is_ascii_digit());
    text.split('.').all(is_number).then(|| text.to_owned())
}

/// Images that have neither a shell nor a package manager.
pub(super) fn is_bare(image: &str) -> bool {
    image == "scratch" || image.contains("distroless") || image.contains("/chiseled")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_versions_become_tags() {
        assert_eq!(version("22").as_deref(), Some("22"));
        assert_eq!(version("22.x").as_deref(), Some("22"));
        assert_eq!(version("v3.13.1").as_deref(), Some("3.13.1"));
        assert_eq!(version("lts/*"), None);
        assert_eq!(version("stable"), None);
    }

    #[test]
    fn the_toolchain_is_of_the_distribution_that_it_builds_for() {
        assert_eq!(suite("debian:bookworm-slim", Family::Debian), "bookworm");
        assert_eq!(suite("ubuntu:26.04", Family::Debian), SUITE);
    }
}

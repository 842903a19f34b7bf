//! Debian's packages as archives of root file systems, made by debootstrap once per machine.

use std::path::PathBuf;
use std::process::Command;

use crate::host::cached;
use crate::{output, program};

const SUITE: &str = "trixie";
const MIRROR: &str = "http://deb.debian.org/debian";

/// What an engine makes for each container itself, and what nobody reads there.
const UNUSED: [&str; 5] = [
    "./dev/*",
    "./usr/share/doc/*",
    "./usr/share/i18n/*",
    "./var/cache/apt/archives/*.deb",
    "./var/lib/apt/lists/*",
];

/// Debian without anything beyond what makes it Debian, and these packages without some of their files.
pub(crate) fn archive(name: &str, packages: &[&str], unused: &[&str]) -> PathBuf {
    cached(&format!("{SUITE}-{name}.tar"), |folder, archive| {
        let root = folder.join("root");
        let mut debootstrap = Command::new(program("debootstrap").expect("it is looked for at the start"));
        debootstrap.arg("--variant=minbase").arg(format!("--include={}", packages.join(",")));
        output(debootstrap.arg(SUITE).arg(&root).arg(MIRROR));
        let mut tar = Command::new("tar");
        tar.args(UNUSED.iter().chain(unused).map(|it| format!("--exclude={it}")));
        output(tar.arg("--create").arg("--file").arg(archive).arg("-C").arg(&root).arg("."));
    })
}

//! What git says of the folder that the spec is in. Not every folder is in a repository, and not every machine has git.

use std::path::Path;
use std::process::{Command, Stdio};

use lockgate_model::Commit;

/// The commit that is checked out. Of its tags, the highest version that fits the pattern; any tag without one.
pub fn commit(folder: &Path, tag: Option<&str>) -> Option<Commit> {
    let sha = ask(folder, &["rev-parse", "--verify", "--quiet", "HEAD"])?;
    let pattern = tag.unwrap_or("*");
    let tags = ask(folder, &["tag", "--points-at", "HEAD", "--sort=-version:refname", "--list", pattern]);
    Some(Commit {
        sha,
        branch: ask(folder, &["symbolic-ref", "--quiet", "--short", "HEAD"]),
        tag: tags.and_then(|it| Some(it.lines().next()?.to_owned())),
    })
}

/// Whether files that git knows are not as the commit has them.
pub fn is_changed(folder: &Path) -> bool {
    ask(folder, &["status", "--porcelain", "--untracked-files=no", "--", "."]).is_some()
}

/// What git answers; `None` when that is nothing, or when it fails.
pub fn ask(folder: &Path, args: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command.arg("-C").arg(folder).args(args).stdin(Stdio::null()).stderr(Stdio::null());
    let done = command.output().ok().filter(|it| it.status.success())?;
    let said = String::from_utf8_lossy(&done.stdout).trim().to_owned();
    Some(said).filter(|it| !it.is_empty())
}

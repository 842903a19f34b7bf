//! What a release is called, and which commit it is made of.

use anyhow::{Context as _, bail};
use lockgate_model::{Commit, EnvironmentName, Policy, Version};
use lockgate_spec::Facts;

use crate::context::Context;
use crate::git;

/// By the command line, or else as the environment's `version` says, or else by the time.
pub fn name(
    context: &Context,
    environment: &EnvironmentName,
    asked: Option<&Version>,
) -> anyhow::Result<(Version, Option<Commit>)> {
    let policy = context.system_without_warnings(environment, &Facts::default())?.policy;
    let commit = git::commit(context.folder(), policy.tag.as_deref());
    let (None, Some(written)) = (asked, &policy.version) else {
        return Ok((asked.cloned().unwrap_or_else(version_by_time), commit));
    };
    let facts = Facts { commit: commit.clone(), ..Facts::default() };
    let named = context.system_without_warnings(environment, &facts)?.policy.version;
    let named = named.as_deref().unwrap_or(written);
    if named.contains("${") {
        bail!("{}", not_named(environment, &policy, commit.as_ref()));
    }
    if named != written && git::is_changed(context.folder()) {
        context
            .out
            .note(&format!("note: what is not committed goes out too, and `{named}` names the commit"));
    }
    let version = named.parse().with_context(|| {
        format!("`environments.{environment}.version` makes a name that no version can have; say --version")
    })?;
    Ok((version, commit))
}

fn not_named(environment: &EnvironmentName, policy: &Policy, commit: Option<&Commit>) -> String {
    let written = policy.version.as_deref().unwrap_or_default();
    let intro = format!("`{environment}` calls its versions `{written}`");
    match (commit, &policy.tag) {
        (None, _) => format!("{intro}, and the spec is in no git repository with a commit; say --version"),
        (Some(commit), tag) if commit.tag.is_none() && written.contains("git.tag") => {
            let fitting = tag.as_ref().map(|it| format!(" like `{it}`")).unwrap_or_default();
            let short = commit.short();
            format!("{intro}, and commit {short} has no tag{fitting}; `git tag v1.2.3` gives it one")
        }
        (Some(commit), _) => {
            format!(
                "{intro}, which commit {} does not tell: check out a branch, or say --version",
                commit.short()
            )
        }
    }
}

/// A version for a release that was given none: the time, which sorts and says what one asks first.
fn version_by_time() -> Version {
    let now = jiff::Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string();
    Version::new(now).expect("digits and a dash")
}

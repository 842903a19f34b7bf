//! Commits of actions, from GitHub's API: the newest version of the same major number.

use anyhow::{Context as _, bail};
use serde_json::Value;

use super::{Found, client};

const API: &str = "https://api.github.com";

pub(super) fn newest(agent: &ureq::Agent, action: &str, tag: &str) -> anyhow::Result<Found> {
    let api = std::env::var("GITHUB_API_URL").unwrap_or_else(|_| API.to_owned());
    let (major, _) = tag.split_once('.').unwrap_or((tag, ""));
    let tags = client::json(agent, &format!("{api}/repos/{action}/git/matching-refs/tags/{major}."))?;
    let tags = tags.as_array().map(Vec::as_slice).unwrap_or_default();
    let newest = tags.iter().filter_map(|it| Some((version(it)?, it))).max_by_key(|it| it.0);
    let (_, newest) = newest.with_context(|| format!("{action} has no version {major}"))?;
    let mut object = newest["object"].clone();
    if object["type"] == "tag" {
        let sha = object["sha"].as_str().unwrap_or_default().to_owned();
        object = client::json(agent, &format!("{api}/repos/{action}/git/tags/{sha}"))?["object"].clone();
    }
    let commit = object["sha"].as_str().unwrap_or_default();
    if commit.len() != 40 || !commit.bytes().all(|it| it.is_ascii_hexdigit()) || object["type"] != "commit" {
        bail!("{api} does not say the commit of {action}");
    }
    Ok(Found { tag: name(newest).unwrap_or(tag).to_owned(), digest: commit.to_owned() })
}

fn name(tag: &Value) -> Option<&str> {
    tag["ref"].as_str()?.strip_prefix("refs/tags/")
}

/// `v7.0.1`; what is a preview, or names no patch, moves.
fn version(tag: &Value) -> Option<[u32; 3]> {
    let mut numbers = name(tag)?.strip_prefix('v')?.split('.').map(|it| it.parse().ok());
    let version = [numbers.next()??, numbers.next()??, numbers.next()??];
    numbers.next().is_none().then_some(version)
}

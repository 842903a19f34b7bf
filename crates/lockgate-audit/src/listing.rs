//! Which paths exist in the audited tree, as far as that is known.

use std::collections::BTreeSet;

/// The paths below the folder that is audited, with `/`, relative to it.
#[derive(Clone, Debug, Default)]
pub struct Listing {
    /// Without a tree, as for a single document, nothing is known to be missing.
    files: Option<BTreeSet<String>>,
    /// Patterns of `.gitignore`: what they match may come and go.
    ignored: Vec<String>,
}

impl Listing {
    /// Nothing is known: a single file is audited.
    pub fn unknown() -> Listing {
        Listing::default()
    }

    /// All files, and the lines of the `.gitignore` files among them.
    pub fn of(files: impl IntoIterator<Item = String>, ignored: impl IntoIterator<Item = String>) -> Listing {
        let patterns = ignored.into_iter().map(|it| it.trim().to_owned());
        Listing {
            files: Some(files.into_iter().collect()),
            ignored: patterns.filter(|it| !it.is_empty() && !it.starts_with(['#', '!'])).collect(),
        }
    }

    pub(crate) fn is_known(&self) -> bool {
        self.files.is_some()
    }

    /// Whether the file or folder is certainly not there and is not of those that come and go.
    pub(crate) fn lacks(&self, path: &str) -> bool {
        let Some(files) = &self.files else { return false };
        let path = path.trim_end_matches('/');
        let folder = format!("{path}/");
        let there = path.is_empty()
            || files.contains(path)
            || files.range(folder.clone()..).next().is_some_and(|it| it.starts_with(&folder));
        !there && !self.is_ignored(path)
    }

    /// Errs on the side of ignored: a pattern counts for every folder below.
    fn is_ignored(&self, path: &str) -> bool {
        self.ignored.iter().any(|pattern| {
            let pattern = pattern.trim_matches('/').trim_start_matches("**/").trim_end_matches("/*");
            let parts: Vec<&str> = path.split('/').collect();
            let wanted: Vec<&str> = pattern.split('/').collect();
            parts.windows(wanted.len()).any(|it| it.iter().zip(&wanted).all(|it| matches(it.1, it.0)))
        })
    }
}

/// One name against one pattern with `*`.
fn matches(pattern: &str, name: &str) -> bool {
    let mut parts = pattern.split('*');
    let Some(rest) = name.strip_prefix(parts.next().unwrap_or("")) else { return false };
    let mut rest = rest;
    let mut last = None;
    for part in parts {
        last = Some(part);
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    last.map_or(rest.is_empty(), |it| it.is_empty() || name.ends_with(it))
}

/// `path` as seen from `folder`, with `.` and `..` resolved. `None` when it leaves the tree.
pub(crate) fn join(folder: &str, path: &str) -> Option<String> {
    let mut parts: Vec<&str> = if path.starts_with('/') { vec![] } else { split(folder).collect() };
    for part in split(path) {
        match part {
            ".." => drop(parts.pop()?),
            _ => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

fn split(path: &str) -> impl Iterator<Item = &str> {
    path.split('/').filter(|it| !it.is_empty() && *it != ".")
}

/// The folder of a file: what stands before its last `/`.
pub(crate) fn folder_of(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |it| it.0)
}

/// Whether a path or URL ends with `.extension`.
pub(crate) fn has_extension(path: &str, extension: &str) -> bool {
    path.rsplit_once('.').is_some_and(|it| it.1 == extension)
}

/// The last part of a path.
pub(crate) fn name_of(path: &str) -> &str {
    path.trim_end_matches('/').rsplit('/').next().unwrap_or(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_certainly_missing_is_missing() {
        let files = ["a/b.txt", "c.yml"].map(str::to_owned);
        let ignored = ["/dist/", "*.log", "# comment", ".env*"].map(str::to_owned);
        let listing = Listing::of(files, ignored);
        for there in ["a/b.txt", "a", "a/", "c.yml", "dist/x.js", "a/dist", "x.log", ".env.prod", "."] {
            assert!(!listing.lacks(&join("", there).unwrap()), "{there}");
        }
        for missing in ["a/c.txt", "d", "c.yaml"] {
            assert!(listing.lacks(missing), "{missing}");
        }
        assert!(!Listing::unknown().lacks("anything"));
    }

    #[test]
    fn paths_are_joined_within_the_tree() {
        assert_eq!(join("a/b", "../c").as_deref(), Some("a/c"));
        assert_eq!(join("a", "./c/./d").as_deref(), Some("a/c/d"));
        assert_eq!(join("a", "../../c"), None);
    }
}

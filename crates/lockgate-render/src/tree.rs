//! The rendered tree against the one on disk: what would change, and what may not be touched.

use std::collections::BTreeMap;

use lockgate_model::Digest;

use crate::artifact::Artifact;
use crate::block::{self, BadBlock};
use crate::manifest::{Entry, Manifest};
use crate::{Rendered, Selection};

/// One file that is not as it should be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    pub path: String,
    pub kind: DifferenceKind,
    /// Empty when the file is not there.
    pub before: String,
    /// Empty when the file should not be there.
    pub after: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DifferenceKind {
    /// It is rendered now and was not before.
    New,
    /// The spec says something else now.
    Changed,
    /// Somebody edited what was rendered.
    Edited,
    /// It was rendered, and is gone.
    Missing,
    /// It was rendered, and no longer follows from the spec.
    Orphaned,
    /// It is in the way, and was not rendered.
    Foreign,
}

impl DifferenceKind {
    pub fn as_str(self) -> &'static str {
        match self {
            DifferenceKind::New => "new",
            DifferenceKind::Changed => "changed",
            DifferenceKind::Edited => "edited",
            DifferenceKind::Missing => "missing",
            DifferenceKind::Orphaned => "orphaned",
            DifferenceKind::Foreign => "foreign",
        }
    }

    /// Would writing lose what somebody else wrote?
    pub fn loses_work(self) -> bool {
        matches!(self, DifferenceKind::Edited | DifferenceKind::Foreign)
    }
}

/// What is compared: the tree as it should be, and what is known of the one on disk.
pub struct Comparison<'a> {
    pub rendered: &'a Rendered,
    pub selection: &'a Selection,
    /// As it was written with the tree on disk.
    pub manifest: &'a Manifest,
    /// Texts on disk, by path; of every artifact and of every path of the manifest that is there.
    pub disk: &'a BTreeMap<String, String>,
}

impl Comparison<'_> {
    /// Every file that differs, sorted by path.
    pub fn differences(&self) -> Result<Vec<Difference>, (String, BadBlock)> {
        let mut differences = vec![];
        for artifact in &self.rendered.artifacts {
            differences.extend(self.of_artifact(artifact)?);
        }
        for (path, entry) in &self.manifest.artifacts {
            differences.extend(self.orphan(path, entry));
        }
        differences.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(differences)
    }

    fn of_artifact(&self, artifact: &Artifact) -> Result<Option<Difference>, (String, BadBlock)> {
        let path = artifact.path.clone();
        let entry = self.manifest.artifacts.get(&path);
        let difference = |kind, before: &str, after: String| {
            Ok(Some(Difference { path: path.clone(), kind, before: before.to_owned(), after }))
        };
        let Some(before) = self.disk.get(&path) else {
            let kind = if entry.is_some() { DifferenceKind::Missing } else { DifferenceKind::New };
            return difference(kind, "", artifact.text.clone());
        };
        if *before == artifact.text {
            return Ok(None);
        }
        if block::is_managed(before) {
            let own = BTreeMap::from([("artifact".to_owned(), artifact.text.clone())]);
            let blocks = own.into_iter().chain(self.rendered.blocks.clone()).collect();
            let after = block::fill(before, &blocks).map_err(|error| (path.clone(), error))?;
            return if after == *before {
                Ok(None)
            } else {
                difference(DifferenceKind::Changed, before, after)
            };
        }
        let kind = match entry {
            None => DifferenceKind::Foreign,
            Some(it) if it.digest == Digest::of(before.as_bytes()) => DifferenceKind::Changed,
            Some(_) => DifferenceKind::Edited,
        };
        difference(kind, before, artifact.text.clone())
    }

    fn orphan(&self, path: &str, entry: &Entry) -> Option<Difference> {
        let rendered = self.rendered.artifacts.iter().any(|it| it.path == path);
        let before = self.disk.get(path).filter(|_| !rendered && self.selection.holds(entry))?;
        let edited = entry.digest != Digest::of(before.as_bytes());
        let kind = if edited { DifferenceKind::Edited } else { DifferenceKind::Orphaned };
        Some(Difference { path: path.to_owned(), kind, before: before.clone(), after: String::new() })
    }

    /// The manifest of the tree once everything is written: what was not looked at stays in it.
    pub fn manifest_after(&self) -> Manifest {
        let mut after = Manifest::of(&self.rendered.artifacts);
        let others = self.manifest.artifacts.iter().filter(|it| !self.selection.holds(it.1));
        for (path, entry) in others {
            after.artifacts.entry(path.clone()).or_insert_with(|| entry.clone());
        }
        after
    }
}

impl Selection {
    /// Is a file of the manifest among those that were asked for?
    fn holds(&self, entry: &Entry) -> bool {
        self.wants(entry.kind, entry.environment.as_ref())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::artifact::Kind;

    fn artifact(path: &str, text: &str) -> Artifact {
        let origin = vec!["services".to_owned()];
        Artifact { path: path.to_owned(), kind: Kind::Docs, environment: None, text: text.to_owned(), origin }
    }

    #[test]
    fn every_way_in_which_a_file_can_differ_is_told_apart() {
        let before: Vec<Artifact> =
            ["same", "changed", "edited", "missing", "orphaned", "kept"].map(|it| artifact(it, "1\n")).into();
        let manifest = Manifest::of(&before);
        let texts = [
            ("same", "1\n"),
            ("changed", "1\n"),
            ("edited", "x\n"),
            ("orphaned", "1\n"),
            ("kept", "x\n"),
            ("foreign", "x\n"),
            ("block", "mine\n# lockgate:begin artifact\nold\n# lockgate:end artifact\n"),
        ];
        let disk = texts.map(|(path, text)| (path.to_owned(), text.to_owned())).into();
        let now = [
            ("same", "1\n"),
            ("changed", "2\n"),
            ("edited", "1\n"),
            ("missing", "1\n"),
            ("new", "1\n"),
            ("foreign", "1\n"),
            ("block", "new\n"),
        ];
        let rendered = Rendered {
            artifacts: now.map(|(path, text)| artifact(path, text)).into(),
            ..Rendered::default()
        };
        let comparison = Comparison {
            rendered: &rendered,
            selection: &Selection::default(),
            manifest: &manifest,
            disk: &disk,
        };
        let found = comparison.differences().unwrap();
        let kinds: Vec<(&str, &str)> = found.iter().map(|it| (it.path.as_str(), it.kind.as_str())).collect();
        assert_eq!(
            kinds,
            [
                ("block", "changed"),
                ("changed", "changed"),
                ("edited", "edited"),
                ("foreign", "foreign"),
                ("kept", "edited"),
                ("missing", "missing"),
                ("new", "new"),
                ("orphaned", "orphaned")
            ]
        );
        assert_eq!(found[0].after, "mine\n# lockgate:begin artifact\nnew\n# lockgate:end artifact\n");
        assert_eq!(comparison.manifest_after(), Manifest::of(&rendered.artifacts));
    }
}

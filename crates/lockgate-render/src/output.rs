//! Where formats put what they made: files, notes, problems and the patches that were wanted.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_model::EnvironmentName;
use serde_json::Value;

use crate::artifact::{Artifact, Kind};
use crate::facts::{Environment, Facts};
use crate::header::{Comment, header};
use crate::{Rendered, Selection, patch};

/// Why a spec that is sound cannot be rendered.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    pub message: String,
    pub help: String,
}

pub(crate) struct Output<'a> {
    facts: &'a Facts<'a>,
    artifacts: BTreeMap<String, Artifact>,
    blocks: BTreeMap<String, String>,
    notes: BTreeSet<String>,
    problems: BTreeSet<Problem>,
    /// By environment: the patches that found their object.
    matched: BTreeSet<(EnvironmentName, usize)>,
    /// What a patch could have named.
    seen: BTreeSet<(String, String)>,
}

/// A file to be written.
pub(crate) struct File<'f> {
    pub(crate) kind: Kind,
    pub(crate) path: String,
    /// `None` for what the environments share.
    pub(crate) environment: Option<&'f EnvironmentName>,
    pub(crate) comment: Comment,
    /// Without the header.
    pub(crate) text: String,
    pub(crate) origin: Vec<String>,
}

impl<'a> Output<'a> {
    pub(crate) fn new(facts: &'a Facts<'a>) -> Output<'a> {
        Output {
            facts,
            artifacts: BTreeMap::new(),
            blocks: BTreeMap::new(),
            notes: BTreeSet::new(),
            problems: BTreeSet::new(),
            matched: BTreeSet::new(),
            seen: BTreeSet::new(),
        }
    }

    pub(crate) fn file(&mut self, file: File<'_>) {
        let header = header(self.facts.source, file.comment);
        let text = if file.text.starts_with("#!") || file.text.starts_with("# syntax") {
            let (first, rest) = file.text.split_once('\n').unwrap_or((&file.text, ""));
            format!("{first}\n{header}{rest}")
        } else {
            header + &file.text
        };
        let artifact = Artifact {
            path: file.path.clone(),
            kind: file.kind,
            environment: file.environment.cloned(),
            text,
            origin: file.origin,
        };
        let before = self.artifacts.insert(file.path, artifact);
        debug_assert!(
            before.is_none(),
            "two formats wrote the same file: {}",
            before.map_or(String::new(), |it| it.path)
        );
    }

    /// Text of the managed block of this name, in files that belong to the user.
    pub(crate) fn block(&mut self, name: &str, text: String) {
        self.blocks.insert(name.to_owned(), text);
    }

    /// What a person should know, and no artifact says.
    pub(crate) fn note(&mut self, note: String) {
        self.notes.insert(note);
    }

    pub(crate) fn problem(&mut self, message: String, help: String) {
        self.problems.insert(Problem { message, help });
    }

    /// Lays the environment's patches over an object, before it is written in any form.
    pub(crate) fn patch(
        &mut self,
        environment: &Environment<'_>,
        kind: &str,
        name: &str,
        object: &mut Value,
    ) {
        self.seen.insert((kind.to_owned(), name.to_owned()));
        for (idx, patch) in environment.system.patches.iter().enumerate() {
            if patch.kind == kind && patch.name == name {
                self.matched.insert((environment.system.environment.clone(), idx));
                patch::lay_over(object, &patch.set);
            }
        }
    }

    pub(crate) fn finish(mut self, selection: &Selection) -> Result<Rendered, Vec<Problem>> {
        if selection.kinds.is_none() {
            self.unmatched_patches();
        }
        if !self.problems.is_empty() {
            return Err(self.problems.into_iter().collect());
        }
        let artifacts = self
            .artifacts
            .into_values()
            .filter(|it| selection.wants(it.kind, it.environment.as_ref()))
            .collect();
        Ok(Rendered { artifacts, blocks: self.blocks, notes: self.notes.into_iter().collect() })
    }

    /// A patch that changes nothing is a mistake: what it named was renamed or is not there.
    fn unmatched_patches(&mut self) {
        for environment in &self.facts.environments {
            let name = &environment.system.environment;
            for (idx, patch) in environment.system.patches.iter().enumerate() {
                if self.matched.contains(&(name.clone(), idx)) {
                    continue;
                }
                let message = format!(
                    "the patch of {} `{}` matches nothing in environment `{name}`",
                    patch.kind, patch.name
                );
                let help = patch::suggestion(&patch.kind, &patch.name, &self.seen);
                self.problems.insert(Problem { message, help });
            }
        }
    }
}

//! Actions of others that workflows use, and how each is named: by the commit of the lock, else by its tag.

use serde_json::Value;

use super::workflow::Step;
use crate::lock::Lock;

/// An action and the tag that it is used by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Action {
    /// `owner/name`, or `owner/name/folder`.
    pub(crate) name: &'static str,
    pub(crate) tag: &'static str,
}

const fn action(name: &'static str, tag: &'static str) -> Action {
    Action { name, tag }
}

pub(super) const CHECKOUT: Action = action("actions/checkout", "v7.0.1");
pub(super) const SETUP_NODE: Action = action("actions/setup-node", "v7.0.0");
pub(super) const SETUP_PYTHON: Action = action("actions/setup-python", "v7.0.0");
pub(super) const UPLOAD: Action = action("actions/upload-artifact", "v7.0.0");
pub(super) const DOWNLOAD: Action = action("actions/download-artifact", "v8.0.1");
pub(super) const SETUP_QEMU: Action = action("docker/setup-qemu-action", "v4.2.0");
pub(super) const SETUP_BUILDX: Action = action("docker/setup-buildx-action", "v4.3.0");
pub(super) const BUILD_PUSH: Action = action("docker/build-push-action", "v7.3.0");
pub(super) const AWS: Action = action("aws-actions/configure-aws-credentials", "v6.2.3");
pub(super) const TRIVY: Action = action("aquasecurity/trivy-action", "v0.36.0");
pub(super) const SARIF: Action = action("github/codeql-action/upload-sarif", "v4.36.2");
pub(super) const CODECOV: Action = action("codecov/codecov-action", "v5.5.2");

pub(crate) const ALL: [Action; 12] = [
    CHECKOUT,
    SETUP_NODE,
    SETUP_PYTHON,
    UPLOAD,
    DOWNLOAD,
    SETUP_QEMU,
    SETUP_BUILDX,
    BUILD_PUSH,
    AWS,
    TRIVY,
    SARIF,
    CODECOV,
];

impl Action {
    /// `owner/name`, as the lock has it: one commit for all folders of a repository.
    pub(crate) fn repository(self) -> &'static str {
        let end = self.name.match_indices('/').nth(1).map_or(self.name.len(), |it| it.0);
        &self.name[..end]
    }

    pub(super) fn step(self, name: &str) -> Step {
        let uses = Some(format!("{}@{}", self.name, self.tag));
        Step { name: name.to_owned(), uses, ..Step::default() }
    }
}

/// The files of the commit that runs, without a token beside them.
pub(super) fn checkout() -> Step {
    CHECKOUT.step("Check out").with("persist-credentials", false)
}

/// The action that a step's `uses` names.
pub(crate) fn of(uses: &str) -> Option<Action> {
    let name = uses.split_once('@')?.0;
    ALL.into_iter().find(|it| it.name == name)
}

/// `uses` by the commit of the lock; what is not in it stays named by its tag.
pub(super) fn pinned(uses: &str, lock: &Lock) -> String {
    match of(uses).and_then(|it| Some((it.name, lock.actions.get(it.repository())?))) {
        Some((name, pin)) => format!("{name}@{}", pin.digest),
        None => uses.to_owned(),
    }
}

/// What people call the commit that a step uses.
pub(super) fn remark(uses: &Value, lock: &Lock) -> Option<String> {
    let (name, commit) = uses.as_str()?.split_once('@')?;
    let action = ALL.into_iter().find(|it| it.name == name)?;
    lock.actions.get(action.repository()).filter(|it| it.digest == commit).map(|it| it.tag.clone())
}

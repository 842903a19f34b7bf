//! What a target needs before a release, checked one by one; each failed check names what mends it.

use serde::Serialize;

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Check {
    /// What was looked at: `right to patch apps/deployments`.
    pub what: String,
    pub found: Found,
    /// For people: what there is, or why it does not do.
    pub detail: String,
    pub hint: Option<String>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Found {
    Good,
    /// Releases go through, with less than there might be.
    Lacking,
    Bad,
}

impl Check {
    pub fn good(what: impl Into<String>, detail: impl Into<String>) -> Check {
        Check { what: what.into(), found: Found::Good, detail: detail.into(), hint: None }
    }

    pub fn bad(what: impl Into<String>, detail: impl Into<String>, hint: impl Into<String>) -> Check {
        Check { what: what.into(), found: Found::Bad, detail: detail.into(), hint: Some(hint.into()) }
    }

    pub fn lacking(what: impl Into<String>, detail: impl Into<String>, hint: impl Into<String>) -> Check {
        Check { found: Found::Lacking, ..Check::bad(what, detail, hint) }
    }
}

//! Files that Lockgate did not write, as facts, and which facts cannot all be true.

mod extract;
mod fact;
mod kind;
mod listing;
mod markdown;
mod place;
mod quantity;
mod rules;
mod tree;

use std::collections::BTreeMap;

use lockgate_diagnostics::Source;
use lockgate_model::{Diagnostic, SourceId};

pub use kind::{Kind, Syntax, syntax_of_name};
pub use listing::Listing;

/// What an audit found, and what it looked at.
#[derive(Debug)]
#[must_use = "an unread report is not actionable"]
pub struct Audit {
    pub diagnostics: Vec<Diagnostic>,
    /// How many files, or blocks of documents, were read as what.
    pub kinds: BTreeMap<Kind, usize>,
    pub facts: usize,
    /// What was not read, and why.
    pub unread: Vec<(String, String)>,
}

/// Reads all sources, of which each has its place in the list as its [`SourceId`], and compares what they say.
pub fn audit(sources: &[Source], listing: &Listing) -> Audit {
    let mut facts = fact::Facts::default();
    for (id, source) in (0_u16..).map(SourceId).zip(sources) {
        extract::source(id, &source.name, &source.text, &mut facts);
    }
    let mut diagnostics = rules::all(&facts, sources, listing);
    diagnostics.sort_by_key(|it| {
        let place = it.labels.first().map(|it| (it.span.source, it.span.start));
        (place, it.code)
    });
    let mut kinds = BTreeMap::new();
    for file in &facts.files {
        *kinds.entry(file.kind).or_insert(0) += 1;
    }
    let unread = facts.unread.iter().map(|it| (it.name.clone(), it.reason.clone())).collect();
    Audit { diagnostics, kinds, facts: facts.count(), unread }
}

/// What is wrong if the build of a service stops at this stage of a Dockerfile, whose place among the sources is `id`.
pub fn without_stage(source: &Source, id: SourceId, service: &str, stage: &str) -> Option<Diagnostic> {
    let excerpt = place::Excerpt::whole(id, &source.text);
    let file = extract::dockerfile::Dockerfile::read(&source.name, fact::Origin::Tree, &excerpt);
    rules::stages::without(&file, service, stage)
}

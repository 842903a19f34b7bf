//! The user's own Dockerfiles: accepted as they are, and looked through like everything else of the spec.

use std::collections::BTreeSet;

use lockgate_audit::Listing;
use lockgate_diagnostics::Source;
use lockgate_model::{Diagnostic, Image, SourceId};

use crate::context::{Context, read};

/// The Dockerfiles that the spec names, and what is wrong in them; places are those of `sources` with `before` in
/// front. A file that is not there is the spec's own matter.
pub fn lint(context: &Context, before: usize) -> (Vec<Source>, Vec<Diagnostic>) {
    let sources: Vec<Source> =
        paths(context).iter().filter_map(|it| read(&context.folder().join(it)).ok()).collect();
    let mut diagnostics = lockgate_audit::audit(&sources, &Listing::unknown()).diagnostics;
    for diagnostic in &mut diagnostics {
        let edits = diagnostic.fix.iter_mut().flat_map(|it| &mut it.edits).map(|it| &mut it.span);
        for span in diagnostic.labels.iter_mut().map(|it| &mut it.span).chain(edits) {
            span.source = SourceId(span.source.0 + u16::try_from(before).unwrap_or(u16::MAX));
        }
    }
    (sources, diagnostics)
}

fn paths(context: &Context) -> BTreeSet<String> {
    let mut paths = BTreeSet::new();
    for environment in context.spec.environments() {
        let system = context.spec.resolve(&environment, &lockgate_spec::Facts::default()).0;
        for service in system.iter().flat_map(|it| it.services.values()) {
            if let Some(Image::Built(build)) = &service.image {
                paths.extend(build.dockerfile.clone());
            }
        }
    }
    paths
}

//! The user's own Dockerfiles: accepted as they are, and looked through like everything else of the spec.

use std::collections::{BTreeMap, BTreeSet};

use lockgate_audit::Listing;
use lockgate_diagnostics::Source;
use lockgate_model::{Diagnostic, Image, SourceId};

use crate::context::{Context, read};

/// Services that stop at a stage of a Dockerfile, and which.
type Stops = BTreeSet<(String, String)>;

/// The Dockerfiles that the spec names, and what is wrong in them; places are those of `sources` with `before` in
/// front. A file that is not there is the spec's own matter.
pub fn lint(context: &Context, before: usize) -> (Vec<Source>, Vec<Diagnostic>) {
    let named = named(context);
    let (sources, stops): (Vec<Source>, Vec<&Stops>) = named
        .iter()
        .filter_map(|(path, stops)| Some((read(&context.folder().join(path)).ok()?, stops)))
        .unzip();
    let mut diagnostics = lockgate_audit::audit(&sources, &Listing::unknown()).diagnostics;
    for ((id, source), stops) in (0_u16..).map(SourceId).zip(&sources).zip(stops) {
        let missing = |it: &(String, String)| lockgate_audit::without_stage(source, id, &it.0, &it.1);
        diagnostics.extend(stops.iter().filter_map(missing));
    }
    for diagnostic in &mut diagnostics {
        let edits = diagnostic.fix.iter_mut().flat_map(|it| &mut it.edits).map(|it| &mut it.span);
        for span in diagnostic.labels.iter_mut().map(|it| &mut it.span).chain(edits) {
            span.source = SourceId(span.source.0 + u16::try_from(before).unwrap_or(u16::MAX));
        }
    }
    (sources, diagnostics)
}

fn named(context: &Context) -> BTreeMap<String, Stops> {
    let mut paths: BTreeMap<String, Stops> = BTreeMap::new();
    for environment in context.spec.environments() {
        let system = context.spec.resolve(&environment, &lockgate_spec::Facts::default()).0;
        for (name, service) in system.iter().flat_map(|it| &it.services) {
            if let Some(Image::Built(build)) = &service.image
                && let Some(path) = &build.dockerfile
            {
                let stops = paths.entry(path.clone()).or_default();
                stops.extend(build.stage.clone().map(|it| (name.to_string(), it)));
            }
        }
    }
    paths
}

//! `promote`: what one environment has built is what the other runs, whatever is said of builds there.

use lockgate_diagnostics::{codes, shown};
use lockgate_model::{Build, Diagnostic};

use super::built;
use crate::layers::Value;
use crate::levels;
use crate::spec::Seen;

pub(super) fn check(all: &[Seen<'_>], report: &mut Vec<Diagnostic>) {
    for seen in all {
        let from = seen.system.policy.promote.as_ref();
        let source = all.iter().find(|it| Some(&it.system.environment) == from);
        let Some(source) = source.filter(|it| it.system.environment != seen.system.environment) else {
            continue;
        };
        let mut found = vec![];
        for (name, service, build) in built(seen) {
            if let Some((_, from_service, from_build)) = built(source).find(|it| it.0 == name) {
                let pair = Pair { here: seen, service, source, from_service };
                found.extend(pair.differences(build, from_build).iter().filter_map(|it| pair.report(it)));
            }
        }
        levels::apply(seen.tree.get("checks"), &mut found);
        report.append(&mut found);
    }
}

struct Difference {
    /// Of the keys of `build`.
    path: Vec<String>,
    here: Option<String>,
    there: Option<String>,
}

struct Pair<'a> {
    here: &'a Seen<'a>,
    service: &'a Value,
    source: &'a Seen<'a>,
    from_service: &'a Value,
}

impl Pair<'_> {
    /// What makes another image of it. Where it is pushed and how it is scanned does not.
    fn differences(&self, here: &Build, there: &Build) -> Vec<Difference> {
        let mut all = vec![];
        for key in ["preset", "dockerfile", "context", "stage", "package", "platforms"] {
            let [here, there] = [self.service, self.from_service].map(|it| it.at(&["build", key]));
            all.push((vec![key], here.map(Value::written), there.map(Value::written)));
        }
        for name in here.args.keys().chain(there.args.keys().filter(|it| !here.args.contains_key(*it))) {
            all.push((vec!["args", name], here.args.get(name).cloned(), there.args.get(name).cloned()));
        }
        let differ = all.into_iter().filter(|it| it.1 != it.2);
        let owned = |path: Vec<&str>| path.into_iter().map(str::to_owned).collect();
        differ.map(|(path, here, there)| Difference { path: owned(path), here, there }).collect()
    }

    fn report(&self, difference: &Difference) -> Option<Diagnostic> {
        let keys: Vec<&str> =
            std::iter::once("build").chain(difference.path.iter().map(String::as_str)).collect();
        let (here, there) = (&self.here.system.environment, &self.source.system.environment);
        let [written, other] = [self.service, self.from_service].map(|it| it.at(&keys).map(Value::place));
        let place = written.or(other)?;
        let said =
            |it: &Option<String>| it.as_ref().map_or("not set".to_owned(), |it| format!("`{}`", shown(it)));
        let name = difference.path.join(".");
        let message =
            format!("`{here}` runs the images of `{there}`, whose `{name}` is {}", said(&difference.there));
        let diagnostic = Diagnostic::warning(codes::PROMOTED_DIFFERS, message)
            .label(place, format!("{} in `{here}`, and nothing is built there", said(&difference.here)));
        let diagnostic = match other.filter(|it| *it != place) {
            Some(other) => diagnostic.label(other, format!("built into the image in `{there}`")),
            None => diagnostic,
        };
        let promote = self.here.tree.get("promote").map(Value::place);
        let diagnostic =
            promote.into_iter().fold(diagnostic, |it, place| it.label(place, "these images are run"));
        Some(diagnostic.help("one image serves both: what differs is a variable that is read when it starts, or a path without a host"))
    }
}

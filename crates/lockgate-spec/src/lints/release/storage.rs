//! What instances keep on a disk, and how many of them there are.

use lockgate_diagnostics::{codes, shown};
use lockgate_model::{Diagnostic, VolumeAccess};

use crate::lints::replicas;
use crate::lints::shared::{info, label};
use crate::lints::variables::{self, Variable};
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    for (name, service) in &seen.system.services {
        for (volume, typed) in service.volumes.iter().filter(|it| it.1.access == VolumeAccess::Single) {
            report.extend(single(seen, name.as_str(), volume, &typed.path));
        }
    }
    for variable in variables::all(seen) {
        report.extend(kept_apart(seen, variable));
    }
}

fn single(seen: &Seen<'_>, service: &str, volume: &str, path: &str) -> Option<Diagnostic> {
    let written = seen.tree.at(&["services", service, "volumes", volume])?;
    let most =
        replicas::most(seen, service).filter(|it| 1 < it.number && seen.system.target.runs_images())?;
    let message =
        format!("the volume `{volume}` is for one instance, and `{service}` has up to {}", most.number);
    let diagnostic = Diagnostic::warning(codes::SINGLE_VOLUME, message);
    let diagnostic = match written.get("access") {
        Some(access) => diagnostic.label(access.place(), "one instance at a time"),
        None => diagnostic.label(written.key_span, "one instance at a time, unless `access` says otherwise"),
    };
    Some(label(diagnostic, most.written, "so many instances").help(format!(
        "say `access: shared` where a file system can do that, `access: scratch` if `{}` may be lost, or run one instance",
        shown(path)
    )))
}

/// Names that say where something is kept, and ends that say how.
const WHAT: [&str; 7] = ["FILESYSTEM", "MEDIA", "QUEUE", "SESSION", "STORAGE", "UPLOAD", "ATTACHMENT"];
const HOW: [&str; 5] = ["_DRIVER", "_BACKEND", "_DISK", "_ADAPTER", "_PROVIDER"];
const WHERE: [&str; 4] = ["_DIR", "_DIRECTORY", "_PATH", "_FOLDER"];
/// What is of one instance alone.
const OWN: [&str; 6] = ["disk", "file", "filesystem", "in-memory", "local", "memory"];
const PASSING: [&str; 3] = ["/tmp", "/var/tmp", "/dev/shm"];

fn kept_apart(seen: &Seen<'_>, variable: Variable<'_>) -> Option<Diagnostic> {
    let name = variable.name;
    if !WHAT.iter().any(|it| name.contains(it)) {
        return None;
    }
    let ends = |all: &[&str]| all.iter().any(|it| name.ends_with(it));
    let driver = ends(&HOW) && OWN.iter().any(|it| it.eq_ignore_ascii_case(variable.text));
    let under =
        |it: &str| variable.text.strip_prefix(it).is_some_and(|it| it.is_empty() || it.starts_with('/'));
    let folder = ends(&WHERE) && PASSING.iter().any(|it| under(it));
    let service = seen.system.services.get(variable.service)?;
    let shared = service.volumes.values().any(|it| it.access == VolumeAccess::Shared);
    let most = replicas::most(seen, variable.service).filter(|it| 1 < it.number)?;
    if shared || !(driver || folder) {
        return None;
    }
    let (text, number) = (shown(variable.text), most.number);
    let message =
        format!("each of {number} instances of `{}` keeps its own: `{name}` is `{text}`", variable.service);
    let diagnostic = info(codes::KEPT_APART, message).label(variable.value.place(), "of one instance");
    let diagnostic = label(diagnostic, most.written, "so many instances");
    Some(
        diagnostic.help(
            "what one instance writes the others do not see: keep it in a store that all of them reach",
        ),
    )
}

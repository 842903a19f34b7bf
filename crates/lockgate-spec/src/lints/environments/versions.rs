//! What a version is called.

use lockgate_diagnostics::{codes, shown};
use lockgate_model::Diagnostic;

use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    report.extend(same(seen));
    report.extend(no_version(seen));
}

/// Every release would have the name of the last one. Who releases by hand may call it so.
fn same(seen: &Seen<'_>) -> Option<Diagnostic> {
    let trigger = seen.tree.get("branch").or(seen.tree.get("tag"))?;
    let version = seen.tree.get("version")?;
    let name = version.text()?;
    if ["${git.", "${release."].iter().any(|it| name.contains(it)) {
        return None;
    }
    let message = format!("every release here is called `{}`", shown(name));
    Some(
        Diagnostic::error(codes::SAME_VERSION, message)
            .label(version.place(), "always the same")
            .label(trigger.place(), "each push is a release")
            .help("use what differs from push to push: `version: ${git.sha7}`"),
    )
}

/// A tag is the name of its version unless `version` says otherwise.
fn no_version(seen: &Seen<'_>) -> Option<Diagnostic> {
    let tag = seen.tree.get("tag").filter(|_| seen.tree.get("version").is_none())?;
    let text = tag.text()?;
    // What git does not allow is reported elsewhere; what stands in `[...]` is left alone.
    let never = |it: char| !it.is_ascii_alphanumeric() && !"-_.*?[]".contains(it);
    let elsewhere = |it: char| it.is_whitespace() || it.is_control() || "~^:\\".contains(it);
    let letter = text.chars().find(|it| never(*it)).filter(|it| !elsewhere(*it) && !text.contains('['))?;
    let message = format!("no tag of `{}` is the name of a version", shown(text));
    Some(
        Diagnostic::warning(codes::TAG_NO_VERSION, message)
            .label(tag.place(), format!("versions have no `{letter}`"))
            .help("say what a version is called, such as `version: ${git.sha7}`"),
    )
}

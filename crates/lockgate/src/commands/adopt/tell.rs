//! What was found, and what becomes of it, for people and as JSON.

use lockgate_driver::store::NewRelease;
use lockgate_model::{ReleaseId, Scope, Version};
use lockgate_targets::{Adoption, FieldDiff, FoundObject, HelmRelease, HelmVerdict, Verdict};
use serde::Serialize;

use crate::args::Format;
use crate::out::{Out, style};
use crate::ui::{objects, table};

/// What a change of means new pods.
const TEMPLATE: &str = "spec.template";

#[derive(Serialize)]
struct Report<'a> {
    scope: &'a Scope,
    version: &'a Version,
    possible: bool,
    #[serde(flatten)]
    adoption: &'a Adoption,
}

pub fn found(scope: &Scope, version: &Version, adoption: &Adoption, is_to_do: bool, out: Out) {
    let possible = adoption.is_possible();
    match out.format {
        // The end of what is done is all that is said of it.
        Format::Json if possible && is_to_do => (),
        Format::Json => out.json(&Report { scope, version, possible, adoption }),
        Format::Human => out.data(&human(scope, version, adoption, is_to_do)),
    }
}

pub fn done(id: ReleaseId, new: &NewRelease, out: Out) {
    let (scope, version) = (&new.scope, &new.snapshot.version);
    match out.format {
        Format::Json => {
            out.json(
                &serde_json::json!({"scope": scope, "release": id, "version": version, "adopted": true}),
            );
        }
        Format::Human => {
            let text = format!(
                "{id}: {version} is Lockgate's, as it runs; `lockgate plan` shows what a release would change"
            );
            out.data(&style::paint(style::GOOD, text));
        }
    }
}

fn human(scope: &Scope, version: &Version, adoption: &Adoption, is_to_do: bool) -> String {
    let mut lines =
        vec![format!("{}  {}", style::paint(style::STRONG, scope), style::paint(style::STRONG, version))];
    let mut rows = table::new(["object", "written by", "what becomes of it"]);
    for it in &adoption.objects {
        rows.add_row([format!("{} {}", it.kind, it.name), it.written_by.join(", "), verdict(it)]);
    }
    lines.push(rows.to_string());
    lines.extend(adoption.helm.iter().map(helm));
    let differing = adoption.objects.iter().filter_map(|it| match &it.verdict {
        Verdict::Adopt { differs, .. } if !differs.is_empty() => Some((it, differs)),
        Verdict::Adopt { .. } | Verdict::Missing | Verdict::Foreign { .. } | Verdict::Busy { .. } => None,
    });
    let differing: Vec<_> = differing.collect();
    if !differing.is_empty() {
        lines.push(
            "\nas the spec says and not as it is; a release changes it, taking over does not:".to_owned(),
        );
    }
    for (it, differs) in differing {
        lines.push(style::paint(style::STRONG, format!("{} {}", it.kind, it.name)));
        lines.extend(differs.iter().flat_map(objects::field));
    }
    lines.push(String::new());
    lines.extend(end(scope, adoption, is_to_do));
    lines.join("\n")
}

fn verdict(found: &FoundObject) -> String {
    match &found.verdict {
        Verdict::Adopt { differs, refused: None } if differs.is_empty() => "taken over".to_owned(),
        Verdict::Adopt { differs, refused: None } => format!("taken over; {}", differences(differs)),
        Verdict::Adopt { refused: Some(why), .. } => format!("taken over; a release will fail: {why}"),
        Verdict::Missing => style::paint(style::WARN, "missing; a release makes it"),
        Verdict::Foreign { why } => style::paint(style::BAD, format!("somebody else's: {why}")),
        Verdict::Busy { why } => style::paint(style::WARN, format!("not now: {why}")),
    }
}

fn differences(differs: &[FieldDiff]) -> String {
    let of_pods = differs.iter().filter(|it| it.path.starts_with(TEMPLATE)).count();
    let fields = match differs.len() {
        1 => "one field differs".to_owned(),
        count => format!("{count} fields differ"),
    };
    if of_pods == 0 { fields } else { format!("{fields}, {of_pods} of them of its pods") }
}

fn helm(release: &HelmRelease) -> String {
    let HelmRelease { name, revision, status, verdict, .. } = release;
    let title = format!("Helm release {name}, revision {revision}, {status}");
    match verdict {
        HelmVerdict::Adopt { revision: of, leftover } => {
            let of = if of == revision { String::new() } else { format!("what runs is revision {of}; ") };
            let unread = match leftover.as_slice() {
                [] => String::new(),
                names => format!("; nothing reads {} any more, which stays", names.join(", ")),
            };
            format!("{title}: {of}Helm lets go of it{unread}")
        }
        HelmVerdict::Leave { why, hint } => {
            let why = style::paint(style::BAD, format!("{title}: left alone: {why}"));
            format!("{why}\n  {} {hint}", style::paint(style::HINT, "hint:"))
        }
    }
}

fn end(scope: &Scope, adoption: &Adoption, is_to_do: bool) -> Option<String> {
    let nothing_runs = adoption.objects.iter().all(|it| it.verdict == Verdict::Missing);
    if nothing_runs {
        let text = format!("nothing of it is installed; `lockgate deploy {}` does it", scope.environment);
        return Some(style::paint(style::WARN, text));
    }
    if !adoption.is_possible() {
        return Some(style::paint(style::BAD, "left alone, all of it: nothing was changed"));
    }
    (!is_to_do).then(|| {
        format!(
            "nothing was changed, and the cluster would take it; `lockgate adopt {} --yes` writes labels, annotations \
             and who owns the fields, and starts no pod again",
            scope.environment
        )
    })
}

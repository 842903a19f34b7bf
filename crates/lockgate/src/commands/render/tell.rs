//! What `render` says: a summary for people, the same as JSON for programs.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::Path;

use lockgate_render::{Difference, DifferenceKind, Problem, Rendered};
use serde_json::json;

use crate::args::Format;
use crate::exit::Exit;
use crate::out::{Out, style};
use crate::rewrite::{self, Change};

pub(super) fn problems(problems: &[Problem], out: Out) -> Exit {
    match out.format {
        Format::Json => {
            let problems: Vec<_> =
                problems.iter().map(|it| json!({"message": it.message, "help": it.help})).collect();
            out.json(&json!({"problems": problems}));
        }
        Format::Human => {
            for problem in problems {
                out.warn(&format!("{}: {}", style::paint(style::BAD, "error"), problem.message));
                out.warn(&format!("{} {}", style::paint(style::HINT, "hint:"), problem.help));
            }
        }
    }
    Exit::Failed
}

/// The differences of a tree that should have none.
pub(super) fn check(
    differences: &[Difference],
    stale_manifest: bool,
    count: usize,
    root: &Path,
    out: Out,
) -> Exit {
    let good = differences.is_empty() && !stale_manifest;
    if out.format == Format::Json {
        out.json(&json!({"clean": good, "files": count, "differences": listed(differences)}));
        return exit(good);
    }
    if good {
        let painted = style::paint(style::GOOD, "ok");
        out.note(&format!("{painted}: {} in {} as the spec says", files(count), root.display()));
        return exit(good);
    }
    let diff: String = differences.iter().map(diff).collect();
    out.data(&if std::io::stdout().is_terminal() { rewrite::painted(&diff) } else { diff });
    for difference in differences {
        out.note(&format!("{:<9} {}", difference.kind.as_str(), difference.path));
    }
    if differences.is_empty() {
        out.note(&format!("{} does not list the files as they are", lockgate_render::MANIFEST));
    }
    let how = if differences.iter().any(|it| it.kind.loses_work()) {
        "move what somebody wrote by hand into the spec or its `patches`; `lockgate render --force` writes over it"
    } else {
        "`lockgate render` writes them"
    };
    out.note(&format!("{} {how}", style::paint(style::HINT, "hint:")));
    exit(good)
}

fn exit(good: bool) -> Exit {
    if good { Exit::Done } else { Exit::Failed }
}

fn diff(difference: &Difference) -> String {
    let change = Change {
        name: difference.path.clone(),
        before: difference.before.clone(),
        after: difference.after.clone(),
    };
    let diff = change.diff();
    // As git names a file that is not there.
    match difference.kind {
        DifferenceKind::New | DifferenceKind::Missing => {
            diff.replacen(&format!("--- a/{}", difference.path), "--- /dev/null", 1)
        }
        DifferenceKind::Orphaned => diff.replacen(&format!("+++ b/{}", difference.path), "+++ /dev/null", 1),
        _ => diff,
    }
}

fn listed(differences: &[Difference]) -> Vec<serde_json::Value> {
    let of = |it: &Difference| json!({"path": it.path, "difference": it.kind.as_str(), "diff": diff(it)});
    differences.iter().map(of).collect()
}

pub(super) fn written(differences: &[Difference], rendered: &Rendered, root: &Path, out: Out) {
    let removed = differences.iter().filter(|it| it.after.is_empty()).count();
    let wrote = differences.len() - removed;
    let same = rendered.artifacts.len().saturating_sub(wrote);
    if out.format == Format::Json {
        let paths = |gone: bool| -> Vec<&str> {
            differences.iter().filter(|it| it.after.is_empty() == gone).map(|it| it.path.as_str()).collect()
        };
        out.json(&json!({"written": paths(false), "removed": paths(true), "unchanged": same, "notes": rendered.notes}));
        return;
    }
    out.data(&table(rendered));
    for note in &rendered.notes {
        out.note(&format!("{} {note}", style::paint(style::HINT, "note:")));
    }
    let mut said = vec![format!("wrote {} to {}", files(wrote), root.display())];
    said.extend((0 < removed).then(|| format!("removed {removed}")));
    said.extend((0 < same).then(|| format!("{same} are as they were")));
    out.note(&said.join(", "));
}

/// How many files of each kind, and for whom.
fn table(rendered: &Rendered) -> String {
    let mut kinds: BTreeMap<&str, (usize, Vec<&str>)> = BTreeMap::new();
    for artifact in &rendered.artifacts {
        let entry = kinds.entry(artifact.kind.as_str()).or_default();
        entry.0 += 1;
        let environment = artifact.environment.as_ref().map_or("shared", |it| it.as_str());
        if !entry.1.contains(&environment) {
            entry.1.push(environment);
        }
    }
    let width = kinds.keys().map(|it| it.len()).max().unwrap_or(0);
    let line = |(kind, (count, environments)): (&str, (usize, Vec<&str>))| {
        format!("{kind:width$}  {count:>3}  {}\n", environments.join(", "))
    };
    kinds.into_iter().map(line).collect()
}

fn files(count: usize) -> String {
    format!("{count} file{}", if count == 1 { "" } else { "s" })
}

//! `audit`: contradictions in files that Lockgate did not write.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, ensure};
use ignore::{DirEntry, WalkBuilder};
use lockgate_audit::{Audit, Listing, audit as compare, syntax_of_name};
use lockgate_diagnostics::Source;
use lockgate_model::Severity;

use crate::args::{AuditArgs, FormatName, Global};
use crate::exit::Exit;
use crate::findings;
use crate::out::Out;

/// More text than any configuration or runbook has; beyond it are generated files.
const BYTES_MAX: u64 = 1 << 20;
/// What a large repository has, and what is compared within seconds.
const FILES_MAX: usize = 4_000;
/// Paths that are known to be there; bounds the walk over a whole disk.
const PATHS_MAX: usize = 500_000;

/// Folders of what others wrote or what a build left.
const NOT_WALKED: [&str; 5] = [".git", "node_modules", "target", "vendor", ".lockgate"];

/// What is read, and what is not, with the reason.
struct Tree {
    /// What the names of the sources are relative to.
    root: PathBuf,
    sources: Vec<Source>,
    listing: Listing,
    unread: Vec<(String, String)>,
}

pub fn audit(global: &Global, args: &AuditArgs, out: Out) -> anyhow::Result<Exit> {
    let tree = read(&args.path)?;
    let audit = compare(&tree.sources, &tree.listing);
    let shown: Vec<Source> = tree.sources.iter().map(|it| shown(&tree.root, it)).collect();
    findings::write(out, global.format, "audit", &shown, &audit.diagnostics);
    if 0 < global.verbose {
        for (name, reason) in tree.unread.iter().chain(&audit.unread) {
            out.note(&format!("not read: {name}: {reason}"));
        }
    }
    if matches!(global.format, FormatName::Human | FormatName::Github) {
        out.note(&summary(&audit, tree.unread.len() + audit.unread.len()));
    }
    let failed = audit.diagnostics.iter().any(|it| it.severity == Severity::Error);
    Ok(if failed { Exit::Failed } else { Exit::Done })
}

/// The source under the name that leads to it from the current folder.
fn shown(root: &Path, source: &Source) -> Source {
    let path = root.join(&source.name);
    let path = path.strip_prefix(".").unwrap_or(&path);
    Source { name: path.display().to_string(), text: source.text.clone() }
}

fn summary(audit: &Audit, unread: usize) -> String {
    let count = |severity| audit.diagnostics.iter().filter(|it| it.severity == severity).count();
    let kinds: Vec<String> = audit.kinds.iter().map(|(kind, number)| format!("{kind} {number}")).collect();
    let read = if kinds.is_empty() { "nothing that is audited".to_owned() } else { kinds.join(", ") };
    let unread = if unread == 0 { String::new() } else { format!("; {unread} not read, `-v` says why") };
    format!(
        "read {read}{unread}; {}; {}, {}",
        counted(audit.facts, "fact"),
        counted(count(Severity::Error), "error"),
        counted(count(Severity::Warning), "warning")
    )
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

fn read(path: &Path) -> anyhow::Result<Tree> {
    let metadata = std::fs::metadata(path).with_context(|| format!("cannot read {}", path.display()))?;
    if metadata.is_dir() {
        return read_folder(path);
    }
    let name = path.file_name().map(|it| it.to_string_lossy().into_owned()).unwrap_or_default();
    ensure!(
        syntax_of_name(&name).is_some(),
        "{} is of no kind that is audited; docs/reference/audit.md lists them",
        path.display()
    );
    let root = path.parent().unwrap_or(Path::new("")).to_owned();
    let mut tree = Tree { root, sources: vec![], listing: Listing::unknown(), unread: vec![] };
    add(path, &name, &mut tree);
    if let Some((name, reason)) = tree.unread.first() {
        anyhow::bail!("cannot audit {name}: {reason}");
    }
    Ok(tree)
}

fn is_walked(entry: &DirEntry) -> bool {
    let is_folder = entry.file_type().is_some_and(|it| it.is_dir());
    let name = entry.file_name().to_str().unwrap_or("");
    !(is_folder && 0 < entry.depth() && NOT_WALKED.contains(&name))
}

fn read_folder(root: &Path) -> anyhow::Result<Tree> {
    let mut unread = vec![];
    let mut walk = WalkBuilder::new(root);
    walk.hidden(false).require_git(false).filter_entry(is_walked);
    let mut wanted: Vec<(String, PathBuf)> = vec![];
    for entry in walk.build() {
        match entry {
            Ok(entry) if entry.file_type().is_some_and(|it| it.is_file()) => {
                let Some(name) = relative(root, entry.path()) else { continue };
                if syntax_of_name(&name).is_some() {
                    wanted.push((name, entry.into_path()));
                }
            }
            Ok(_) => (),
            Err(error) => unread.push((root.display().to_string(), error.to_string())),
        }
    }
    wanted.sort();
    ensure!(
        wanted.len() <= FILES_MAX,
        "{} has {} files to audit, and at most {FILES_MAX} are compared at once; name a folder in it",
        root.display(),
        wanted.len()
    );
    let mut tree = Tree { root: root.to_owned(), sources: vec![], listing: listing(root)?, unread };
    for (name, path) in wanted {
        add(&path, &name, &mut tree);
    }
    Ok(tree)
}

/// All that is there, also what Git ignores: a file that is named may be one of these.
fn listing(root: &Path) -> anyhow::Result<Listing> {
    let mut paths = vec![];
    let mut ignored = vec![];
    let mut walk = WalkBuilder::new(root);
    walk.standard_filters(false).filter_entry(is_walked);
    for entry in walk.build().filter_map(Result::ok) {
        let Some(name) = relative(root, entry.path()).filter(|it| !it.is_empty()) else { continue };
        if entry.file_name() == ".gitignore" {
            let text = std::fs::read_to_string(entry.path()).unwrap_or_default();
            ignored.extend(text.lines().map(str::to_owned));
        }
        paths.push(name);
        ensure!(
            paths.len() <= PATHS_MAX,
            "{} has more than {PATHS_MAX} files and folders; name a folder in it",
            root.display()
        );
    }
    Ok(Listing::of(paths, ignored))
}

fn relative(root: &Path, path: &Path) -> Option<String> {
    path.strip_prefix(root).ok()?.to_str().map(str::to_owned)
}

fn add(path: &Path, name: &str, tree: &mut Tree) {
    let text = match std::fs::metadata(path) {
        Ok(metadata) if BYTES_MAX < metadata.len() => {
            Err(format!("{} bytes, and at most {BYTES_MAX} are read", metadata.len()))
        }
        Ok(_) => std::fs::read(path)
            .map_err(|it| it.to_string())
            .and_then(|it| String::from_utf8(it).map_err(|_| "not UTF-8 text".to_owned())),
        Err(error) => Err(error.to_string()),
    };
    match text {
        Ok(text) => tree.sources.push(Source { name: name.to_owned(), text }),
        Err(reason) => tree.unread.push((name.to_owned(), reason)),
    }
}

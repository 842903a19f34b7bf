//! Changing files of the user's: shown as a diff, written whole or not at all.

use std::fmt::Write as _;
use std::io::{IsTerminal as _, Write as _};
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use crate::exit::Exit;
use crate::out::{Out, style};

/// Lines around a change that a diff shows.
const CONTEXT: usize = 3;

/// A file, and what it is to hold.
pub struct Change {
    /// As messages name it, relative to the current folder.
    pub name: String,
    pub before: String,
    pub after: String,
}

impl Change {
    /// As `patch -p1` and `git apply` read it; empty when nothing changes.
    pub fn diff(&self) -> String {
        let diff = similar::TextDiff::from_lines(&self.before, &self.after);
        let name = self.name.trim_start_matches('/');
        let (before, after) = (format!("a/{name}"), format!("b/{name}"));
        diff.unified_diff().context_radius(CONTEXT).header(&before, &after).to_string()
    }

    /// Replaces the file if it still holds what was read.
    pub fn write(&self) -> anyhow::Result<()> {
        let path = Path::new(&self.name);
        // A link stays a link: what it leads to is replaced.
        let path = path.canonicalize().with_context(|| format!("cannot find {}", self.name))?;
        replace(&path, &self.before, &self.after).with_context(|| format!("cannot write {}", self.name))
    }
}

fn replace(path: &Path, before: &str, after: &str) -> anyhow::Result<()> {
    // A new file in its place would ask nobody whether this one may be written.
    let file = std::fs::OpenOptions::new().write(true).open(path)?;
    let metadata = file.metadata()?;
    let folder = path.parent().map_or_else(|| PathBuf::from("."), Path::to_owned);
    let mut new = tempfile::NamedTempFile::new_in(folder)?;
    new.write_all(after.as_bytes())?;
    new.as_file().set_permissions(metadata.permissions())?;
    // Only root may give a file away; what anyone else makes is their own.
    drop(std::os::unix::fs::fchown(new.as_file(), Some(metadata.uid()), Some(metadata.gid())));
    new.as_file().sync_all()?;
    if std::fs::read(path)? != before.as_bytes() {
        bail!("it was changed by somebody else in the meantime");
    }
    new.persist(path)?;
    Ok(())
}

/// What would change, as the result of a command that changes nothing.
pub fn show(changes: &[Change], out: Out) -> Exit {
    if changes.is_empty() {
        return Exit::Done;
    }
    let diff: String = changes.iter().map(Change::diff).collect();
    let diff = if std::io::stdout().is_terminal() { painted(&diff) } else { diff };
    out.data(&diff);
    Exit::Failed
}

/// A diff as a terminal shows it: coloured, and without control characters.
pub fn painted(diff: &str) -> String {
    let mut painted = String::with_capacity(diff.len());
    for line in diff.lines() {
        let text: String = line.chars().filter(|it| *it == '\t' || !it.is_control()).collect();
        let style = match text.as_bytes() {
            [b'+', b'+', b'+', ..] | [b'-', b'-', b'-', ..] => style::STRONG,
            [b'+', ..] => style::GOOD,
            [b'-', ..] => style::BAD,
            [b'@', ..] => style::HINT,
            _ => style::PLAIN,
        };
        writeln!(painted, "{}", style::paint(style, text)).expect("writing to a string cannot fail");
    }
    painted
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_file_is_replaced_whole_with_its_mode_and_through_a_link() {
        let dir = tempfile::tempdir().unwrap();
        let (file, link) = (dir.path().join("file"), dir.path().join("link"));
        std::fs::write(&file, "old\n").unwrap();
        std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        let change = |before: &str, after: &str| Change {
            name: link.display().to_string(),
            before: before.to_owned(),
            after: after.to_owned(),
        };
        change("old\n", "new\n").write().unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new\n");
        assert_eq!(file.metadata().unwrap().mode() & 0o777, 0o640);
        assert!(link.is_symlink());

        let refused = change("old\n", "lost\n").write().unwrap_err();
        assert!(format!("{refused:#}").contains("in the meantime"), "{refused:#}");
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "new\n");
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 2, "nothing is left behind");
    }

    #[test]
    fn a_diff_is_one_that_patch_reads() {
        let change = Change {
            name: "a.yaml".to_owned(),
            before: "a: 1\nb: 2\n".to_owned(),
            after: "a: 1\nb: 3".to_owned(),
        };
        let wanted = "--- a/a.yaml\n+++ b/a.yaml\n@@ -1,2 +1,2 @@\n a: 1\n-b: 2\n+b: 3\n\\ No newline at end of file\n";
        assert_eq!(change.diff(), wanted);
        assert_eq!(painted("+\u{1b}[31mx\r\n").matches('\r').count(), 0);
    }
}

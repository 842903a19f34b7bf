//! The files that a build is sent: all below a folder but those that its ignore file names.

use std::io::Write;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};
use lockgate_model::Digest;
use sha2::Digest as _;

use super::ignored::Ignored;

/// Builds are not sent more files than this; one that is was pointed at the wrong folder.
const FILES_MAX: usize = 200_000;

pub struct BuildContext {
    root: PathBuf,
    /// Sorted by path.
    entries: Vec<Entry>,
}

struct Entry {
    /// Relative to the root, with `/`.
    path: String,
    kind: Kind,
}

enum Kind {
    Folder,
    File { executable: bool },
    Link(PathBuf),
}

impl BuildContext {
    /// The ignore file is the one beside the Dockerfile, or else the folder's own.
    pub fn read(root: &Path, dockerfile: &Path) -> anyhow::Result<BuildContext> {
        let mut beside = dockerfile.as_os_str().to_owned();
        beside.push(".dockerignore");
        let file = [PathBuf::from(beside), root.join(".dockerignore")].into_iter().find(|it| it.is_file());
        let text = match &file {
            Some(file) => std::fs::read_to_string(file).with_context(|| cannot_read(file))?,
            None => String::new(),
        };
        let ignored = Ignored::parse(&text)
            .with_context(|| format!("{} does not read", file.unwrap_or_default().display()))?;
        let mut entries = vec![];
        walk(root, "", &ignored, &mut entries)?;
        entries.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(BuildContext { root: root.to_owned(), entries })
    }

    /// Of paths, contents and which files can be run; not of when they were written.
    pub fn digest(&self) -> anyhow::Result<Digest> {
        let mut hasher = sha2::Sha256::new();
        for Entry { path, kind } in &self.entries {
            let (what, content) = match kind {
                Kind::Folder => ("folder", Digest::of(&[])),
                Kind::File { executable: true } => ("program", self.digest_of(path)?),
                Kind::File { executable: false } => ("file", self.digest_of(path)?),
                Kind::Link(to) => ("link", Digest::of(to.as_os_str().as_encoded_bytes())),
            };
            hasher.update(format!("{what} {} {path} {content}\n", path.len()));
        }
        Ok(Digest::from_bytes(hasher.finalize().into()))
    }

    fn digest_of(&self, path: &str) -> anyhow::Result<Digest> {
        let path = self.root.join(path);
        let mut file = std::fs::File::open(&path).with_context(|| cannot_read(&path))?;
        let mut hasher = sha2::Sha256::new();
        std::io::copy(&mut file, &mut Hashing(&mut hasher)).with_context(|| cannot_read(&path))?;
        Ok(Digest::from_bytes(hasher.finalize().into()))
    }

    /// As an archive, with the Dockerfile under a name that no file has, and an ignore file that takes both out again.
    pub fn archive(&self, dockerfile: &[u8], name: &str, out: impl Write) -> std::io::Result<()> {
        let mut archive = tar::Builder::new(out);
        archive.follow_symlinks(false);
        for Entry { path, .. } in &self.entries {
            if path != ".dockerignore" {
                archive.append_path_with_name(self.root.join(path), path)?;
            }
        }
        let ignored = format!(".dockerignore\n{name}\n");
        for (name, text) in [(".dockerignore", ignored.as_bytes()), (name, dockerfile)] {
            let mut header = tar::Header::new_gnu();
            header.set_mode(0o644);
            header.set_size(text.len() as u64);
            archive.append_data(&mut header, name, text)?;
        }
        archive.into_inner()?.flush()
    }
}

fn walk(root: &Path, below: &str, ignored: &Ignored, entries: &mut Vec<Entry>) -> anyhow::Result<()> {
    let folder = root.join(below);
    let listed = std::fs::read_dir(&folder).with_context(|| cannot_read(&folder))?;
    for entry in listed {
        let entry = entry.with_context(|| cannot_read(&folder))?;
        let Ok(name) = entry.file_name().into_string() else {
            bail!("{} is no name that a build can be sent", entry.path().display());
        };
        let path = if below.is_empty() { name } else { format!("{below}/{name}") };
        let meta = entry.metadata().with_context(|| cannot_read(&entry.path()))?;
        let is_ignored = ignored.matches(&path);
        if meta.is_dir() && (!is_ignored || ignored.may_except_below(&path)) {
            walk(root, &path, ignored, entries)?;
        }
        let kind = match meta.file_type() {
            it if it.is_dir() => Kind::Folder,
            it if it.is_symlink() => {
                Kind::Link(std::fs::read_link(entry.path()).with_context(|| cannot_read(&entry.path()))?)
            }
            it if it.is_file() => Kind::File { executable: meta.permissions().mode() & 0o111 != 0 },
            // Sockets and devices are of this machine, and no build is sent one.
            _ => continue,
        };
        if !is_ignored {
            entries.push(Entry { path, kind });
        }
        if FILES_MAX < entries.len() {
            bail!(
                "{} has more than {FILES_MAX} files; name what is not needed in `.dockerignore`",
                root.display()
            );
        }
    }
    Ok(())
}

fn cannot_read(path: &Path) -> String {
    format!("cannot read {}", path.display())
}

struct Hashing<'a>(&'a mut sha2::Sha256);

impl Write for Hashing<'_> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.update(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

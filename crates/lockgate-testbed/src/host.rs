//! What this machine has: programs, and the one rule of what happens when something is not there.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Debian's own before what else may be on the path: an engine and its client belong together.
pub fn program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let usual = ["/usr/sbin", "/usr/bin"].into_iter().map(PathBuf::from);
    usual.chain(std::env::split_paths(&path)).map(|it| it.join(name)).find(|it| it.is_file())
}

/// What a command printed, to its standard output and error; the test fails if it does not succeed.
pub fn output(command: &mut Command) -> (Vec<u8>, Vec<u8>) {
    let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let stderr = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{command:?}: {}\n{stderr}", done.status);
    (done.stdout, done.stderr)
}

/// Begins a command line that runs in a network namespace. `ip netns exec` would hide what is mounted in `/sys`, and
/// with it the cgroups.
pub(crate) fn in_namespace(name: &str) -> [String; 2] {
    ["nsenter".to_owned(), format!("--net=/run/netns/{name}")]
}

/// Says that a part of the tests is left out; in continuous integration the test fails instead.
pub fn skipped<T>(what: &str, why: &str) -> Option<T> {
    assert!(std::env::var_os("CI").is_none_or(|it| it != "true"), "{what}: {why}");
    // Past the test runner, which keeps for itself what a passing test prints.
    let said = writeln!(std::io::stderr(), "skipped: {what}: {why}");
    said.expect("a test can write to its standard error");
    None
}

/// A file that is made once, in `~/.cache/lockgate-images`. It appears under its name when it is whole.
pub(crate) fn cached(name: &str, make: impl FnOnce(&Path, &Path)) -> PathBuf {
    let cache = PathBuf::from(std::env::var_os("HOME").unwrap()).join(".cache/lockgate-images");
    let place = cache.join(name);
    if !place.exists() {
        fs::create_dir_all(&cache).unwrap();
        let folder = tempfile::tempdir_in(&cache).unwrap();
        let whole = folder.path().join("whole");
        make(folder.path(), &whole);
        fs::rename(&whole, &place).unwrap();
    }
    place
}

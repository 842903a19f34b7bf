//! What holds of the file store.

use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;

use lockgate_model::Digest;

use super::{FileStore, FilesError};

struct World {
    dir: tempfile::TempDir,
    store: FileStore,
}

impl World {
    fn new() -> World {
        let dir = tempfile::tempdir().unwrap();
        let store = FileStore::open(&dir.path().join("store")).unwrap();
        fs::create_dir_all(dir.path().join("app/bin")).unwrap();
        write(&dir.path().join("app/bin/run"), "#!program", 0o755);
        write(&dir.path().join("app/page.html"), "hello", 0o644);
        World { dir, store }
    }

    fn path(&self, inner: &str) -> std::path::PathBuf {
        self.dir.path().join(inner)
    }
}

fn write(path: &Path, text: &str, mode: u32) {
    fs::write(path, text).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn what_is_imported_comes_out_the_same() {
    let world = World::new();
    symlink("../page.html", world.path("app/bin/page")).unwrap();
    let digest = world.store.import(&world.path("app")).unwrap();
    assert!(world.store.contains(&digest));
    world.store.checkout(&digest, &world.path("out")).unwrap();
    assert_eq!(fs::read_to_string(world.path("out/bin/page")).unwrap(), "hello");
    let mode = fs::metadata(world.path("out/bin/run")).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o755);
    assert_eq!(world.store.import(&world.path("out")).unwrap(), digest, "a checkout is the same tree");
}

#[test]
fn content_and_executable_bit_make_the_digest_and_times_do_not() {
    let world = World::new();
    let first = world.store.import(&world.path("app")).unwrap();
    write(&world.path("app/page.html"), "hello", 0o600);
    assert_eq!(world.store.import(&world.path("app")).unwrap(), first);
    write(&world.path("app/page.html"), "hello", 0o755);
    let executable = world.store.import(&world.path("app")).unwrap();
    assert_ne!(executable, first);
    write(&world.path("app/page.html"), "bye", 0o755);
    assert_ne!(world.store.import(&world.path("app")).unwrap(), executable);
    assert!(world.store.contains(&first), "older trees stay");
}

#[test]
fn a_single_file_is_a_tree_of_one() {
    let world = World::new();
    let digest = world.store.import(&world.path("app/bin/run")).unwrap();
    world.store.checkout(&digest, &world.path("out")).unwrap();
    assert_eq!(fs::read_to_string(world.path("out/run")).unwrap(), "#!program");
}

#[test]
fn state_and_history_are_not_part_of_a_release() {
    let world = World::new();
    let before = world.store.import(&world.path("app")).unwrap();
    for folder in [".git", ".lockgate"] {
        fs::create_dir(world.path("app").join(folder)).unwrap();
        write(&world.path("app").join(folder).join("x"), folder, 0o644);
    }
    assert_eq!(world.store.import(&world.path("app")).unwrap(), before);
}

#[test]
fn links_that_leave_the_folder_are_refused() {
    let world = World::new();
    for to in ["/etc/passwd", "../../outside", "nothing-there"] {
        symlink(to, world.path("app/bin/bad")).unwrap();
        let error = world.store.import(&world.path("app")).unwrap_err();
        assert!(matches!(error, FilesError::LinkOutside { .. }), "{to}: {error}");
        fs::remove_file(world.path("app/bin/bad")).unwrap();
    }
    // Each name stays inside by its letters; together they climb out.
    symlink("..", world.path("app/bin/up")).unwrap();
    symlink("bin/up/../store", world.path("app/sly")).unwrap();
    let error = world.store.import(&world.path("app")).unwrap_err();
    assert!(matches!(error, FilesError::LinkOutside { .. }), "{error}");
}

#[test]
fn a_checkout_replaces_what_was_there() {
    let world = World::new();
    let digest = world.store.import(&world.path("app")).unwrap();
    fs::create_dir(world.path("out")).unwrap();
    write(&world.path("out/stale"), "old", 0o644);
    world.store.checkout(&digest, &world.path("out")).unwrap();
    assert!(!world.path("out/stale").exists());
}

#[test]
fn damage_is_found_and_named() {
    let world = World::new();
    let digest = world.store.import(&world.path("app")).unwrap();
    let blob = world.store.blob(&Digest::of(b"hello"));
    write(&blob, "hellp", 0o644);
    let error = world.store.checkout(&digest, &world.path("out")).unwrap_err();
    assert!(error.to_string().contains("page.html"), "{error}");
    assert!(!world.path("out").exists());
    let unknown = world.store.checkout(&Digest::of(b"nothing"), &world.path("out")).unwrap_err();
    assert!(matches!(unknown, FilesError::Unknown { .. }));
    let missing = world.store.import(&world.path("no-such-folder")).unwrap_err();
    assert!(matches!(missing, FilesError::Missing { .. }));
}

//! The image of one program: itself, the libraries that it loads, and nothing else.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::image::Config;
use crate::{Image, output, program};

/// Names come from the hosts file before they are asked for, as in any distribution.
const NAMES: &str = "hosts: files dns\n";
const USERS: &str = "root:x:0:0:root:/:/none\napp:x:1000:1000:app:/:/none\n";
const GROUPS: &str = "root:x:0:\napp:x:1000:\n";
/// Everybody may write, and remove what is his.
const SHARED: u32 = 0o1777;

impl Image {
    /// The program is the entry point, and runs as user 1000.
    pub fn of_program(path: &Path) -> Image {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("root");
        let name = path.file_name().expect("a program has a name");
        let inside = Path::new("/").join(name);
        place_program(&root, &inside, path);
        for (name, text) in [("nsswitch.conf", NAMES), ("passwd", USERS), ("group", GROUPS)] {
            fs::create_dir_all(root.join("etc")).unwrap();
            fs::write(root.join("etc").join(name), text).unwrap();
        }
        fs::create_dir(root.join("tmp")).unwrap();
        fs::set_permissions(root.join("tmp"), fs::Permissions::from_mode(SHARED)).unwrap();
        let config = Config {
            // An image names the port, as those of presets do; and the sample service listens for its own machine alone
            // unless it is told otherwise.
            env: vec!["PORT=8080".to_owned(), "SAMPLE_HOST=0.0.0.0".to_owned()],
            entrypoint: vec![inside.display().to_string()],
            user: "1000:1000".to_owned(),
            ..Config::default()
        };
        let mut image = Image::empty(config);
        image.add_folder(&root);
        image
    }

    /// One more layer: a program where it is on this machine, such as `/bin/bash`.
    pub fn add_program(&mut self, path: &Path) {
        let root = tempfile::tempdir().unwrap();
        place_program(root.path(), path, path);
        self.add_folder(root.path());
    }
}

/// The program and the libraries that it loads. Debug information stays here.
fn place_program(root: &Path, inside: &Path, path: &Path) {
    place(root, inside, path);
    if let Some(strip) = program("strip") {
        let placed = root.join(inside.strip_prefix("/").expect("a place in an image is absolute"));
        output(Command::new(strip).arg("--strip-debug").arg(placed));
    }
    for library in libraries(path) {
        place(root, &library, &library);
    }
}

/// The loader and what it will load, as this machine finds them.
fn libraries(program: &Path) -> Vec<PathBuf> {
    let done = Command::new("ldd").arg(program).output().unwrap();
    let said = String::from_utf8_lossy(&done.stdout);
    let missing: Vec<&str> = said.lines().filter(|it| it.contains("not found")).collect();
    assert!(missing.is_empty(), "{} has no {missing:?}", program.display());
    // `libc.so.6 => /lib/libc.so.6 (0x7f..)`, and for the loader a path alone. A static program has none of either.
    let paths = said.lines().filter_map(|line| line.split_whitespace().find(|it| it.starts_with('/')));
    paths.map(PathBuf::from).collect()
}

fn place(root: &Path, inside: &Path, from: &Path) {
    let to = root.join(inside.strip_prefix("/").expect("a place in an image is absolute"));
    fs::create_dir_all(to.parent().expect("it is below the root")).unwrap();
    fs::copy(from, &to).unwrap_or_else(|error| panic!("{}: {error}", from.display()));
}

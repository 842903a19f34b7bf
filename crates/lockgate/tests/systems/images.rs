//! The image that every service of the reference systems runs here: the sample service, with migrations in it.

use std::path::Path;

use lockgate_testbed::Image;

/// With `/migrations`, for `node sqlx-migrate --source /migrations`.
pub(crate) fn sample_with(
    migrations: impl IntoIterator<Item = (impl AsRef<Path>, impl AsRef<[u8]>)>,
) -> Image {
    let folder = tempfile::tempdir().unwrap();
    let inside = folder.path().join("migrations");
    std::fs::create_dir(&inside).unwrap();
    for (name, text) in migrations {
        std::fs::write(inside.join(name), text).unwrap();
    }
    let mut image = Image::of_program(Path::new(env!("CARGO_BIN_EXE_lockgate")));
    image.add_folder(folder.path());
    image
}

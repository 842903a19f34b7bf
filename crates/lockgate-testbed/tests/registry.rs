//! Images reach a real registry whole, and are named by what is in them.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

use std::path::Path;
use std::process::Command;

use lockgate_testbed::{Image, Registry, output};

fn this_program() -> Image {
    Image::of_program(&std::env::current_exe().unwrap())
}

#[test]
fn an_image_has_the_same_digest_each_time_and_each_tag_its_own() {
    let Some(registry) = Registry::start("images are pushed") else { return };
    let first = this_program().push(&registry.address, "shop/web:1");
    assert_eq!(first, this_program().push(&registry.address, "shop/web:1"));
    assert_ne!(first, this_program().push(&registry.address, "shop/web:2"));
    assert!(first.starts_with(&format!("{}/shop/web@sha256:", registry.address)), "{first}");

    let digest = first.rsplit_once('@').unwrap().1;
    let url = format!("http://{}/v2/shop/web/manifests/1", registry.address);
    let answer =
        ureq::get(url).header("accept", "application/vnd.oci.image.manifest.v1+json").call().unwrap();
    assert_eq!(answer.headers()["docker-content-digest"], digest);
}

#[test]
fn an_image_is_saved_as_an_archive_with_the_program_in_it() {
    let folder = tempfile::tempdir().unwrap();
    let archive = folder.path().join("image.tar");
    this_program().save("shop/web:1", &archive);
    let files = |archive: &Path| {
        let (stdout, _) = output(Command::new("tar").arg("-tf").arg(archive));
        String::from_utf8(stdout).unwrap().lines().map(str::to_owned).collect::<Vec<_>>()
    };
    let saved = files(&archive);
    assert!(saved.contains(&"./manifest.json".to_owned()), "{saved:?}");
    let layer = saved.iter().find(|it| it.starts_with("./sha256-") && !it.contains(".json")).unwrap();
    output(Command::new("tar").arg("-C").arg(folder.path()).arg("-xf").arg(&archive));
    let layer = files(&folder.path().join(layer));
    let name = std::env::current_exe().unwrap().file_name().unwrap().to_str().unwrap().to_owned();
    for file in [name.as_str(), "etc/nsswitch.conf", "tmp/"] {
        assert!(layer.contains(&format!("./{file}")), "{file} is not in {layer:?}");
    }
}

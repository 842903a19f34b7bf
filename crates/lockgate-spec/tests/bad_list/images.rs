//! References of images.

use lockgate_model::Image;

use super::{HEAD, accepted, check, line, root, silent, tells};

const DIGEST: &str = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";

fn image(written: &str) -> String {
    format!(
        "{HEAD}services: {{web: {{image: {written}}}}}\nenvironments: {{prod: {{target: {{kubernetes: {{}}}}}}}}\n"
    )
}

#[test]
fn images_stay_as_they_are_written() {
    for named in [
        "nginx:1.10",
        "registry.example.org:5000/team/web:v1",
        "localhost/web:1",
        &format!("shop/web@sha256:{DIGEST}"),
        &format!("shop/web:1@sha256:{DIGEST}"),
    ] {
        let system = accepted(&image(&format!("\"{named}\"")));
        assert_eq!(system.services["web"].image, Some(Image::Named(named.to_owned())));
        silent(&image(&format!("\"{named}\"")), "LG030");
    }
}

#[test]
fn a_version_that_looks_like_a_number_is_still_a_name() {
    let system = accepted(&image("1.10"));
    assert_eq!(system.services["web"].image, Some(Image::Named("1.10".to_owned())));
}

#[test]
fn what_no_registry_takes_is_told() {
    for (written, words) in [
        ("\"\"", "the name of an image is empty"),
        ("NGINX:1", "write `nginx`"),
        ("shop/Web:1", "write `shop/web`"),
        ("\"a b:1\"", "and no spaces"),
        ("\"nginx:1\\n\"", "and no spaces"),
        ("https://example.org/web:1", "write `example.org/web:1`"),
        ("\"web:\"", "there is no tag behind `:`"),
        ("\"web:-1\"", "`-1` is no tag"),
        ("\"web:a/b\"", "`web:a` is no registry"),
        ("web//x:1", "a part of the name is empty"),
        ("-web:1", "`-web` is no part of a name"),
        ("wéb:1", "letters and digits of ASCII"),
        ("nginx@sha256:abcd", "has 64 digits, and this one has 4"),
        ("nginx@md5:abcd", "a digest is `sha256:` and 64 hexadecimal digits"),
        ("\"nginx@\"", "a digest is `sha256:`"),
        (
            "\"nginx:1@sha256:ABCDEF6789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"",
            "0 to 9 and a to f",
        ),
    ] {
        tells(&image(written), "LG030", words);
    }
    tells(&image(&format!("web:{}", "x".repeat(129))), "LG030", "at most 128 of them");
    tells(&image(&"x".repeat(256)), "LG030", "255 are the most");
    tells(&image(&format!("{}:1", "x/".repeat(100_000))), "LG030", "255 are the most");
}

#[test]
fn repositories_and_images_of_dependencies_are_looked_at_as_well() {
    let text = image("x").replace("image: x", "build: {dockerfile: Dockerfile, image: \"ghcr.io/Shop/web\"}");
    tells(&text, "LG030", "write `ghcr.io/shop/web`");
    tells(&root("dependencies: {db: {type: postgres, image: Postgres}}"), "LG030", "write `postgres`");
}

#[test]
fn references_in_images_stand_for_something() {
    let of = |image: &str| {
        format!(
            "{HEAD}services: {{web: {{image: \"{image}\"}}}}\nenvironments: {{prod: {{target: {{kubernetes: {{registry: ghcr.io/shop}}}}}}}}\n"
        )
    };
    accepted(&of("${target.registry}/${service.name}:v${release.version}"));
    accepted(&of("${target.registry}/web@sha256:${git.sha}"));
    tells(&of("${target.registry}/Web:1"), "LG030", "no registry takes uppercase letters");
    tells(&of("${release.version"), "LG204", "is not closed");
}

#[test]
fn images_without_a_version_are_warned_of() {
    for written in ["nginx", "\"nginx:latest\"", "registry.example.org:5000/web"] {
        tells(&image(written), "LG323", "name the version");
        accepted(&image(written));
    }
}

#[test]
fn an_image_is_built_or_named() {
    let all: Vec<String> = check(&image("a:1, build: rust")).iter().map(line).collect();
    assert!(all.iter().any(|it| it.contains("LG302 service `web` has both `image` and `build`")), "{all:#?}");
}

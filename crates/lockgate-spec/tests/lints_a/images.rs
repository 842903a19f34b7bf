//! Whether there is an image, where it is pushed, and which one runs.

use super::{NONE, lines};

const CLUSTER: &str = "prod: {target: {kubernetes: {}}}";

#[test]
fn every_service_has_an_image_where_images_run() {
    let of = |web: &str, target: &str| {
        lines(
            "",
            &format!("web: {{port: 8080, command: [./web], {web}}}"),
            &format!("e: {{target: {target}}}"),
        )
    };
    assert_eq!(of("", "local"), NONE);
    assert_eq!(of("", "docker"), ["LG322 `web` has no image, and `docker` runs images"]);
    assert_eq!(of("image: \"web:1\"", "docker"), NONE);
    assert_eq!(of("build: {dockerfile: Dockerfile}", "docker"), NONE);
    let based = "web: {port: 8080, image: \"web:1\"}, a: {extends: web, command: [./a]}, b: {extends: a}";
    assert_eq!(lines("", based, "e: {target: docker}"), NONE);
    // What is wrong with `extends` is said once.
    assert_eq!(lines("", "a: {extends: b}", "e: {target: docker}"), ["LG104 there is no service `b`"]);
}

#[test]
fn each_image_has_a_repository_of_its_own() {
    let of = |image: &str, a: &str, b: &str| {
        let services = format!("a: {{build: {{{a}}}}}, b: {{build: {{{b}}}}}");
        lines(&format!("build: {{image: \"{image}\"}}"), &services, CLUSTER)
    };
    let differ = ["LG320 `a` and `b` are different images and have one repository, `shop/app`"];
    assert_eq!(of("shop/app", "dockerfile: A", "dockerfile: B"), differ);
    assert_eq!(of("shop/app", "dockerfile: A, args: {X: a}", "dockerfile: A, args: {X: b}"), differ);
    assert_eq!(of("shop/${service.name}", "dockerfile: A", "dockerfile: B"), NONE);
    assert_eq!(of("shop/app", "dockerfile: A", "dockerfile: B, image: shop/b"), NONE);
    assert_eq!(
        of("shop/app", "dockerfile: A, scan: high", "dockerfile: A"),
        ["LG320 `a` and `b` are built alike, each of them into `shop/app`"]
    );
    let shared = "a: {build: {dockerfile: A, image: shop/app}}, b: {extends: a, command: [./b]}";
    assert_eq!(lines("", shared, CLUSTER), NONE);
}

#[test]
fn what_runs_is_named_by_its_version() {
    let of = |image: &str| lines("", &format!("web: {{image: \"{image}\"}}"), "e: {target: docker}");
    for image in [
        "nginx:1.29",
        "nginx:stable",
        "nginx@sha256:0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef",
        "registry.example.org:5000/web:1",
        "ghcr.io/shop/web:${release.version}",
        "ghcr.io/shop/web:${git.sha7}",
    ] {
        assert_eq!(of(image), NONE, "{image}");
    }
    assert_eq!(of("nginx"), ["LG323 `nginx` has no tag, which means `latest`"]);
    assert_eq!(
        of("registry.example.org:5000/web"),
        ["LG323 `registry.example.org:5000/web` has no tag, which means `latest`"]
    );
    assert_eq!(of("a/b:latest"), ["LG323 `a/b:latest` is another image every time something is pushed"]);
}

#[test]
fn repositories_have_no_tags() {
    let of =
        |image: &str| lines(&format!("build: {{dockerfile: D, image: \"{image}\"}}"), "web: {}", CLUSTER);
    assert_eq!(of("registry.example.org:5000/web"), NONE);
    assert_eq!(
        of("shop/web:${release.version}"),
        ["LG324 the repository `shop/web:${release.version}` has a tag"]
    );
}

#[test]
fn images_that_leave_this_machine_have_a_repository() {
    let of = |target: &str| lines("build: {dockerfile: D}", "web: {}", &format!("e: {{target: {target}}}"));
    assert_eq!(of("docker"), NONE);
    assert_eq!(of("{docker: {hosts: unix:///var/run/docker.sock}}"), NONE);
    assert_eq!(of("{ecs-express: {region: eu-west-1, registry: registry.example.org}}"), NONE);
    let nowhere = "has no repository, and `docker` pulls images from one";
    assert_eq!(
        of("{docker: {hosts: ssh://deploy@example.org}}"),
        [format!("LG325 the image of `web` {nowhere}")]
    );
}

#[test]
fn what_is_promoted_is_what_was_built() {
    let of = |build: &str, prod: &str| {
        let environments = format!(
            "staging: {{target: {{kubernetes: {{}}}}}}, prod: {{target: {{kubernetes: {{}}}}, promote: staging, {prod}}}"
        );
        lines(&format!("build: {{dockerfile: D, image: shop, {build}}}"), "web: {}", &environments)
    };
    assert_eq!(of("args: {A: \"${release.version}\", B: /api}", "build: {image: prod, scan: low}"), NONE);
    assert_eq!(
        of("args: {A: \"${environment.name}\"}", ""),
        ["LG327 `prod` runs the images of `staging`, whose `args.A` is `staging`"]
    );
    assert_eq!(
        of("", "build: {platforms: linux/arm64}"),
        ["LG327 `prod` runs the images of `staging`, whose `platforms` is not set"]
    );
    // Each builds its own.
    let own = "a: {target: docker}, b: {target: docker, build: {args: {A: b}}}";
    assert_eq!(lines("build: {dockerfile: D, args: {A: a}}", "web: {}", own), NONE);
}

#[test]
fn stages_belong_to_dockerfiles() {
    let of = |build: &str| lines(&format!("build: {{{build}}}"), "web: {}", "e: {target: docker}");
    assert_eq!(of("dockerfile: D, stage: run"), NONE);
    assert_eq!(of("preset: node, stage: run"), ["LG326 `stage` has no meaning beside `preset`"]);
}

#[test]
fn services_are_somewhere() {
    let of = |second: &str| {
        let environments = format!("a: {{target: local, services: {{b: null}}}}, {second}");
        lines("", "a: {command: [./a]}, b: {command: [./b]}", &environments)
    };
    assert_eq!(of("b: {target: local}"), NONE);
    assert_eq!(of("b: {target: local, services: {b: null}}"), ["LG321 `b` is removed in every environment"]);
}

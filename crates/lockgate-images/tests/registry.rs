//! A real registry is understood: what it has, what it has not, who may, and copies of images from one to another.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::path::Path;

use lockgate_images::{Access, Client, Config, Reference, RegistryError, Repository};
use lockgate_model::Digest;
use lockgate_testbed::{Image, Registry};
use serde_json::{Value, json};

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
/// `U*U`, from the vectors that bcrypt's implementations are tested by.
const HTPASSWD: &str = "alice:$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW\n";

fn client() -> Client {
    Client::new(Config::default())
}

/// A small image; its digest is that of its content and its tag.
fn image(content: &str) -> Image {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("content"), content).unwrap();
    let mut image = Image::empty(lockgate_testbed::Config::default());
    image.add_folder(folder.path());
    image
}

fn push(registry: &Registry, name_and_tag: &str) -> Reference {
    image("hello").push(&registry.address, name_and_tag).parse().unwrap()
}

fn tag(registry: &Registry, name_and_tag: &str) -> Reference {
    format!("{}/{name_and_tag}", registry.address).parse().unwrap()
}

fn repository(registry: &Registry, name: &str) -> Repository {
    format!("{}/{name}", registry.address).parse().unwrap()
}

/// An index that says of images what they are for.
fn push_index(registry: &Registry, name: &str, tag: &str, platforms: &[(&str, &Reference)]) -> Digest {
    let manifests: Vec<Value> = platforms
        .iter()
        .map(|(platform, image)| {
            let (os, architecture) = platform.split_once('/').unwrap();
            let digest = image.digest.unwrap();
            let url = format!("http://{}/v2/{name}/manifests/{digest}", registry.address);
            let size =
                ureq::get(url).header("accept", MANIFEST).call().unwrap().body().content_length().unwrap();
            json!({"mediaType": MANIFEST, "digest": digest, "size": size,
                   "platform": {"os": os, "architecture": architecture}})
        })
        .collect();
    let index = json!({"schemaVersion": 2, "mediaType": INDEX, "manifests": manifests}).to_string();
    let url = format!("http://{}/v2/{name}/manifests/{tag}", registry.address);
    ureq::put(url).header("content-type", INDEX).send(&index).unwrap();
    Digest::of(index.as_bytes())
}

#[test]
fn a_tag_means_a_digest_and_what_is_missing_is_named() {
    let Some(registry) = Registry::start("registries are asked") else { return };
    let pushed = push(&registry, "shop/web:1.0");
    let client = client();
    assert_eq!(client.resolve(&tag(&registry, "shop/web:1.0")).unwrap(), pushed.digest.unwrap());
    assert!(client.exists(&pushed, Access::Pull).unwrap());
    assert!(!client.exists(&tag(&registry, "shop/web:2.0"), Access::Pull).unwrap());

    let error = client.resolve(&tag(&registry, "shop/web:2.0")).unwrap_err();
    assert_eq!(error.to_string(), format!("there is no {}/shop/web:2.0; it has 1.0", registry.address));
    let error = client.resolve(&tag(&registry, "shop/api:1.0")).unwrap_err();
    assert_eq!(error.to_string(), format!("{} has no repository shop/api", registry.address));
}

#[test]
fn an_image_for_another_platform_is_refused_by_name() {
    let Some(registry) = Registry::start("registries are asked") else { return };
    let (one, two) = (push(&registry, "shop/web:amd"), push(&registry, "shop/web:arm"));
    let index = push_index(&registry, "shop/web", "1.0", &[("linux/amd64", &one), ("linux/arm64", &two)]);
    let client = client();
    let reference = tag(&registry, "shop/web:1.0");
    assert_eq!(client.resolve(&reference).unwrap(), index);
    assert_eq!(client.platforms(&reference).unwrap(), ["linux/amd64", "linux/arm64"]);
    client.require_platform(&reference, "linux/arm64/v8").unwrap();
    let error = client.require_platform(&reference, "linux/s390x").unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{reference} is not for linux/s390x; it is for linux/amd64, linux/arm64")
    );

    let single = client.platforms(&one).unwrap();
    assert_eq!(single.len(), 1, "{single:?}");
    client.require_platform(&one, &single[0]).unwrap();
    assert_eq!(client.labels(&one).unwrap()["org.opencontainers.image.ref.name"], "shop/web:amd");
}

#[test]
fn an_image_of_several_platforms_is_copied_whole_and_keeps_its_digest() {
    let Some(staging) = Registry::start("images are copied") else { return };
    let Some(production) = Registry::start("images are copied") else { return };
    let (one, two) = (push(&staging, "shop/web:amd"), push(&staging, "shop/web:arm"));
    let index = push_index(&staging, "shop/web", "1.0", &[("linux/amd64", &one), ("linux/arm64", &two)]);
    let client = client();
    let from = tag(&staging, "shop/web:1.0");
    // To another registry, to another repository there, which takes the layers over, and again.
    for name in ["shop/web", "live/web", "live/web"] {
        let to = repository(&production, name);
        let source = if name == "shop/web" { from.clone() } else { tag(&production, "shop/web:1.0") };
        assert_eq!(client.copy(&source, &to, Some("1.0")).unwrap(), index);
        assert_eq!(client.resolve(&to.tagged("1.0")).unwrap(), index);
        assert_eq!(client.platforms(&to.at(one.digest.unwrap())).unwrap().len(), 1);
        assert_eq!(client.platforms(&to.at(index)).unwrap(), ["linux/amd64", "linux/arm64"]);
    }
    let error =
        client.copy(&tag(&staging, "shop/web:2.0"), &repository(&production, "shop/web"), None).unwrap_err();
    assert!(matches!(error, RegistryError::NoTag { .. }), "{error}");
}

fn docker_folder(auths: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.json"), json!({"auths": auths}).to_string()).unwrap();
    folder
}

fn with_folder(folder: &Path) -> Client {
    Client::new(Config { docker: folder.to_owned(), insecure: vec![] })
}

#[test]
fn who_may_not_is_told_with_which_credentials_and_never_with_their_values() {
    let folder = tempfile::tempdir().unwrap();
    let users = folder.path().join("htpasswd");
    std::fs::write(&users, HTPASSWD).unwrap();
    let settings = json!({"auth": {"htpasswd": {"realm": "tests", "path": users}}});
    let Some(open) = Registry::start("users sign in") else { return };
    let Some(closed) = Registry::start_with("users sign in", settings) else { return };
    let from = push(&open, "shop/web:1.0");
    let to = repository(&closed, "shop/web");

    let nobody = docker_folder(&json!({}));
    let error = with_folder(nobody.path()).copy(&from, &to, None).unwrap_err();
    let said = error.to_string();
    assert!(said.contains("does not allow to push shop/web, asked without credentials"), "{said}");
    assert_eq!(
        error.hint().unwrap(),
        format!("`docker login {}` with a user who may, and again", closed.address)
    );

    // `alice:wrong-secret`
    let wrong = docker_folder(&json!({&closed.address: {"auth": "YWxpY2U6d3Jvbmctc2VjcmV0"}}));
    let error = with_folder(wrong.path()).resolve(&to.tagged("1.0")).unwrap_err();
    let said = format!("{error} {error:?}");
    assert!(said.contains(&format!("with the credentials of {}", wrong.path().display())), "{said}");
    assert!(!said.contains("wrong-secret") && !said.contains("YWxpY2U6"), "{said}");

    // `alice:U*U`, under an address as old versions of Docker wrote them
    let right = docker_folder(&json!({format!("http://{}/v1/", closed.address): {"auth": "YWxpY2U6VSpV"}}));
    let client = with_folder(right.path());
    let digest = client.copy(&from, &to, Some("1.0")).unwrap();
    assert_eq!(client.resolve(&to.tagged("1.0")).unwrap(), digest);
}

#[test]
fn a_file_that_docker_did_not_write_is_named_and_not_shown() {
    let Some(registry) =
        Registry::start_with("users sign in", json!({"auth": {"silly": {"realm": "a", "service": "b"}}}))
    else {
        return;
    };
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("config.json"), "{\"auths\": {\"a\": {\"auth\": s3cret}}}").unwrap();
    let error = with_folder(folder.path()).resolve(&tag(&registry, "shop/web:1")).unwrap_err();
    let said = format!("{error} {error:?}");
    assert!(said.contains("config.json:1 is not as Docker writes it") && !said.contains("s3cret"), "{said}");
}

#[test]
fn a_registry_that_takes_nothing_says_so() {
    let Some(open) = Registry::start("images are refused") else { return };
    let folder = tempfile::tempdir().unwrap();
    let storage = json!({"filesystem": {"rootdirectory": folder.path()}, "maintenance": {"readonly": {"enabled": true}}});
    let Some(closed) = Registry::start_with("images are refused", json!({"storage": storage})) else {
        return;
    };
    let from = push(&open, "shop/web:1.0");
    let error = client().copy(&from, &repository(&closed, "shop/web"), None).unwrap_err();
    let said = error.to_string();
    assert!(
        said.starts_with(&format!("{} takes no images for shop/web: it answered 405", closed.address)),
        "{said}"
    );
}

//! What validators of others say of the objects.

use lockgate_render::{Artifact, Kind};

use crate::common::on_disk;
use crate::common::validator::{report, validator};
use crate::custom::CUSTOM;
use crate::shop::{both_forms, requests};

#[test]
fn manifests_are_what_kubernetes_reads() {
    let Some(validator) = validator("kubernetes-validate") else { return };
    let files = manifests_of_all();
    let folder = on_disk(&files);
    for version in ["1.30.0", "1.37.0"] {
        let args = ["-k", version, "--strict", "--quiet"].into_iter();
        let said = validator.run(args.chain(files.iter().map(|it| it.path.as_str())), folder.path());
        let is_custom = |line: &str| {
            CUSTOM.iter().any(|it| line.contains(&format!("kind {} with api version {}", it.0, it.1)))
        };
        let lines: Vec<&str> = said.stderr.lines().chain(said.stdout.lines()).collect();
        let unread: Vec<&&str> = lines.iter().filter(|it| it.starts_with("WARN") && !is_custom(it)).collect();
        assert!(unread.is_empty(), "{unread:#?}");
        said.passed();
        report(&format!("kubernetes-validate {version}"), files.len());
    }
}

/// Plain manifests of everything that is tried here.
fn manifests_of_all() -> Vec<Artifact> {
    let all = requests().into_iter().flat_map(|(name, request)| {
        let artifacts = both_forms(request).artifacts.into_iter();
        artifacts.map(move |it| Artifact { path: format!("{name}/{}", it.path), ..it }).collect::<Vec<_>>()
    });
    all.filter(|it| it.kind == Kind::Manifests).collect()
}

/// Checks that do not hold here, and why.
const SKIPPED: [(&str, &str); 4] = [
    ("CKV_K8S_35", "applications read their secrets as variables, which is what the spec names"),
    ("CKV_K8S_40", "the number of the user is the image's, and the spec says it"),
    ("CKV_K8S_8", "an instance is restarted for the reason that the spec says, and for no other"),
    ("CKV_K8S_9", "nobody waits for workers and exporters, which take no requests"),
];

/// Of dependencies beyond that: their images and amounts are not ours.
const SKIPPED_OF_DEPENDENCIES: [(&str, &str); 7] = [
    ("CKV_K8S_10", "nothing says how much of a processor a dependency needs"),
    ("CKV_K8S_11", "a limit that nobody measured slows it down"),
    ("CKV_K8S_12", "nothing says how much memory it needs"),
    ("CKV_K8S_13", "a limit that nobody measured ends it"),
    ("CKV_K8S_22", "their images write beside their data"),
    ("CKV_K8S_15", "what is pinned by a digest is the same whoever pulled it"),
    ("CKV_K8S_43", "the lock has their digests once a registry was asked"),
];

#[test]
fn manifests_keep_to_what_checkov_asks_for() {
    let Some(validator) = validator("checkov") else { return };
    let mut read = 0;
    for (dependencies, more) in [(false, &[][..]), (true, &SKIPPED_OF_DEPENDENCIES[..])] {
        let files: Vec<Artifact> =
            manifests_of_all().into_iter().filter(|it| it.path.contains("/10-") == dependencies).collect();
        let folder = on_disk(&files);
        let skipped: Vec<&str> = SKIPPED.iter().chain(more).map(|it| it.0).collect();
        let skipped = skipped.join(",");
        let args = [
            "--framework",
            "kubernetes",
            "-d",
            ".",
            "--compact",
            "--quiet",
            "--skip-download",
            "--skip-check",
            &skipped,
        ];
        validator.run(args, folder.path()).passed();
        read += files.len();
    }
    report("checkov --framework kubernetes", read);
}

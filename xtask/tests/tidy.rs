//! The repository keeps its own rules.

use std::path::Path;

use xtask::Problem;

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("xtask lies in the repository")
}

fn assert_none(problems: &[Problem]) {
    let problems: Vec<String> = problems.iter().map(ToString::to_string).collect();
    assert!(problems.is_empty(), "\n{}\n", problems.join("\n"));
}

#[test]
fn the_repository_is_tidy() {
    assert_none(&xtask::tidy(root()).unwrap().problems);
}

#[test]
fn generated_files_are_what_the_code_says() {
    assert_none(&xtask::stale(root()).unwrap());
}

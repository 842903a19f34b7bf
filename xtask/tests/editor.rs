//! The published schema in the language server that editors run.

use std::io::Write as _;
use std::path::Path;
use std::process::Command;

/// Installed by `npm ci --prefix tests/editor`.
const SERVER: &str = "node_modules/yaml-language-server/package.json";

#[test]
fn editors_check_complete_and_explain_specs() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests/editor");
    if !folder.join(SERVER).exists() {
        let missing = "the YAML language server is not installed: run `npm ci --prefix tests/editor`";
        assert!(std::env::var("CI").as_deref() != Ok("true"), "{missing}");
        // Macros that print are silent in a test that passes.
        writeln!(std::io::stderr(), "skipped: {missing}").expect("standard error is open");
        return;
    }
    let run = Command::new("node")
        .args(["--test", "--test-reporter", "spec", "--test-timeout", "120000"])
        .current_dir(folder)
        .output()
        .expect("node is installed where the language server is");
    assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stdout));
}

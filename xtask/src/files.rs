//! Rules for single files: length, the first line, words that do not belong here.

use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, ensure};

use crate::{Problem, Report};

/// A file of more lines is asked about.
const LINES_LONG: usize = 500;
/// A file of more lines is refused: nobody holds it in mind at once.
const LINES_MAX: usize = 800;

/// Put together here, so that this file passes its own check.
const FORBIDDEN: [(&str, &str); 4] = [
    (concat!("/wo", "rk/"), "a path of one machine: write it relative to the repository"),
    (concat!("/ro", "ot/"), "a path of one machine: write it relative to the repository"),
    (concat!("../sha", "red"), "a path outside of the repository"),
    (concat!("slip", "way"), "not a name of this project"),
];
const UNFINISHED: [&str; 3] =
    [concat!("#[ign", "ore"), concat!("to", "do!("), concat!("unimplem", "ented!(")];
const SLEEPS: [&str; 2] = [concat!("thread::", "sleep("), concat!("time::", "sleep(")];

pub(crate) struct File {
    /// Relative to the repository, with `/`.
    pub(crate) path: String,
    pub(crate) text: String,
}

/// All tracked text files that are there.
pub(crate) fn tracked(root: &Path) -> anyhow::Result<Vec<File>> {
    // The tests may run as another user than the one who made the clone.
    let output = Command::new("git")
        .args(["-c", "safe.directory=*", "ls-files", "-z"])
        .current_dir(root)
        .output()
        .context("git ls-files")?;
    ensure!(output.status.success(), "git ls-files: {}", String::from_utf8_lossy(&output.stderr));
    let listed = String::from_utf8(output.stdout).context("git ls-files")?;
    let mut files = Vec::new();
    for path in listed.split_terminator('\0') {
        // Removed but not committed yet, or no text.
        let Ok(bytes) = std::fs::read(root.join(path)) else { continue };
        let Ok(text) = String::from_utf8(bytes) else { continue };
        files.push(File { path: path.to_owned(), text });
    }
    ensure!(!files.is_empty(), "git knows no files in {}", root.display());
    Ok(files)
}

pub(crate) fn check(file: &File, report: &mut Report) {
    for (word, why) in FORBIDDEN {
        words(file, &[word], |word| format!("`{word}` is {why}"), report);
    }
    if file.path.rsplit_once('.').is_none_or(|it| it.1 != "rs") {
        return;
    }
    length(file, report);
    if !file.text.starts_with("//!") {
        let what = "the first line is not `//!`: say what the module owns";
        report.problems.push(Problem::new(&file.path, what));
    }
    words(file, &UNFINISHED, |word| format!("`{word}`: finish it or leave it out"), report);
    let sleep = |word: &str| {
        format!(
            "`{word}..)` in a test: wait for the event itself, within a bound (or say `// Slow on purpose` above)"
        )
    };
    words(&waits_of(file), &SLEEPS, sleep, report);
}

fn length(file: &File, report: &mut Report) {
    let lines = file.text.lines().count();
    if LINES_MAX < lines {
        let what = format!("{lines} lines, and {LINES_MAX} are the most: split it by what it owns");
        report.problems.push(Problem::new(&file.path, what));
    } else if LINES_LONG < lines {
        report.notes.push(Problem::new(&file.path, format!("{lines} lines")));
    }
}

fn words(file: &File, wanted: &[&str], what: impl Fn(&str) -> String, report: &mut Report) {
    for (index, line) in file.text.lines().enumerate() {
        for word in wanted.iter().filter(|it| line.contains(**it)) {
            report.problems.push(Problem::new(format!("{}:{}", file.path, index + 1), what(word)));
        }
    }
}

/// The file with everything blanked that is no test, so that line numbers stay. Blanked too are the pace of a
/// loop that looks again and again, and a program under test that is slow on purpose.
fn waits_of(file: &File) -> File {
    let is_test_file = file.path.contains("/tests/") || file.path.ends_with("/tests.rs");
    let mut inside = is_test_file;
    let mut before = "";
    let lines = file.text.lines().map(|line| {
        // A module of tests stands last in its file; an item with the attribute has no body to sleep in.
        inside |= line == "mod tests {";
        let trimmed = before.trim_start();
        let may_sleep = ["while ", "loop "].iter().any(|it| trimmed.starts_with(it))
            || trimmed.starts_with("// Slow on purpose");
        before = line;
        if inside && !may_sleep { line } else { "" }
    });
    File { path: file.path.clone(), text: lines.collect::<Vec<_>>().join("\n") }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(path: &str, text: &str) -> Vec<String> {
        let mut report = Report::default();
        check(&File { path: path.to_owned(), text: text.to_owned() }, &mut report);
        report.problems.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn each_module_says_what_it_owns() {
        assert!(problems("crates/a/src/lib.rs", "//! Owns a.\n").is_empty());
        assert_eq!(problems("crates/a/src/lib.rs", "use b;\n").len(), 1);
        assert!(problems("README.md", "use b;\n").is_empty());
    }

    #[test]
    fn long_files_are_listed_and_longer_ones_refused() {
        let mut report = Report::default();
        let text = format!("//! Long.\n{}", "\n".repeat(LINES_LONG));
        check(&File { path: "a.rs".to_owned(), text }, &mut report);
        assert_eq!((report.problems.len(), report.notes.len()), (0, 1));
        assert_eq!(problems("a.rs", &format!("//! Long.\n{}", "\n".repeat(LINES_MAX))).len(), 1);
    }

    #[test]
    fn paths_of_one_machine_are_found_with_their_line() {
        let found = problems("docs/a.md", concat!("see\n/wo", "rk/main\n"));
        assert!(found[0].starts_with("docs/a.md:2: "), "{found:?}");
    }

    #[test]
    fn sleeps_are_found_in_tests_only() {
        let sleep = SLEEPS[0];
        assert!(problems("crates/a/src/lib.rs", &format!("//! A.\nfn f() {{ {sleep}1) }}\n")).is_empty());
        assert_eq!(problems("crates/a/tests/b.rs", &format!("//! A.\n{sleep}1)\n")).len(), 1);
        let beside = format!("//! A.\n#[cfg(test)]\nmod tests {{\n{sleep}1)\n}}\n");
        assert_eq!(problems("crates/a/src/lib.rs", &beside).len(), 1);
    }

    #[test]
    fn the_pace_of_a_loop_and_a_slow_program_may_sleep() {
        let sleep = SLEEPS[1];
        for above in ["while !there() {", "loop {", "// Slow on purpose: a drain runs out."] {
            let text = format!("//! A.\n    {above}\n{sleep}1)\n");
            assert_eq!(problems("crates/a/tests/b.rs", &text), [""; 0]);
        }
    }

    #[test]
    fn unfinished_work_is_found() {
        for word in UNFINISHED {
            assert_eq!(problems("crates/a/src/lib.rs", &format!("//! A.\n{word}\n")).len(), 1);
        }
    }
}

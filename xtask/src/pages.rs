//! The pages of `docs/errors/` against the codes that the crates report.

use crate::Problem;
use crate::files::File;

const FOLDER: &str = "docs/errors/";

pub(crate) fn check(files: &[File], problems: &mut Vec<Problem>) {
    let source: Vec<&File> =
        files.iter().filter(|it| it.path.starts_with("crates/") && it.path.contains("/src/")).collect();
    for page in files.iter().filter_map(|it| it.path.strip_prefix(FOLDER)) {
        let Some(code) = page.strip_suffix(".md").filter(|it| is_code(it)) else {
            // An index may stand beside the pages.
            if page != "README.md" {
                problems
                    .push(Problem::new(format!("{FOLDER}{page}"), "a page is named as its code, `LG012.md`"));
            }
            continue;
        };
        let literal = format!("\"{code}\"");
        if !source.iter().any(|it| it.text.contains(&literal)) {
            let what = format!("no crate reports {code}: remove the page, or name the code as {literal}");
            problems.push(Problem::new(format!("{FOLDER}{page}"), what));
        }
    }
}

fn is_code(name: &str) -> bool {
    name.strip_prefix("LG").is_some_and(|it| it.len() == 3 && it.bytes().all(|it| it.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str, text: &str) -> File {
        File { path: path.to_owned(), text: text.to_owned() }
    }

    #[test]
    fn a_page_without_a_code_is_found() {
        let source = file("crates/a/src/codes.rs", "EMPTY = 1, \"LG001\";");
        let files = [
            source,
            file("docs/errors/LG001.md", ""),
            file("docs/errors/LG002.md", ""),
            file("docs/errors/x.md", ""),
        ];
        let mut problems = Vec::new();
        check(&files, &mut problems);
        let places: Vec<&str> = problems.iter().map(|it| it.place.as_str()).collect();
        assert_eq!(places, ["docs/errors/LG002.md", "docs/errors/x.md"]);
    }
}

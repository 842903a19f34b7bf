//! A drawing of folders and files in a fenced block, as paths.

use std::collections::BTreeSet;

use crate::listing::name_of;
use crate::place::{Excerpt, Word};

/// What a document draws as its files.
#[derive(Clone, Debug)]
pub(crate) struct Outline {
    /// The folder that the drawing starts with; may be empty.
    pub(crate) root: String,
    pub(crate) entries: Vec<Listed>,
}

#[derive(Clone, Debug)]
pub(crate) struct Listed {
    /// Relative to the root.
    pub(crate) path: String,
    pub(crate) is_folder: bool,
    pub(crate) name: Word,
}

/// Branches as they are drawn, and as they look when UTF-8 was read as Windows-1252 or Windows-1254.
const BRANCHES: [&str; 8] = ["├", "└", "│", "─", "â”œ", "â””", "â”‚", "â”€"];

impl Outline {
    pub(crate) fn read(excerpt: &Excerpt) -> Option<Outline> {
        let is_branch =
            |it: &str| ["├──", "└──", "â”œâ”€â”€", "â””â”€â”€"].iter().any(|mark| it.contains(mark));
        if excerpt.lines().filter(|it| is_branch(it.1)).count() < 2 {
            return None;
        }
        let mut outline = Outline { root: String::new(), entries: vec![] };
        let mut folders: Vec<(usize, String)> = vec![];
        for (range, line) in excerpt.lines() {
            let (column, used) = indent(line);
            let rest = &line[used..];
            let name = rest.split('#').next().unwrap_or("");
            let name = name.trim_end();
            if name.is_empty() || name.contains(' ') {
                continue;
            }
            if column == 0 && outline.entries.is_empty() {
                name.trim_end_matches('/').clone_into(&mut outline.root);
                continue;
            }
            folders.retain(|it| it.0 < column);
            let parent = folders.last().map_or(String::new(), |it| format!("{}/", it.1));
            let path = format!("{parent}{}", name.trim_end_matches('/'));
            let start = range.start + used;
            let is_folder = name.ends_with('/') || !name_of(name).contains('.');
            outline.entries.push(Listed {
                path: path.clone(),
                is_folder,
                name: excerpt.word(start..start + name.len()),
            });
            folders.push((column, path));
        }
        // A name with something below it is a folder, however it is written.
        let parents: BTreeSet<String> =
            outline.entries.iter().filter_map(|it| Some(it.path.rsplit_once('/')?.0.to_owned())).collect();
        for entry in &mut outline.entries {
            entry.is_folder = parents.contains(&entry.path) || entry.name.text.ends_with('/');
        }
        Some(outline)
    }

    /// What stands right below a folder, `""` for the root.
    pub(crate) fn children(&self, folder: &str) -> impl Iterator<Item = &Listed> {
        self.entries.iter().filter(move |it| crate::listing::folder_of(&it.path) == folder)
    }

    pub(crate) fn has(&self, path: &str) -> bool {
        self.entries.iter().any(|it| it.path == path)
    }
}

/// The column where the name begins, in units of what is drawn, and the bytes before it.
fn indent(line: &str) -> (usize, usize) {
    let mut column = 0;
    let mut at = 0;
    loop {
        let rest = &line[at..];
        if let Some(drawn) = BRANCHES.iter().find(|it| rest.starts_with(**it)) {
            at += drawn.len();
        } else if let Some(space) = rest.chars().next().filter(|it| matches!(it, ' ' | '\u{a0}' | '|' | '`'))
        {
            at += space.len_utf8();
        } else {
            return (column, at);
        }
        column += 1;
    }
}

#[cfg(test)]
mod tests {
    use lockgate_model::SourceId;

    use super::*;

    #[test]
    fn a_drawing_becomes_paths_even_with_the_wrong_character_set() {
        let good = "app/\n├── .env.example   # settings\n├── k8s/\n│   └── base/\n│       └── a.yaml\n└── README.md\n";
        let broken = "app/\nâ”œâ”€â”€ .env.example   # settings\nâ”œâ”€â”€ k8s/\nâ”‚   â””â”€â”€ base/\nâ”‚       â””â”€â”€ a.yaml\nâ””â”€â”€ README.md\n";
        for text in [good, broken] {
            let outline = Outline::read(&Excerpt::whole(SourceId(0), text)).unwrap();
            let paths: Vec<&str> = outline.entries.iter().map(|it| it.path.as_str()).collect();
            assert_eq!(paths, [".env.example", "k8s", "k8s/base", "k8s/base/a.yaml", "README.md"]);
            assert_eq!(outline.root, "app");
        }
    }
}

//! What `.dockerignore` says: patterns from the root of the folder, in their order, the last that fits decides.

use anyhow::Context as _;
use globset::{GlobBuilder, GlobMatcher};

pub struct Ignored {
    patterns: Vec<Pattern>,
}

struct Pattern {
    glob: GlobMatcher,
    /// The parts before the first that is not literal.
    begins: String,
    /// Written with `!`: what it fits is sent after all.
    excepts: bool,
}

impl Ignored {
    pub fn parse(text: &str) -> anyhow::Result<Ignored> {
        let lines = text.trim_start_matches('\u{feff}').lines().map(str::trim);
        let said = lines.filter(|it| !it.is_empty() && !it.starts_with('#'));
        Ok(Ignored { patterns: said.map(pattern).collect::<anyhow::Result<Vec<Pattern>>>()? })
    }

    /// A pattern that fits a folder fits what is in it.
    pub fn matches(&self, path: &str) -> bool {
        let ends = path.match_indices('/').map(|it| it.0).chain([path.len()]);
        let all: Vec<&str> = ends.map(|it| &path[..it]).collect();
        let fits = |pattern: &&Pattern| all.iter().any(|it| pattern.glob.is_match(it));
        self.patterns.iter().rfind(fits).is_some_and(|it| !it.excepts)
    }

    /// Whether something in an ignored folder may be sent after all.
    pub fn may_except_below(&self, folder: &str) -> bool {
        let below = format!("{folder}/");
        let excepts = self.patterns.iter().filter(|it| it.excepts);
        excepts.into_iter().any(|it| it.begins.starts_with(&below) || below.starts_with(&it.begins))
    }
}

fn pattern(line: &str) -> anyhow::Result<Pattern> {
    let (excepts, text) = match line.strip_prefix('!') {
        Some(rest) => (true, rest.trim_start()),
        None => (false, line),
    };
    let parts = text.split('/').filter(|it| !matches!(*it, "" | "."));
    let clean = parts.collect::<Vec<_>>().join("/");
    // Braces mean nothing there.
    let escaped = clean.replace('{', "[{]").replace('}', "[}]");
    let glob = GlobBuilder::new(&escaped).literal_separator(true).backslash_escape(true).build();
    let glob = glob.with_context(|| format!("`{line}` is no pattern"))?.compile_matcher();
    let literal = clean.split('/').take_while(|it| !it.contains(['*', '?', '[', '\\']));
    let mut begins = literal.collect::<Vec<_>>().join("/");
    if !begins.is_empty() && begins.len() < clean.len() {
        begins.push('/');
    }
    Ok(Pattern { glob, begins, excepts })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, ignored: &[&str], sent: &[&str]) {
        let rules = Ignored::parse(text).unwrap();
        for path in ignored {
            assert!(rules.matches(path), "{path} is sent by {text:?}");
        }
        for path in sent {
            assert!(!rules.matches(path), "{path} is not sent by {text:?}");
        }
    }

    #[test]
    fn patterns_begin_at_the_root_and_the_last_one_decides() {
        check(
            "# a remark\n\ntarget\n/a.txt\n",
            &["target", "target/debug/x", "a.txt"],
            &["web/target", "b/a.txt"],
        );
        check("**/target", &["target", "web/target/x"], &["targets"]);
        check("*.md\n!README.md", &["a.md"], &["README.md", "docs/a.md"]);
        check("docs\n!docs/a.md\n", &["docs/b.md", "docs"], &["docs/a.md"]);
        check("!docs/a.md\ndocs\n", &["docs/a.md"], &[]);
        check("a?c/\n./b/*\n", &["abc/x", "b/x"], &["ac", "b"]);
        check("{a,b}", &["{a,b}"], &["a", "b"]);
    }

    #[test]
    fn folders_are_looked_into_where_something_may_be_sent() {
        let rules = Ignored::parse("docs\nnode_modules\n!docs/a/*.md\n").unwrap();
        assert!(rules.may_except_below("docs") && rules.may_except_below("docs/a"));
        assert!(!rules.may_except_below("docs/b") && !rules.may_except_below("node_modules"));
        assert!(Ignored::parse("docs\n!**/*.md").unwrap().may_except_below("docs"));
    }
}

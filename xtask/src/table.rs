//! The table of crates in ARCHITECTURE.md, as rules.

use std::collections::{BTreeMap, BTreeSet};

use crate::Problem;

const PLACE: &str = "ARCHITECTURE.md";
const HEADER: [&str; 4] = ["crate", "one line", "may depend on", "must never"];
/// The page is a map; a longer one is not read.
const LINES_MAX: usize = 300;

/// What the page allows, by crate.
pub(crate) type Rules = BTreeMap<String, Rule>;

#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Rule {
    /// Full names of crates of this repository.
    pub(crate) may_use: BTreeSet<String>,
    /// Names of crates, not reached in any number of steps.
    pub(crate) never: BTreeSet<String>,
}

pub(crate) fn parse(page: &str) -> Result<Rules, Vec<Problem>> {
    let mut problems = Vec::new();
    let count = page.lines().count();
    if LINES_MAX <= count {
        let what = format!("{count} lines, and less than {LINES_MAX} are wanted: move detail to docs/");
        problems.push(Problem::new(PLACE, what));
    }
    let mut lines = page.lines().enumerate().skip_while(|it| cells(it.1) != HEADER);
    if lines.next().is_none() {
        let wanted = HEADER.join(" | ");
        problems.push(Problem::new(PLACE, format!("no table with the columns `| {wanted} |` was found")));
        return Err(problems);
    }
    let mut rules = Rules::new();
    // The second line of a table is its rule.
    for (index, line) in lines.skip(1).take_while(|it| it.1.starts_with('|')) {
        let place = format!("{PLACE}:{}", index + 1);
        match row(line) {
            Ok((name, _)) if rules.contains_key(&name) => {
                problems.push(Problem::new(place, format!("crate `{name}` has a row already")));
            }
            Ok((name, rule)) => {
                rules.insert(name, rule);
            }
            Err(what) => problems.push(Problem::new(place, what)),
        }
    }
    for (name, rule) in &rules {
        for used in rule.may_use.iter().filter(|it| !rules.contains_key(*it)) {
            let what = format!("`{name}` may depend on `{used}`, which has no row of its own");
            problems.push(Problem::new(PLACE, what));
        }
    }
    if problems.is_empty() { Ok(rules) } else { Err(problems) }
}

fn row(line: &str) -> Result<(String, Rule), String> {
    let cells = cells(line);
    let [name, _, may_use, never] = cells.as_slice() else {
        return Err(format!("the row has {} cells, and {} are wanted", cells.len(), HEADER.len()));
    };
    let name = name.trim_matches('`').to_owned();
    let may_use = list(may_use)?.into_iter().map(|it| format!("lockgate-{it}")).collect();
    Ok((name, Rule { may_use, never: list(never)? }))
}

fn cells(line: &str) -> Vec<&str> {
    let inner = line.trim().strip_prefix('|').and_then(|it| it.strip_suffix('|'));
    inner.map(|it| it.split('|').map(str::trim).collect()).unwrap_or_default()
}

/// Names between commas, with or without backticks; a dash says none.
fn list(cell: &str) -> Result<BTreeSet<String>, String> {
    if matches!(cell, "–" | "-" | "—" | "") {
        return Ok(BTreeSet::new());
    }
    let names = cell.split(',').map(|it| it.trim().trim_matches('`'));
    let read = names.map(|it| {
        let is_name = !it.is_empty() && it.chars().all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_');
        is_name
            .then(|| it.to_owned())
            .ok_or_else(|| format!("`{it}` is no crate: names between commas are wanted"))
    });
    read.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAGE: &str = "# Architecture\n\n\
        | crate | one line | may depend on | must never |\n|---|---|---|---|\n\
        | `lockgate-model` | words | – | tokio, hyper |\n\
        | `lockgate-engine` | plans | `model` | tokio |\n\nAfter.\n";

    #[test]
    fn rows_become_rules() {
        let rules = parse(PAGE).unwrap();
        assert_eq!(rules.len(), 2);
        assert_eq!(rules["lockgate-model"].never, ["hyper", "tokio"].map(str::to_owned).into());
        assert_eq!(rules["lockgate-engine"].may_use, ["lockgate-model".to_owned()].into());
    }

    #[test]
    fn a_page_without_the_table_says_which_columns_are_wanted() {
        let problems = parse("# Architecture\n").unwrap_err();
        assert_eq!(
            problems[0].to_string(),
            "ARCHITECTURE.md: no table with the columns `| crate | one line | may depend on | must never |` was found"
        );
    }

    #[test]
    fn broken_rows_are_named_by_their_line() {
        let page = PAGE.replace("| plans | `model` |", "| plans | everything but `model` |");
        assert_eq!(parse(&page).unwrap_err()[0].place, "ARCHITECTURE.md:6");
        let page = PAGE.replace(" | plans", "");
        assert_eq!(parse(&page).unwrap_err()[0].what, "the row has 3 cells, and 4 are wanted");
        let page = PAGE.replace("| plans | `model` |", "| plans | `spec` |");
        assert!(parse(&page).unwrap_err()[0].what.contains("`lockgate-spec`, which has no row"));
        let page = PAGE.replace("`lockgate-engine`", "`lockgate-model`");
        assert!(parse(&page).unwrap_err()[0].what.contains("has a row already"));
    }

    #[test]
    fn a_long_page_is_refused() {
        let page = format!("{PAGE}{}", "\n".repeat(LINES_MAX));
        assert!(parse(&page).unwrap_err()[0].what.contains("less than 300"));
    }
}

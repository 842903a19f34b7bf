//! The resolved graph against the rules of ARCHITECTURE.md.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use crate::Problem;
use crate::metadata::Graph;
use crate::table::Rules;

pub(crate) fn check(rules: &Rules, graph: &Graph, problems: &mut Vec<Problem>) {
    for name in rules.keys().filter(|it| !graph.members.contains(*it)) {
        let what = format!("crate `{name}` has a row, and is not in the workspace: remove the row");
        problems.push(Problem::new("ARCHITECTURE.md", what));
    }
    for name in &graph.members {
        let place = format!("crates/{name}/Cargo.toml");
        let Some(rule) = rules.get(name) else {
            let what = format!("crate `{name}` has no row in the table of ARCHITECTURE.md: add one");
            problems.push(Problem::new(place, what));
            continue;
        };
        let internal = graph.uses.get(name).into_iter().flatten().filter(|it| graph.members.contains(*it));
        for used in internal.filter(|it| !rule.may_use.contains(*it)) {
            let what = format!(
                "`{name}` depends on `{used}`, which its row in ARCHITECTURE.md does not allow: \
                 cut the dependency, or change the row and say why in the commit"
            );
            problems.push(Problem::new(&place, what));
        }
        for (never, path) in rule.never.iter().filter_map(|it| Some((it, path(graph, name, it)?))) {
            let what = format!("`{name}` must never reach `{never}`, and does: {}", path.join(" -> "));
            problems.push(Problem::new(&place, what));
        }
    }
}

/// The shortest way from one package to another.
fn path(graph: &Graph, from: &str, to: &str) -> Option<Vec<String>> {
    let mut came_from: BTreeMap<&str, &str> = BTreeMap::new();
    let mut seen: BTreeSet<&str> = [from].into();
    let mut queue: VecDeque<&str> = [from].into();
    while let Some(name) = queue.pop_front() {
        if name == to {
            let back = std::iter::successors(Some(name), |it| came_from.get(it).copied());
            let mut way: Vec<String> = back.map(str::to_owned).collect();
            way.reverse();
            return Some(way);
        }
        for used in graph.uses.get(name).into_iter().flatten() {
            if seen.insert(used) {
                came_from.insert(used, name);
                queue.push_back(used);
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn graph(edges: &[(&str, &str)]) -> Graph {
        let mut graph = Graph { members: ["a", "b"].map(str::to_owned).into(), ..Graph::default() };
        for (from, to) in edges {
            graph.uses.entry((*from).to_owned()).or_default().insert((*to).to_owned());
        }
        graph
    }

    fn rules(page: &str) -> Rules {
        let header = "| crate | one line | may depend on | must never |\n|---|---|---|---|\n";
        crate::table::parse(&format!("{header}{page}")).unwrap()
    }

    fn found(page: &str, edges: &[(&str, &str)]) -> Vec<String> {
        let mut problems = Vec::new();
        check(&rules(page), &graph(edges), &mut problems);
        problems.into_iter().map(|it| it.what).collect()
    }

    const ROWS: &str = "| `a` | first | – | tokio |\n| `b` | second | – | – |\n";

    #[test]
    fn an_edge_that_is_not_allowed_is_named() {
        let found = found(ROWS, &[("a", "b")]);
        assert!(found[0].starts_with("`a` depends on `b`, which its row"), "{found:?}");
    }

    #[test]
    fn what_is_forbidden_is_found_at_any_depth_with_the_way_to_it() {
        let found = found(ROWS, &[("a", "serde"), ("serde", "mio"), ("mio", "tokio")]);
        assert_eq!(found, ["`a` must never reach `tokio`, and does: a -> serde -> mio -> tokio"]);
    }

    #[test]
    fn rows_and_crates_match_one_to_one() {
        let found = found("| `a` | first | – | – |\n| `c` | gone | – | – |\n", &[]);
        assert!(found[0].contains("`c` has a row, and is not in the workspace"), "{found:?}");
        assert!(found[1].contains("`b` has no row"), "{found:?}");
    }
}

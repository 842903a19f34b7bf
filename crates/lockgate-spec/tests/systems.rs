//! `docs/reference/systems.md` against the specs that it speaks of: places, counts, and what it may claim.

#![expect(clippy::unwrap_used, reason = "helpers of tests fail like the tests themselves")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::ops::AddAssign;
use std::path::Path;

const PAGE: &str = include_str!("../../../docs/reference/systems.md");
const COMMANDS: &str = include_str!("../../../docs/reference/cli.md");
/// Of the page's folder.
const EXAMPLES: &str = "../../examples/";

#[test]
fn the_page_names_the_right_lines_and_counts() {
    let mut diff = String::new();
    for ((number, old), new) in (1..).zip(PAGE.lines()).zip(corrected().lines()) {
        if old != new {
            writeln!(diff, "@@ -{number} +{number} @@\n-{old}\n+{new}").unwrap();
        }
    }
    let header = "--- a/docs/reference/systems.md\n+++ b/docs/reference/systems.md\n";
    assert!(
        diff.is_empty(),
        "the page is behind the specs; `git apply --unidiff-zero` takes this:\n{header}{diff}"
    );
}

#[test]
fn every_example_is_mentioned() {
    for name in examples() {
        let link = format!("]({EXAMPLES}{name}/");
        assert!(PAGE.contains(&link), "the page has no link to examples/{name}");
    }
}

#[test]
fn every_row_says_where_it_is_stated_and_what_carries_it_out() {
    let mut wrong = vec![];
    for row in rows() {
        if !has_place(&row) {
            wrong.push(format!("no place of examples/{}, rule or reason: {}", row.system, row.place));
        }
        if row.status().is_none() {
            wrong.push(format!("neither commands, `rendered`, `not yet` nor `people`: {}", row.by));
        }
        wrong.extend(commands(row.by).filter(|it| !is_command(it)).map(|it| format!("no command: {it}")));
        wrong.extend(links(row.place).filter(|it| !leads_somewhere(it)).map(|it| format!("no target: {it}")));
    }
    assert!(wrong.is_empty(), "\n{}", wrong.join("\n"));
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Status {
    CarriedOut,
    InPart,
    /// `lockgate render` writes it, and an ordinary tool carries it out.
    Rendered,
    NotYet,
    People,
}

struct Row {
    system: &'static str,
    place: &'static str,
    by: &'static str,
}

impl Row {
    fn is_stated(&self) -> bool {
        !self.place.starts_with("not in the spec: ")
    }

    fn status(&self) -> Option<Status> {
        match self.by {
            "not yet" => Some(Status::NotYet),
            "rendered" => Some(Status::Rendered),
            "people" => Some(Status::People),
            by if !by.starts_with("`lockgate ") => None,
            by if by.contains(", in part: ") => Some(Status::InPart),
            by => by.split(", ").all(|it| it.starts_with("`lockgate ")).then_some(Status::CarriedOut),
        }
    }
}

/// The requirements of all systems, in the order of the page.
fn rows() -> Vec<Row> {
    let mut system = "";
    let mut rows = vec![];
    for line in PAGE.lines() {
        if let Some(heading) = line.strip_prefix("## ") {
            system = heading;
        }
        let cells = line.strip_prefix("| ").and_then(|it| it.strip_suffix(" |"));
        let Some(cells) = cells.filter(|_| !system.is_empty()) else { continue };
        match cells.split(" | ").collect::<Vec<_>>()[..] {
            ["requirement", ..] => {}
            [_, place, by] => rows.push(Row { system, place, by }),
            _ => panic!("a row has three cells: {line}"),
        }
    }
    assert!(100 < rows.len(), "the page has lost its tables");
    rows
}

#[derive(Clone, Copy, Default)]
struct Count {
    requirements: usize,
    stated: usize,
    carried_out: usize,
    in_part: usize,
    rendered: usize,
    not_yet: usize,
    people: usize,
}

impl Count {
    fn of(row: &Row) -> Count {
        let is = |status| usize::from(row.status() == Some(status));
        Count {
            requirements: 1,
            stated: usize::from(row.is_stated()),
            carried_out: is(Status::CarriedOut),
            in_part: is(Status::InPart),
            rendered: is(Status::Rendered),
            not_yet: is(Status::NotYet),
            people: is(Status::People),
        }
    }

    fn line(self, name: &str) -> String {
        let Count { requirements, stated, carried_out, in_part, rendered, not_yet, people } = self;
        format!(
            "| {name} | {requirements} | {stated} | {carried_out} | {in_part} | {rendered} | {not_yet} | {people} |"
        )
    }
}

impl AddAssign for Count {
    fn add_assign(&mut self, other: Count) {
        self.requirements += other.requirements;
        self.stated += other.stated;
        self.carried_out += other.carried_out;
        self.in_part += other.in_part;
        self.rendered += other.rendered;
        self.not_yet += other.not_yet;
        self.people += other.people;
    }
}

/// The page as it should be, line for line.
fn corrected() -> String {
    let mut all = Count::default();
    let mut systems: BTreeMap<&str, Count> = BTreeMap::new();
    for row in rows() {
        all += Count::of(&row);
        *systems.entry(row.system).or_default() += Count::of(&row);
    }
    let summary = |line: &str| {
        let name = line.strip_prefix("| ")?.split(" | ").next()?;
        let system = name.strip_prefix('[').and_then(|it| it.split(']').next());
        let count = if name == "all" { Some(&all) } else { systems.get(system?) };
        count.map(|it| it.line(name))
    };
    for name in systems.keys() {
        assert!(PAGE.contains(&format!("\n| [{name}](#{name}) |")), "the summary has no row for `{name}`");
    }
    let lines = PAGE.lines().map(|it| summary(it).unwrap_or_else(|| with_right_lines(it)));
    lines.collect::<Vec<_>>().join("\n")
}

/// A place is `[nova:8](../../examples/nova/lockgate.yaml#L8)` and a part of that line between backticks.
fn with_right_lines(line: &str) -> String {
    let target = format!("]({EXAMPLES}");
    let mut parts = line.split(&target);
    let mut whole = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let Some((name, rest)) = part.split_once("/lockgate.yaml#L") else {
            write!(whole, "{target}{part}").unwrap();
            continue;
        };
        let (number, rest) = rest.split_once(')').unwrap_or_else(|| panic!("not a place: {part}"));
        let fragment = rest.strip_prefix(" `").and_then(|it| it.split('`').next());
        let fragment = fragment.unwrap_or_else(|| panic!("no part of the line behind the place: {part}"));
        let number = number.parse().unwrap_or_else(|_| panic!("not a line: {part}"));
        let right = line_of(name, fragment, number);
        whole.truncate(whole.rfind('[').unwrap_or_else(|| panic!("no text of the link: {line}")));
        write!(whole, "[{name}:{right}{target}{name}/lockgate.yaml#L{right}){rest}").unwrap();
    }
    whole
}

/// The line with the fragment, and of several the nearest.
fn line_of(name: &str, fragment: &str, near: usize) -> usize {
    let spec = text(&folder().join(name).join("lockgate.yaml"));
    let lines = (1..).zip(spec.lines()).filter(|it| it.1.contains(fragment)).map(|it| it.0);
    lines
        .min_by_key(|it: &usize| it.abs_diff(near))
        .unwrap_or_else(|| panic!("no line of examples/{name}/lockgate.yaml contains `{fragment}`"))
}

fn text(path: &Path) -> String {
    let bytes = std::fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    String::from_utf8(bytes).unwrap()
}

fn folder() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples"))
}

fn examples() -> BTreeSet<String> {
    let entries = std::fs::read_dir(folder()).unwrap().map(|it| it.unwrap());
    let specs = entries.filter(|it| it.path().join("lockgate.yaml").is_file());
    specs.map(|it| it.file_name().into_string().unwrap()).collect()
}

fn has_place(row: &Row) -> bool {
    let own = format!("]({EXAMPLES}{}/lockgate.yaml#L", row.system);
    let rule = row.place.starts_with("by convention: ") && row.place.contains("](");
    row.place.contains(&own) || rule || !row.is_stated()
}

/// What stands between backticks.
fn commands(by: &str) -> impl Iterator<Item = &str> {
    let quoted = by.split('`').skip(1).step_by(2);
    quoted.filter(|it| it.starts_with("lockgate "))
}

fn is_command(command: &str) -> bool {
    command == "lockgate help"
        || COMMANDS.contains(&format!("`{command}`"))
        || COMMANDS.contains(&format!("`{command} "))
}

/// The targets of links, except for those into specs.
fn links(cell: &str) -> impl Iterator<Item = &str> {
    let targets = cell.split("](").skip(1).filter_map(|it| it.split(')').next());
    targets.filter(|it| !it.starts_with(EXAMPLES))
}

fn leads_somewhere(link: &str) -> bool {
    let (path, anchor) = link.split_once('#').unwrap_or((link, ""));
    let path = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/reference")).join(path);
    if anchor.is_empty() {
        return path.exists();
    }
    let page = text(&path);
    let headings = page.lines().filter(|it| it.starts_with('#'));
    let anchors = headings.map(|it| it.trim_start_matches('#').trim().to_lowercase().replace(' ', "-"));
    anchors.into_iter().any(|it| it == anchor)
}

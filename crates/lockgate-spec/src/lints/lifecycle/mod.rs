//! Versions and platforms that have come to their end, by a table with a date and a source for each.
//!
//! **Invariant:** no clock. A row stands in the table when its day was past on the day of the check.

use lockgate_diagnostics::{codes, shown};
use lockgate_model::{Diagnostic, TargetKind};

use super::shared::info;
use crate::layers::Value;
use crate::spec::Seen;

/// The day on which the table was held against its sources.
const CHECKED: &str = "2026-08-22";
const TABLE: &str = include_str!("ended.tsv");

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    for (name, dependency) in &seen.system.dependencies {
        let written = seen.tree.at(&["dependencies", name.as_str(), "version"]);
        let kind = if dependency.kind == "postgresql" { "postgres" } else { &dependency.kind };
        report.extend(written.and_then(|it| ended("dependency", kind, it)));
    }
    for (name, written) in seen.tree.at(&["ci", "tools"]).into_iter().flat_map(Value::entries) {
        let tool = match name.as_str() {
            "nodejs" => "node",
            "golang" => "go",
            name => name,
        };
        report.extend(ended("tool", tool, written));
    }
    report.extend(app_runner(seen));
}

/// A row of the table.
struct Row<'a> {
    group: &'a str,
    name: &'a str,
    version: &'a str,
    day: &'a str,
    source: &'a str,
}

fn rows() -> impl Iterator<Item = Row<'static>> {
    let lines = TABLE.lines().filter(|it| !it.starts_with('#'));
    lines.filter_map(|line| {
        let mut parts = line.split('\t');
        let mut next = || parts.next();
        Some(Row { group: next()?, name: next()?, version: next()?, day: next()?, source: next()? })
    })
}

/// Is it this version or one of those that it stands for: `13` and `13.4`, not `130`?
fn is_of(version: &str, known: &str) -> bool {
    let version = version.strip_prefix('v').unwrap_or(version);
    version.strip_prefix(known).is_some_and(|it| it.is_empty() || it.starts_with(['.', '-']))
}

fn ended(group: &str, name: &str, written: &Value) -> Option<Diagnostic> {
    let version = written.text()?;
    let row = rows().find(|it| it.group == group && it.name == name && is_of(version, it.version))?;
    let message = format!("`{name}` {} has had no fixes since {}", shown(version), row.day);
    Some(
        Diagnostic::warning(codes::VERSION_ENDED, message)
            .label(written.place(), format!("its last day was {}", row.day))
            .help("what is found in it from then on stays open; name a version that is still mended")
            .help(format!("{} says so, as of {CHECKED}", row.source)),
    )
}

fn app_runner(seen: &Seen<'_>) -> Option<Diagnostic> {
    let TargetKind::AppRunner(_) = seen.system.target else { return None };
    let written = seen.tree.at(&["target", "apprunner"])?;
    Some(
        info(codes::PLATFORM_CLOSED, "AWS App Runner takes no new customers since 2026-04-30")
            .label(written.key_span, "for those who have it already")
            .help("AWS points to Amazon ECS Express Mode: `target: {ecs-express: {region: ...}}`")
            .help("https://docs.aws.amazon.com/apprunner/latest/dg/apprunner-availability-change.html"),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Year, month, day: in this form they compare as texts.
    fn is_day(text: &str) -> bool {
        let parts: Vec<&str> = text.split('-').collect();
        parts.iter().map(|it| it.len()).eq([4, 2, 2])
            && text.bytes().all(|it| it.is_ascii_digit() || it == b'-')
    }

    #[test]
    fn every_row_is_whole_and_past_on_the_day_of_the_check() {
        let lines = TABLE.lines().filter(|it| !it.starts_with('#')).count();
        assert_eq!(rows().count(), lines);
        for row in rows() {
            assert!(is_day(row.day) && row.day <= CHECKED, "{} {}", row.name, row.version);
            assert!(["dependency", "tool"].contains(&row.group), "{}", row.group);
            assert!(row.source.starts_with("https://"), "{}", row.source);
        }
    }

    #[test]
    fn a_version_stands_for_those_below_it() {
        for version in ["13", "13.4", "13-alpine", "v13.1"] {
            assert!(is_of(version, "13"), "{version}");
        }
        for version in ["130", "1", "14", "", "latest"] {
            assert!(!is_of(version, "13"), "{version}");
        }
        assert!(!is_of("6", "6.0"));
    }
}

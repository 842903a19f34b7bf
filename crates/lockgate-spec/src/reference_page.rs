//! The reference page of all keys: one section for each map of the language, in the order of the tables.

use std::fmt::Write as _;

use crate::language;
use crate::leaf::measure;
use crate::schema::{Field, Keys, Leaf, NameRule, Named, Pick, Shape, Short};
use lockgate_diagnostics::suggest;
use lockgate_model::{Millis, Unit};

const HEAD: &str = "# Keys

<!-- Written by `cargo run -p xtask -- generate` from the tables of the language; edit those. -->

Every key of `lockgate.yaml`, what it holds, what holds without it, and what it means.
How layers, references, values and included files work is on [its own page](spec.md).
Keys that begin with `x-` may stand in every map; they are yours and are never read.
";

/// Markdown with every key of the language.
pub fn keys_page() -> String {
    let Shape::Keys(root) = &language::ROOT else { unreachable!("the root is a map of the language") };
    let mut sections = vec![];
    collect(root, &mut sections);
    let mut page = HEAD.to_owned();
    for keys in &sections {
        section(keys, &sections, &mut page);
    }
    metrics(&mut page);
    page
}

/// Every map, each before those that stand in it.
fn collect(keys: &'static Keys, found: &mut Vec<&'static Keys>) {
    if found.iter().any(|it| it.what == keys.what) {
        return;
    }
    found.push(keys);
    keys.fields.iter().filter_map(|it| map_of(&it.shape)).for_each(|it| collect(it, found));
}

/// The map that a shape leads to, at once, by name or as an item.
fn map_of(shape: &'static Shape) -> Option<&'static Keys> {
    match shape {
        Shape::Keys(keys) => Some(keys),
        Shape::Named(named) => map_of(&named.value),
        Shape::List(item) | Shape::Many(item) => map_of(item),
        Shape::Scalar(_) | Shape::Argv | Shape::Argvs | Shape::Any => None,
    }
}

/// Notes, then a row for each key.
fn section(keys: &'static Keys, all: &[&'static Keys], page: &mut String) {
    line(page, format_args!("\n## {}\n", heading(keys)));
    let notes: Vec<String> =
        [places(keys, all), short(keys), choice(keys.pick)].into_iter().flatten().collect();
    if !notes.is_empty() {
        line(page, format_args!("{}\n", notes.join("\n")));
    }
    line(page, format_args!("| key | value | default | meaning |\n|---|---|---|---|"));
    for field in keys.fields {
        let value = value(&field.shape);
        let default = default(field);
        line(page, format_args!("| `{}` | {value} |{default} | {} |", field.key, cell(field.about)));
    }
}

/// The keys that hold this map, with the maps that they belong to.
fn places(keys: &Keys, all: &[&'static Keys]) -> Option<String> {
    let mut places = vec![];
    for around in all {
        let holds = |it: &&'static Field| map_of(&it.shape).is_some_and(|it| it.what == keys.what);
        let fields: Vec<&str> = around.fields.iter().filter(holds).map(|it| it.key).collect();
        if !fields.is_empty() {
            places.push(format!(
                "{} of [{}](#{})",
                suggest::all(fields),
                around.what,
                anchor(&heading(around))
            ));
        }
    }
    (!places.is_empty()).then(|| format!("Stands under {}.", places.join("; ")))
}

fn short(keys: &Keys) -> Option<String> {
    match keys.short {
        Short::Field(key) => Some(format!("In short, the value of `{key}` stands for the whole map.")),
        Short::Key => Some("In short, one of the keys stands for the whole map.".to_owned()),
        Short::None | Short::Items | Short::Item(_) => None,
    }
}

fn choice(pick: Pick) -> Option<String> {
    let keys = suggest::list(pick.keys().iter().copied());
    match pick {
        Pick::Any => None,
        Pick::AtMostOne(_) => Some(format!("At most one of {keys} is given.")),
        Pick::ExactlyOne(_) => Some(format!("Exactly one of {keys} is given.")),
    }
}

fn default(field: &Field) -> String {
    match (field.required, field.default) {
        (true, _) => " required".to_owned(),
        (false, "") => String::new(),
        (false, default) => format!(" `{}`", cell(default)),
    }
}

fn value(shape: &'static Shape) -> String {
    match shape {
        Shape::Scalar(leaf) => scalar(*leaf),
        Shape::Argv => "[command](spec.md#values)".to_owned(),
        Shape::Argvs => "[command](spec.md#values), or a list of commands".to_owned(),
        Shape::List(item) => format!("list: {}", value(item)),
        Shape::Many(item) => format!("{}, or a list", value(item)),
        Shape::Keys(keys) => match keys.short {
            Short::Field(_) => {
                let short = keys.short_field().map_or_else(String::new, |it| value(&it.shape));
                format!("{}, or in short {short}", link(keys))
            }
            Short::Key => format!("{}, or in short one of its keys", link(keys)),
            Short::None | Short::Items | Short::Item(_) => link(keys),
        },
        Shape::Named(named) => by_name(named),
        Shape::Any => "anything".to_owned(),
    }
}

fn by_name(named: &'static Named) -> String {
    let name = match named.name {
        NameRule::Service => "service",
        NameRule::Dependency => "dependency",
        NameRule::Environment => "environment",
        NameRule::Port => "port",
        NameRule::Volume | NameRule::Job => "name",
        NameRule::Variable => "variable",
        NameRule::Header => "header",
        NameRule::Metric => "[metric](#what-is-measured)",
        NameRule::Alert => "alert",
        NameRule::JsonPath => "JSON path",
        NameRule::Code => "code",
        NameRule::Existing => "service or dependency",
    };
    let value = value(&named.value);
    match named.short {
        Short::Items => format!("list of names, or map by {name}: {value}"),
        Short::Item(_) => format!("one {name}, or map by {name}: {value}"),
        Short::None | Short::Field(_) | Short::Key => format!("map by {name}: {value}"),
    }
}

fn scalar(leaf: Leaf) -> String {
    let text = match leaf {
        Leaf::Text => "text",
        Leaf::Template | Leaf::VariableValue => "text with [references](spec.md#references)",
        Leaf::VariableName => "name of a variable",
        Leaf::SystemName => "[name](spec.md#values)",
        Leaf::ServiceName => "name of a service",
        Leaf::DependencyName => "name of a dependency",
        Leaf::EnvironmentName => "name of an environment",
        Leaf::PortName => "name of a port",
        Leaf::Version => "`v1`",
        Leaf::Integer { min, max } => return format!("number, {min} to {max}"),
        Leaf::Decimal { min, max } => return format!("number, {min} to {max}"),
        Leaf::Share => "percentage, or number from 0 to 1",
        Leaf::Percent | Leaf::PercentValue | Leaf::Weight => "[percentage](spec.md#values)",
        Leaf::CountOrShare => "number or [percentage](spec.md#values)",
        Leaf::Bool => "`true` or `false`",
        Leaf::Duration { min: Millis::ZERO } => "[duration](spec.md#values)",
        Leaf::Duration { min } => return format!("[duration](spec.md#values), at least `{min}`"),
        Leaf::OneOf(words) => return suggest::list(words.iter().copied()),
        Leaf::Address => "IP address",
        Leaf::UrlPath => "path of a URL",
        Leaf::Endpoint => "[address](spec.md#values)",
        Leaf::InnerPath | Leaf::ContextPath => "[path](spec.md#values)",
        Leaf::IncludePath => "[path of files](spec.md#further-files)",
        Leaf::AbsolutePath => "absolute path",
        Leaf::Cpu => "[cores](spec.md#values)",
        Leaf::Memory => "[bytes](spec.md#values)",
        Leaf::Cron => "[schedule](spec.md#values)",
        Leaf::Timezone => "[time zone](spec.md#values)",
        Leaf::Moment => "[moment](spec.md#values)",
        Leaf::Channel => "[channel](spec.md#values)",
        Leaf::PortRule => "[port rule](spec.md#values)",
        Leaf::Objective => "[comparison](spec.md#objectives-and-alerts)",
        Leaf::Alert => "[comparison with a time](spec.md#objectives-and-alerts)",
        Leaf::Metric => "[metric](#what-is-measured)",
        Leaf::Threshold => "[comparison](spec.md#objectives-and-alerts), perhaps with a time",
    };
    text.to_owned()
}

fn metrics(page: &mut String) {
    line(page, format_args!("\n## What is measured\n\nOf the system as a whole:\n"));
    table(measure::OF_THE_SYSTEM, "", page);
    line(page, format_args!("\nOf a dependency, by its name, such as `postgres.up`:\n"));
    table(measure::OF_A_DEPENDENCY, "NAME.", page);
}

fn table(metrics: &[(&str, Unit)], prefix: &str, page: &mut String) {
    line(page, format_args!("| metric | measured in |\n|---|---|"));
    for (name, unit) in metrics {
        let unit = match unit {
            Unit::Share => "percentage",
            Unit::Duration => "duration",
            Unit::Count => "number",
        };
        line(page, format_args!("| `{prefix}{name}` | {unit} |"));
    }
}

fn link(keys: &Keys) -> String {
    format!("[{}](#{})", keys.noun(), anchor(&heading(keys)))
}

/// `Health check` for `a health check`.
fn heading(keys: &Keys) -> String {
    let noun = keys.noun();
    let first = noun.len().min(1);
    noun[..first].to_uppercase() + &noun[first..]
}

/// As Markdown makes them of headings.
fn anchor(heading: &str) -> String {
    let kept = |it: &char| it.is_alphanumeric() || matches!(it, ' ' | '-' | '_');
    heading.to_lowercase().chars().filter(kept).map(|it| if it == ' ' { '-' } else { it }).collect()
}

/// Within a table.
fn cell(text: &str) -> String {
    text.replace('|', "\\|")
}

fn line(page: &mut String, text: std::fmt::Arguments<'_>) {
    writeln!(page, "{text}").expect("writing to a string cannot fail");
}

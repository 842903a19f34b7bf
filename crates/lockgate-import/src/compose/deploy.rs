//! How many instances a service has, and what each is given.

use lockgate_yaml::Entry;

use super::part::Part;
use super::reading::Reading;
use super::{keys, text};
use crate::value::{Map, Value};

/// What the spec takes.
const REPLICAS_MAX: u64 = 1_000;

pub(super) fn write(reading: &mut Reading<'_>, part: &Part, spec: &mut Map) {
    let mut resources = Map::default();
    if let Some(deploy) = part.entry("deploy") {
        for entry in deploy.value.entries() {
            match entry.key.as_str() {
                _ if entry.value.is_null() => nothing(reading, part, &["deploy"], entry),
                "replicas" => replicas(reading, part, &["deploy"], entry, spec),
                "resources" => given(reading, part, entry, &mut resources),
                "mode" if text(&entry.value) == Some("replicated") => {
                    let to = format!("services.{}.replicas", part.name);
                    reading.mapped(part.path("deploy.mode"), entry.key_span, to);
                }
                "restart_policy" if starts_always(entry) => {
                    let to = format!("services.{}", part.name);
                    let why = "what ends is always started again".to_owned();
                    reading.mapped_but(part.path("deploy.restart_policy"), entry.key_span, to, why);
                }
                _ => keys::inner(
                    reading,
                    part,
                    &["deploy"],
                    entry,
                    "the spec says nothing of how a swarm runs it",
                ),
            }
        }
        if deploy.value.entries().is_empty() {
            keys::whole_but(reading, part, deploy, "it is no map");
        }
    }
    for (key, group, inner) in [
        ("cpus", "limits", "cpu"),
        ("mem_limit", "limits", "memory"),
        ("mem_reservation", "requests", "memory"),
    ] {
        if let Some(entry) = part.entry(key) {
            match quantity(reading, inner, entry) {
                Some(value) => {
                    said(&mut resources, group, inner, value);
                    let to = format!("services.{}.resources.{group}.{inner}", part.name);
                    reading.mapped(part.path(key), entry.key_span, to);
                }
                None => keys::whole_but(reading, part, entry, OTHER),
            }
        }
    }
    if let Some(entry) = part.entry("scale") {
        replicas(reading, part, &[], entry, spec);
    }
    spec.set_map("resources", resources);
}

const OTHER: &str = "the spec has other quantities";

fn nothing(reading: &mut Reading<'_>, part: &Part, way: &[&str], entry: &Entry) {
    let path = part.path(&format!("{}.{}", way.join("."), entry.key));
    reading.mapped_but(path, entry.key_span, "nothing", "it is empty".to_owned());
}

/// A policy of a swarm that does what the spec does.
fn starts_always(entry: &Entry) -> bool {
    entry.value.entries().iter().all(|it| it.key == "condition" && text(&it.value) == Some("any"))
}

fn replicas(reading: &mut Reading<'_>, part: &Part, way: &[&str], entry: &Entry, spec: &mut Map) {
    let number = reading.plain(&entry.value).and_then(|it| it.parse::<u64>().ok());
    let Some(number) = number.filter(|it| (1..=REPLICAS_MAX).contains(it)) else {
        let why = "the spec runs 1 to 1000 instances of a service";
        return if way.is_empty() {
            keys::whole_but(reading, part, entry, why);
        } else {
            keys::inner(reading, part, way, entry, why);
        };
    };
    spec.set("replicas", Value::number(number));
    let path = way.iter().chain([&entry.key.as_str()]).copied().collect::<Vec<_>>().join(".");
    let to = format!("services.{}.replicas", part.name);
    reading.mapped(part.path(&path), entry.key_span, to);
}

fn given(reading: &mut Reading<'_>, part: &Part, entry: &Entry, resources: &mut Map) {
    for side in entry.value.entries() {
        let group = match side.key.as_str() {
            "limits" => "limits",
            "reservations" => "requests",
            _ => {
                keys::inner(reading, part, &["deploy", "resources"], side, OTHER);
                continue;
            }
        };
        let way = ["deploy", "resources", side.key.as_str()];
        for entry in side.value.entries() {
            let inner = match entry.key.as_str() {
                "cpus" => "cpu",
                "memory" => "memory",
                _ => {
                    keys::inner(reading, part, &way, entry, OTHER);
                    continue;
                }
            };
            match quantity(reading, inner, entry) {
                Some(value) => {
                    said(resources, group, inner, value);
                    let path = part.path(&format!("{}.{}", way.join("."), entry.key));
                    let to = format!("services.{}.resources.{group}.{inner}", part.name);
                    reading.mapped(path, entry.key_span, to);
                }
                None => keys::inner(reading, part, &way, entry, OTHER),
            }
        }
        if side.value.entries().is_empty() {
            keys::inner(reading, part, &["deploy", "resources"], side, "it says nothing");
        }
    }
    if entry.value.entries().is_empty() {
        keys::inner(reading, part, &["deploy"], entry, "it says nothing");
    }
}

fn said(resources: &mut Map, group: &str, inner: &str, value: String) {
    resources.merge(Map::one(group, Value::Map(Map::one(inner, Value::Text(value)))));
}

fn quantity(reading: &Reading<'_>, inner: &str, entry: &Entry) -> Option<String> {
    let text = reading.plain(&entry.value)?;
    if inner == "cpu" { cores(&text) } else { bytes(&text) }
}

/// Cores in thousandths, as the spec writes them.
fn cores(text: &str) -> Option<String> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |it: &str| it.bytes().all(|it| it.is_ascii_digit());
    let fraction = fraction.trim_end_matches('0');
    if text.is_empty() || text == "." || !digits(whole) || !digits(fraction) || 3 < fraction.len() {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let thousandths: u64 = format!("{fraction:0<3}").parse().ok()?;
    match (whole, thousandths) {
        (0, 0) => None,
        (whole, 0) => Some(whole.to_string()),
        (whole, thousandths) => Some(format!("{}m", whole.checked_mul(1_000)?.checked_add(thousandths)?)),
    }
}

/// Bytes as Compose writes them, with units of 1024, as the spec does.
fn bytes(text: &str) -> Option<String> {
    let lower = text.trim().to_ascii_lowercase();
    let letters = lower.trim_start_matches(|it: char| it.is_ascii_digit());
    let number: u64 = lower[..lower.len() - letters.len()].parse().ok()?;
    let unit: u64 = match letters {
        "" | "b" => 1,
        "k" | "kb" => 1 << 10,
        "m" | "mb" => 1 << 20,
        "g" | "gb" => 1 << 30,
        _ => return None,
    };
    // Less than one megabyte is no size that a process runs in.
    let bytes = number.checked_mul(unit).filter(|it| 1 << 20 <= *it)?;
    let units = [("Gi", 1_u64 << 30), ("Mi", 1 << 20), ("Ki", 1 << 10)];
    let unit = units.iter().find(|it| bytes % it.1 == 0);
    Some(unit.map_or(bytes.to_string(), |(name, size)| format!("{}{name}", bytes / size)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantities_are_written_as_the_spec_writes_them() {
        for (text, wanted) in [("0.5", "500m"), ("2", "2"), ("1.50", "1500m"), (".25", "250m"), ("2.0", "2")]
        {
            assert_eq!(cores(text).as_deref(), Some(wanted), "{text}");
        }
        assert!(["0", "", ".", "1.2345", "x", "-1"].iter().all(|it| cores(it).is_none()));
        for (text, wanted) in [
            ("512M", "512Mi"),
            ("1g", "1Gi"),
            ("1536mb", "1536Mi"),
            ("2097152", "2Mi"),
            ("1048577b", "1048577"),
        ] {
            assert_eq!(bytes(text).as_deref(), Some(wanted), "{text}");
        }
        assert!(["", "1k", "x", "1.5g", "99999999999999999999g"].iter().all(|it| bytes(it).is_none()));
    }
}

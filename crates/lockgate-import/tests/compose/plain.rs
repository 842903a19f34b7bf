//! A Compose file as what it means: one flat map of facts for each service, however they were written.

use std::collections::BTreeMap;

use lockgate_yaml::{Kind, Node, read_foreign};

/// Facts of one service, by their key: `environment.PORT`.
pub(crate) type Facts = BTreeMap<String, String>;

/// Where the file lies, from the folder of the spec, and the values of its variables.
pub(crate) struct Beside<'a> {
    pub(crate) folder: &'a str,
    pub(crate) values: &'a BTreeMap<String, String>,
}

/// All services of a file. What each extends was put in before.
pub(crate) fn services(text: &str, beside: &Beside<'_>) -> BTreeMap<String, Facts> {
    let read = read_foreign(text);
    assert_eq!(read.error, None, "{text}");
    let services = read.documents[0].get("services").map_or(&[][..], Node::entries);
    let find = |name: &str| services.iter().find(|it| it.key == name);
    let all = services.iter().map(|it| {
        let mut all = Facts::new();
        let base = it
            .value
            .get("extends")
            .and_then(|it| scalar(it, beside).or_else(|| scalar(it.get("service")?, beside)));
        if let Some(base) = base.and_then(|it| find(&it)) {
            all.extend(facts(&base.value, beside));
        }
        all.extend(facts(&it.value, beside));
        (it.key.clone(), all)
    });
    all.collect()
}

fn facts(service: &Node, beside: &Beside<'_>) -> Facts {
    let mut facts = Facts::new();
    for entry in service.entries() {
        let (key, value) = (entry.key.as_str(), &entry.value);
        if value.is_null() {
            continue;
        }
        match key {
            // It opens nothing, and what is extended stands in the service.
            "expose" | "extends" => {}
            "build" => build(value, beside, &mut facts),
            "environment" | "labels" => variables(key, value, beside, &mut facts),
            "command" | "entrypoint" => {
                facts.insert(key.to_owned(), words(value, beside).join("\u{1f}"));
            }
            "ports" => items(value).iter().for_each(|it| port(it, beside, &mut facts)),
            "volumes" => items(value).iter().for_each(|it| mount(it, beside, &mut facts)),
            "depends_on" | "networks" => named(key, value, beside, &mut facts),
            "env_file" => {
                let paths = scalar(value, beside)
                    .into_iter()
                    .chain(items(value).iter().filter_map(|it| scalar(it, beside)));
                let paths: Vec<String> = paths.map(|it| place(&it, beside)).collect();
                facts.insert(key.to_owned(), paths.join(","));
            }
            "scale" => {
                facts.extend(scalar(value, beside).map(|it| ("deploy.replicas".to_owned(), it)));
            }
            "cpus" | "mem_limit" | "mem_reservation" => {
                let to = match key {
                    "cpus" => "deploy.resources.limits.cpus",
                    "mem_limit" => "deploy.resources.limits.memory",
                    _ => "deploy.resources.reservations.memory",
                };
                facts.extend(scalar(value, beside).map(|it| (to.to_owned(), amount(to, &it))));
            }
            _ if key.starts_with("x-") => {}
            _ => flat(key, value, beside, &mut facts),
        }
    }
    facts
}

pub(crate) fn items(node: &Node) -> &[Node] {
    match &node.kind {
        Kind::Seq(items) => items,
        Kind::Scalar(_) | Kind::Map(_) => &[],
    }
}

fn scalar(node: &Node, beside: &Beside<'_>) -> Option<String> {
    match &node.kind {
        Kind::Scalar(scalar) if !scalar.is_null() => Some(filled(&scalar.text, beside.values)),
        Kind::Scalar(_) | Kind::Seq(_) | Kind::Map(_) => None,
    }
}

/// Every leaf by the way to it.
fn flat(key: &str, node: &Node, beside: &Beside<'_>, facts: &mut Facts) {
    match &node.kind {
        Kind::Map(entries) => {
            for entry in entries {
                flat(&format!("{key}.{}", entry.key), &entry.value, beside, facts);
            }
        }
        Kind::Seq(items) => {
            for (idx, item) in items.iter().enumerate() {
                flat(&format!("{key}[{idx}]"), item, beside, facts);
            }
        }
        Kind::Scalar(_) => {
            let last = key.rsplit('.').next();
            let is_place = key.starts_with("develop.") && last == Some("path");
            let read =
                scalar(node, beside).map(|it| if is_place { place(&it, beside) } else { amount(key, &it) });
            facts.extend(read.map(|it| (key.to_owned(), it)));
        }
    }
}

/// Cores, bytes and durations in one unit each.
fn amount(key: &str, text: &str) -> String {
    let number = |it: &str| it.parse::<f64>().ok();
    if key.rsplit('.').next() == Some("cpus") {
        return number(text).map_or(text.to_owned(), |it| it.to_string());
    }
    if key.rsplit('.').next() == Some("memory") {
        let lower = text.to_lowercase();
        let letters = lower.trim_start_matches(|it: char| it.is_ascii_digit());
        let unit = match letters.chars().next() {
            Some('g') => 1_073_741_824.0,
            Some('m') => 1_048_576.0,
            Some('k') => 1_024.0,
            _ => 1.0,
        };
        return number(&lower[..lower.len() - letters.len()])
            .map_or(text.to_owned(), |it| (it * unit).to_string());
    }
    if key.starts_with("healthcheck.") || key == "stop_grace_period" {
        return seconds(text).map_or(text.to_owned(), |it| format!("{it}s"));
    }
    text.to_owned()
}

fn seconds(text: &str) -> Option<f64> {
    let millis: lockgate_model::Millis = text.parse().ok()?;
    Some(millis.as_secs_f64())
}

fn words(node: &Node, beside: &Beside<'_>) -> Vec<String> {
    match scalar(node, beside) {
        // No file of these tests has more than simple quotes.
        Some(line) => {
            let mut words = vec![];
            for (idx, part) in line.split(['\'', '"']).enumerate() {
                if idx % 2 == 1 {
                    words.push(part.to_owned());
                } else {
                    words.extend(part.split_whitespace().map(str::to_owned));
                }
            }
            words
        }
        None => items(node).iter().filter_map(|it| scalar(it, beside)).collect(),
    }
}

fn variables(key: &str, node: &Node, beside: &Beside<'_>, facts: &mut Facts) {
    for entry in node.entries() {
        let value = scalar(&entry.value, beside)
            .unwrap_or_else(|| filled(&format!("${{{}}}", entry.key), beside.values));
        facts.insert(format!("{key}.{}", entry.key), value);
    }
    for item in items(node) {
        let Some(text) = scalar(item, beside) else { continue };
        let (name, value) = match text.split_once('=') {
            Some((name, value)) => (name.to_owned(), value.to_owned()),
            None => (text.clone(), filled(&format!("${{{text}}}"), beside.values)),
        };
        facts.insert(format!("{key}.{name}"), value);
    }
}

fn build(node: &Node, beside: &Beside<'_>, facts: &mut Facts) {
    let context = scalar(node, beside).or(node.get("context").and_then(|it| scalar(it, beside)));
    let context = place(&context.unwrap_or_else(|| ".".to_owned()), beside);
    let dockerfile = node.get("dockerfile").and_then(|it| scalar(it, beside));
    let dockerfile = join(&context, &dockerfile.unwrap_or_else(|| "Dockerfile".to_owned()));
    facts.insert("build.context".to_owned(), context);
    facts.insert("build.dockerfile".to_owned(), dockerfile);
    for entry in node.entries() {
        match entry.key.as_str() {
            "context" | "dockerfile" => {}
            "args" => variables("build.args", &entry.value, beside, facts),
            key => flat(&format!("build.{key}"), &entry.value, beside, facts),
        }
    }
}

fn port(node: &Node, beside: &Beside<'_>, facts: &mut Facts) {
    let said = scalar(node, beside).unwrap_or_else(|| {
        let read = |key: &str| node.get(key).and_then(|it| scalar(it, beside));
        let address = read("host_ip").map_or(String::new(), |it| it + ":");
        let published = read("published").map_or(String::new(), |it| it + ":");
        let protocol = read("protocol").unwrap_or_else(|| "tcp".to_owned());
        format!("{address}{published}{}/{protocol}", read("target").unwrap_or_default())
    });
    let said = said.strip_suffix("/tcp").unwrap_or(&said).to_owned();
    facts.insert(format!("ports.{said}"), String::new());
}

fn mount(node: &Node, beside: &Beside<'_>, facts: &mut Facts) {
    if let Some(text) = scalar(node, beside) {
        let (source, target) = text.split_once(':').unwrap_or(("", &text));
        let (target, options) = target.split_once(':').unwrap_or((target, "rw"));
        let what = if source.starts_with(['.', '/', '~']) {
            format!("folder {}", place(source, beside))
        } else {
            format!("volume {source}")
        };
        facts.insert(format!("volumes.{target}"), format!("{what} {options}"));
        return;
    }
    let read = |key: &str| node.get(key).and_then(|it| scalar(it, beside));
    let source = read("source").unwrap_or_default();
    let what = match read("type").as_deref() {
        Some("bind") => format!("folder {}", place(&source, beside)),
        Some(other) => format!("{other} {source}"),
        None => source,
    };
    let options = if read("read_only").as_deref() == Some("true") { "ro" } else { "rw" };
    facts.insert(format!("volumes.{}", read("target").unwrap_or_default()), format!("{what} {options}"));
}

fn named(key: &str, node: &Node, beside: &Beside<'_>, facts: &mut Facts) {
    let otherwise = if key == "depends_on" { "service_started" } else { "" };
    for item in items(node) {
        facts.extend(scalar(item, beside).map(|it| (format!("{key}.{it}"), otherwise.to_owned())));
    }
    for entry in node.entries() {
        let condition = entry.value.get("condition").and_then(|it| scalar(it, beside));
        facts.insert(format!("{key}.{}", entry.key), condition.unwrap_or_else(|| otherwise.to_owned()));
        for inner in entry.value.entries().iter().filter(|it| it.key != "condition") {
            flat(&format!("{key}.{}.{}", entry.key, inner.key), &inner.value, beside, facts);
        }
    }
}

/// A path of the file, from the folder of the spec.
fn place(path: &str, beside: &Beside<'_>) -> String {
    if path.starts_with(['/', '~']) || path.contains("://") {
        path.to_owned()
    } else {
        join(beside.folder, path)
    }
}

fn join(folder: &str, path: &str) -> String {
    let mut parts: Vec<&str> = vec![];
    for part in folder.split('/').chain(path.split('/')).filter(|it| !matches!(*it, "" | ".")) {
        match (part, parts.last()) {
            ("..", Some(last)) if *last != ".." => {
                parts.pop();
            }
            (part, _) => parts.push(part),
        }
    }
    parts.join("/")
}

/// The text with its variables put in; those without a value get one that names them.
pub(crate) fn filled(text: &str, values: &BTreeMap<String, String>) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        if let Some(tail) = after.strip_prefix('$') {
            out.push('$');
            rest = tail;
        } else if let Some(inner) = after.strip_prefix('{') {
            let mut open = 0;
            let end = inner.find(|it| {
                open += i32::from(it == '{') - i32::from(it == '}');
                open < 0
            });
            let end = end.unwrap_or_else(|| panic!("`{text}` is not closed"));
            let name_end =
                inner.find(|it: char| !it.is_ascii_alphanumeric() && it != '_').unwrap_or(end).min(end);
            let (name, how) = inner[..end].split_at(name_end);
            let default = how.strip_prefix(":-").or(how.strip_prefix('-'));
            match (values.get(name), default) {
                (Some(value), _) => out.push_str(value),
                (None, Some(default)) => out.push_str(&filled(default, values)),
                (None, None) => out.extend(["<", name, ">"]),
            }
            rest = &inner[end + 1..];
        } else {
            let end = after.find(|it: char| !it.is_ascii_alphanumeric() && it != '_').unwrap_or(after.len());
            let (name, tail) = after.split_at(end);
            out.push_str(&values.get(name).cloned().unwrap_or_else(|| format!("<{name}>")));
            rest = tail;
        }
    }
    out + rest
}

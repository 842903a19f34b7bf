//! How a service is asked whether it is well.

use lockgate_model::Millis;
use lockgate_yaml::{Entry, Node};

use super::part::Part;
use super::patches;
use super::reading::Reading;
use super::{connection, items, keys, text, words};
use crate::template;
use crate::value::{Map, Value};

/// What Compose does unless said.
const INTERVAL: Millis = Millis::secs(30);
const TIMEOUT: Millis = Millis::secs(30);
const RETRIES: u64 = 3;
/// What the spec takes.
const RETRIES_MAX: u64 = 100;
const SHORTEST: Millis = Millis(100);
const LONGEST: Millis = Millis::mins(60 * 24 * 365);

/// What a check asks.
enum Asked {
    Path { path: String, port: String },
    Command(Vec<String>),
}

pub(super) fn write(reading: &mut Reading<'_>, part: &Part, spec: &mut Map) {
    let Some(entry) = part.entry("healthcheck") else { return none(part, spec) };
    let test = entry.value.get("test");
    let disabled = entry.value.get("disable").and_then(text) == Some("true");
    let is_none = test.and_then(|it| text(items(it).first()?)) == Some("NONE");
    let Some(test) = test.filter(|_| !disabled && !is_none) else {
        none(part, spec);
        return keys::whole_but(reading, part, entry, "the spec asks every service that has a port");
    };
    let Some(asked) = asked(reading, part, test) else {
        none(part, spec);
        return keys::whole_but(reading, part, entry, "what it runs is not known here");
    };
    if let Asked::Path { .. } = asked {
        // What is rendered asks images that are not known nothing.
        if let Some(value) = reading.written(&part.path("healthcheck"), entry) {
            reading.patches.add(patches::SERVICE, &part.name, Map::one("healthcheck", value));
        }
    }
    let mut one = One { reading, part, entry };
    one.read(asked, spec);
}

/// Is it asked for a path?
pub(super) fn is_path(reading: &Reading<'_>, part: &Part) -> bool {
    let test = part.get("healthcheck").and_then(|it| it.get("test"));
    test.is_some_and(|it| matches!(asked(reading, part, it), Some(Asked::Path { .. })))
}

/// A service that nobody asks is well when it takes connections.
fn none(part: &Part, spec: &mut Map) {
    if let Some((name, _)) = part.ports.first() {
        let ready = Map::one("tcp", Value::Text(name.clone()));
        spec.set("health", Value::Map(Map::one("ready", Value::Map(ready))));
    }
}

/// A duration as Go writes it: `1m30s`, `1.5s`, `500ms`.
pub(super) fn duration(text: &str) -> Option<Millis> {
    let mut rest = text;
    let mut total = 0.0;
    while !rest.is_empty() {
        let end = rest.find(|it: char| !it.is_ascii_digit() && it != '.')?;
        let number: f64 = rest[..end].parse().ok()?;
        rest = &rest[end..];
        let end = rest.find(|it: char| it.is_ascii_digit()).unwrap_or(rest.len());
        total += number
            * match &rest[..end] {
                "h" => 3_600_000.0,
                "m" => 60_000.0,
                "s" => 1_000.0,
                "ms" => 1.0,
                "us" | "µs" => 0.001,
                _ => return None,
            };
        rest = &rest[end..];
    }
    let fits = !text.is_empty() && total <= LONGEST.0 as f64;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between zero and a year")]
    fits.then_some(Millis(total.round() as u64))
}

fn asked(reading: &Reading<'_>, part: &Part, test: &Node) -> Option<Asked> {
    let filled = |it: &str| reading.fill(it)?.whole().map(str::to_owned);
    let shell = |line: &str| Some((vec!["sh".to_owned(), "-c".to_owned(), line.to_owned()], line.to_owned()));
    let (command, line) = if let Some(line) = text(test) {
        shell(&filled(line)?)?
    } else {
        let all: Option<Vec<String>> = items(test).iter().map(|it| filled(text(it)?)).collect();
        let all = all?;
        match all.split_first()? {
            (first, [line]) if first == "CMD-SHELL" => shell(line)?,
            (first, rest) if first == "CMD" && !rest.is_empty() => (rest.to_vec(), rest.join(" ")),
            _ => return None,
        }
    };
    if command.first().is_none_or(String::is_empty)
        || command.iter().any(|it| crate::secret::is_known_form(it) || template::has_marks(it))
    {
        return None;
    }
    Some(http(part, &line).unwrap_or(Asked::Command(command)))
}

/// `curl -f http://localhost:8000/health || exit 1`, and the like.
fn http(part: &Part, line: &str) -> Option<Asked> {
    let (first, after) = line.split_once("||").map_or((line, None), |it| (it.0, Some(it.1.trim())));
    if !matches!(after, None | Some("exit 1" | "exit" | "false"))
        || first.contains(['|', ';', '&', '>', '`', '$'])
    {
        return None;
    }
    let words = words::split(first)?;
    let program = words.first()?.rsplit('/').next()?;
    let url = words.iter().find_map(|it| it.strip_prefix("http://"))?;
    let addresses = words.iter().filter(|it| it.contains("://")).count();
    // What else is asked of the answer is asked by the command itself.
    let plain = [
        "-f",
        "-s",
        "-S",
        "-q",
        "-fs",
        "-sf",
        "-fsS",
        "-sSf",
        "-fSs",
        "-qO-",
        "--fail",
        "--silent",
        "--show-error",
        "--spider",
        "--quiet",
        "--no-verbose",
        "-nv",
        "--tries=1",
        "-O",
        "-o",
        "-O-",
        "/dev/null",
        "-",
        "-qO",
        "-t",
        "1",
        "-I",
        "--head",
        "-L",
    ];
    let options = words.iter().skip(1).filter(|it| !it.contains("://"));
    if !matches!(program, "curl" | "wget")
        || addresses != 1
        || !options.clone().all(|it| plain.contains(&it.as_str()))
    {
        return None;
    }
    let end = url.find('/').unwrap_or(url.len());
    let (host, path) = url.split_at(end);
    let (host, number) = match host.rsplit_once(':') {
        Some((host, number)) => (host, number.parse().ok()?),
        None => (host, 80),
    };
    if !["localhost", "127.0.0.1", "0.0.0.0", "[::1]"].contains(&host) {
        return None;
    }
    let path = if path.is_empty() { "/" } else { path };
    let visible = path.bytes().all(|it| it.is_ascii_graphic());
    let (name, _) = part.ports.iter().find(|it| it.1 == number).filter(|_| visible)?;
    Some(Asked::Path { path: path.to_owned(), port: name.clone() })
}

struct One<'r, 'i> {
    reading: &'r mut Reading<'i>,
    part: &'r Part,
    entry: &'r Entry,
}

impl One<'_, '_> {
    fn read(&mut self, asked: Asked, spec: &mut Map) {
        let mut times = Map::default();
        let interval = self.span("interval", INTERVAL, &mut times);
        self.span("timeout", TIMEOUT, &mut times);
        let retries = self.retries(&mut times);
        self.begin(interval, retries, &mut times);
        self.others();
        let (to, health) = match asked {
            Asked::Path { path, port } => {
                let mut health = Map::one("path", Value::Text(path));
                if port != "http" {
                    health.set("port", Value::Text(port));
                }
                health.merge(times);
                ("path", health)
            }
            Asked::Command(command) => {
                let command = Value::texts(command.iter().map(|it| connection::escaped(it)));
                let mut ready = Map::one("command", command);
                // A worker has no other check that these could be of.
                let mut health = Map::default();
                for key in times.keys().map(str::to_owned).collect::<Vec<_>>() {
                    let Some(value) = times.get(&key).cloned() else { continue };
                    let of = if key == "ready_within" { &mut health } else { &mut ready };
                    of.set(&key, value);
                }
                health.set("ready", Value::Map(ready));
                ("ready.command", health)
            }
        };
        spec.set("health", Value::Map(health));
        let to = format!("services.{}.health.{to}", self.part.name);
        let span = self.entry.value.entry("test").map_or(self.entry.key_span, |it| it.key_span);
        self.reading.mapped(self.part.path("healthcheck.test"), span, to);
    }

    /// An inner key with its text, unless nothing is written.
    fn said(&self, key: &str) -> Option<(Entry, Option<String>)> {
        let entry = self.entry.value.entry(key).filter(|it| !it.value.is_null())?;
        Some((entry.clone(), self.reading.plain(&entry.value)))
    }

    fn path(&self, key: &str) -> String {
        self.part.path(&format!("healthcheck.{key}"))
    }

    fn to(&self, key: &str) -> String {
        format!("services.{}.health.{key}", self.part.name)
    }

    fn keep(&mut self, entry: &Entry, why: &str) {
        keys::inner(self.reading, self.part, &["healthcheck"], entry, why);
    }

    fn span(&mut self, key: &str, usual: Millis, times: &mut Map) -> Millis {
        let mut span = usual;
        if let Some((entry, said)) = self.said(key) {
            match said.as_deref().and_then(duration).filter(|it| SHORTEST <= *it) {
                Some(said) => {
                    span = said;
                    let to = self.to(key);
                    self.reading.mapped(self.path(key), entry.key_span, to);
                }
                None => self.keep(&entry, "the spec has other durations"),
            }
        }
        times.set(key, Value::Text(span.to_string()));
        span
    }

    fn retries(&mut self, times: &mut Map) -> u64 {
        let Some((entry, said)) = self.said("retries") else { return RETRIES };
        let number = said.and_then(|it| it.parse::<u64>().ok()).filter(|it| (1..=RETRIES_MAX).contains(it));
        let Some(number) = number else {
            self.keep(&entry, "the spec allows 1 to 100 failures in a row");
            return RETRIES;
        };
        times.set("unhealthy_after", Value::number(number));
        let to = self.to("unhealthy_after");
        self.reading.mapped(self.path("retries"), entry.key_span, to);
        number
    }

    fn begin(&mut self, interval: Millis, retries: u64, times: &mut Map) {
        let Some((entry, said)) = self.said("start_period") else { return };
        let Some(start) = said.as_deref().and_then(duration) else {
            return self.keep(&entry, "the spec has other durations");
        };
        let within =
            Millis(start.0.saturating_add(interval.0.saturating_mul(retries)).clamp(SHORTEST.0, LONGEST.0));
        times.set("ready_within", Value::Text(within.to_string()));
        let to = self.to("ready_within");
        let why = "with the attempts that Compose makes after it".to_owned();
        self.reading.mapped_but(self.path("start_period"), entry.key_span, to, why);
    }

    fn others(&mut self) {
        const READ: [&str; 6] = ["test", "interval", "timeout", "retries", "start_period", "disable"];
        let entries: Vec<Entry> = self.entry.value.entries().to_vec();
        for entry in entries {
            if entry.key == "disable" {
                let to = self.to("path");
                self.reading.mapped(self.path("disable"), entry.key_span, to);
            } else if entry.key.starts_with("x-") || entry.value.is_null() {
                self.reading.mapped(self.path(&entry.key), entry.key_span, "nothing");
            } else if !READ.contains(&entry.key.as_str()) {
                self.keep(&entry, "the spec asks at the same interval from the start");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_those_of_go() {
        for (text, ms) in
            [("30s", 30_000), ("1m30s", 90_000), ("1.5s", 1_500), ("500ms", 500), ("1h", 3_600_000)]
        {
            assert_eq!(duration(text), Some(Millis(ms)), "{text}");
        }
        for text in ["", "5", "s", "1d", "-1s", "1.2.3s", "99999999h"] {
            assert_eq!(duration(text), None, "{text}");
        }
    }
}

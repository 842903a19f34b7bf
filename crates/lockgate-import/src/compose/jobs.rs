//! Services that run once: migrations and seeds.

use lockgate_yaml::Entry;

use super::dependency::command_words;
use super::environment;
use super::part::{Part, Role};
use super::reading::Reading;
use super::{connection, keys, patches, text};
use crate::template;
use crate::value::{Map, Value};

#[derive(Clone, Debug)]
pub(super) enum Job {
    /// What migrates the database, with the image and the variables of a service.
    Migrations { command: Vec<String>, service: String },
    /// What fills it.
    Seeds { command: Vec<String>, service: String },
}

/// Attempts of a job that Compose starts until it succeeds.
const ATTEMPTS: u64 = 5;
/// What the service of a job says as well.
const SHARED: [&str; 11] = [
    "image",
    "build",
    "command",
    "environment",
    "env_file",
    "depends_on",
    "restart",
    "networks",
    "volumes",
    "extends",
    "entrypoint",
];
/// What no job can do: others reach it, or somebody starts it.
const NEVER: [&str; 6] = ["ports", "expose", "profiles", "scale", "network_mode", "healthcheck"];

/// The jobs among the parts, by their place: at most one of each kind.
pub(super) fn found(reading: &Reading<'_>, parts: &[Part]) -> Vec<(usize, Job)> {
    let wishes: Vec<Option<Wish>> = parts.iter().map(|it| wish(reading, it)).collect();
    // A job runs with the image of a service that stays one, and is called as no other service is.
    let services: Vec<&Part> =
        parts.iter().zip(&wishes).filter(|it| it.1.is_none() && it.0.is_service()).map(|it| it.0).collect();
    let mut found: Vec<(usize, Job)> = vec![];
    for (idx, (part, wish)) in parts.iter().zip(wishes).enumerate() {
        let Some(wish) = wish else { continue };
        let Some(service) = services.iter().find(|it| runs_same(part, it)) else { continue };
        let service = service.name.clone();
        let job = match wish {
            Wish::Migrate(command) => Job::Migrations { command, service },
            Wish::Seed(command) => Job::Seeds { command, service },
        };
        let is_taken = parts.iter().any(|it| it.name == job.container() && it.name != part.name);
        if !is_taken && !found.iter().any(|it| it.1.key() == job.key()) {
            found.push((idx, job));
        }
    }
    found
}

/// What a service that runs once is there for.
enum Wish {
    Migrate(Vec<String>),
    Seed(Vec<String>),
}

impl Job {
    fn service(&self) -> &str {
        match self {
            Job::Migrations { service, .. } | Job::Seeds { service, .. } => service,
        }
    }

    /// What its container is called where it is rendered.
    fn container(&self) -> &'static str {
        match self {
            Job::Migrations { .. } => "migrate",
            Job::Seeds { .. } => "seed",
        }
    }

    fn key(&self) -> &'static str {
        match self {
            Job::Migrations { .. } => "migrations",
            Job::Seeds { .. } => "seeds",
        }
    }
}

fn wish(reading: &Reading<'_>, part: &Part) -> Option<Wish> {
    let known = |it: &Entry| !NEVER.contains(&it.key.as_str()) || it.value.is_null();
    let restart = part.get("restart").and_then(text).unwrap_or("no");
    let once = matches!(restart, "no" | "false") || restart.starts_with("on-failure");
    if !part.is_service() || !once || part.elsewhere.is_some() || !part.keys.iter().all(known) {
        return None;
    }
    let command = command_words(reading, part.get("command")?)?;
    if command.first().is_none_or(String::is_empty)
        || command.iter().any(|it| template::has_marks(it) || crate::secret::is_known_form(it))
    {
        return None;
    }
    let said = format!("{} {}", part.written, command.join(" ")).to_lowercase();
    let says = |words: &[&str]| words.iter().any(|it| said.contains(it));
    let migrates = says(&["migrat", "alembic upgrade", "db push", "schema:load", "schema:update"]);
    let seeds = says(&["seed", "loaddata", "fixtures"]);
    match (migrates, seeds) {
        (true, _) => Some(Wish::Migrate(command)),
        (false, true) => Some(Wish::Seed(command)),
        (false, false) => None,
    }
}

/// Does the service have the image of the job, and all that the job is given?
fn runs_same(job: &Part, service: &Part) -> bool {
    let value = |part: &Part, key: &str| part.get(key).map(Value::of);
    let same = |key: &str| value(job, key) == value(service, key);
    let same_or_less = |key: &str| job.get(key).is_none() || same(key);
    let has_image = job.get("image").is_some() || job.get("build").is_some();
    let variables = |part: &Part| part.get("environment").map_or(vec![], |it| environment::variables(it).0);
    let of_service = variables(service);
    let given = variables(job);
    let all = given
        .iter()
        .all(|it| of_service.iter().any(|other| other.name == it.name && other.value == it.value));
    let is_job = service.get("command").is_some() && same("command");
    has_image
        && same("image")
        && same("build")
        && same("entrypoint")
        && same_or_less("env_file")
        && same_or_less("volumes")
        && all
        && !is_job
}

/// The jobs as keys of the spec.
pub(super) fn all(reading: &mut Reading<'_>) -> Map {
    let mut spec = Map::default();
    for part in reading.parts.clone() {
        let Role::Job(job) = &part.role else { continue };
        let (Job::Migrations { command, service } | Job::Seeds { command, service }) = job;
        let mut map = Map::one("command", Value::texts(command.iter().map(|it| connection::escaped(it))));
        map.set("in", Value::Text(service.clone()));
        if matches!(job, Job::Seeds { .. }) {
            map.set("run", Value::Text("always".to_owned()));
        }
        let path = format!("services.{}", part.written);
        reading.mapped_but(
            path,
            part.span,
            job.key(),
            "it runs once, before the new version starts".to_owned(),
        );
        let mut set = patches::rights();
        set.merge(reading.patches.of_image(service));
        reading.patches.add(patches::SERVICE, job.container(), set);
        let rendered = Part { name: job.container().to_owned(), ..part.clone() };
        for entry in &part.keys {
            report(reading, &rendered, job, entry, &mut map);
        }
        spec.set(job.key(), Value::Map(map));
    }
    spec
}

fn report(reading: &mut Reading<'_>, part: &Part, job: &Job, entry: &Entry, map: &mut Map) {
    let (path, span, key) = (part.path(&entry.key), entry.key_span, job.key());
    let of_service = format!("those of `{}`", job.service());
    match entry.key.as_str() {
        _ if entry.value.is_null() => reading.mapped_but(path, span, "nothing", "it is empty".to_owned()),
        "command" => reading.mapped(path, span, format!("{key}.command")),
        "restart" => {
            let attempts = attempts(text(&entry.value).unwrap_or(""));
            if let Some(attempts) = attempts {
                map.set("retry", Value::Map(Map::one("attempts", Value::number(attempts))));
            }
            let why = attempts.map(|it| format!("{it} attempts, and then the release stops"));
            reading.mapped_but(path, span, format!("{key}.retry"), why);
        }
        "environment" => {
            for variable in environment::variables(&entry.value).0 {
                let path = part.path(&format!("environment.{}", variable.name));
                reading.mapped_but(path, variable.span, format!("{key}.in"), of_service.clone());
            }
        }
        "depends_on" => {
            let why = "a release runs it when what its service needs is there".to_owned();
            reading.mapped_but(path, span, key, why);
        }
        shared if !SHARED.contains(&shared) => keys::rest(reading, part, entry),
        _ => reading.mapped_but(path, span, format!("{key}.in"), of_service),
    }
}

/// How often a job is tried, when it is tried more than once.
fn attempts(restart: &str) -> Option<u64> {
    let times = restart.strip_prefix("on-failure")?;
    let more = times.strip_prefix(':').and_then(|it| it.parse::<u64>().ok());
    Some(more.map_or(ATTEMPTS, |it| it.saturating_add(1)).clamp(1, 32))
}

//! Containers of dependencies that are started with the system: image, port, settings, check of health.
//!
//! Names of variables, ports and paths are those that the images' own pages document.

mod databases;
mod others;
mod queues;

use std::collections::BTreeMap;

use lockgate_model::{Dependency, DependencyName, password_secret};

use super::template::Template;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bundled {
    /// With its tag: `postgres:17`. The lock says which digest that is.
    pub(crate) image: String,
    /// Number that clients use.
    pub(crate) port: u16,
    pub(crate) env: BTreeMap<&'static str, Template>,
    /// Arguments of the image's own program; empty keeps what the image says.
    pub(crate) args: Vec<String>,
    /// Where its data lie, if it keeps any.
    pub(crate) data: Option<&'static str>,
    /// Run inside the container; succeeds when it answers.
    pub(crate) check: Vec<String>,
    /// Run once after it answers, in a container of the same image and variables that reaches it by name.
    pub(crate) setup: Vec<Vec<String>>,
    /// User and group that the image's program runs as.
    pub(crate) user: u32,
    /// Secret that is its password.
    pub(crate) password: Option<String>,
    /// What reads its metrics, where it shows none itself.
    pub(crate) exporter: Option<Exporter>,
    /// Path and port of its own metrics.
    pub(crate) metrics: Option<(&'static str, u16)>,
    /// Port of a page for people, such as caught mails.
    pub(crate) page: Option<u16>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Exporter {
    pub(crate) image: &'static str,
    pub(crate) port: u16,
    pub(crate) env: BTreeMap<&'static str, Template>,
    pub(crate) args: Vec<String>,
}

/// The secret that is the password of a dependency, where the system starts it and clients sign in.
pub(crate) fn password_of(name: &DependencyName, dependency: &Dependency) -> Option<String> {
    if dependency.external.is_some() {
        return None;
    }
    bundled(name, dependency)?.password
}

/// `None` for a dependency of a kind that has no usual image, and that names none.
pub(super) fn bundled(name: &DependencyName, dependency: &Dependency) -> Option<Bundled> {
    let wanted = Wanted { name: name.as_str(), dependency };
    let mut bundled = match dependency.kind.as_str() {
        "postgres" | "postgresql" => databases::postgres(&wanted),
        "mysql" => databases::mysql(&wanted),
        "mariadb" => databases::mariadb(&wanted),
        "mongodb" => databases::mongodb(&wanted),
        "clickhouse" => databases::clickhouse(&wanted),
        "redis" => databases::redis(&wanted, "redis", "8.2", "redis"),
        "valkey" => databases::redis(&wanted, "valkey/valkey", "9.0", "valkey"),
        "elasticsearch" => databases::elasticsearch(&wanted),
        "opensearch" => databases::opensearch(&wanted),
        "kafka" => queues::kafka(&wanted),
        "rabbitmq" => queues::rabbitmq(&wanted),
        "nats" => queues::nats(&wanted),
        "memcached" => others::memcached(&wanted),
        "smtp" => others::mailpit(&wanted),
        "s3" => others::minio(&wanted),
        "nginx" => others::nginx(&wanted),
        _ => others::unknown(&wanted)?,
    };
    if let Some(image) = &dependency.image {
        bundled.image.clone_from(image);
    }
    Some(bundled)
}

/// What the spec says of a dependency, with what follows where it is silent.
struct Wanted<'a> {
    name: &'a str,
    dependency: &'a Dependency,
}

impl Wanted<'_> {
    fn image(&self, repository: &str, version: &str) -> String {
        format!("{repository}:{}", self.dependency.version.as_deref().unwrap_or(version))
    }

    /// For registries that have tags of whole versions only: `4.1` is `4.1.0`.
    fn image_of_patch(&self, repository: &str, version: &str) -> String {
        let version = self.dependency.version.as_deref().unwrap_or(version);
        let missing = 2_usize.saturating_sub(version.matches('.').count());
        format!("{repository}:{version}{}", ".0".repeat(missing))
    }

    fn port(&self, usual: u16) -> u16 {
        self.dependency.port.unwrap_or(usual)
    }

    /// As the address of the dependency has it.
    fn user(&self) -> &str {
        let dependency = self.dependency;
        dependency.user.as_deref().or(dependency.database.as_deref()).unwrap_or(&dependency.kind)
    }

    fn database(&self) -> &str {
        self.dependency.database.as_deref().unwrap_or_else(|| self.user())
    }

    /// Name of its password, as addresses mention it.
    fn password(&self) -> String {
        password_secret(self.name)
    }

    fn password_reference(&self) -> String {
        format!("${{secrets.{}}}", self.password())
    }
}

impl Bundled {
    fn new(image: String, port: u16, check: &[&str]) -> Bundled {
        Bundled {
            image,
            port,
            env: BTreeMap::new(),
            args: vec![],
            data: None,
            check: words(check),
            setup: vec![],
            user: 0,
            password: None,
            exporter: None,
            metrics: None,
            page: None,
        }
    }
}

fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|it| (*it).to_owned()).collect()
}

/// Values may hold `${secrets.NAME}`.
fn settings<'v>(
    entries: impl IntoIterator<Item = (&'static str, &'v str)>,
) -> BTreeMap<&'static str, Template> {
    entries.into_iter().map(|(name, value)| (name, Template::parse(value))).collect()
}

/// Where the metrics of a dependency are shown.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Shown {
    /// Container that shows them: the server itself, or `<name>-exporter` beside it.
    pub(crate) host: String,
    pub(crate) path: &'static str,
    pub(crate) port: u16,
}

/// `None` for one that nobody watches, or that shows nothing.
pub(crate) fn shown(name: &DependencyName, dependency: &Dependency) -> Option<Shown> {
    let container = bundled(name, dependency).filter(|_| dependency.monitored)?;
    match (container.metrics, container.exporter) {
        (Some((path, port)), _) => Some(Shown { host: name.to_string(), path, port }),
        (None, Some(it)) => Some(Shown { host: format!("{name}-exporter"), path: "/metrics", port: it.port }),
        (None, None) => None,
    }
}

/// Is it asked for more than its page of metrics shows, where its clients ask?
pub(crate) fn is_queried(dependency: &Dependency) -> bool {
    dependency.kind == "clickhouse" && dependency.monitored
}

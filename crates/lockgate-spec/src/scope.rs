//! What references stand for: a closed namespace, with no functions and no loops.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use crate::layers::Value;
use lockgate_model::{Commit, Diagnostic, Port, PortName, Span, Version};

use crate::reference::{self, Piece};
use lockgate_diagnostics::codes;
use lockgate_diagnostics::shown;
use lockgate_diagnostics::suggest;

/// How services reach one another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Network {
    /// On one machine, by its address and ports of their own.
    Machine(IpAddr),
    /// By name.
    Names,
}

impl Network {
    pub(crate) fn is_machine(self) -> bool {
        matches!(self, Network::Machine(_))
    }
}

/// What is known when references are replaced.
#[derive(Clone)]
pub(crate) struct Scope<'a> {
    pub(crate) system: &'a str,
    pub(crate) environment: &'a str,
    pub(crate) version: Option<&'a Version>,
    pub(crate) commit: Option<&'a Commit>,
    pub(crate) network: Network,
    /// The resolved tree, for what is written of the environment, its target and secrets.
    pub(crate) tree: &'a Value,
    pub(crate) services: BTreeMap<String, BTreeMap<PortName, Port>>,
    /// Names by which users reach a service.
    pub(crate) hosts: BTreeMap<String, Vec<String>>,
    pub(crate) dependencies: BTreeMap<String, Address>,
    pub(crate) told: Told,
}

/// What was said already of a place that many services share, and how much came of all texts.
#[derive(Clone, Default)]
pub(crate) struct Told {
    unknown: BTreeMap<Span, BTreeSet<String>>,
    bytes: usize,
}

/// Of all texts of an environment with their references replaced; a dependency's address can be long.
const EXPANDED_MAX: usize = 64 << 20;

#[derive(Clone)]
pub(crate) struct Address {
    pub(crate) kind: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) span: Span,
    /// A store keeps it, and it is a secret of those who need it.
    pub(crate) in_store: bool,
}

/// What a text mentions, with the place of the text.
pub(crate) type Mentions = BTreeMap<String, Span>;

/// Why a reference has no value.
enum Nothing {
    Unknown {
        help: String,
        label: String,
    },
    NotHere {
        dependency: String,
    },
    /// The release is not known yet: the reference stays as it is written.
    Later,
}

const SERVICE_ATTRIBUTES: [&str; 4] = ["url", "host", "port", "ingress"];
const DEPENDENCY_ATTRIBUTES: [&str; 6] = ["url", "host", "port", "version", "type", "database"];
const TARGET_ATTRIBUTES: [&str; 4] = ["registry", "region", "namespace", "cluster"];
const GIT_ATTRIBUTES: [&str; 4] = ["sha", "sha7", "branch", "tag"];
const ROOTS: [&str; 9] =
    ["system", "environment", "target", "release", "git", "secrets", "service", "services", "dependencies"];

impl Scope<'_> {
    /// The text with its references replaced. `own` is the service that it belongs to.
    pub(crate) fn expand(
        &mut self,
        text: &str,
        span: Span,
        own: Option<&str>,
        mentions: &mut Mentions,
        report: &mut Vec<Diagnostic>,
    ) -> Option<String> {
        // Malformed references were reported when the file was checked.
        let pieces = reference::pieces(text).ok()?;
        let mut whole = true;
        let mut expanded = String::new();
        for piece in pieces {
            let inner = match piece {
                Piece::Text(text) => {
                    expanded.push_str(text);
                    continue;
                }
                Piece::Reference(inner) => inner,
            };
            // Looking for what may be meant takes long, and `defaults` are the same in every service.
            if self.told.unknown.get(&span).is_some_and(|it| it.contains(inner)) {
                whole = false;
                continue;
            }
            let path: Vec<&str> = inner.split('.').collect();
            if let Some(name) = self.mentioned(&path).filter(|it| !mentions.contains_key(*it)) {
                mentions.insert(name.to_owned(), span);
            }
            match self.value(&path, own) {
                Ok(value) => {
                    let before = self.told.bytes;
                    self.told.bytes += value.len();
                    if EXPANDED_MAX < self.told.bytes {
                        report.extend((before <= EXPANDED_MAX).then(|| self.too_long(span)));
                        return None;
                    }
                    expanded.push_str(&value);
                }
                Err(Nothing::Later) => {
                    expanded.push_str("${");
                    expanded.push_str(inner);
                    expanded.push('}');
                }
                Err(Nothing::Unknown { help, label }) => {
                    whole = false;
                    // What `service` stands for differs.
                    if path[0] != "service" {
                        self.told.unknown.entry(span).or_default().insert(inner.to_owned());
                    }
                    let message = format!("the reference `${{{}}}` leads nowhere", shown(inner));
                    report
                        .push(Diagnostic::error(codes::BAD_REFERENCE, message).label(span, label).help(help));
                }
                Err(Nothing::NotHere { dependency }) => {
                    whole = false;
                    self.not_here(inner, span, &dependency, report);
                }
            }
        }
        whole.then_some(expanded)
    }

    fn too_long(&self, span: Span) -> Diagnostic {
        let message = format!(
            "the texts of environment `{}` have more than {} MiB with their references replaced",
            self.environment,
            EXPANDED_MAX >> 20
        );
        Diagnostic::error(codes::LIMIT, message).label(span, "counted up to here")
    }

    fn not_here(&self, inner: &str, span: Span, dependency: &str, report: &mut Vec<Diagnostic>) {
        let environment = self.environment;
        let message = format!("`${{{inner}}}` has no value in environment `{environment}`");
        let mut diagnostic = Diagnostic::error(codes::NO_VALUE_HERE, message).label(span, "needed here");
        if let Some(address) = self.dependencies.get(dependency) {
            diagnostic = diagnostic.label(address.span, "has no `external.url`");
        }
        report.push(
            diagnostic
                .help(format!("set `environments.{environment}.dependencies.{dependency}.external.url`")),
        );
    }

    /// The service or dependency that a reference names.
    fn mentioned<'a>(&self, path: &[&'a str]) -> Option<&'a str> {
        let name = match path {
            ["services" | "dependencies", name, ..] => name,
            [name, ..] if !ROOTS.contains(name) => name,
            _ => return None,
        };
        (self.services.contains_key(*name) || self.dependencies.contains_key(*name)).then_some(name)
    }

    fn value(&self, path: &[&str], own: Option<&str>) -> Result<String, Nothing> {
        match path {
            ["system", "name"] => Ok(self.system.to_owned()),
            ["environment", "name"] => Ok(self.environment.to_owned()),
            ["environment", "host"] => self.written(&["host"]).ok_or_else(|| Nothing::Unknown {
                label: format!("`{}` has no host", self.environment),
                help: format!("set `environments.{}.host`", self.environment),
            }),
            ["target", attribute] if TARGET_ATTRIBUTES.contains(attribute) => self.of_target(attribute),
            ["target", ..] => Err(unknown_attribute(path, &TARGET_ATTRIBUTES)),
            ["git", attribute] if GIT_ATTRIBUTES.contains(attribute) => {
                self.commit.and_then(|it| of_commit(it, attribute)).ok_or(Nothing::Later)
            }
            ["git", ..] => Err(unknown_attribute(path, &GIT_ATTRIBUTES)),
            ["secrets", name] => self.secret(name),
            ["release", "version"] => self.version.map(ToString::to_string).ok_or(Nothing::Later),
            ["system", ..] => Err(unknown_attribute(path, &["name"])),
            ["environment", ..] => Err(unknown_attribute(path, &["name", "host"])),
            ["release", ..] => Err(unknown_attribute(path, &["version"])),
            ["service", rest @ ..] => match own {
                Some(own) => self.service(path, own, rest),
                None => Err(Nothing::Unknown {
                    label: "this is no part of a service".to_owned(),
                    help: "name the service: `${services.NAME.url}`".to_owned(),
                }),
            },
            ["services", name, rest @ ..] if self.services.contains_key(*name) => {
                self.service(path, name, rest)
            }
            ["dependencies", name, rest @ ..] if self.dependencies.contains_key(*name) => {
                self.dependency(path, name, rest)
            }
            ["services", name, ..] => Err(unknown_name(name, self.services.keys())),
            ["dependencies", name, ..] if self.is_dependency(name) => Err(not_known_yet()),
            ["dependencies", name, ..] => Err(unknown_name(name, self.dependencies.keys())),
            [name, rest @ ..] if self.services.contains_key(*name) => self.service(path, name, rest),
            [name, rest @ ..] if self.dependencies.contains_key(*name) => self.dependency(path, name, rest),
            [name, ..] if self.is_dependency(name) => Err(not_known_yet()),
            [name, ..] => Err(self.unknown_root(name)),
            [] => Err(self.unknown_root("")),
        }
    }

    fn service(&self, path: &[&str], name: &str, rest: &[&str]) -> Result<String, Nothing> {
        if rest == ["name"] {
            return Ok(name.to_owned());
        }
        let ports = self.services.get(name);
        let main = || {
            let ports = ports?;
            ports.iter().find(|it| it.0.as_str() == "http").or(ports.iter().min_by_key(|it| it.1.number))
        };
        let no_port = || Nothing::Unknown {
            label: format!("`{name}` has no such port"),
            help: "a service without ports takes no requests".to_owned(),
        };
        match rest {
            ["host"] => Ok(self.host_of(name)),
            ["port"] => main().map(|it| it.1.number.to_string()).ok_or_else(no_port),
            ["url"] => main().map(|it| self.url(name, it.1.number)).ok_or_else(no_port),
            ["ingress", attribute @ ("host" | "url")] => match self.hosts.get(name).and_then(|it| it.first())
            {
                Some(host) if *attribute == "host" => Ok(host.clone()),
                Some(host) => Ok(format!("https://{host}")),
                None => Err(Nothing::Unknown {
                    label: format!("`{name}` has no ingress in environment `{}`", self.environment),
                    help: format!("give it one: `services.{name}.ingress: {{host: shop.example.org}}`"),
                }),
            },
            ["ports", port] => {
                let number = ports.and_then(|it| it.get(*port)).map(|it| it.number.to_string());
                number.ok_or_else(no_port)
            }
            _ => Err(unknown_attribute(path, &SERVICE_ATTRIBUTES)),
        }
    }

    pub(crate) fn url(&self, name: &str, port: u16) -> String {
        match self.network {
            Network::Machine(host) => format!("http://{}", std::net::SocketAddr::new(host, port)),
            Network::Names => format!("http://{name}:{port}"),
        }
    }

    fn host_of(&self, name: &str) -> String {
        match self.network {
            Network::Machine(host) => host.to_string(),
            Network::Names => name.to_owned(),
        }
    }

    fn written(&self, path: &[&str]) -> Option<String> {
        self.tree.at(path).and_then(Value::text).map(str::to_owned)
    }

    fn of_target(&self, attribute: &str) -> Result<String, Nothing> {
        let targets = self.tree.get("target").into_iter().flat_map(Value::entries);
        let found = targets.filter_map(|it| it.1.get(attribute)).find_map(Value::text);
        found.map(str::to_owned).ok_or_else(|| Nothing::Unknown {
            label: format!("the target of `{}` has no {attribute}", self.environment),
            help: format!("set it under `environments.{}.target`", self.environment),
        })
    }

    /// A secret has no value here: the reference stays, and is replaced where the value is needed.
    fn secret(&self, name: &str) -> Result<String, Nothing> {
        let mut declared: Vec<&str> =
            self.tree.get("secrets").into_iter().flat_map(Value::entries).map(|it| it.0.as_str()).collect();
        for (_, service) in self.tree.get("services").into_iter().flat_map(Value::entries) {
            declared
                .extend(service.get("secrets").into_iter().flat_map(Value::entries).map(|it| it.0.as_str()));
        }
        let bundled = self.dependencies.keys().any(|it| lockgate_model::password_secret(it) == name);
        if bundled || declared.contains(&name) {
            return Err(Nothing::Later);
        }
        let help = match suggest::nearest(name, declared.iter().copied()) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => "declare it under `secrets`".to_owned(),
        };
        Err(Nothing::Unknown { label: format!("there is no secret `{}`", shown(name)), help })
    }

    fn dependency(&self, path: &[&str], name: &str, rest: &[&str]) -> Result<String, Nothing> {
        let address = self.dependencies.get(name);
        let value = match rest {
            ["url"] => address.and_then(|it| it.url.clone()),
            ["host"] => address.and_then(|it| authority(it.url.as_deref()?)).map(|it| it.0.to_owned()),
            ["port"] => {
                address.and_then(|it| authority(it.url.as_deref()?)).and_then(|it| it.1).map(str::to_owned)
            }
            ["version"] => address.and_then(|it| it.version.clone()),
            ["type"] => address.and_then(|it| it.kind.clone()),
            ["database"] => self.written(&["dependencies", name, "database"]),
            _ => return Err(unknown_attribute(path, &DEPENDENCY_ATTRIBUTES)),
        };
        // Found by looking, when there is something to look at.
        let unknown_yet = address.and_then(|it| it.url.as_deref()).is_some_and(|it| it.starts_with("${"));
        if unknown_yet && matches!(rest, ["url" | "host" | "port"]) {
            return Err(Nothing::Later);
        }
        value.ok_or_else(|| match rest {
            ["url" | "host" | "port"] if address.is_none_or(|it| it.url.is_none()) => {
                Nothing::NotHere { dependency: name.to_owned() }
            }
            _ => Nothing::Unknown {
                label: format!("`{name}` does not say it"),
                help: format!("set it under `dependencies.{name}`"),
            },
        })
    }

    fn is_dependency(&self, name: &str) -> bool {
        self.tree.at(&["dependencies", name]).is_some()
    }

    fn unknown_root(&self, name: &str) -> Nothing {
        let named = self.services.keys().chain(self.dependencies.keys()).map(String::as_str);
        let all: Vec<&str> = ROOTS.into_iter().chain(named).collect();
        let help = match suggest::nearest(name, all.iter().copied()) {
            Some(nearest) => format!("did you mean `{nearest}`?"),
            None => format!(
                "a reference begins with {}, or the name of a service or dependency",
                suggest::list(ROOTS)
            ),
        };
        Nothing::Unknown { label: format!("nothing is called `{}`", shown(name)), help }
    }
}

/// While the addresses themselves are read.
fn not_known_yet() -> Nothing {
    Nothing::Unknown {
        label: "an address is not put together from another one".to_owned(),
        help: "write the address itself".to_owned(),
    }
}

/// Host and port of a URL, or of `host:port` alone.
fn authority(url: &str) -> Option<(&str, Option<&str>)> {
    let rest = url.split_once("://").map_or(url, |it| it.1);
    let authority = rest.split(['/', '?']).next()?;
    let place = authority.rsplit_once('@').map_or(authority, |it| it.1);
    match place.rsplit_once(':') {
        Some((host, port)) if !port.is_empty() && port.bytes().all(|it| it.is_ascii_digit()) => {
            Some((host, Some(port)))
        }
        _ => Some((place, None)),
    }
}

fn unknown_name<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Nothing {
    let known: Vec<&str> = known.map(String::as_str).collect();
    let help = match suggest::nearest(name, known.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if known.is_empty() => "there are none".to_owned(),
        None => format!("there are {}", suggest::all(known)),
    };
    Nothing::Unknown { label: format!("nothing is called `{}` there", shown(name)), help }
}

/// A commit may have no tag and be on no branch.
fn of_commit(commit: &Commit, attribute: &str) -> Option<String> {
    match attribute {
        "sha" => Some(commit.sha.clone()),
        "sha7" => Some(commit.short().to_owned()),
        "branch" => commit.branch.clone(),
        _ => commit.tag.clone(),
    }
}

fn unknown_attribute(path: &[&str], known: &[&'static str]) -> Nothing {
    let attribute = path.last().copied().unwrap_or_default();
    let help = match suggest::nearest(attribute, known.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("the attributes here are {}", suggest::all(known.iter().copied())),
    };
    Nothing::Unknown { label: format!("`{}` is no attribute here", shown(attribute)), help }
}

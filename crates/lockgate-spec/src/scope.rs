//! What references stand for: a closed namespace, with no functions and no loops.

use std::collections::BTreeMap;
use std::net::IpAddr;

use lockgate_model::{Diagnostic, Port, PortName, Span, Version};

use crate::reference::{self, Piece};
use lockgate_diagnostics::codes;
use lockgate_diagnostics::shown;
use lockgate_diagnostics::suggest;

/// What is known when references are replaced.
pub(crate) struct Scope<'a> {
    pub(crate) system: &'a str,
    pub(crate) environment: &'a str,
    pub(crate) version: Option<&'a Version>,
    pub(crate) host: IpAddr,
    pub(crate) services: BTreeMap<String, BTreeMap<PortName, Port>>,
    pub(crate) dependencies: BTreeMap<String, Address>,
}

pub(crate) struct Address {
    pub(crate) kind: Option<String>,
    pub(crate) version: Option<String>,
    pub(crate) url: Option<String>,
    pub(crate) span: Span,
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

const SERVICE_ATTRIBUTES: [&str; 3] = ["url", "host", "port"];
const DEPENDENCY_ATTRIBUTES: [&str; 3] = ["url", "version", "type"];
const ROOTS: [&str; 6] = ["system", "environment", "release", "service", "services", "dependencies"];

impl Scope<'_> {
    /// The text with its references replaced. `own` is the service that it belongs to.
    pub(crate) fn expand(
        &self,
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
            let path: Vec<&str> = inner.split('.').collect();
            if let Some(name) = self.mentioned(&path) {
                mentions.entry(name.to_owned()).or_insert(span);
            }
            match self.value(&path, own) {
                Ok(value) => expanded.push_str(&value),
                Err(Nothing::Later) => {
                    expanded.push_str("${");
                    expanded.push_str(inner);
                    expanded.push('}');
                }
                Err(Nothing::Unknown { help, label }) => {
                    whole = false;
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
            ["release", "version"] => self.version.map(ToString::to_string).ok_or(Nothing::Later),
            ["system" | "environment", ..] => Err(unknown_attribute(path, &["name"])),
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
            ["dependencies", name, ..] => Err(unknown_name(name, self.dependencies.keys())),
            [name, rest @ ..] if self.services.contains_key(*name) => self.service(path, name, rest),
            [name, rest @ ..] if self.dependencies.contains_key(*name) => self.dependency(path, name, rest),
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
            ["host"] => Ok(self.host.to_string()),
            ["port"] => main().map(|it| it.1.number.to_string()).ok_or_else(no_port),
            ["url"] => main().map(|it| self.url(it.1.number)).ok_or_else(no_port),
            ["ports", port] => {
                let number = ports.and_then(|it| it.get(*port)).map(|it| it.number.to_string());
                number.ok_or_else(no_port)
            }
            _ => Err(unknown_attribute(path, &SERVICE_ATTRIBUTES)),
        }
    }

    pub(crate) fn url(&self, port: u16) -> String {
        format!("http://{}", std::net::SocketAddr::new(self.host, port))
    }

    fn dependency(&self, path: &[&str], name: &str, rest: &[&str]) -> Result<String, Nothing> {
        let address = self.dependencies.get(name);
        let value = match rest {
            ["url"] => address.and_then(|it| it.url.clone()),
            ["version"] => address.and_then(|it| it.version.clone()),
            ["type"] => address.and_then(|it| it.kind.clone()),
            _ => return Err(unknown_attribute(path, &DEPENDENCY_ATTRIBUTES)),
        };
        value.ok_or_else(|| match rest {
            ["url"] => Nothing::NotHere { dependency: name.to_owned() },
            _ => Nothing::Unknown {
                label: format!("`{name}` does not say it"),
                help: format!("set it under `dependencies.{name}`"),
            },
        })
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

fn unknown_name<'a>(name: &str, known: impl Iterator<Item = &'a String>) -> Nothing {
    let known: Vec<&str> = known.map(String::as_str).collect();
    let help = match suggest::nearest(name, known.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None if known.is_empty() => "there are none".to_owned(),
        None => format!("there are {}", suggest::all(known)),
    };
    Nothing::Unknown { label: format!("nothing is called `{}` there", shown(name)), help }
}

fn unknown_attribute(path: &[&str], known: &[&'static str]) -> Nothing {
    let attribute = path.last().copied().unwrap_or_default();
    let help = match suggest::nearest(attribute, known.iter().copied()) {
        Some(nearest) => format!("did you mean `{nearest}`?"),
        None => format!("the attributes here are {}", suggest::all(known.iter().copied())),
    };
    Nothing::Unknown { label: format!("`{}` is no attribute here", shown(attribute)), help }
}

//! Addresses that are written out where a reference would say them: they repeat, they lack something, or they lead
//! nowhere in this environment.

use lockgate_diagnostics::codes;
use lockgate_model::{Dependency, Diagnostic, Edit, External, Fix};

use super::browser;
use crate::layers::Value;
use crate::lints::shared::{info, label};
use crate::lints::topology;
use crate::lints::url::{Url, place_of};
use crate::lints::variables::{self, Variable};
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    // What browsers read is no address of the inside, and a reference would not mend it.
    for variable in variables::all(seen).filter(|it| it.is_literal() && !browser::is_public(it.name)) {
        let Some(address) = Address::of(variable) else { continue };
        let found = nowhere(seen, variable, address)
            .or_else(|| lacking(seen, variable, address))
            .or_else(|| other_port(seen, variable, address))
            .or_else(|| repeated(seen, variable, address));
        report.extend(found);
    }
}

/// Parts of names of variables that hold a host, with or without a port.
const NAMES: [&str; 7] = ["ADDR", "BOOTSTRAP", "BROKER", "ENDPOINT", "HOST", "SERVER", "UPSTREAM"];

/// A host with what is said around it.
#[derive(Clone, Copy)]
struct Address<'a> {
    url: Option<Url<'a>>,
    host: &'a str,
    port: Option<u16>,
}

impl<'a> Address<'a> {
    /// A URL, or the value of a variable that is named after a host.
    fn of(variable: Variable<'a>) -> Option<Address<'a>> {
        if let Some(url) = Url::parse(variable.text) {
            return Some(Address { url: Some(url), host: url.host, port: url.port });
        }
        let (host, port) = place_of(variable.text);
        let name = variable.name;
        let named = NAMES.iter().any(|it| name.ends_with(it) || port.is_some() && name.contains(it));
        named.then_some(Address { url: None, host, port })
    }
}

/// Names that are known in other environments, or at other targets.
fn nowhere(seen: &Seen<'_>, variable: Variable<'_>, address: Address<'_>) -> Option<Diagnostic> {
    let (system, host) = (&seen.system, address.host);
    let environment = &system.environment;
    let dependency = system.dependencies.get(host);
    let removed = topology::removed(seen).get(host).copied();
    let by_name = system.target.runs_images();
    let at = |path: &[&str]| seen.tree.at(path).map(|it| it.key_span);
    let (why, place) = match (dependency, at(&["services", host])) {
        (Some(dependency), _) if has_name(dependency, host, by_name) => return None,
        (Some(_), _) if by_name => ("is somewhere else here", at(&["dependencies", host, "external"])),
        (Some(_), _) => ("has no name on a machine", at(&["dependencies", host])),
        (None, Some(service)) if !by_name => ("has no name on a machine", Some(service)),
        (None, None) => ("is removed here", Some(removed?)),
        (None, Some(_)) => return None,
    };
    let name = variable.name;
    let message =
        format!("`{name}` leads to `{host}`, and nothing has that name in environment `{environment}`");
    let diagnostic =
        Diagnostic::warning(codes::NAME_NOT_HERE, message).label(variable.value.place(), "leads nowhere");
    let diagnostic =
        place.into_iter().fold(diagnostic, |it, place| it.label(place, format!("`{host}` {why}")));
    Some(if removed.is_some() {
        diagnostic.help("remove the variable in this environment as well")
    } else {
        diagnostic.help(format!("`${{{host}.url}}` and `${{{host}.host}}` are right in every environment"))
    })
}

/// Can a dependency be found by its name, as far as it is known where it is?
fn has_name(dependency: &Dependency, host: &str, by_name: bool) -> bool {
    let found = dependency.url.as_deref().and_then(Url::parse).map(|it| it.host);
    match &dependency.external {
        None => by_name,
        Some(External::Url(_)) => found.is_none_or(|it| it == host),
        Some(External::Secret(_)) => true,
        Some(External::Rds(_) | External::Elasticache(_) | External::Atlas(_)) => false,
    }
}

/// The dependency that an address leads to, with its own address.
fn dependency<'a>(seen: &'a Seen<'_>, address: Address<'_>) -> Option<(&'a str, &'a Dependency, Url<'a>)> {
    seen.system.dependencies.iter().find_map(|(name, dependency)| {
        // Most are told apart at a glance, and there may be many.
        let url = Url::parse(dependency.url.as_deref().filter(|it| it.contains(address.host))?)?;
        (url.host == address.host).then_some((name.as_str(), dependency, url))
    })
}

/// An address without what the dependency wants of whoever connects.
fn lacking(seen: &Seen<'_>, variable: Variable<'_>, address: Address<'_>) -> Option<Diagnostic> {
    let written = address.url?;
    let (name, dependency, url) = dependency(seen, address)?;
    let bundled = dependency.external.is_none();
    let tls = dependency.tls || url.scheme == "rediss";
    let is_plain = written.scheme == "redis" || written.rest.contains("sslmode=disable");
    let port = written.port.zip(url.port).filter(|it| bundled && it.0 != it.1);
    let key = &["dependencies", name];
    let (what, text, place) = if let Some((_, right)) = port {
        (format!("another port than {right}, where `{name}` listens"), "of this", seen.tree.at(key))
    } else if tls && is_plain {
        (
            format!("`{name}` without TLS, which it requires"),
            "requires TLS",
            seen.tree.at(&[key[0], name, "tls"]),
        )
    } else if url.password.is_some() && written.password.is_none() {
        (format!("`{name}` without its password"), "is given a password", seen.tree.at(key))
    } else {
        return None;
    };
    let message = format!("`{}` leads to {what}", variable.name);
    let place = place.or(seen.tree.at(key)).map(|it| it.key_span);
    let diagnostic =
        Diagnostic::warning(codes::ADDRESS_LACKS, message).label(variable.value.place(), "written out");
    let diagnostic = place.into_iter().fold(diagnostic, |it, place| it.label(place, text));
    let reference = format!("${{{name}.url}}");
    Some(
        diagnostic
            .help(format!("`{reference}` has all that is needed"))
            .fix(replaced(variable.value, &reference)),
    )
}

/// An address of a service, with a port that the service does not have.
fn other_port(seen: &Seen<'_>, variable: Variable<'_>, address: Address<'_>) -> Option<Diagnostic> {
    let (name, service) = seen.system.services.get_key_value(address.host)?;
    let numbers = || service.ports.values().map(|it| it.number);
    let (main, right) = service.main_port()?;
    if numbers().any(|it| Some(it) == address.port) || address.port.is_none() {
        return None;
    }
    let message =
        format!("`{}` leads to another port than {}, where `{name}` listens", variable.name, right.number);
    let place = seen.tree.at(&["services", name.as_str(), "ports", main.as_str(), "number"]);
    let diagnostic =
        Diagnostic::warning(codes::ADDRESS_LACKS, message).label(variable.value.place(), "written out");
    Some(label(diagnostic, place, "of this").help(format!("`${{{name}.url}}` follows when the port changes")))
}

/// What a reference says, said again.
fn repeated(seen: &Seen<'_>, variable: Variable<'_>, address: Address<'_>) -> Option<Diagnostic> {
    let (name, attribute, whole, place) = repeats(seen, address, variable.text)?;
    let rest = variable.text.strip_prefix(whole.as_str())?;
    if !(rest.is_empty() || rest.starts_with(['/', '?'])) {
        return None;
    }
    let reference = format!("${{{name}.{attribute}}}{rest}");
    let message = format!("`{}` repeats what `${{{name}.{attribute}}}` says", variable.name);
    let diagnostic = info(codes::ADDRESS_REPEATED, message)
        .label(variable.value.place(), "written out")
        .label(place.key_span, "said here");
    Some(
        diagnostic
            .help("a reference follows when it changes, and tells that the one needs the other")
            .fix(replaced(variable.value, &reference)),
    )
}

type Repeats<'a> = (&'a str, &'static str, String, &'a Value);

fn repeats<'a>(seen: &'a Seen<'_>, address: Address<'_>, text: &str) -> Option<Repeats<'a>> {
    for (name, dependency) in &seen.system.dependencies {
        let place = seen.tree.at(&["dependencies", name.as_str()])?;
        let url = dependency.url.as_deref().filter(|it| !it.is_empty() && text.starts_with(it));
        if let Some(url) = url {
            return Some((name.as_str(), "url", url.to_owned(), place));
        }
        if address.url.is_none()
            && address.port.is_none()
            && name.as_str() == text
            && dependency.external.is_none()
        {
            return Some((name.as_str(), "host", text.to_owned(), place));
        }
    }
    let (name, service) = seen.system.services.get_key_value(address.host)?;
    let place = seen.tree.at(&["services", name.as_str()])?;
    let (_, port) = service.main_port().filter(|it| Some(it.1.number) == address.port)?;
    let url = address.url.filter(|it| it.scheme == "http")?;
    Some((name.as_str(), "url", format!("{}://{name}:{}", url.scheme, port.number), place))
}

fn replaced(value: &Value, reference: &str) -> Fix {
    let edit = Edit { span: value.origin.span, text: format!("\"{reference}\"") };
    Fix { title: format!("write `{reference}`"), edits: vec![edit], safe: false }
}

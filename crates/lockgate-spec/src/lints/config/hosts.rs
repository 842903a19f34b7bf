//! Names of this system that others are told, and that no ingress leads anywhere.

use std::collections::BTreeSet;

use lockgate_diagnostics::codes;
use lockgate_model::{Diagnostic, Ingress};

use crate::layers::Value;
use crate::lints::shared::info;
use crate::lints::url::{Url, urls};
use crate::lints::variables::{self, Variable};
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    let routes = Routes::of(seen);
    // Without any ingress, ways in are made by something else.
    if routes.ingresses.is_empty() {
        return;
    }
    for variable in variables::all(seen).filter(|it| tells_others(it.name)) {
        let mut told = told(variable);
        if let Some(lost) = told.find_map(|(host, path)| routes.lost(host, path)) {
            report.push(unrouted(seen, variable, &lost));
        }
    }
}

/// Parts of names of variables that hold an address of the system itself, as others see it.
const TELLS: [&str; 8] =
    ["BASE_URL", "CALLBACK", "DOMAIN", "ORIGIN", "PUBLIC_URL", "REDIRECT", "SERVER_NAME", "WEBHOOK"];
/// Those that are served or sent by something else under the same domain.
const OTHERS: [&str; 9] = ["ASSET", "CDN", "COOKIE", "DOCS", "IMAGE", "MAIL", "MEDIA", "STATIC", "STATUS"];

fn tells_others(name: &str) -> bool {
    TELLS.iter().any(|it| name.contains(it)) && !OTHERS.iter().any(|it| name.contains(it))
}

/// The hosts in a value, with their paths.
fn told(variable: Variable<'_>) -> impl Iterator<Item = (&str, &str)> {
    let text = variable.text;
    let whole = variable.name.contains("DOMAIN") || variable.name.contains("SERVER_NAME");
    let bare = text.split([',', ' ', ';']).filter(move |it| whole && !it.contains(['/', ':']));
    let all = urls(text).map(|it| (it.host, it.rest)).chain(bare.map(|it| (it, "")));
    all.filter(|it| !it.0.contains(['*', '$']))
}

struct Routes<'a> {
    ingresses: Vec<&'a Ingress>,
    /// The domains that its names lie under.
    domains: BTreeSet<&'a str>,
    /// Hosts that are somebody else's, as far as the spec says.
    others: Vec<&'a str>,
}

impl<'a> Routes<'a> {
    fn of(seen: &'a Seen<'_>) -> Routes<'a> {
        let services = || seen.system.services.values();
        let egress = services().flat_map(|it| &it.egress).map(String::as_str);
        let external = seen.system.dependencies.values().filter_map(|it| it.url.as_deref());
        let ingresses: Vec<&Ingress> = services().filter_map(|it| it.ingress.as_ref()).collect();
        let hosts = ingresses.iter().flat_map(|it| &it.hosts).chain(&seen.system.policy.host);
        Routes {
            domains: hosts.filter_map(|it| domain(it)).collect(),
            ingresses,
            others: egress.chain(external).filter_map(Url::parse).map(|it| it.host).collect(),
        }
    }

    /// What nothing leads to, though it lies under a domain of this system.
    fn lost(&self, host: &str, rest: &str) -> Option<String> {
        let own = domain(host).is_some_and(|own| own != host && self.domains.contains(own));
        let leads = |it: &&Ingress| it.hosts.iter().any(|it| covers(it, host));
        let leading: Vec<&Ingress> = self.ingresses.iter().copied().filter(leads).collect();
        if leading.is_empty() {
            return (own && !self.others.contains(&host)).then(|| host.to_owned());
        }
        let path = rest.split(['?', '#']).next().unwrap_or_default();
        let mut paths = leading.iter().flat_map(|it| &it.paths);
        (path.len() > 1 && !paths.any(|it| begins(path, it))).then(|| format!("{host}{path}"))
    }
}

/// Is the host the one that an ingress names, or below its wildcard?
fn covers(named: &str, host: &str) -> bool {
    match named.strip_prefix("*.") {
        Some(parent) => host.split_once('.').is_some_and(|it| it.1 == parent),
        None => named == host,
    }
}

fn begins(path: &str, prefix: &str) -> bool {
    let prefix = prefix.trim_end_matches('/');
    path.strip_prefix(prefix).is_some_and(|it| it.is_empty() || it.starts_with('/'))
}

/// Second labels below which countries let people register names.
const SECOND: [&str; 10] = ["ac", "co", "com", "edu", "go", "gov", "ne", "net", "or", "org"];
/// Domains under which many systems have names that have nothing to do with each other.
const SHARED: [&str; 18] = [
    "amazonaws.com",
    "azurewebsites.net",
    "cloudfront.net",
    "fly.dev",
    "github.io",
    "herokuapp.com",
    "localtest.me",
    "netlify.app",
    "ngrok-free.app",
    "ngrok.io",
    "nip.io",
    "onrender.com",
    "pages.dev",
    "run.app",
    "sslip.io",
    "vercel.app",
    "web.app",
    "workers.dev",
];

/// The part of a name that somebody has registered.
fn domain(host: &str) -> Option<&str> {
    let labels: Vec<&str> = host.split('.').collect();
    let [.., second, top] = labels[..] else { return None };
    let len = if top.len() == 2 && SECOND.contains(&second) { 3 } else { 2 };
    let letters = top.bytes().all(|it| it.is_ascii_alphabetic());
    let start = labels.len().checked_sub(len)?;
    let skipped: usize = labels[..start].iter().map(|it| it.len() + 1).sum();
    Some(&host[skipped..]).filter(|it| letters && !SHARED.contains(it))
}

/// More places than this do not help to see where names lead.
const LABELS_MAX: usize = 3;

fn unrouted(seen: &Seen<'_>, variable: Variable<'_>, lost: &str) -> Diagnostic {
    let environment = &seen.system.environment;
    let message =
        format!("`{}` tells others of `{lost}`, where no ingress of `{environment}` leads", variable.name);
    let services = seen.tree.get("services").into_iter().flat_map(Value::entries);
    let ingresses = services.filter_map(|it| it.1.get("ingress")).take(LABELS_MAX);
    let diagnostic = info(codes::UNROUTED, message).label(variable.value.place(), "nothing answers there");
    let diagnostic = ingresses.fold(diagnostic, |it, ingress| it.label(ingress.key_span, "leads elsewhere"));
    diagnostic
        .help("add the host and the path to an `ingress`; if another system answers there, nothing is wrong")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn domains_are_what_somebody_registered() {
        for (host, found) in [
            ("app.shop.example", Some("shop.example")),
            ("shop.example", Some("shop.example")),
            ("a.b.shop.co.uk", Some("shop.co.uk")),
            ("co.uk", None),
            ("shop.github.io", None),
            ("localhost", None),
            ("127.0.0.1", None),
            ("", None),
        ] {
            assert_eq!(domain(host), found, "{host}");
        }
    }

    #[test]
    fn paths_begin_with_whole_parts() {
        assert!(begins("/api/v1", "/api"));
        assert!(begins("/api", "/api/"));
        assert!(begins("/x", "/"));
        assert!(!begins("/apis", "/api"));
    }
}

//! Names of hosts that users reach the system by.

use std::net::IpAddr;

use lockgate_diagnostics::{codes, shown};
use lockgate_model::{Diagnostic, System};

use super::{Wrong, filled};
use crate::layers::Value;

/// Of the domain name system.
const NAME_MAX: usize = 253;
const LABEL_MAX: usize = 63;

pub(super) fn check(tree: &Value, system: &System, report: &mut Vec<Diagnostic>) {
    if let (Some(text), Some(written)) = (&system.policy.host, tree.get("host")) {
        report.extend(with_port(text).err().map(|it| it.at(codes::BAD_HOST, WHAT, text, written.place())));
    }
    for (name, service) in &system.services {
        let written = tree.at(&["services", name.as_str(), "ingress", "hosts"]).map_or(&[][..], Value::items);
        let hosts = service.ingress.iter().flat_map(|it| &it.hosts);
        for (text, written) in hosts.zip(written) {
            let text = filled(text);
            let wrong = host(text.strip_prefix("*.").unwrap_or(&text)).err();
            report.extend(wrong.map(|it| it.at(codes::BAD_HOST, WHAT, &text, written.place())));
        }
    }
}

const WHAT: &str = "name of a host";

/// A port may follow: on a developer's machine there is one.
fn with_port(text: &str) -> Result<(), Wrong> {
    if text.parse::<IpAddr>().is_ok() {
        return Ok(());
    }
    match text.rsplit_once(':') {
        Some((name, port)) if port.parse::<u16>().is_ok_and(|it| it != 0) => host(name),
        Some(_) | None => host(text),
    }
}

fn host(text: &str) -> Result<(), Wrong> {
    if let Some((_, rest)) = text.split_once("://") {
        return Err(Wrong::help("a host is named without a scheme", format!("write `{rest}`")));
    }
    if !text.is_ascii() {
        let help = "write it as it stands in the domain name system, where it begins with `xn--`";
        return Err(Wrong::help("only letters of ASCII", help));
    }
    if NAME_MAX < text.len() {
        return Err(Wrong::new(format!("it has {} characters, and {NAME_MAX} are the most", text.len())));
    }
    match text.split('.').find(|it| !is_label(it)) {
        Some("") => Err(Wrong::new("a name such as `shop.example.org` is wanted")),
        Some(label) if LABEL_MAX < label.len() => {
            Err(Wrong::new(format!("no part may have more than {LABEL_MAX} characters")))
        }
        Some(label) => {
            let label = format!("`{}` is no part of it", shown(label));
            Err(Wrong::help(label, "letters, digits and `-` are allowed, as in `shop.example.org`"))
        }
        None => Ok(()),
    }
}

fn is_label(text: &str) -> bool {
    let letters = text.bytes().all(|it| it.is_ascii_alphanumeric() || it == b'-');
    !text.is_empty() && letters && text.len() <= LABEL_MAX && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_names_of_the_domain_name_system() {
        for good in [
            "localhost",
            "shop.example.org",
            "a-b.c",
            "localhost:8000",
            "127.0.0.1",
            "::1",
            "xn--mnchen-3ya.de",
        ] {
            assert!(with_port(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "https://a",
            "a/b",
            "a b",
            "a_b",
            "a..b",
            "-a",
            "a-",
            "a:0",
            "a:x",
            "münchen.de",
            &"a".repeat(64),
        ] {
            assert!(with_port(bad).is_err(), "{bad}");
        }
    }
}

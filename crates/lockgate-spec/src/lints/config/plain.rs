//! Secrets that stand in the spec, where everybody who reads the repository reads them.

use lockgate_diagnostics::codes;
use lockgate_model::Diagnostic;

use crate::lints::shared::info;
use crate::lints::target::is_this_machine;
use crate::lints::url::Url;
use crate::lints::variables::{self, Variable};
use crate::spec::Seen;

pub(super) fn check(seen: &Seen<'_>, report: &mut Vec<Diagnostic>) {
    for variable in variables::all(seen).filter(Variable::is_literal) {
        let Some(why) = looks_secret(variable) else { continue };
        let name = variable.name;
        let message = format!("`{name}` looks like a secret, and its value stands in the spec");
        let declared = format!(
            "declare it under `secrets`, as in `secrets: [{name}]`; the environment's store has the value"
        );
        // On this machine it is often a password of nothing that matters.
        let here = is_this_machine(&seen.system.target);
        let new = if here { info } else { Diagnostic::warning };
        let diagnostic = new(codes::PLAIN_SECRET, message).label(variable.value.place(), why).help(declared);
        report.push(if here {
            diagnostic
        } else {
            diagnostic.help("if it was ever real, replace it: it stays in the history of the repository")
        });
    }
}

/// Ends of names that say what the value is.
const NAMES: [&str; 5] = ["_SECRET", "_PASSWORD", "_PASSWD", "_TOKEN", "_KEY"];
/// Keys that are meant to be seen.
const PUBLIC: [&str; 4] = ["PUBLIC", "PUBLISHABLE", "ANON", "SITE_KEY"];
/// Values that turn something on or off, or say that there is nothing.
const WORDS: [&str; 12] = [
    "true", "false", "yes", "no", "on", "off", "none", "null", "enabled", "disabled", "required", "optional",
];

fn looks_secret(variable: Variable<'_>) -> Option<&'static str> {
    let text = variable.text.trim();
    known_form(text).or_else(|| {
        let name = variable.name.to_ascii_uppercase();
        let named = NAMES.iter().find(|it| name.ends_with(**it) || name == it[1..])?;
        let public = PUBLIC.iter().any(|it| name.contains(it));
        let looks = if *named == "_KEY" { is_random(text) } else { is_value(text) };
        (looks && !public).then_some("everybody who reads the repository has it")
    })
}

/// Forms that only secrets have.
fn known_form(text: &str) -> Option<&'static str> {
    if text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----") {
        return Some("a private key");
    }
    let issued =
        [("AKIA", 20), ("ghp_", 40), ("github_pat_", 60), ("sk_live_", 24), ("xoxb-", 24), ("glpat-", 26)];
    let word = text.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-".contains(&it));
    if word && issued.iter().any(|(start, len)| text.starts_with(start) && *len <= text.len()) {
        return Some("a key that somebody issued");
    }
    let password = Url::parse(text).and_then(|it| it.password);
    password.map(|_| "a password is in the address")
}

/// Neither a switch nor a number, a path or an address.
fn is_value(text: &str) -> bool {
    let word = WORDS.iter().any(|it| it.eq_ignore_ascii_case(text));
    let number = text.bytes().all(|it| it.is_ascii_digit() || b".,".contains(&it));
    let place = text.starts_with('/') || text.contains("://") || text.contains("$(");
    !text.is_empty() && !word && !number && !place
}

/// Long, and letters and digits take turns: not something that a person thought of.
fn is_random(text: &str) -> bool {
    const LEN_MIN: usize = 16;
    const TURNS_MIN: usize = 4;
    let fits = text.bytes().all(|it| it.is_ascii_alphanumeric() || b"+/=_-.".contains(&it));
    let word: Vec<bool> =
        text.bytes().filter(u8::is_ascii_alphanumeric).map(|it| it.is_ascii_digit()).collect();
    let turns = word.windows(2).filter(|it| it[0] != it[1]).count();
    is_value(text) && fits && LEN_MIN <= text.len() && TURNS_MIN <= turns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_caches_are_not_random() {
        for text in ["user_id", "primary", "v1", "", "us-east-1", "2024-01-01-cache"] {
            assert!(!is_random(text), "{text}");
        }
        assert!(is_random("8f3c1d0a9b7e4f62"));
    }
}

//! Which variables hold secrets, by their names and values. Whoever is taken for one has no value in a spec.

/// Ends of names that say what the value is, whatever stands before them.
const ENDS: [&str; 6] = ["PASSWORD", "PASSWD", "SECRET", "TOKEN", "PASSPHRASE", "CREDENTIALS"];
/// Last words of names that do.
const WORDS: [&str; 5] = ["PASS", "PWD", "PW", "KEY", "APIKEY"];
/// Keys that are meant to be seen, and such that open nothing.
const PUBLIC: [&str; 9] = [
    "PUBLIC",
    "PUBLISHABLE",
    "ANON",
    "SITE_KEY",
    "CACHE_KEY",
    "PARTITION_KEY",
    "SORT_KEY",
    "PRIMARY_KEY",
    "ROUTING_KEY",
];
/// Values that turn something on or off, or say that there is nothing.
const SWITCHES: [&str; 12] = [
    "true", "false", "yes", "no", "on", "off", "none", "null", "enabled", "disabled", "required", "optional",
];

/// Is a variable of this name a secret?
pub(crate) fn is_name(name: &str) -> bool {
    let name = name.to_ascii_uppercase().replace('-', "_");
    let last = name.rsplit('_').next().unwrap_or("");
    let named =
        ENDS.iter().any(|it| name.ends_with(it)) || WORDS.contains(&last) || name.contains("SECRET_KEY");
    named && !PUBLIC.iter().any(|it| name.contains(it)) && name != "PWD"
}

/// Is this what a secret of such a name would be? A switch, a path or an address is none.
pub(crate) fn is_value(name: &str, text: &str) -> bool {
    let text = text.trim();
    let switch = SWITCHES.iter().any(|it| it.eq_ignore_ascii_case(text));
    let place = text.starts_with('/') || text.starts_with("./") || text.contains("://");
    let upper = name.to_ascii_uppercase();
    let password = upper.contains("PASS") || upper.ends_with("PWD") || upper.ends_with("PW");
    let number = text.bytes().all(|it| it.is_ascii_digit() || b".,".contains(&it)) && !password;
    !text.is_empty() && !switch && !place && !number
}

/// Forms that only secrets have.
pub(crate) fn is_known_form(text: &str) -> bool {
    let issued =
        [("AKIA", 20), ("ghp_", 40), ("github_pat_", 60), ("sk_live_", 24), ("xoxb-", 24), ("glpat-", 26)];
    let word = text.bytes().all(|it| it.is_ascii_alphanumeric() || b"_-".contains(&it));
    let key = text.contains("-----BEGIN") && text.contains("PRIVATE KEY-----");
    key || (word && issued.iter().any(|(start, len)| text.starts_with(start) && *len <= text.len()))
        || password_in_url(text)
}

/// `scheme://user:password@host`, wherever in the text.
fn password_in_url(text: &str) -> bool {
    text.match_indices("://").any(|(at, _)| {
        let authority = text[at + 3..].split(['/', '?', '#', ' ', '"', '\'']).next().unwrap_or("");
        let user = authority.rsplit_once('@').map_or("", |it| it.0);
        user.split_once(':').is_some_and(|it| !it.1.is_empty() && !it.1.starts_with('$'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_what_is_secret() {
        for name in [
            "DB_PASSWORD",
            "PGPASSWORD",
            "MYSQL_PASS",
            "JWT_SECRET",
            "SECRET_KEY_BASE",
            "API_KEY",
            "api-token",
        ] {
            assert!(is_name(name), "{name}");
        }
        for name in
            ["PWD", "STRIPE_PUBLIC_KEY", "TOKEN_TTL", "PASSWORD_FILE", "MONKEY", "BYPASS_CACHE", "CACHE_KEY"]
        {
            assert!(!is_name(name), "{name}");
        }
        assert!(is_value("DB_PASSWORD", "1234") && !is_value("MAX_TOKEN", "1234"));
        assert!(!is_value("ALLOW_EMPTY_PASSWORD", "yes") && !is_value("DB_PASSWORD", "/run/secrets/db"));
        assert!(is_known_form("x postgres://a:b@c/d") && !is_known_form("http://a:80/b@c:d"));
    }
}

//! Parts of URLs, as far as a text is one.

/// `scheme://user:password@host:port/rest`, borrowed from the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Url<'a> {
    pub(super) scheme: &'a str,
    pub(super) user: Option<&'a str>,
    pub(super) password: Option<&'a str>,
    pub(super) host: &'a str,
    pub(super) port: Option<u16>,
    /// Path, query and fragment.
    pub(super) rest: &'a str,
}

impl<'a> Url<'a> {
    pub(super) fn parse(text: &'a str) -> Option<Url<'a>> {
        let (scheme, after) = text.trim().split_once("://")?;
        let letters = |it: char| it.is_ascii_alphanumeric() || "+-.".contains(it);
        if scheme.is_empty() || !scheme.chars().all(letters) {
            return None;
        }
        let (authority, rest) = after.split_at(after.find(['/', '?', '#']).unwrap_or(after.len()));
        let (sign_in, place) = authority.rsplit_once('@').map_or((None, authority), |it| (Some(it.0), it.1));
        let (user, password) = match sign_in.map(|it| it.split_once(':').unwrap_or((it, ""))) {
            Some((user, password)) => (text_of(user), text_of(password)),
            None => (None, None),
        };
        let (host, port) = place_of(place);
        Some(Url { scheme, user, password, host, port, rest }).filter(|it| !it.host.is_empty())
    }
}

fn text_of(text: &str) -> Option<&str> {
    Some(text).filter(|it| !it.is_empty())
}

/// Host and port. A port that is no number belongs to the host, so that nothing is lost.
pub(super) fn place_of(place: &str) -> (&str, Option<u16>) {
    let split = place.rsplit_once(':').and_then(|(host, port)| Some((host, port.parse().ok()?)));
    split.map_or((place, None), |(host, port)| (host, Some(port)))
}

/// The URLs of a list such as `https://a.example,https://b.example`.
pub(super) fn urls(text: &str) -> impl Iterator<Item = Url<'_>> {
    text.split([',', ' ', ';']).filter_map(Url::parse)
}

/// Is it the machine itself, whichever that is?
pub(super) fn is_loopback(host: &str) -> bool {
    host == "localhost" || host == "[::1]" || host.starts_with("127.")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_taken_apart() {
        let url = Url::parse("postgresql://app:p@ss@db.example:5432/shop?sslmode=require").unwrap();
        let parts = (url.user, url.password, url.host, url.port, url.rest);
        assert_eq!(parts, (Some("app"), Some("p@ss"), "db.example", Some(5432), "/shop?sslmode=require"));
        let url = Url::parse("redis://cache").unwrap();
        assert_eq!((url.scheme, url.user, url.host, url.port), ("redis", None, "cache", None));
        assert_eq!(Url::parse("redis://:secret@cache").unwrap().password, Some("secret"));
        for text in ["", "cache:6379", "://x", "http://", "a b://c"] {
            assert_eq!(Url::parse(text), None, "{text}");
        }
    }

    #[test]
    fn lists_are_taken_apart() {
        let hosts: Vec<&str> = urls("https://a.example, http://b.example:80 c").map(|it| it.host).collect();
        assert_eq!(hosts, ["a.example", "b.example"]);
    }
}

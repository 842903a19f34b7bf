//! Values that lead to other services and to dependencies, and the references that say the same.

use super::dependency::Bundled;
use super::part::Part;
use super::reading::Reading;
use crate::template;

/// What the spec says instead of a value.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Refer {
    /// The address of a dependency as the spec makes it by itself.
    Address { dependency: String },
    /// A text with references, and the dependencies that they lead to.
    Text { text: String, to: Vec<String> },
    /// It holds a password that belongs to nothing in the file.
    Secret,
}

/// The parts of `scheme://user:password@host:port/rest`.
#[derive(Debug, PartialEq, Eq)]
struct Url<'a> {
    scheme: &'a str,
    user: Option<&'a str>,
    password: Option<&'a str>,
    host: &'a str,
    port: Option<u16>,
    rest: &'a str,
}

impl<'a> Url<'a> {
    fn parse(text: &'a str) -> Option<Url<'a>> {
        let (scheme, tail) = text.split_once("://")?;
        let of_scheme = |it: char| it.is_ascii_alphanumeric() || "+-.".contains(it);
        if scheme.is_empty() || !scheme.chars().all(of_scheme) {
            return None;
        }
        let end = tail.find(['/', '?', '#']).unwrap_or(tail.len());
        let (authority, rest) = tail.split_at(end);
        let (user, place) = authority.rsplit_once('@').map_or((None, authority), |it| (Some(it.0), it.1));
        let (host, port) = match place.split_once(':') {
            Some((host, port)) => (host, Some(port.parse().ok()?)),
            None => (place, None),
        };
        let (user, password) = match user {
            Some(user) => user.split_once(':').map_or((Some(user), None), |it| (Some(it.0), Some(it.1))),
            None => (None, None),
        };
        Some(Url { scheme, user, password, host, port, rest })
    }
}

/// What a value of this service refers to; `None` when it is only what it says. The text may hold marks.
pub(super) fn refer(reading: &Reading<'_>, part: &Part, text: &str) -> Option<Refer> {
    if let Some(url) = Url::parse(text) {
        let Some(other) = reading.parts.iter().find(|it| it.is_called(url.host)) else {
            return url.password.is_some_and(|it| !it.is_empty()).then_some(Refer::Secret);
        };
        return match other.bundled() {
            Some(bundled) => address(&url, &other.name, bundled),
            None => service(reading, &url, part, other),
        };
    }
    let (host, number) = text.split_once(':').map_or((text, None), |it| (it.0, Some(it.1)));
    let other = reading.parts.iter().find(|it| it.is_called(host))?;
    let name = &other.name;
    match (other.bundled(), number) {
        (Some(_), None) => Some(to(format!("${{{name}.host}}"), name)),
        (Some(bundled), Some(number)) if number == bundled.kind.port.to_string() => {
            let whole = if bundled.kind.name == "kafka" {
                format!("${{{name}.url}}")
            } else {
                format!("${{{name}.host}}:${{{name}.port}}")
            };
            Some(to(whole, name))
        }
        (Some(_), Some(number)) => Some(to(format!("${{{name}.host}}:{}", escaped(number)), name)),
        // A word that happens to be the name of a service is that word; a renamed service must be found.
        (None, None) => None,
        (None, Some(number)) => {
            let is_port = !number.is_empty() && number.bytes().all(|it| it.is_ascii_digit());
            (is_port && host != name).then(|| plain(format!("{name}:{number}")))
        }
    }
}

fn to(text: String, name: &str) -> Refer {
    Refer::Text { text, to: vec![name.to_owned()] }
}

fn plain(text: String) -> Refer {
    Refer::Text { text, to: vec![] }
}

/// An address of a service. A reference is a need, and needs must not go in circles.
fn service(reading: &Reading<'_>, url: &Url<'_>, part: &Part, other: &Part) -> Option<Refer> {
    if url.password.is_some_and(|it| !it.is_empty()) {
        return Some(Refer::Secret);
    }
    let main = other.ports.first().map(|it| it.1);
    let is_main = url.user.is_none() && url.scheme == "http" && main == Some(url.port.unwrap_or(80));
    let circular = reading.circular.contains(&(part.written.clone(), other.written.clone()));
    let is_needed = !circular && part.needs().iter().any(|it| it.0 == other.written);
    let name = &other.name;
    if is_main && is_needed && !template::has_marks(url.rest) {
        return Some(plain(format!("${{{name}.url}}{}", escaped(url.rest))));
    }
    if url.host == name || url.user.is_some() {
        return None;
    }
    let behind = url.port.map_or(String::new(), |it| format!(":{it}"));
    Some(plain(format!("{}://{name}{behind}{}", url.scheme, escaped(url.rest))))
}

fn address(url: &Url<'_>, name: &str, bundled: &Bundled) -> Option<Refer> {
    let kind = bundled.kind;
    let signs_in = bundled.signs_in();
    let password = url.password.filter(|it| !it.is_empty());
    let same_password = password.is_some() && password == bundled.password.as_deref();
    let same_user = match url.user {
        Some("" | "default") => kind.user.is_empty(),
        user => user == Some(&bundled.user.marked),
    };
    // A database without passwords gets one: whoever reached it without signs in now.
    let open = bundled.password.is_none() && !bundled.password_in_file;
    let nobody = url.user.is_none() && (!signs_in || open);
    let same_place = kind.schemes.contains(&url.scheme) && url.port.is_none_or(|it| it == kind.port);
    let known = (same_user && same_password && signs_in) || nobody;
    if same_place
        && known
        && let Some(more) = beyond(url.rest, bundled)
    {
        return Some(match more {
            "" => Refer::Address { dependency: name.to_owned() },
            more if template::has_marks(more) => return None,
            more => to(format!("${{{name}.url}}{}", escaped(more)), name),
        });
    }
    if (password.is_some() && !same_password) || template::has_marks(url.rest) {
        return password.is_some().then_some(Refer::Secret);
    }
    let secret = &bundled.secret;
    let user = match url.user {
        Some(user) if user == bundled.user.marked => Some(bundled.user.plain.as_str()),
        Some(user) if template::has_marks(user) => return Some(Refer::Secret),
        Some(user) => Some(user),
        None if nobody && signs_in => Some(bundled.user.plain.as_str()),
        None => None,
    };
    let signed = same_password || (nobody && signs_in);
    let credentials = match (user, signed) {
        (Some(user), true) => format!("{}:${{secrets.{secret}}}@", escaped(user)),
        (Some(user), false) => format!("{}@", escaped(user)),
        (None, _) => String::new(),
    };
    let port = if url.port.is_none_or(|it| it == kind.port) {
        format!("${{{name}.port}}")
    } else {
        format!("{}", url.port.unwrap_or(kind.port))
    };
    // The user is one of the server, not of the database.
    let source = match url.rest {
        rest if kind.name != "mongodb" || !signed || rest.contains("authSource=") => "",
        rest if rest.contains('?') => "&authSource=admin",
        _ => "?authSource=admin",
    };
    let rest = escaped(url.rest);
    Some(to(format!("{}://{credentials}${{{name}.host}}:{port}{rest}{source}", url.scheme), name))
}

/// What an address has beyond the one that the spec makes by itself; `None` when it is another one.
fn beyond<'a>(rest: &'a str, bundled: &Bundled) -> Option<&'a str> {
    let rest = if rest == "/" { "" } else { rest };
    let Some(database) = &bundled.database else {
        return Some(rest).filter(|_| bundled.kind.name != "mongodb" || rest.is_empty());
    };
    let more = rest.strip_prefix('/')?.strip_prefix(database.marked.as_str())?;
    match more {
        "" => Some(""),
        "?authSource=admin" if bundled.kind.name == "mongodb" => Some(""),
        more => Some(more).filter(|it| it.starts_with('?') && bundled.kind.name != "mongodb"),
    }
}

/// The text where references are read: a dollar that could begin one is doubled.
pub(super) fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    let mut letters = text.chars().peekable();
    while let Some(letter) = letters.next() {
        escaped.push(letter);
        if letter == '$' && matches!(letters.peek(), Some('$' | '{')) {
            escaped.push('$');
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_apart() {
        let url = Url::parse("postgresql+asyncpg://a:b@db:5432/shop?x=1").unwrap();
        assert_eq!((url.scheme, url.user, url.password), ("postgresql+asyncpg", Some("a"), Some("b")));
        assert_eq!((url.host, url.port, url.rest), ("db", Some(5432), "/shop?x=1"));
        assert_eq!(Url::parse("redis://:x@cache").unwrap().user, Some(""));
        for text in ["db:5432", "://x", "a b://x", "http://x:y", ""] {
            assert_eq!(Url::parse(text), None, "{text}");
        }
    }

    #[test]
    fn dollars_that_could_begin_a_reference_are_doubled() {
        assert_eq!(escaped("$5 ${a} $$ $"), "$5 $${a} $$$ $");
    }
}

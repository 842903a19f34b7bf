//! Signing in: what a registry asks for with a 401, and the token that it is given for it.

use base64::Engine as _;
use ureq::http::HeaderMap;
use ureq::http::header::WWW_AUTHENTICATE;

use crate::client::{self, Access, Client};
use crate::error::RegistryError;
use crate::login::{Login, Secret};
use crate::reference::Repository;

/// Answers with tokens have a few kilobytes.
const TOKEN_MAX: u64 = 1 << 20;

/// What somebody wants to do, where.
#[derive(Clone, Copy)]
pub(crate) struct Wish<'a> {
    pub(crate) repository: &'a Repository,
    pub(crate) access: Access,
    /// Another repository of the same registry that is read meanwhile.
    pub(crate) mounted: Option<&'a Repository>,
}

impl Wish<'_> {
    pub(crate) fn scopes(&self) -> Vec<String> {
        let access = match self.access {
            Access::Pull => "pull",
            Access::Push => "pull,push",
        };
        let own = format!("repository:{}:{access}", self.repository.path);
        std::iter::once(own).chain(self.mounted.map(|it| format!("repository:{}:pull", it.path))).collect()
    }

    pub(crate) fn denied(&self, login: &Login, message: String) -> RegistryError {
        RegistryError::Denied {
            host: self.repository.host.clone(),
            path: self.repository.path.clone(),
            action: match self.access {
                Access::Pull => "pull",
                Access::Push => "push",
            },
            tried: login.tried.clone(),
            message,
        }
    }
}

enum Challenge {
    Basic,
    Bearer { realm: String, service: Option<String> },
}

/// The value of `Authorization` that answers a 401.
pub(crate) fn authorization(
    client: &Client,
    wish: &Wish<'_>,
    login: &Login,
    headers: &HeaderMap,
) -> Result<String, RegistryError> {
    let host = &wish.repository.host;
    let mut asked = headers.get_all(WWW_AUTHENTICATE).iter().filter_map(|it| it.to_str().ok());
    let challenge = asked.find_map(challenge).ok_or_else(|| RegistryError::Nonsense {
        host: host.clone(),
        problem: "wants a sign-in of a kind unknown here".to_owned(),
    })?;
    match (challenge, &login.secret) {
        (Challenge::Basic, Secret::Password { user, password }) => Ok(basic(user, password)),
        (Challenge::Basic, Secret::None | Secret::Refresh(_)) => Err(wish.denied(login, String::new())),
        (Challenge::Bearer { realm, service }, _) => {
            token(client, wish, login, &realm, service.as_deref()).map(|it| format!("Bearer {it}"))
        }
    }
}

fn basic(user: &str, password: &str) -> String {
    let text = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {text}")
}

/// `Bearer realm="https://auth.example.org/token",service="registry"`.
fn challenge(header: &str) -> Option<Challenge> {
    let (kind, rest) = header.split_once(' ').unwrap_or((header, ""));
    if kind.eq_ignore_ascii_case("basic") {
        return Some(Challenge::Basic);
    }
    if !kind.eq_ignore_ascii_case("bearer") {
        return None;
    }
    Some(Challenge::Bearer { realm: field(rest, "realm")?, service: field(rest, "service") })
}

fn field(text: &str, wanted: &str) -> Option<String> {
    let mut rest = text;
    while let Some((name, after)) = rest.split_once('=') {
        let (value, behind) = match after.strip_prefix('"') {
            Some(quoted) => quoted.split_once('"')?,
            None => after.split_once(',').unwrap_or((after, "")),
        };
        if name.trim_matches([' ', ',']).eq_ignore_ascii_case(wanted) {
            return Some(value.to_owned());
        }
        rest = behind;
    }
    None
}

/// What everybody may pull needs a token too, which everybody gets.
fn token(
    client: &Client,
    wish: &Wish<'_>,
    login: &Login,
    realm: &str,
    service: Option<&str>,
) -> Result<String, RegistryError> {
    let host = &wish.repository.host;
    let nonsense = |problem: String| RegistryError::Nonsense { host: host.clone(), problem };
    let from = realm.split("://").nth(1).and_then(|it| it.split(['/', '?']).next()).unwrap_or_default();
    let is_safe = realm.starts_with("https://") || realm.starts_with("http://") && client.is_insecure(from);
    if !is_safe {
        return Err(nonsense("wants a sign-in without TLS".to_owned()));
    }
    let mut pairs: Vec<(&str, String)> = service.map(|it| ("service", it.to_owned())).into_iter().collect();
    let scopes = wish.scopes();
    let answer = match &login.secret {
        Secret::Refresh(secret) => {
            pairs.extend([("grant_type", "refresh_token".to_owned()), ("client_id", "lockgate".to_owned())]);
            pairs.extend([("scope", scopes.join(" ")), ("refresh_token", secret.clone())]);
            client.agent().post(realm).send_form(pairs)
        }
        Secret::None | Secret::Password { .. } => {
            pairs.extend(scopes.into_iter().map(|it| ("scope", it)));
            let question = client.agent().get(realm).query_pairs(pairs);
            match &login.secret {
                Secret::Password { user, password } => {
                    question.header("authorization", basic(user, password)).call()
                }
                Secret::None | Secret::Refresh(_) => question.call(),
            }
        }
    };
    let mut answer = answer.map_err(|it| client::unreachable(from, &it))?;
    match answer.status().as_u16() {
        200 => (),
        401 | 403 => return Err(wish.denied(login, client::problem(&mut answer).message)),
        429 => return Err(RegistryError::RateLimited { host: from.to_owned(), after_s: None }),
        status => {
            let message = client::problem(&mut answer).message;
            return Err(RegistryError::Answer { url: realm.to_owned(), status, message });
        }
    }
    let text = answer.body_mut().with_config().limit(TOKEN_MAX).read_to_string();
    let text = text.map_err(|it| client::unreachable(from, &it))?;
    let answer: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let token = answer["token"].as_str().or(answer["access_token"].as_str());
    token
        .map(str::to_owned)
        .ok_or_else(|| nonsense(format!("is signed in to at {from}, which gives no token")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn challenges_are_read() {
        let text = r#"realm="https://a.example/token?x=1,2",service=plain,scope="repository:a:pull,push""#;
        assert_eq!(field(text, "realm").as_deref(), Some("https://a.example/token?x=1,2"));
        assert_eq!(field(text, "service").as_deref(), Some("plain"));
        assert_eq!(field(text, "scope").as_deref(), Some("repository:a:pull,push"));
        assert_eq!(field(text, "error"), None);
        assert!(matches!(challenge("basic realm=\"x\""), Some(Challenge::Basic)));
        assert!(matches!(challenge(&format!("BEARER {text}")), Some(Challenge::Bearer { .. })));
        assert!(challenge("Negotiate").is_none());
    }
}

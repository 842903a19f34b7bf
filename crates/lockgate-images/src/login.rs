//! Credentials from Docker's own configuration: what `docker login` wrote, or a helper that is asked.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};

use base64::Engine as _;
use serde::Deserialize;

use crate::client::Config;
use crate::error::RegistryError;
use crate::reference::DOCKER;

/// Key of Docker's own registry, since its first version.
const DOCKER_KEY: &str = "https://index.docker.io/v1/";
/// A helper answers with a few hundred bytes.
const ANSWER_MAX: u64 = 1 << 20;

/// A user of a registry.
#[derive(Clone, Debug)]
pub struct Credentials {
    pub user: String,
    pub password: lockgate_model::Secret<String>,
}

impl Config {
    /// What Docker knows of a registry, for whoever signs in by himself. `None` where that is nothing, or a token that
    /// is exchanged for others.
    pub fn credentials(&self, host: &str) -> Result<Option<Credentials>, RegistryError> {
        Ok(match find(&self.docker, host)?.secret {
            Secret::Password { user, password } => {
                Some(Credentials { user, password: lockgate_model::Secret::new(password) })
            }
            Secret::None | Secret::Refresh(_) => None,
        })
    }
}

/// Who asks, and where that is from.
pub(crate) struct Login {
    pub(crate) secret: Secret,
    /// `with the credentials of ...`, for people.
    pub(crate) tried: String,
}

#[derive(PartialEq, Eq)]
pub(crate) enum Secret {
    None,
    Password {
        user: String,
        password: String,
    },
    /// Gets tokens, and opens nothing itself.
    Refresh(String),
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct File {
    auths: BTreeMap<String, Entry>,
    creds_store: Option<String>,
    cred_helpers: BTreeMap<String, String>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Entry {
    auth: String,
    username: String,
    password: String,
    identitytoken: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answer {
    username: String,
    secret: String,
}

/// What there is for a registry in `folder`, Docker's own.
pub(crate) fn find(folder: &Path, host: &str) -> Result<Login, RegistryError> {
    let path = folder.join("config.json");
    let wrong = |problem: String| RegistryError::Credentials { host: host.to_owned(), problem };
    let nothing = || Login {
        secret: Secret::None,
        tried: format!("without credentials, as {} has none for it", path.display()),
    };
    let text = match std::fs::read(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(nothing()),
        Err(error) => return Err(wrong(format!("{}: {error}", path.display()))),
    };
    // Its error would show the line, and lines of this file are passwords.
    let unreadable =
        |it: serde_json::Error| wrong(format!("{}:{} is not as Docker writes it", path.display(), it.line()));
    let file: File = serde_json::from_slice(&text).map_err(unreadable)?;
    let helper = file.cred_helpers.iter().find(|it| is_for(it.0, host)).map(|it| it.1);
    if let Some(helper) = helper.or(file.creds_store.as_ref()).filter(|it| !it.is_empty()) {
        let program = format!("docker-credential-{helper}");
        let tried = format!("with the credentials of {program}");
        if let Some(secret) = ask(&program, host).map_err(wrong)? {
            return Ok(Login { secret, tried });
        }
    }
    let entry = file.auths.iter().find(|it| is_for(it.0, host)).map(|it| it.1);
    match entry.map(|it| of_entry(it).map_err(wrong)).transpose()? {
        Some(secret) if secret != Secret::None => {
            Ok(Login { secret, tried: format!("with the credentials of {}", path.display()) })
        }
        Some(_) | None => Ok(nothing()),
    }
}

/// Keys are hosts, or addresses as old versions of Docker wrote them.
fn is_for(key: &str, host: &str) -> bool {
    let name = key.strip_prefix("https://").or_else(|| key.strip_prefix("http://")).unwrap_or(key);
    let name = name.split('/').next().unwrap_or_default();
    name == host || (host == DOCKER && matches!(name, "index.docker.io" | "registry-1.docker.io"))
}

fn of_entry(entry: &Entry) -> Result<Secret, String> {
    if !entry.identitytoken.is_empty() {
        return Ok(Secret::Refresh(entry.identitytoken.clone()));
    }
    if entry.auth.is_empty() {
        let (user, password) = (entry.username.clone(), entry.password.clone());
        return Ok(if user.is_empty() { Secret::None } else { Secret::Password { user, password } });
    }
    let wrong = "`auth` is not a name and a password in base64";
    let bytes = base64::engine::general_purpose::STANDARD.decode(&entry.auth).map_err(|_| wrong)?;
    let text = String::from_utf8(bytes).map_err(|_| wrong)?;
    let (user, password) = text.split_once(':').ok_or(wrong)?;
    Ok(Secret::Password { user: user.to_owned(), password: password.trim_end_matches('\0').to_owned() })
}

/// Asks a helper as Docker does it. `None` when it knows nothing of the registry.
fn ask(program: &str, host: &str) -> Result<Option<Secret>, String> {
    let key = if host == DOCKER { DOCKER_KEY } else { host };
    let mut command = Command::new(program);
    command.arg("get").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = command.spawn().map_err(|error| format!("{program} does not start: {error}"))?;
    if let Some(mut stdin) = child.stdin.take() {
        // A helper that ends without reading says why on its output.
        let _told = stdin.write_all(key.as_bytes());
    }
    let mut said = vec![];
    let read = child.stdout.take().map(|it| it.take(ANSWER_MAX).read_to_end(&mut said)).transpose();
    let status = child.wait().map_err(|error| format!("{program}: {error}"))?;
    read.map_err(|error| format!("{program}: {error}"))?;
    if !status.success() {
        let said = String::from_utf8_lossy(&said);
        let said = said.trim();
        if said.contains("credentials not found") {
            return Ok(None);
        }
        return Err(format!("{program} failed: {}", said.lines().next().unwrap_or("it says nothing")));
    }
    let answer: Answer = serde_json::from_slice(&said)
        .map_err(|_| format!("{program} did not answer with a user and a secret"))?;
    Ok(Some(match answer.username.as_str() {
        "" => Secret::None,
        "<token>" => Secret::Refresh(answer.secret),
        _ => Secret::Password { user: answer.username, password: answer.secret },
    }))
}

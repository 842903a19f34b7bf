//! One request to a registry: by which scheme, signed in as whom, and how often when it does not go through.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::io::Read;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use ureq::http::{Method, Request, Response};
use ureq::tls::{RootCerts, TlsConfig};
use ureq::{Body, SendBody};

use crate::auth::{self, Wish};
use crate::error::RegistryError;
use crate::login::{self, Login};
use crate::reference::{DOCKER, Repository};

/// A registry that takes longer to be connected to is not reached.
const CONNECT_WITHIN: Duration = Duration::from_secs(10);
/// Between two pieces of an answer, and before the first; registries that store far away take their time.
const SILENT_AT_MOST: Duration = Duration::from_mins(1);
/// Before each attempt but the first, when nothing says how long to wait.
const WAITS_MS: [u64; 2] = [250, 1_000];
/// A registry may ask to wait a minute in all; longer limits are those of a day, and somebody has to know.
const WAITS_MAX_S: u64 = 60;
/// Registries explain themselves in less.
const PROBLEM_MAX: u64 = 64 << 10;

/// What the machine says about registries.
#[derive(Clone, Debug, Default)]
pub struct Config {
    /// Folder of Docker's own configuration.
    pub docker: PathBuf,
    /// `host:port` of registries that speak plain HTTP.
    pub insecure: Vec<String>,
}

impl Config {
    /// From `DOCKER_CONFIG`, `HOME` and `LOCKGATE_INSECURE_REGISTRIES`.
    pub fn from_env(variable: impl Fn(&str) -> Option<OsString>) -> Config {
        let home = || PathBuf::from(variable("HOME").unwrap_or_default()).join(".docker");
        let docker = variable("DOCKER_CONFIG").filter(|it| !it.is_empty()).map_or_else(home, PathBuf::from);
        let insecure = variable("LOCKGATE_INSECURE_REGISTRIES").unwrap_or_default();
        let insecure = insecure.to_string_lossy();
        let insecure = insecure.split(',').map(|it| it.trim().to_owned()).filter(|it| !it.is_empty());
        Config { docker, insecure: insecure.collect() }
    }
}

/// Asks registries; tokens and credentials are kept as long as it is.
pub struct Client {
    agent: ureq::Agent,
    config: Config,
    logins: Mutex<BTreeMap<String, Arc<Login>>>,
    /// Values of `Authorization` by host and scopes.
    signed_in: Mutex<BTreeMap<(String, Vec<String>), String>>,
}

/// What somebody wants to do; registries answer those who may push where they refuse others.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Access {
    Pull,
    Push,
}

pub(crate) struct Ask<'a> {
    pub(crate) method: Method,
    pub(crate) url: String,
    pub(crate) wish: Wish<'a>,
    pub(crate) accept: &'static str,
    pub(crate) content: Content<'a>,
}

pub(crate) enum Content<'a> {
    None,
    Bytes {
        media_type: &'a str,
        bytes: &'a [u8],
    },
    /// Read once: whoever asks begins anew when it fails.
    Stream {
        reader: &'a mut dyn Read,
        length: u64,
    },
}

/// What a registry says about why not.
#[derive(Default)]
pub(crate) struct Problem {
    pub(crate) codes: Vec<String>,
    pub(crate) message: String,
    pub(crate) text: String,
}

impl Client {
    /// With the certificates that this machine trusts, a company's own among them, and its proxy.
    pub fn new(config: Config) -> Client {
        let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
        let agent = ureq::Agent::config_builder()
            .timeout_connect(Some(CONNECT_WITHIN))
            .timeout_per_read(Some(SILENT_AT_MOST))
            .timeout_per_write(Some(SILENT_AT_MOST))
            .timeout_recv_response(Some(SILENT_AT_MOST))
            .http_status_as_error(false)
            .redirect_auth_headers(ureq::config::RedirectAuthHeaders::SameHost)
            .user_agent(concat!("lockgate/", env!("CARGO_PKG_VERSION")))
            .tls_config(tls)
            .build()
            .into();
        Client { agent, config, logins: Mutex::default(), signed_in: Mutex::default() }
    }

    pub(crate) fn agent(&self) -> &ureq::Agent {
        &self.agent
    }

    /// Without TLS on this machine itself, as Docker does it, and where it is told so.
    pub(crate) fn is_insecure(&self, host: &str) -> bool {
        let name = host.rsplit_once(':').map_or(host, |it| it.0);
        let is_here = name == "localhost"
            || name == "[::1]"
            || name.parse::<std::net::Ipv4Addr>().is_ok_and(|it| it.is_loopback());
        is_here || self.config.insecure.iter().any(|it| it == host)
    }

    pub(crate) fn url(&self, repository: &Repository, below: &str) -> String {
        format!("{}/v2/{}/{below}", self.origin(repository), repository.path)
    }

    /// Scheme and host.
    pub(crate) fn origin(&self, repository: &Repository) -> String {
        let host = if repository.host == DOCKER { "registry-1.docker.io" } else { &repository.host };
        format!("{}://{host}", if self.is_insecure(host) { "http" } else { "https" })
    }

    /// The answer, whatever it is, once nothing but the thing itself can be the reason.
    pub(crate) fn send(&self, mut ask: Ask<'_>) -> Result<Response<Body>, RegistryError> {
        let host = ask.wish.repository.host.clone();
        let repeats = !matches!(ask.content, Content::Stream { .. });
        let (mut is_new_here, mut waits, mut waited_s) = (true, WAITS_MS.iter(), 0);
        loop {
            let outcome = self.once(&mut ask);
            let status = outcome.as_ref().map_or(0, |it| it.status().as_u16());
            let mut answer = match outcome {
                Ok(answer) => answer,
                Err(error) => match waits.next().filter(|_| repeats) {
                    Some(wait) => {
                        tracing::debug!(host, %error, "asks again");
                        std::thread::sleep(Duration::from_millis(*wait));
                        continue;
                    }
                    None => return Err(unreachable(&host, &error)),
                },
            };
            let may_pass = matches!(status, 429 | 502 | 503 | 504) && repeats;
            if status == 401 && is_new_here && repeats {
                is_new_here = false;
                self.sign_in(&ask.wish, answer.headers())?;
            } else if matches!(status, 401 | 403) {
                let login = self.login(&host)?;
                return Err(ask.wish.denied(&login, problem(&mut answer).message));
            } else if may_pass && let Some(after_s) = retry_after(&answer) {
                waited_s += after_s;
                if WAITS_MAX_S < waited_s {
                    return Err(RegistryError::RateLimited { host, after_s: Some(after_s) });
                }
                tracing::info!(host, after_s, "the registry asks to wait");
                std::thread::sleep(Duration::from_secs(after_s));
            } else if may_pass && let Some(wait) = waits.next() {
                std::thread::sleep(Duration::from_millis(*wait));
            } else if status == 429 {
                return Err(RegistryError::RateLimited { host, after_s: None });
            } else {
                return Ok(answer);
            }
        }
    }

    fn once(&self, ask: &mut Ask<'_>) -> Result<Response<Body>, ureq::Error> {
        let mut request = Request::builder().method(ask.method.clone()).uri(&ask.url);
        if !ask.accept.is_empty() {
            request = request.header("accept", ask.accept);
        }
        // Uploads may go elsewhere, to a place that is open by its address alone.
        let own = format!("{}/", self.origin(ask.wish.repository));
        if ask.url.starts_with(&own)
            && let Some(value) = lock(&self.signed_in).get(&key(&ask.wish))
        {
            request = request.header("authorization", value);
        }
        match &mut ask.content {
            Content::None if ask.method == Method::POST => {
                self.agent.run(request.header("content-length", "0").body(SendBody::none())?)
            }
            Content::None => self.agent.run(request.body(SendBody::none())?),
            Content::Bytes { media_type, bytes } => {
                self.agent.run(request.header("content-type", *media_type).body(*bytes)?)
            }
            Content::Stream { reader, length } => {
                let request = request.header("content-type", "application/octet-stream");
                let request = request.header("content-length", length.to_string());
                self.agent.run(request.body(SendBody::from_reader(*reader))?)
            }
        }
    }

    fn sign_in(&self, wish: &Wish<'_>, headers: &ureq::http::HeaderMap) -> Result<(), RegistryError> {
        let login = self.login(&wish.repository.host)?;
        let value = auth::authorization(self, wish, &login, headers)?;
        lock(&self.signed_in).insert(key(wish), value);
        Ok(())
    }

    fn login(&self, host: &str) -> Result<Arc<Login>, RegistryError> {
        if let Some(known) = lock(&self.logins).get(host) {
            return Ok(Arc::clone(known));
        }
        let login = Arc::new(login::find(&self.config.docker, host)?);
        lock(&self.logins).insert(host.to_owned(), Arc::clone(&login));
        Ok(login)
    }
}

fn key(wish: &Wish<'_>) -> (String, Vec<String>) {
    (wish.repository.host.clone(), wish.scopes())
}

/// What another thread left behind when it panicked is as good as ever: entries are whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Seconds; a date instead is as good as no answer, since clocks differ.
fn retry_after(answer: &Response<Body>) -> Option<u64> {
    answer.headers().get("retry-after")?.to_str().ok()?.parse().ok()
}

pub(crate) fn unreachable(host: &str, error: &ureq::Error) -> RegistryError {
    let why = match error {
        ureq::Error::HostNotFound => "there is no such host".to_owned(),
        ureq::Error::Timeout(_) => "it does not answer in time".to_owned(),
        ureq::Error::Io(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => {
            "nothing listens there".to_owned()
        }
        other => other.to_string(),
    };
    RegistryError::Unreachable { host: host.to_owned(), why }
}

/// Reads what a registry gives as reason.
pub(crate) fn problem(answer: &mut Response<Body>) -> Problem {
    let text = answer.body_mut().with_config().limit(PROBLEM_MAX).lossy_utf8(true).read_to_string();
    let text = text.unwrap_or_default();
    let value: serde_json::Value = serde_json::from_str(&text).unwrap_or_default();
    let errors = value["errors"].as_array().map(Vec::as_slice).unwrap_or_default();
    let field = |name: &str| -> Vec<String> {
        errors.iter().filter_map(|it| it[name].as_str()).map(str::to_owned).collect()
    };
    let message = field("message").first().or(value["details"].as_str().map(str::to_owned).as_ref()).cloned();
    Problem { codes: field("code"), message: message.unwrap_or_default(), text }
}

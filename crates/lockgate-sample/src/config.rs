//! What the service is told by its environment.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr};
use std::str::FromStr;
use std::time::Duration;

/// An environment variable with a value that means nothing.
#[derive(Debug, PartialEq, Eq)]
pub struct InvalidKnob {
    pub key: &'static str,
    pub value: String,
    pub wanted: &'static str,
}

impl fmt::Display for InvalidKnob {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is `{}`: {} is wanted", self.key, self.value, self.wanted)
    }
}

impl std::error::Error for InvalidKnob {}

impl From<InvalidKnob> for std::io::Error {
    fn from(error: InvalidKnob) -> std::io::Error {
        std::io::Error::new(std::io::ErrorKind::InvalidInput, error)
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readiness {
    AtOnce,
    After(Duration),
    Never,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Crash {
    AtStart,
    AfterReady(Duration),
    /// At the request with this number, counted from one; that request gets no answer.
    OnRequest(u64),
}

#[derive(Clone, Debug)]
pub struct SampleConfig {
    pub host: IpAddr,
    /// 0 takes a free port.
    pub port: u16,
    pub grpc_port: Option<u16>,
    pub service: String,
    pub version: String,
    pub instance: String,
    /// Share of work requests that answer 500, in millionths.
    pub error_ppm: u32,
    pub latency: Duration,
    /// Up to this much more than `latency`, evenly spread.
    pub jitter: Duration,
    pub readiness: Readiness,
    pub crash: Option<Crash>,
    pub ignore_term: bool,
    pub database_url: Option<String>,
    /// Number of the migration that has to be in the database before the service is ready.
    pub needs_migration: Option<i64>,
    pub redis_url: Option<String>,
    /// Where `/env` looks; it asks for keys that start with `SAMPLE_` only.
    pub shown: fn(&str) -> Option<String>,
}

impl Default for SampleConfig {
    fn default() -> SampleConfig {
        SampleConfig {
            host: Ipv4Addr::LOCALHOST.into(),
            port: 0,
            grpc_port: None,
            service: "sample".to_owned(),
            version: "unversioned".to_owned(),
            instance: "0".to_owned(),
            error_ppm: 0,
            latency: Duration::ZERO,
            jitter: Duration::ZERO,
            readiness: Readiness::AtOnce,
            crash: None,
            ignore_term: false,
            database_url: None,
            needs_migration: None,
            redis_url: None,
            shown: |_| None,
        }
    }
}

impl SampleConfig {
    pub fn from_env(env: impl Fn(&str) -> Option<String>) -> Result<SampleConfig, InvalidKnob> {
        let get = |key: &str| env(key).filter(|it| !it.is_empty());
        let base = SampleConfig::default();
        let port = parse(&get, "PORT", "a port such as 8080", from_str::<u16>)?;
        let version = get("SAMPLE_VERSION").or_else(|| get("LOCKGATE_VERSION"));
        let millis = |key| parse(&get, key, "a number of milliseconds", from_str::<u64>);
        Ok(SampleConfig {
            host: parse(&get, "SAMPLE_HOST", "an address such as 0.0.0.0", from_str::<IpAddr>)?
                .unwrap_or(base.host),
            port: port.ok_or(InvalidKnob {
                key: "PORT",
                value: String::new(),
                wanted: "a port such as 8080",
            })?,
            grpc_port: parse(&get, "GRPC_PORT", "a port such as 9080", from_str::<u16>)?,
            service: get("LOCKGATE_SERVICE").unwrap_or(base.service),
            version: version.unwrap_or(base.version),
            instance: get("LOCKGATE_INSTANCE").unwrap_or(base.instance),
            error_ppm: parse(&get, "SAMPLE_ERROR_RATE", "a share from 0 to 1 such as 0.02", share_ppm)?
                .unwrap_or(0),
            latency: Duration::from_millis(millis("SAMPLE_LATENCY_MS")?.unwrap_or(0)),
            jitter: Duration::from_millis(millis("SAMPLE_JITTER_MS")?.unwrap_or(0)),
            readiness: parse(&get, "SAMPLE_READY", "`never` or `after:2s`", readiness)?
                .unwrap_or(base.readiness),
            crash: parse(&get, "SAMPLE_CRASH", "`at-start`, `after-ready:3s` or `on-request:100`", crash)?,
            ignore_term: get("SAMPLE_IGNORE_TERM").is_some_and(|it| it != "0" && it != "false"),
            database_url: get("DATABASE_URL"),
            needs_migration: parse(
                &get,
                "SAMPLE_NEEDS_MIGRATION",
                "the number of a migration",
                from_str::<i64>,
            )?,
            redis_url: get("REDIS_URL"),
            shown: |key| std::env::var(key).ok(),
        })
    }
}

fn parse<T>(
    get: &impl Fn(&str) -> Option<String>,
    key: &'static str,
    wanted: &'static str,
    read: fn(&str) -> Option<T>,
) -> Result<Option<T>, InvalidKnob> {
    let Some(value) = get(key) else { return Ok(None) };
    read(&value).map(Some).ok_or(InvalidKnob { key, value, wanted })
}

fn from_str<T: FromStr>(text: &str) -> Option<T> {
    text.parse().ok()
}

fn share_ppm(text: &str) -> Option<u32> {
    let share: f64 = text.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 1 is checked first")]
    let ppm = (0.0..=1.0).contains(&share).then(|| (share * 1e6).round() as u32);
    ppm
}

fn readiness(text: &str) -> Option<Readiness> {
    match text.split_once(':') {
        None if text == "never" => Some(Readiness::Never),
        Some(("after", span)) => Some(Readiness::After(span_of(span)?)),
        _ => None,
    }
}

fn crash(text: &str) -> Option<Crash> {
    match text.split_once(':') {
        None if text == "at-start" => Some(Crash::AtStart),
        Some(("after-ready", span)) => Some(Crash::AfterReady(span_of(span)?)),
        Some(("on-request", number)) => number.parse().ok().filter(|it| *it > 0).map(Crash::OnRequest),
        _ => None,
    }
}

fn span_of(text: &str) -> Option<Duration> {
    if let Some(millis) = text.strip_suffix("ms") {
        return millis.parse().ok().map(Duration::from_millis);
    }
    text.strip_suffix('s')?.parse().ok().map(Duration::from_secs)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(pairs: &[(&str, &str)]) -> Result<SampleConfig, InvalidKnob> {
        let owned = |key: &str| pairs.iter().find(|it| it.0 == key).map(|it| it.1.to_owned());
        SampleConfig::from_env(owned)
    }

    #[test]
    fn every_knob_is_read() {
        let config = read(&[
            ("PORT", "8080"),
            ("GRPC_PORT", "9080"),
            ("LOCKGATE_VERSION", "v1"),
            ("SAMPLE_ERROR_RATE", "0.02"),
            ("SAMPLE_LATENCY_MS", "5"),
            ("SAMPLE_READY", "after:2s"),
            ("SAMPLE_CRASH", "on-request:100"),
            ("SAMPLE_IGNORE_TERM", "1"),
        ])
        .unwrap();
        assert_eq!((config.port, config.grpc_port, config.error_ppm), (8080, Some(9080), 20_000));
        assert_eq!(config.version, "v1");
        assert_eq!(config.readiness, Readiness::After(Duration::from_secs(2)));
        assert_eq!(config.crash, Some(Crash::OnRequest(100)));
        assert!(config.ignore_term);
    }

    #[test]
    fn an_own_label_wins_over_the_release() {
        let config = read(&[("PORT", "1"), ("LOCKGATE_VERSION", "v1"), ("SAMPLE_VERSION", "blue")]).unwrap();
        assert_eq!(config.version, "blue");
    }

    #[test]
    fn a_value_that_means_nothing_is_refused_by_name() {
        let error = read(&[("PORT", "1"), ("SAMPLE_CRASH", "sometimes")]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "SAMPLE_CRASH is `sometimes`: `at-start`, `after-ready:3s` or `on-request:100` is wanted"
        );
        assert_eq!(read(&[]).unwrap_err().key, "PORT");
        assert_eq!(read(&[("PORT", "1"), ("SAMPLE_ERROR_RATE", "2")]).unwrap_err().key, "SAMPLE_ERROR_RATE");
    }
}

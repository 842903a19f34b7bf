//! The account of a load: every request is in exactly one count.

use std::collections::BTreeMap;
use std::time::Duration;

use super::Histogram;
use super::connection::{Exchange, Source};

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LoadReport {
    /// Everything that was sent and accounted for.
    pub requests: u64,
    /// Answers below 400 from the service.
    pub ok: u64,
    /// Answers from 400 to 499 from the service.
    pub http_4xx: u64,
    /// Answers from 500 on that the service made on its own account.
    pub http_5xx: u64,
    /// Answers from 500 on that a knob of the sample asked for.
    pub injected: u64,
    /// Answers of any status that the proxy made because it got none from an instance.
    pub proxy_errors: u64,
    pub failures: Failures,
    /// By the version that the answer's body names.
    pub versions: BTreeMap<String, VersionCounts>,
    /// Of everything that was answered.
    pub latency: Histogram,
}

/// Requests without an answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Failures {
    pub connect: u64,
    pub reset: u64,
    pub timeout: u64,
    pub bad_response: u64,
}

impl Failures {
    pub fn total(&self) -> u64 {
        self.connect + self.reset + self.timeout + self.bad_response
    }
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VersionCounts {
    pub requests: u64,
    pub errors: u64,
}

impl LoadReport {
    /// Requests that were lost on the way: answers that no instance gave, and those that never came.
    pub fn lost(&self) -> u64 {
        self.proxy_errors + self.failures.total()
    }

    /// Requests that a version answered.
    pub fn answered_by(&self, version: &str) -> u64 {
        self.versions.get(version).map_or(0, |it| it.requests)
    }

    /// `None` stands for a request that ran out of time.
    pub(super) fn record(&mut self, exchange: Option<Exchange>, took: Duration) {
        self.requests += 1;
        match exchange {
            None => self.failures.timeout += 1,
            Some(Exchange::ConnectFailed) => self.failures.connect += 1,
            Some(Exchange::Reset) => self.failures.reset += 1,
            Some(Exchange::BadResponse) => self.failures.bad_response += 1,
            Some(Exchange::Answered { status, source, version }) => {
                self.latency.record(took);
                let count = match source {
                    Source::Proxy => &mut self.proxy_errors,
                    Source::Injected => &mut self.injected,
                    Source::Service if status.is_server_error() => &mut self.http_5xx,
                    Source::Service if status.is_client_error() => &mut self.http_4xx,
                    Source::Service => &mut self.ok,
                };
                *count += 1;
                if let Some(version) = version {
                    let counts = self.versions.entry(version).or_default();
                    counts.requests += 1;
                    counts.errors += u64::from(status.is_server_error());
                }
            }
        }
    }
}

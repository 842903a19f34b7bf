//! Questions over HTTP: short, bounded, and without credentials.

use std::time::Duration;

use anyhow::{Context as _, bail};
use ureq::tls::{RootCerts, TlsConfig};

/// A registry that takes longer is not reached.
const TIMEOUT: Duration = Duration::from_secs(20);
/// Lists of tags are the longest answers; one of GitHub's has a few hundred bytes for each.
const ANSWER_MAX: u64 = 4 << 20;

/// With the certificates that this machine trusts, a company's own among them, and its proxy.
pub(super) fn agent() -> ureq::Agent {
    let tls = TlsConfig::builder().root_certs(RootCerts::PlatformVerifier).build();
    ureq::Agent::config_builder()
        .timeout_global(Some(TIMEOUT))
        .http_status_as_error(false)
        .user_agent(concat!("lockgate/", env!("CARGO_PKG_VERSION")))
        .tls_config(tls)
        .build()
        .into()
}

pub(super) fn json(agent: &ureq::Agent, url: &str) -> anyhow::Result<serde_json::Value> {
    let mut answer = agent.get(url).header("accept", "application/json").call()?;
    let status = answer.status().as_u16();
    if status != 200 {
        bail!("{url} answered {status}");
    }
    let text = answer.body_mut().with_config().limit(ANSWER_MAX).read_to_string()?;
    serde_json::from_str(&text).with_context(|| format!("{url} did not answer with JSON"))
}

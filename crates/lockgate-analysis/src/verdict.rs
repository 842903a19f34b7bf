//! What the judge says of a step, and why, in words.

use std::fmt;

use lockgate_model::{Millis, ServiceName, Timestamp, grouped};
use serde::{Deserialize, Serialize};

use crate::config::{AbsoluteSlo, Bad, LiteralAlert};
use crate::gate::GateRule;
use crate::instances::Outlier;
use crate::text::{alert_text, share, span};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[must_use = "an unread verdict decides nothing"]
pub enum Verdict {
    /// The step runs, and nothing is wrong.
    Pending { until: Timestamp },
    /// `idle` names services that had no request in either version during the step: nothing is known of them.
    Pass { why: PassWhy, idle: Vec<ServiceName> },
    /// Final: the canary is worse.
    Fail { why: Vec<Reason> },
    /// The step's time is over and the evidence does not suffice. It goes on until `until`.
    NotEnough { have: u64, need: u64, why: Vec<Lack>, until: Timestamp },
    /// No counts arrive: from anywhere when `services` is empty. Never becomes a pass by waiting.
    NoSignal { since: Timestamp, services: Vec<ServiceName> },
    /// The old version breaks the same limits: not the canary's fault, and no time to go on.
    EnvironmentIncident { why: Vec<Reason> },
    /// `max_time` is over: `on_undecided` decides.
    Undecided { have: u64, need: u64, why: Vec<Lack> },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PassWhy {
    /// The step has no pause, so nothing was to be waited for.
    NoPause,
    /// Surely within the margin and below every limit.
    Early,
    /// The step's time is over, with enough requests and nothing against the canary.
    TimeUp,
}

/// Bad requests among all that were compared.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Share {
    pub bad: u64,
    pub of: u64,
}

impl Share {
    pub fn fraction(self) -> f64 {
        if self.of == 0 { 0.0 } else { self.bad as f64 / self.of as f64 }
    }
}

/// Why a canary fails: one service, one rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    NotReady {
        service: ServiceName,
        wanted: u16,
        #[serde(default)]
        last: Option<String>,
    },
    CrashLoop {
        service: ServiceName,
        crashes: u64,
        last: Option<String>,
    },
    /// `failures` of `requests` in one tick reached no instance.
    Unreachable {
        service: ServiceName,
        failures: u64,
        requests: u64,
    },
    /// Worse than the old version. `odds` to 1 against chance.
    ErrorRatio {
        service: ServiceName,
        canary: Share,
        baseline: Share,
        odds: u64,
        after: Millis,
        /// The instance that most of the errors are of.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        outlier: Option<Outlier>,
    },
    /// Worse than a limit allows.
    Slo {
        service: ServiceName,
        slo: AbsoluteSlo,
        canary: Share,
        odds: u64,
        after: Millis,
    },
    /// What is judged beside the SLOs does not hold.
    Gate {
        rule: GateRule,
        /// What was measured.
        said: String,
        lasted: Millis,
    },
    /// The rule to the letter.
    Literal {
        service: ServiceName,
        alert: LiteralAlert,
        lasted: Millis,
    },
}

impl Reason {
    /// `None` of what is measured of all services together.
    pub fn service(&self) -> Option<&ServiceName> {
        match self {
            Reason::Gate { .. } => None,
            Reason::NotReady { service, .. }
            | Reason::CrashLoop { service, .. }
            | Reason::Unreachable { service, .. }
            | Reason::ErrorRatio { service, .. }
            | Reason::Slo { service, .. }
            | Reason::Literal { service, .. } => Some(service),
        }
    }

    /// The rule's name, short and stable.
    pub fn rule(&self) -> String {
        match self {
            Reason::NotReady { .. } => "readiness".to_owned(),
            Reason::CrashLoop { .. } => "crash-loop".to_owned(),
            Reason::Unreachable { .. } => "connect-failures".to_owned(),
            Reason::ErrorRatio { .. } => "error-ratio".to_owned(),
            Reason::Slo { slo, .. } => slo.metric.to_string(),
            Reason::Gate { rule, .. } => format!("gate {}", rule.name),
            Reason::Literal { alert, .. } => format!("{} (literal)", alert.metric),
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(service) = self.service() {
            write!(f, "{service}: ")?;
        }
        match self {
            Reason::Gate { rule, said, lasted } => {
                write!(f, "gate {}: {said}, and {} must hold", rule.name, rule.objective)?;
                if *lasted == Millis::ZERO { Ok(()) } else { write!(f, ", for {}", span(*lasted)) }
            }
            Reason::NotReady { wanted, last, .. } => {
                write!(f, "no instance of the new version is ready any more, {wanted} wanted")?;
                write_last_crash(f, last.as_deref())
            }
            Reason::CrashLoop { crashes, last, .. } => {
                write!(f, "the new version crashed {crashes} times")?;
                write_last_crash(f, last.as_deref())
            }
            Reason::Unreachable { failures, requests, .. } => {
                let (failures, requests) = (grouped(*failures), grouped(*requests));
                write!(f, "{failures} of {requests} requests reached no instance of the new version")
            }
            Reason::ErrorRatio { canary, baseline, odds, after, outlier, .. } => {
                let (new, old) = (share(canary.fraction()), share(baseline.fraction()));
                write!(f, "error rate {new} against {old} (canary {canary}, old {baseline})")?;
                write_evidence(f, *odds, *after)?;
                outlier.as_ref().map_or(Ok(()), |it| write!(f, "; {it}"))
            }
            Reason::Slo { slo, canary, odds, after, .. } => {
                let (rate, allowed) = (share(canary.fraction()), share(slo.allowed.fraction()));
                match slo.bad {
                    Bad::Error => write!(f, "error rate {rate}, {allowed} allowed (canary {canary})")?,
                    Bad::SlowerThan(ms) => {
                        let metric = slo.metric;
                        write!(
                            f,
                            "{metric} above {ms} ms: {rate} of requests are slower, {allowed} allowed "
                        )?;
                        write!(f, "(canary {canary})")?;
                    }
                }
                write_evidence(f, *odds, *after)
            }
            Reason::Literal { alert, lasted, .. } => {
                write!(f, "{} for {}", alert_text(alert), span(*lasted))
            }
        }
    }
}

fn write_last_crash(f: &mut fmt::Formatter<'_>, last: Option<&str>) -> fmt::Result {
    last.map_or(Ok(()), |it| write!(f, "; it last said: {}", it.trim_end()))
}

fn write_evidence(f: &mut fmt::Formatter<'_>, odds: u64, after: Millis) -> fmt::Result {
    write!(f, ", evidence {} : 1 after {}", grouped(odds), span(after))
}

/// `instance web-r3-x of 4 has all 12 errors`
impl fmt::Display for Outlier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Outlier { instance, instances, errors, of_errors, .. } = self;
        let all = grouped(*of_errors);
        if errors == of_errors {
            return write!(f, "instance {instance} of {instances} has all {all} errors");
        }
        write!(f, "instance {instance} of {instances} has {} of {all} errors", grouped(*errors))
    }
}

impl fmt::Display for Share {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", grouped(self.bad), grouped(self.of))
    }
}

/// What is missing for a pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Lack {
    Requests {
        have: u64,
        need: u64,
    },
    /// No service had a request in this step.
    Quiet,
    /// The old version is used and the new one is not.
    NoCanaryRequests {
        service: ServiceName,
    },
    /// The new version looks worse, and it is not sure yet.
    Suspicious {
        service: ServiceName,
        odds: u64,
    },
    /// The router does not count in a bucket that ends at the limit.
    Unmeasured {
        service: ServiceName,
        slo: AbsoluteSlo,
    },
}

impl fmt::Display for Lack {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Lack::Requests { have, need } => {
                let missing = grouped(need.saturating_sub(*have));
                write!(
                    f,
                    "{missing} more canary requests are needed ({} of {})",
                    grouped(*have),
                    grouped(*need)
                )
            }
            Lack::Quiet => write!(f, "no service had a request in this step"),
            Lack::NoCanaryRequests { service } => {
                write!(f, "{service}: the new version had no request while the old one had some")
            }
            Lack::Suspicious { service, odds } => {
                write!(f, "{service}: the new version looks worse, evidence {} : 1", grouped(*odds))
            }
            Lack::Unmeasured { service, slo } => match slo.bad {
                Bad::Error => write!(f, "{service}: {} is not counted", slo.metric),
                Bad::SlowerThan(ms) => {
                    write!(f, "{service}: {} needs a latency bucket that ends at {ms} ms", slo.metric)
                }
            },
        }
    }
}

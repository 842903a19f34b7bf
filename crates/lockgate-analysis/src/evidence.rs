//! All that a person wants to see of a judgement under way.

use std::collections::BTreeMap;

use lockgate_model::{Millis, ServiceName, Timestamp};
use serde::{Deserialize, Serialize};

use crate::instances::Outlier;
use crate::judge::{Judge, ln_merged};
use crate::merge::ln_average;
use crate::service::{ServiceState, Term, TermRule};
use crate::tally::{Arm, Tally};
use crate::text::alert_text;

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Evidence {
    pub services: BTreeMap<ServiceName, ServiceEvidence>,
    /// All services' capital against the canary.
    pub abort: Meter,
    /// The strongest test against the canary.
    pub leading: Option<Leading>,
    /// Canary requests compared so far, and those needed.
    pub requests: u64,
    pub requests_needed: u64,
    /// When the step began, may pass by its evidence, and ends.
    pub step_started: Option<Timestamp>,
    pub step_early_from: Option<Timestamp>,
    pub step_until: Option<Timestamp>,
}

/// Capital on its way to a threshold.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Meter {
    /// Decimal logarithm of the capital: 2 is evidence 100 : 1.
    pub log10: f64,
    pub threshold_log10: f64,
    /// 0 at capital 1 and below, 1 at the threshold and beyond.
    pub progress: f64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Leading {
    pub service: ServiceName,
    /// `error-ratio`, or the metric of a limit.
    pub rule: String,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceEvidence {
    pub canary: ArmEvidence,
    pub baseline: Option<ArmEvidence>,
    pub abort: Meter,
    /// The weakest certificate.
    pub promote: Meter,
    /// The strongest test against this service's canary.
    pub leading: Option<String>,
    pub literals: Vec<LiteralEvidence>,
    /// Nothing is compared before this time.
    pub warm_at: Option<Timestamp>,
    /// Its counts are missing.
    pub no_signal_since: Option<Timestamp>,
    pub ready: u16,
    pub wanted: u16,
    pub crashes: u64,
    /// The instance that has most of the canary's errors, when that is no chance.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outlier: Option<Outlier>,
}

/// Compared requests of one version.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct ArmEvidence {
    pub requests: u64,
    pub errors: u64,
    /// `None` without requests.
    pub error_rate: Option<f64>,
    /// Upper bound of the bucket that holds the quantile; `None` without requests or beyond the last bound.
    pub p95_ms: Option<u32>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiteralEvidence {
    /// `error_rate > 1 %`
    pub rule: String,
    /// How long every look was beyond the limit; `None` while it is kept.
    pub lasted: Option<Millis>,
    pub lasting: Millis,
}

impl Judge {
    pub fn evidence(&self, now: Timestamp) -> Evidence {
        let all = self.terms();
        let flat = all.iter().flat_map(|it| it.1.iter().map(|term| (it.0, term)));
        let leading = flat.max_by(|a, b| a.1.ln_e.total_cmp(&b.1.ln_e));
        let leading = leading.filter(|it| 0.0 < it.1.ln_e);
        let services = self.services.iter();
        Evidence {
            services: services.map(|(name, it)| (name.clone(), self.service_evidence(now, it))).collect(),
            abort: Meter::new(ln_merged(&all), self.config.ln_abort()),
            leading: leading.map(|(name, term)| Leading { service: name.clone(), rule: rule_name(term) }),
            requests: self.canary_requests(),
            requests_needed: self.config.analysis.min_requests,
            step_started: self.step.map(|it| it.started),
            step_early_from: self.step.map(|it| self.early_from(it)),
            step_until: self.step.map(|it| it.started.plus(it.pause)),
        }
    }

    fn service_evidence(&self, now: Timestamp, service: &ServiceState) -> ServiceEvidence {
        let terms = service.terms(&self.config);
        let ln_e =
            if terms.is_empty() { 0.0 } else { ln_average(terms.iter().map(|it| (it.weight, it.ln_e))) };
        let leading = terms.iter().max_by(|a, b| a.ln_e.total_cmp(&b.ln_e)).filter(|it| 0.0 < it.ln_e);
        let literals = service.literals.iter().zip(&self.config.literals);
        let literals = literals.map(|(state, alert)| LiteralEvidence {
            rule: alert_text(alert),
            lasted: state.canary.lasted(now),
            lasting: alert.lasting,
        });
        let arm = |it: &Arm| ArmEvidence::of(&it.compared);
        ServiceEvidence {
            canary: service.canary.as_ref().map_or_else(|| ArmEvidence::of(&Tally::default()), arm),
            baseline: service.baseline.as_ref().map(arm),
            abort: Meter::new(ln_e, self.config.ln_abort()),
            promote: Meter::new(service.ln_certificate(), self.config.ln_certify()),
            leading: leading.map(rule_name),
            literals: literals.collect(),
            warm_at: service.first_seen.map(|it| it.plus(self.config.analysis.warmup)),
            no_signal_since: service.missing_since,
            ready: service.condition.ready,
            wanted: service.condition.wanted,
            crashes: service.condition.crashes,
            outlier: service.instances.outlier(),
        }
    }
}

impl Meter {
    fn new(ln_e: f64, ln_threshold: f64) -> Meter {
        let progress = (ln_e / ln_threshold).clamp(0.0, 1.0);
        let log10 = |it: f64| it / std::f64::consts::LN_10;
        Meter { log10: log10(ln_e), threshold_log10: log10(ln_threshold), progress }
    }
}

impl ArmEvidence {
    fn of(tally: &Tally) -> ArmEvidence {
        let rate = tally.errors as f64 / tally.requests as f64;
        ArmEvidence {
            requests: tally.requests,
            errors: tally.errors,
            error_rate: (0 < tally.requests).then_some(rate),
            p95_ms: tally.latency.quantile_ms(0.95),
        }
    }
}

fn rule_name(term: &Term) -> String {
    match term.rule {
        TermRule::Ratio => "error-ratio".to_owned(),
        TermRule::Slo(slo) => slo.metric.to_string(),
    }
}

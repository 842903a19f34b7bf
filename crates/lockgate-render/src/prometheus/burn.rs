//! Alerts on how fast the error budget is spent.
//!
//! Windows and factors are those of the Google SRE workbook, chapter 5, table 5-8, for a budget of thirty days: the
//! long window says that it matters, the short one that it still goes on.

use lockgate_model::metrics::REQUESTS;
use lockgate_model::{Amount, Comparison, Millis};

use super::rule::{Proof, Rule, Severity};
use super::series::{EVERY, Feed, Labels, Metric};
use super::services;
use crate::facts::{Environment, Measured};

pub(super) struct Burn {
    pub(super) name: &'static str,
    pub(super) factor: f64,
    pub(super) long: Millis,
    pub(super) short: Millis,
    severity: Severity,
    spends: &'static str,
}

const HOUR: Millis = Millis::mins(60);

pub(super) const BURNS: [Burn; 3] = [
    Burn {
        name: "ErrorBudgetBurnFast",
        factor: 14.4,
        long: HOUR,
        short: Millis::mins(5),
        severity: Severity::Critical,
        spends: "2% of the error budget of 30d in 1h",
    },
    Burn {
        name: "ErrorBudgetBurn",
        factor: 6.0,
        long: Millis(6 * HOUR.0),
        short: Millis::mins(30),
        severity: Severity::Critical,
        spends: "5% of the error budget of 30d in 6h",
    },
    Burn {
        name: "ErrorBudgetBurnSlow",
        factor: 1.0,
        long: Millis(72 * HOUR.0),
        short: Millis(6 * HOUR.0),
        severity: Severity::Warning,
        spends: "10% of the error budget of 30d in 3d",
    },
];

/// The share of requests that may fail: the strictest of what `availability` and `error_rate` say.
pub(super) fn budget(environment: &Environment<'_>) -> Option<f64> {
    let budgets = environment.objectives.iter().filter_map(|it| {
        match (it.measured, it.threshold.comparison, it.threshold.amount) {
            (
                Measured::System("availability"),
                Comparison::More | Comparison::AtLeast,
                Amount::Share(share),
            ) => Some(100_000 - share.0),
            (Measured::System("error_rate"), Comparison::Less | Comparison::AtMost, Amount::Share(share)) => {
                Some(share.0)
            }
            _ => None,
        }
    });
    budgets.min().map(|it| f64::from(it) / 100_000.0)
}

pub(super) fn rules(environment: &Environment<'_>) -> Vec<Rule> {
    let (Some(budget), Some(service)) = (budget(environment), services::measured(environment).next()) else {
        return vec![];
    };
    let service = service.as_str();
    let here = |status| Metric::new(REQUESTS, &[("service", service), ("status", status)]);
    let errors = || Feed::Share { part: here("500"), rest: here("200") };
    // More than all cannot fail: a large budget is never spent so fast.
    let burns = BURNS.iter().filter(|it| it.factor * budget < 0.99);
    let rules = burns.map(|it| {
        // Of the product of two decimals, only so many digits mean something.
        let limit = (it.factor * budget * 1e9).round() / 1e9;
        let over =
            |window: Millis| format!(r#"service:http_errors:ratio_rate{window}{{service!=""}} > {limit}"#);
        Rule {
            name: it.name.to_owned(),
            expr: format!("{} and {}", over(it.long), over(it.short)),
            lasting: Some(Millis::mins(2)),
            severity: it.severity,
            summary: format!("it spends {}", it.spends),
            runbook: environment
                .alerts
                .iter()
                .filter(|it| matches!(it.measured, Measured::System("availability" | "error_rate")))
                .find_map(|it| it.runbook.map(str::to_owned)),
            proof: Some(Proof {
                labels: Labels::from([("service", service.to_owned())]),
                fires: vec![(errors(), limit * 1.01)],
                quiet: Some(vec![(errors(), limit * 0.99)]),
                begins: EVERY,
            }),
        }
    });
    rules.collect()
}

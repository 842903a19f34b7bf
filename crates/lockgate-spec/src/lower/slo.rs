//! What must hold, and what must not be seen.

use std::collections::BTreeMap;

use lockgate_model::{Slo, SloMetric, SloSeverity};

use crate::layers::Value;
use crate::{scalar, threshold};

pub(super) fn lower(tree: &Value) -> BTreeMap<SloMetric, Slo> {
    let entries = tree.get("slo").into_iter().flat_map(Value::entries);
    let slos = entries.filter_map(|(name, value)| {
        let metric = threshold::metric(name)?;
        let severity = value.field("severity", |it| scalar::one_of(it, &["warning", "critical"]));
        let slo = Slo {
            objective: value.field("objective", |it| threshold::objective(metric, it)),
            alert: value.field("alert", |it| threshold::alert(metric, it)),
            severity: match severity {
                Some("critical") => SloSeverity::Critical,
                Some(_) | None => SloSeverity::Warning,
            },
            runbook: value.get("runbook").and_then(Value::text).map(str::to_owned),
        };
        Some((metric, slo))
    });
    slos.collect()
}

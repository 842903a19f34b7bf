//! Alerting rules of Prometheus as limits on metrics.

use super::limits;
use crate::fact::{Attribute, Fact, Limit, Severity, Side, Value};
use crate::quantity::{self, Quantity, Unit};
use crate::tree::Tree;

pub(crate) fn facts(tree: Tree<'_>) -> Vec<Fact> {
    let groups = tree.get("groups").into_iter().flat_map(Tree::items);
    let rules = groups.flat_map(|it| it.get("rules").into_iter().flat_map(Tree::items));
    rules.filter_map(alert).collect()
}

fn alert(rule: Tree<'_>) -> Option<Fact> {
    let name = rule.str("alert")?;
    let expression = rule.get("expr")?;
    let (side, threshold) = comparison(expression.text()?)?;
    let quantity = Quantity { value: threshold, unit: unit(expression.text()?) };
    let held_s = rule.str("for").and_then(quantity::leading).map(|it| it.0);
    let held_s = held_s.filter(|it| it.unit == Unit::Seconds).map(|it| it.value);
    let severity = match rule.at(&["labels", "severity"]).and_then(Tree::text) {
        Some("warning") => Some(Severity::Warning),
        Some("critical" | "page") => Some(Severity::Critical),
        Some(_) | None => None,
    };
    Some(Fact {
        subject: limits::metric(&spaced(name)),
        attribute: Attribute::Alert,
        value: Value::Limit(Limit { side, quantity, held_s, severity }),
        span: expression.span(),
        scope: vec![],
    })
}

/// The number that the whole expression is compared with.
fn comparison(expression: &str) -> Option<(Side, f64)> {
    let at = expression.rfind(['>', '<'])?;
    let side = if expression[at..].starts_with('>') { Side::Above } else { Side::Below };
    let number = expression[at + 1..].trim_start_matches('=').trim();
    number.parse().ok().map(|it| (side, it))
}

/// A quotient of rates is a share, a quantile of seconds a time.
fn unit(expression: &str) -> Unit {
    if expression.contains("_seconds") && expression.contains("quantile") {
        Unit::Seconds
    } else if expression.contains('/') && expression.contains("rate(") {
        Unit::Ratio
    } else {
        Unit::Count
    }
}

/// `HighErrorRate` as words.
fn spaced(name: &str) -> String {
    let mut text = String::new();
    for it in name.chars() {
        if it.is_ascii_uppercase() {
            text.push(' ');
        }
        text.push(it);
    }
    text.replace(" P 9", " P9").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use lockgate_model::SourceId;
    use lockgate_yaml::read_foreign;

    use super::*;
    use crate::place::Excerpt;

    #[test]
    fn rules_become_limits_with_units() {
        let text = "groups:\n- rules:\n  - alert: HighErrorRate\n    expr: sum(rate(e[5m])) / sum(rate(r[5m])) > 0.05\n    for: 5m\n  - alert: HighLatencyP95\n    expr: histogram_quantile(0.95, rate(d_seconds_bucket[5m])) > 0.5\n";
        let excerpt = Excerpt::whole(SourceId(0), text);
        let read = read_foreign(text);
        let facts = facts(Tree::new(&read.documents[0], &excerpt));
        let shown: Vec<String> = facts
            .iter()
            .map(|it| match &it.value {
                Value::Limit(limit) => format!("{} {} {:?}", it.subject, limit.quantity, limit.held_s),
                Value::Number(_) | Value::Text(_) => String::new(),
            })
            .collect();
        assert_eq!(shown, ["error rate 5 % Some(300.0)", "latency p95 500 ms None"]);
    }
}

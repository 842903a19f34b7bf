//! What `rollout.gates` measure, asked beside the counts.

use std::collections::BTreeMap;
use std::time::Duration;

use lockgate_analysis::GateRule;
use lockgate_model::Measured;
use lockgate_targets::Target;

/// One that takes longer is missing at this look.
const WITHIN: Duration = Duration::from_secs(4);
/// Values of one query that are shown.
const SHOWN_MAX: usize = 3;

pub(crate) async fn measured<T: Target>(target: &T, rules: &[GateRule]) -> BTreeMap<String, Measured> {
    let mut measured = BTreeMap::new();
    for rule in rules {
        let values = match tokio::time::timeout(WITHIN, target.measure(&rule.query)).await {
            Ok(values) => values.map_err(|it| it.message),
            Err(_) => Err(format!("no answer within {} seconds", WITHIN.as_secs())),
        };
        measured.insert(rule.name.clone(), judged(rule, &values));
    }
    measured
}

/// A query may give a number for each of several; all have to hold.
fn judged(rule: &GateRule, values: &Result<Vec<f64>, String>) -> Measured {
    let missing =
        |why: &str| Measured { holds: None, said: format!("gate {} is not measured: {why}", rule.name) };
    let values = match values {
        Ok(values) if values.is_empty() => return missing("its query gives nothing"),
        Ok(values) if values.iter().any(|it| it.is_nan()) => return missing("its query gives no number"),
        Ok(values) => values,
        Err(why) => return missing(why),
    };
    let objective = rule.objective;
    let holds = |it: &f64| objective.comparison.holds(*it, objective.amount.value());
    let (kept, broken): (Vec<f64>, Vec<f64>) = values.iter().partition(|it| holds(it));
    let shown = if broken.is_empty() { &kept } else { &broken };
    let shown: Vec<String> = shown.iter().take(SHOWN_MAX).map(ToString::to_string).collect();
    Measured { holds: Some(broken.is_empty()), said: format!("its query gives {}", shown.join(", ")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_a_query_has_to_hold_and_none_is_missing() {
        let rule = |objective: &str| GateRule {
            name: "lag".to_owned(),
            query: "x".to_owned(),
            objective: objective.parse().unwrap(),
        };
        let of = |objective: &str, values: &[f64]| judged(&rule(objective), &Ok(values.to_vec()));
        assert_eq!(of("< 5%", &[0.01, 0.049]).holds, Some(true));
        let broken = of("< 5%", &[0.01, 0.05]);
        assert_eq!((broken.holds, broken.said.as_str()), (Some(false), "its query gives 0.05"));
        assert_eq!(of("<= 500ms for 1m", &[0.5]).holds, Some(true));
        assert_eq!(of("> 1", &[f64::INFINITY]).holds, Some(true));
        assert_eq!(of("= 0", &[0.0]).holds, Some(true));
        assert_eq!(of("< 5%", &[]).said, "gate lag is not measured: its query gives nothing");
        assert_eq!(of("< 5%", &[f64::NAN]).holds, None);
        let failed = judged(&rule("< 5%"), &Err("it is away".to_owned()));
        assert_eq!((failed.holds, failed.said.as_str()), (None, "gate lag is not measured: it is away"));
    }
}

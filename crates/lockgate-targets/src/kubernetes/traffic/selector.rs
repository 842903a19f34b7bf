//! Selectors: which slots one selects, and one that selects the pods of several.

use std::collections::BTreeMap;

use lockgate_model::ReleaseId;

pub(crate) type Labels = BTreeMap<String, String>;

/// What all of them have in common.
pub(crate) fn common<'l>(mut labels: impl Iterator<Item = &'l Labels>) -> Labels {
    let mut common = labels.next().cloned().unwrap_or_default();
    for other in labels {
        common.retain(|key, value| other.get(key) == Some(value));
    }
    common
}

/// An empty selector selects nothing.
pub(crate) fn selects(selector: &Labels, pod: &Labels) -> bool {
    !selector.is_empty() && selector.iter().all(|(key, value)| pod.get(key) == Some(value))
}

/// The only slot whose pods are selected.
pub(crate) fn only(selector: &Labels, slots: &BTreeMap<ReleaseId, Labels>) -> Option<ReleaseId> {
    let mut selected = slots.iter().filter(|it| selects(selector, it.1)).map(|it| *it.0);
    let first = selected.next()?;
    selected.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        pairs.iter().map(|it| (it.0.to_owned(), it.1.to_owned())).collect()
    }

    #[test]
    fn a_selector_of_two_slots_selects_both_and_no_other_service() {
        let old = labels(&[("name", "web"), ("track", "stable")]);
        let new = labels(&[("name", "web"), ("release", "r2")]);
        let both = common([&old, &new].into_iter());
        assert_eq!(both, labels(&[("name", "web")]));
        assert!(selects(&both, &old) && selects(&both, &new));
        assert!(!selects(&both, &labels(&[("name", "api")])));
        let slots = BTreeMap::from([(ReleaseId(1), old.clone()), (ReleaseId(2), new)]);
        assert_eq!(only(&old, &slots), Some(ReleaseId(1)));
        assert_eq!(only(&both, &slots), None);
        assert_eq!(only(&Labels::new(), &slots), None);
    }
}

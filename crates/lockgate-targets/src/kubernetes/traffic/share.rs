//! Shares as each router can keep them.

use std::collections::BTreeMap;

use lockgate_model::{ReleaseId, Weight, Weights};

/// Whole percents, rounded. A slot that is meant to have traffic has one at least, and leaves one at least.
pub(crate) fn percent(share: Weight) -> u16 {
    match share {
        Weight::NONE => 0,
        Weight::ALL => 100,
        some => ((some.basis_points() + 50) / 100).clamp(1, 99),
    }
}

pub(crate) fn of_percent(percent: u16) -> Option<Weight> {
    Weight::from_basis_points(percent.checked_mul(100)?)
}

/// The canary's share, of the weights of both backends.
pub(crate) fn of_parts(stable: u64, canary: u64) -> Weight {
    let whole = stable + canary;
    if whole == 0 {
        return Weight::NONE;
    }
    let points = (canary * 10_000 + whole / 2) / whole;
    // A real part is never read as none or all.
    let points = if 0 < canary && 0 < stable { points.clamp(1, 9_999) } else { points };
    u16::try_from(points).ok().and_then(Weight::from_basis_points).unwrap_or_default()
}

/// Without a router each ready pod has the same share. The last slot takes what rounding leaves.
pub(crate) fn of_ready(ready: &BTreeMap<ReleaseId, u16>) -> Option<Weights> {
    let whole: u32 = ready.values().map(|&it| u32::from(it)).sum();
    let (&last, _) = ready.iter().rfind(|it| 0 < *it.1)?;
    let mut shares: BTreeMap<ReleaseId, Weight> = BTreeMap::new();
    let mut left = Weight::ALL;
    for (&release, &count) in ready.iter().filter(|it| 0 < *it.1 && *it.0 != last) {
        let points = u16::try_from(u32::from(count) * 10_000 / whole).unwrap_or_default();
        let share = Weight::from_basis_points(points).unwrap_or_default();
        left = Weight::from_basis_points(left.basis_points() - share.basis_points()).unwrap_or_default();
        shares.insert(release, share);
    }
    shares.insert(last, left);
    Weights::try_from(shares).ok()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn points(points: u16) -> Weight {
        Weight::from_basis_points(points).unwrap()
    }

    #[test]
    fn percents_are_rounded_and_never_to_nothing() {
        for (share, rounded) in
            [(0, 0), (1, 1), (149, 1), (150, 2), (500, 5), (9_949, 99), (9_999, 99), (10_000, 100)]
        {
            assert_eq!(percent(points(share)), rounded, "{share}");
        }
    }

    #[test]
    fn parts_are_read_back() {
        assert_eq!(of_parts(9_500, 500), points(500));
        assert_eq!(of_parts(100, 0), Weight::NONE);
        assert_eq!(of_parts(0, 7), Weight::ALL);
        assert_eq!(of_parts(0, 0), Weight::NONE);
        assert_eq!(of_parts(1_000_000, 1), points(1));
    }

    #[test]
    fn without_a_router_pods_are_counted() {
        let ready = |pairs: &[(u64, u16)]| pairs.iter().map(|it| (ReleaseId(it.0), it.1)).collect();
        let third = of_ready(&ready(&[(1, 2), (2, 1)])).unwrap();
        assert_eq!((third.of(ReleaseId(1)), third.of(ReleaseId(2))), (points(6_666), points(3_334)));
        assert_eq!(of_ready(&ready(&[(1, 3), (2, 0)])), Some(Weights::all_to(ReleaseId(1))));
        assert_eq!(of_ready(&ready(&[(1, 0)])), None);
    }

    proptest! {
        #[test]
        fn ready_pods_always_sum_to_all(counts in proptest::collection::btree_map(1..9_u64, 0..500_u16, 1..5)) {
            let ready: BTreeMap<_, _> = counts.into_iter().map(|it| (ReleaseId(it.0), it.1)).collect();
            prop_assert_eq!(of_ready(&ready).is_some(), ready.values().any(|it| 0 < *it));
        }
    }
}

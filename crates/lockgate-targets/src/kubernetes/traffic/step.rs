//! The way from how traffic is split to how it is wanted, one write at a time.
//!
//! Two Services stand before a service's pods: the stable one and the canary's. A router splits between them.
//! After every step all that is routed goes to slots that are wanted, or to where it went before.

use lockgate_model::{ReleaseId, Weight, Weights};

/// Which slot each of the two Services selects, and what share the router sends to the canary's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Standing {
    /// `None` when it selects no slot, or several.
    pub(crate) stable: Option<ReleaseId>,
    pub(crate) canary: Option<ReleaseId>,
    /// `None` when its parts disagree: either may be sent some.
    pub(crate) share: Option<Weight>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// The stable Service selects this slot.
    Stable(ReleaseId),
    /// The canary's Service selects this slot.
    Canary(ReleaseId),
    /// The router sends this share to the canary's Service.
    Share(Weight),
}

/// More slots than there are Services.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct TooMany;

impl Standing {
    pub(crate) fn after(self, step: Step) -> Standing {
        match step {
            Step::Stable(slot) => Standing { stable: Some(slot), ..self },
            Step::Canary(slot) => Standing { canary: Some(slot), ..self },
            Step::Share(share) => Standing { share: Some(share), ..self },
        }
    }

    /// How traffic is split; `None` while a Service that is sent some selects no single slot.
    pub(crate) fn weights(self) -> Option<Weights> {
        match (self.stable, self.canary, self.share) {
            (Some(stable), _, Some(Weight::NONE)) => Some(Weights::all_to(stable)),
            (_, Some(canary), Some(Weight::ALL)) => Some(Weights::all_to(canary)),
            (Some(stable), Some(canary), _) if stable == canary => Some(Weights::all_to(stable)),
            (Some(stable), Some(canary), Some(share)) => Some(Weights::split(stable, canary, share)),
            _ => None,
        }
    }
}

/// Nothing when it stands so already.
pub(crate) fn steps(now: Standing, wanted: &Weights) -> Result<Vec<Step>, TooMany> {
    let shares: Vec<_> = wanted.iter().filter(|it| it.1 != Weight::NONE).collect();
    match shares[..] {
        [(only, _)] => Ok(to_one(now, only)),
        [first, second] => Ok(to_two(now, first, second)),
        _ => Err(TooMany),
    }
}

fn to_one(now: Standing, only: ReleaseId) -> Vec<Step> {
    let mut way = Way { now, steps: Vec::new() };
    if now.stable != Some(only) {
        // While the stable Service changes its slot, nothing should be routed to it. A canary that has a share
        // and is not wanted cannot take it over; then the stable Service changes under traffic, to ready pods.
        if now.stable.is_some() && (now.canary == Some(only) || now.share == Some(Weight::NONE)) {
            way.step(Step::Canary(only));
            way.step(Step::Share(Weight::ALL));
        }
        way.step(Step::Stable(only));
    }
    way.step(Step::Share(Weight::NONE));
    way.steps
}

fn to_two(now: Standing, first: (ReleaseId, Weight), second: (ReleaseId, Weight)) -> Vec<Step> {
    let mut way = Way { now, steps: Vec::new() };
    // Who is stable stays so; otherwise the larger of the two becomes it.
    let is_swapped = match now.stable {
        Some(stable) if stable == first.0 => false,
        Some(stable) if stable == second.0 => true,
        _ if now.canary == Some(first.0) => true,
        _ if now.canary == Some(second.0) => false,
        _ => first.1 < second.1,
    };
    let ((stable, _), (canary, share)) = if is_swapped { (second, first) } else { (first, second) };
    way.step(Step::Stable(stable));
    if way.now.canary != Some(canary) {
        way.step(Step::Share(Weight::NONE));
        way.step(Step::Canary(canary));
    }
    way.step(Step::Share(share));
    way.steps
}

struct Way {
    now: Standing,
    steps: Vec<Step>,
}

impl Way {
    fn step(&mut self, step: Step) {
        let after = self.now.after(step);
        if after != self.now {
            self.now = after;
            self.steps.push(step);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use proptest::prelude::*;

    use super::*;

    const A: ReleaseId = ReleaseId(1);
    const B: ReleaseId = ReleaseId(2);

    fn share(points: u16) -> Weight {
        Weight::from_basis_points(points).unwrap()
    }

    fn standing(stable: Option<ReleaseId>, canary: Option<ReleaseId>, points: u16) -> Standing {
        Standing { stable, canary, share: Some(share(points)) }
    }

    #[test]
    fn a_canary_is_given_its_share_and_then_becomes_stable() {
        let settled = standing(Some(A), None, 0);
        let canary = steps(settled, &Weights::split(A, B, share(500))).unwrap();
        assert_eq!(canary, [Step::Canary(B), Step::Share(share(500))]);

        let half = standing(Some(A), Some(B), 5_000);
        let promoted = steps(half, &Weights::all_to(B)).unwrap();
        assert_eq!(promoted, [Step::Share(Weight::ALL), Step::Stable(B), Step::Share(Weight::NONE)]);
        assert_eq!(steps(half, &Weights::all_to(A)).unwrap(), [Step::Share(Weight::NONE)]);
    }

    #[test]
    fn the_first_slot_is_selected_at_once() {
        assert_eq!(steps(standing(None, None, 0), &Weights::all_to(A)).unwrap(), [Step::Stable(A)]);
    }

    #[test]
    fn a_promotion_that_was_cut_short_goes_on_or_back() {
        let cut = standing(Some(A), Some(B), 10_000);
        assert_eq!(steps(cut, &Weights::all_to(B)).unwrap(), [Step::Stable(B), Step::Share(Weight::NONE)]);
        assert_eq!(steps(cut, &Weights::all_to(A)).unwrap(), [Step::Share(Weight::NONE)]);
        let later = standing(Some(B), Some(B), 10_000);
        assert_eq!(steps(later, &Weights::all_to(B)).unwrap(), [Step::Share(Weight::NONE)]);
    }

    #[test]
    fn three_slots_are_too_many() {
        let third = BTreeMap::from([(A, share(5_000)), (B, share(4_000)), (ReleaseId(3), share(1_000))]);
        assert_eq!(steps(Standing::default(), &third.try_into().unwrap()), Err(TooMany));
    }

    fn slot() -> impl Strategy<Value = ReleaseId> {
        (1..=4_u64).prop_map(ReleaseId)
    }

    fn any_standing() -> impl Strategy<Value = Standing> {
        let points = prop_oneof![Just(0), Just(10_000), 1..10_000_u16];
        (proptest::option::of(slot()), proptest::option::of(slot()), proptest::option::of(points))
            .prop_map(|(stable, canary, points)| Standing { stable, canary, share: points.map(share) })
    }

    fn any_weights() -> impl Strategy<Value = Weights> {
        let points = prop_oneof![Just(0), Just(10_000), 1..10_000_u16];
        (slot(), 1..4_u64, points).prop_map(|(one, gap, points)| {
            Weights::split(one, ReleaseId((one.0 - 1 + gap) % 4 + 1), share(points))
        })
    }

    /// What is routed to each slot, and to none.
    fn routed(standing: Standing) -> BTreeMap<Option<ReleaseId>, u16> {
        let mut routed = BTreeMap::new();
        let (stable, canary) = match standing.share {
            Some(share) => (share.rest(), share),
            None => (Weight::ALL, Weight::ALL),
        };
        *routed.entry(standing.stable).or_default() += stable.basis_points();
        *routed.entry(standing.canary).or_default() += canary.basis_points();
        routed
    }

    proptest! {
        #[test]
        fn every_way_ends_as_wanted(now in any_standing(), wanted in any_weights()) {
            let end = steps(now, &wanted).unwrap().into_iter().fold(now, Standing::after);
            let reached = end.weights().unwrap();
            for release in (1..=4).map(ReleaseId) {
                prop_assert_eq!(reached.of(release), wanted.of(release));
            }
            prop_assert_eq!(steps(end, &wanted).unwrap(), []);
        }

        #[test]
        fn no_step_sends_more_to_who_is_not_wanted(now in any_standing(), wanted in any_weights()) {
            let mut at = now;
            for step in steps(now, &wanted).unwrap() {
                let (before, after) = (routed(at), routed(at.after(step)));
                for (slot, points) in after {
                    let is_wanted = slot.is_some_and(|it| wanted.of(it) != Weight::NONE);
                    prop_assert!(is_wanted || points <= before.get(&slot).copied().unwrap_or(0), "{:?}", step);
                }
                at = at.after(step);
            }
        }

        #[test]
        fn what_is_routed_to_one_slot_is_moved_by_the_router(from in slot(), canary in slot(), to in slot()) {
            let mut at = standing(Some(from), Some(canary), 0);
            for step in steps(at, &Weights::all_to(to)).unwrap() {
                match step {
                    Step::Stable(_) => prop_assert_eq!(at.share, Some(Weight::ALL)),
                    Step::Canary(_) => prop_assert_eq!(at.share, Some(Weight::NONE)),
                    Step::Share(_) => {}
                }
                at = at.after(step);
            }
        }
    }
}

//! Golden vectors of the primitives, computed with an independent implementation.

use super::margin::{Edge, estimate, increment, projection};
use super::{Count, Pair, objective, rank, ratio};
use crate::merge::{e_bh, ln_average};
use crate::mixture::{Mixture, Onset};

/// Canary requests and errors, then the old version's, tick by tick.
const TICKS: [(u64, u64, u64, u64); 6] = [
    (100, 1, 900, 9),
    (98, 0, 905, 8),
    (103, 2, 897, 10),
    (101, 4, 899, 9),
    (97, 3, 910, 7),
    (100, 5, 900, 8),
];

fn pairs() -> impl Iterator<Item = Pair> {
    TICKS.into_iter().map(|(n, c, m, b)| Pair { canary: Count::new(n, c), baseline: Count::new(m, b) })
}

#[track_caller]
fn check_close(got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len());
    for (got, want) in got.iter().zip(want) {
        assert!((got - want).abs() < 1e-8, "got {got}, want {want}");
    }
}

#[test]
fn the_error_ratio_matches_its_golden_vector() {
    let mut mixture = Mixture::default();
    let got: Vec<f64> = pairs()
        .map(|pair| {
            mixture.step(Onset::Start, ratio::increments(1.0, 1.0, pair));
            mixture.ln_e(Onset::Start)
        })
        .collect();
    let want = [-0.990_470_836, -1.540_628_783, -1.378_282_742, -0.306_336_018, 0.661_620_571, 2.981_485_276];
    check_close(&got, &want);
}

#[test]
fn the_change_point_mixture_matches_its_golden_vector() {
    let onset = Onset::Any { planned_ticks: 60 };
    let mut mixture = Mixture::default();
    let got: Vec<f64> = pairs()
        .map(|pair| {
            mixture.step(onset, ratio::increments(1.0, 1.0, pair));
            mixture.ln_e(onset)
        })
        .collect();
    let want = [-0.377_313_766, -0.509_470_214, -0.484_106_918, -0.110_496_338, 0.494_174_119, 2.697_759_745];
    check_close(&got, &want);
}

#[test]
fn the_absolute_limit_matches_its_golden_vector() {
    let mut mixture = Mixture::default();
    let got: Vec<f64> = pairs()
        .map(|pair| {
            mixture.step(Onset::Start, objective::abort_increments(0.01, pair.canary));
            mixture.ln_e(Onset::Start)
        })
        .collect();
    let want = [-0.815_567_150, -1.451_949_056, -1.196_215_678, 0.012_187_024, 0.913_688_174, 3.416_005_264];
    check_close(&got, &want);
}

#[test]
fn the_margin_matches_its_golden_vector() {
    let edge = Edge { ratio: 1.25, abs: 0.0025 };
    let (mut ln_e, mut requests, mut bad) = (0.0, 0, 0);
    let mut got = Vec::new();
    for pair in pairs() {
        ln_e += increment(edge, estimate(0.005, requests, bad), pair);
        requests += pair.canary.requests + pair.baseline.requests;
        bad += pair.canary.bad + pair.baseline.bad;
        got.push(ln_e);
    }
    let want = [0.075_373_249, 0.497_738_227, 0.247_536_369, -0.799_854_087, -1.549_557_026, -2.982_080_448];
    check_close(&got, &want);
}

#[test]
fn the_margin_projects_onto_its_edge() {
    let edge = Edge { ratio: 1.25, abs: 0.0025 };
    let first = pairs().next().unwrap();
    let (canary, baseline) = projection(edge, 0.005, first).unwrap();
    check_close(&[canary, baseline], &[0.008_415_33, 0.004_732_26]);
    assert_eq!(
        projection(Edge { ratio: 0.5, abs: 0.0 }, 0.005, first),
        None,
        "the estimate is beyond the edge"
    );
}

#[test]
fn requests_without_error_that_certify_a_limit() {
    let needed = |limit: f64, beta: f64| {
        let mut mixture = Mixture::default();
        let one = Count::new(1, 0);
        (1..10_000).find(|_| {
            mixture.step(Onset::Start, objective::certify_increments(limit, one));
            -f64::ln(beta) <= mixture.ln_e(Onset::Start)
        })
    };
    for (limit, at_5, at_1) in
        [(0.05, 78, 115), (0.02, 199, 291), (0.01, 399, 585), (0.005, 800, 1_173), (0.001, 4_008, 5_876)]
    {
        assert_eq!((needed(limit, 0.05), needed(limit, 0.01)), (Some(at_5), Some(at_1)), "limit {limit}");
    }
}

/// Errors that only the canary has, until its capital reaches `1 / alpha`.
fn errors_to_abort(weight: u64, alpha: f64, onset: Onset) -> Option<u64> {
    (1..30).find(|&errors| {
        let mut mixture = Mixture::default();
        let pair =
            Pair { canary: Count::new(100 * weight, errors), baseline: Count::new(100 * (100 - weight), 0) };
        mixture.step(onset, ratio::increments(1.0, 1.0, pair));
        -alpha.ln() <= mixture.ln_e(onset)
    })
}

#[test]
fn errors_of_the_canary_alone_that_abort_it() {
    let table = [
        (1, [2, 2, 3], [2, 2, 3]),
        (5, [2, 3, 3], [2, 3, 4]),
        (10, [2, 3, 4], [3, 3, 5]),
        (25, [3, 5, 6], [4, 5, 7]),
        (50, [6, 9, 12], [7, 10, 13]),
    ];
    let late = Onset::Any { planned_ticks: 60 };
    for (weight, at_once, with_prior) in table {
        for (idx, alpha) in [0.05, 0.01, 0.001].into_iter().enumerate() {
            assert_eq!(
                errors_to_abort(weight, alpha, Onset::Start),
                Some(at_once[idx]),
                "{weight} % {alpha}"
            );
            assert_eq!(
                errors_to_abort(weight, alpha, late),
                Some(with_prior[idx]),
                "{weight} % {alpha} late"
            );
        }
    }
}

#[test]
fn a_tolerance_drops_the_bets_that_are_too_close_to_it() {
    let pair = pairs().next().unwrap();
    let bets = |tolerance| ratio::increments(tolerance, 1.0, pair).count();
    assert_eq!((bets(1.0), bets(1.1), bets(1.25), bets(1.5)), (9, 9, 8, 7));
}

#[test]
fn discoveries_are_attributed_by_rank() {
    let ln = |values: &[f64]| values.iter().map(|it| it.ln()).collect::<Vec<_>>();
    for (values, want) in [
        (&[79.0, 1.0, 1.0, 1.0], &[][..]),
        (&[1.0, 80.0, 1.0, 1.0], &[1]),
        (&[40.0, 1.0, 41.0, 1.0], &[2, 0]),
        (&[27.0, 28.0, 29.0, 1.0], &[2, 1, 0]),
        (&[20.0, 21.0, 22.0, 23.0], &[3, 2, 1, 0]),
    ] {
        assert_eq!(e_bh(&ln(values), 0.05 + 1e-12), want, "{values:?}");
    }
}

#[test]
fn the_average_is_of_capital_and_not_of_logarithms() {
    let terms = [(0.5, 1_000.0_f64), (0.5, 0.0)];
    check_close(&[ln_average(terms.into_iter())], &[1_000.0 - std::f64::consts::LN_2]);
}

#[test]
fn extreme_counts_and_limits_stay_numbers() {
    let everything_fails = Count::new(1_000_000, 1_000_000);
    for limit in [0.0, 1e-6, 0.5, 0.95, 1.0] {
        for count in [Count::default(), everything_fails, Count::new(1_000_000, 0)] {
            assert!(objective::abort_increments(limit, count).all(f64::is_finite), "abort {limit}");
            assert!(objective::certify_increments(limit, count).all(f64::is_finite), "certify {limit}");
        }
    }
    let pair = Pair { canary: everything_fails, baseline: everything_fails };
    assert!(ratio::increments(1.1, 1.0, pair).all(f64::is_finite));
    for (rate, abs) in [(0.0, 0.0), (1.0, 0.0025), (1e-9, 0.0025), (0.999, 0.5), (0.5, 0.0)] {
        let got = increment(Edge { ratio: 1.25, abs }, rate, pair);
        assert!(got.is_finite(), "rate {rate}, abs {abs}: {got}");
    }
}

/// Four instances of the old version, one of the canary; requests and errors.
#[test]
fn ranks_of_instances_are_scored_by_pairs() {
    let count = |it: (u64, u64)| Count::new(it.0, it.1);
    let score = |canary: &[(u64, u64)], baseline: &[(u64, u64)]| {
        let counts = |it: &[(u64, u64)]| it.iter().copied().map(count).collect::<Vec<_>>();
        rank::score(&counts(canary), &counts(baseline))
    };
    let old = [(100, 0), (100, 1), (100, 2), (100, 3)];
    assert_eq!(score(&[(100, 9)], &old), Some(1.0));
    assert_eq!(score(&[(100, 0)], &old), Some(-0.75));
    assert_eq!(score(&[(100, 2)], &old), Some(0.25));
    assert_eq!(score(&[(100, 9), (100, 0)], &old), Some(0.125));
    assert_eq!(score(&[(0, 0)], &old), None);
    assert_eq!(score(&[(100, 1)], &[(0, 0)]), None);
    // Half of the requests: of two errors one is left on average, none in a quarter of all cases.
    check_close(&[score(&[(200, 2)], &[(100, 0)]).unwrap()], &[0.75]);
    check_close(&[score(&[(100, 1)], &[(200, 2)]).unwrap()], &[0.0]);
    check_close(&[score(&[(200, 2)], &[(100, 3)]).unwrap()], &[-1.0]);
    // ln(1 + 0.2), ln(1 + 0.5), ln(1 + 0.9).
    let bets: Vec<f64> = rank::increments(1.0).collect();
    check_close(&bets, &[0.182_321_556_793_955, 0.405_465_108_108_164, 0.641_853_886_172_395]);
}

#[test]
fn a_score_is_zero_on_average_whoever_has_how_many_requests() {
    // Errors of a Poisson distribution, one for each ten requests; all pairs of counts by their probability.
    let poisson = |mean: f64| {
        (0..40).scan((-mean).exp(), move |term, count| {
            let now = *term;
            *term *= mean / f64::from(count + 1);
            Some((u64::try_from(count).expect("not negative"), now))
        })
    };
    for (new, old) in [(100, 100), (30, 100), (100, 20), (10, 100)] {
        let mut mean = 0.0;
        for (c, p) in poisson(new as f64 / 10.0) {
            for (b, q) in poisson(old as f64 / 10.0) {
                mean += p * q * rank::score(&[Count::new(new, c)], &[Count::new(old, b)]).unwrap();
            }
        }
        assert!(mean.abs() < 1e-6, "{new} {old}: {mean}");
    }
}

#[test]
fn errors_that_come_together_say_as_much_as_one() {
    let pair = pairs().next().unwrap();
    let alone: Vec<f64> = ratio::increments(1.0, 1.0, pair).map(|it| it / 5.0).collect();
    check_close(&ratio::increments(1.0, 5.0, pair).collect::<Vec<_>>(), &alone);
}

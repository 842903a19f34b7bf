//! Capital that is spread over a grid of alternatives and, where asked, over the time at which they begin.

use serde::{Deserialize, Serialize};

use crate::nats::{Nats, ln_sum_exp};

/// Share of the capital that bets on a fault from the first tick on.
const PRIOR_AT_START: f64 = 0.5;

/// When the alternative is thought to begin. Fixed before the first tick.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Onset {
    /// With the first tick.
    Start,
    /// With half of the capital at the first tick, and the rest spread evenly over the planned ones.
    Any { planned_ticks: u32 },
}

impl Onset {
    /// Share of the capital that begins to bet at this tick, counted from 0.
    fn share(self, tick: u32) -> f64 {
        match self {
            Onset::Start if tick == 0 => 1.0,
            Onset::Any { .. } if tick == 0 => PRIOR_AT_START,
            Onset::Any { planned_ticks } if tick < planned_ticks => {
                (1.0 - PRIOR_AT_START) / f64::from(planned_ticks - 1)
            }
            Onset::Start | Onset::Any { .. } => 0.0,
        }
    }

    /// Share that has not begun to bet after this many ticks.
    fn idle(self, ticks: u32) -> f64 {
        match self {
            Onset::Start => 0.0,
            Onset::Any { planned_ticks } => {
                let waiting = planned_ticks.saturating_sub(ticks);
                (1.0 - PRIOR_AT_START) * f64::from(waiting) / f64::from(planned_ticks.max(2) - 1)
            }
        }
    }
}

/// `E_t = sum_g w_g A_t(g) + idle`, with `A_t(g) = (A_{t-1}(g) + share_t) L_t(g)` and equal weights `w_g`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mixture {
    /// `ln A_t(g)`; empty before the first tick.
    grid: Vec<Nats>,
    ticks: u32,
}

impl Mixture {
    /// Takes one tick's log-likelihood ratios, one for each alternative, always in the same order.
    pub(crate) fn step(&mut self, onset: Onset, increments: impl Iterator<Item = f64>) {
        let joining = onset.share(self.ticks).ln();
        if self.ticks == 0 {
            self.grid = increments.map(|it| Nats(joining + it)).collect();
        } else {
            for (capital, increment) in self.grid.iter_mut().zip(increments) {
                *capital = Nats(ln_sum_exp([capital.0, joining].into_iter()) + increment);
            }
        }
        self.ticks += 1;
    }

    pub(crate) fn ln_e(&self, onset: Onset) -> f64 {
        if self.grid.is_empty() {
            return 0.0;
        }
        let ln_weight = -(self.grid.len() as f64).ln();
        let betting = self.grid.iter().map(|it| it.0 + ln_weight);
        ln_sum_exp(betting.chain([onset.idle(self.ticks).ln()]))
    }
}

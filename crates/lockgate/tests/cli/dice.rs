//! Chance that can be repeated.

use std::time::Duration;

/// `xorshift64`
pub struct Dice(u64);

impl Dice {
    pub fn of(seed: u64) -> Dice {
        Dice(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A seed of each run's own, which is printed: the variable repeats it.
    pub fn new(variable: &str, test: u64) -> Dice {
        let given = std::env::var(variable).ok().map(|it| it.parse().unwrap());
        let seed = given.unwrap_or_else(|| {
            let now = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap();
            (now.as_secs() * 1_000 + u64::from(now.subsec_millis())) * 16 + test
        });
        println!("{variable}={seed}");
        Dice::of(seed)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 >> 11) % bound
    }

    pub fn moment(&mut self, within: Duration) -> Duration {
        Duration::from_millis(self.below(u64::try_from(within.as_millis()).unwrap()))
    }
}

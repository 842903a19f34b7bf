//! A finite random number generator: random bytes that run out.
//!
//! The amount of entropy bounds a test, so a failing one shrinks by asking for less of it.

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutOfEntropy;

#[derive(Debug)]
pub struct Frng<'a> {
    entropy: &'a [u8],
}

impl<'a> Frng<'a> {
    pub fn new(entropy: &'a [u8]) -> Frng<'a> {
        Frng { entropy }
    }

    pub fn byte(&mut self) -> Result<u8, OutOfEntropy> {
        let (&first, rest) = self.entropy.split_first().ok_or(OutOfEntropy)?;
        self.entropy = rest;
        Ok(first)
    }

    /// Closed interval: `0..=max`.
    pub fn upto(&mut self, max: u8) -> Result<u8, OutOfEntropy> {
        let pick = u16::from(self.byte()?) * (u16::from(max) + 1) / 256;
        Ok(u8::try_from(pick).expect("at most max"))
    }

    /// One of the things there are; `None` when there are none.
    pub fn index(&mut self, len: usize) -> Result<Option<usize>, OutOfEntropy> {
        match u8::try_from(len.min(256).saturating_sub(1)) {
            Ok(_) if len == 0 => Ok(None),
            Ok(max) => Ok(Some(usize::from(self.upto(max)?))),
            Err(_) => unreachable!("at most 255"),
        }
    }

    /// True once in `of` times.
    pub fn once_in(&mut self, of: u8) -> Result<bool, OutOfEntropy> {
        Ok(self.upto(of - 1)? == 0)
    }

    /// Picks an index with probability proportional to its weight.
    pub fn weighted<const N: usize>(&mut self, weights: &[u8; N]) -> Result<usize, OutOfEntropy> {
        let total: u32 = weights.iter().map(|&it| u32::from(it)).sum();
        assert!(0 < total, "something must be possible");
        let mut pick = (u32::from(self.byte()?) * 256 + u32::from(self.byte()?)) * total / 65_536;
        for (idx, &weight) in weights.iter().enumerate() {
            if pick < u32::from(weight) {
                return Ok(idx);
            }
            pick -= u32::from(weight);
        }
        unreachable!("pick is less than total")
    }

    /// Swarm testing: the weights themselves are random, so that each run is lopsided in its own way.
    pub fn swarm<const N: usize>(&mut self) -> Result<[u8; N], OutOfEntropy> {
        let mut weights = [0; N];
        for weight in &mut weights {
            *weight = 1 + self.upto(99)?;
        }
        Ok(weights)
    }
}

/// Turns a seed into entropy (`SplitMix64`).
pub fn entropy(seed: u64, len: usize) -> Vec<u8> {
    let mut state = seed;
    let mut bytes = Vec::with_capacity(len + 8);
    while bytes.len() < len {
        state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        bytes.extend_from_slice(&(z ^ (z >> 31)).to_le_bytes());
    }
    bytes.truncate(len);
    bytes
}

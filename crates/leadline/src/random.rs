//! Chance with a seed: the same seed gives the same history on every machine.

/// A number made of bytes, the same on every machine (FNV-1a); another seed gives another number.
pub(crate) fn hash(seed: u64, bytes: impl IntoIterator<Item = u8>) -> u64 {
    bytes.into_iter().fold(FNV ^ seed, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3))
}

/// Where FNV-1a begins.
const FNV: u64 = 0xcbf2_9ce4_8422_2325;

/// SplitMix64: small, fast, and good enough for a story.
#[derive(Clone, Debug)]
pub(crate) struct Random(u64);

impl Random {
    /// From a seed and a name, so that each part of the group has a stream of its own.
    pub(crate) fn new(seed: u64, name: &str) -> Self {
        let mut random = Random(hash(seed, name.bytes()));
        random.next();
        random
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// From 0 up to, not including, 1.
    pub(crate) fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1_u64 << 53) as f64
    }

    /// True so often.
    pub(crate) fn chance(&mut self, probability: f64) -> bool {
        self.unit() < probability
    }

    /// Between two numbers.
    pub(crate) fn between(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// A whole number between two, both included.
    pub(crate) fn whole(&mut self, low: u32, high: u32) -> u32 {
        low + u32::try_from(self.next() % u64::from(high - low + 1)).unwrap_or_default()
    }

    /// A waiting time with this mean: mostly short, sometimes long.
    pub(crate) fn wait(&mut self, mean: f64) -> f64 {
        -(1.0 - self.unit()).ln() * mean
    }

    /// How many things happen when so many are expected.
    pub(crate) fn times(&mut self, expected: f64) -> u32 {
        let (limit, mut product, mut count) = ((-expected.clamp(0.0, 50.0)).exp(), self.unit(), 0);
        while product > limit {
            product *= self.unit();
            count += 1;
        }
        count
    }

    /// One of a few.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        let length = u64::try_from(items.len()).ok().filter(|length| *length > 0)?;
        items.get(usize::try_from(self.next() % length).ok()?)
    }

    /// The hash of a commit.
    pub(crate) fn sha(&mut self) -> String {
        format!("{:016x}{:016x}{:08x}", self.next(), self.next(), self.next() >> 32)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chance_is_fair_and_repeats() {
        let mut random = Random::new(1, "x");
        let mean: f64 = (0..10_000).map(|_| f64::from(random.times(2.5))).sum::<f64>() / 10_000.0;
        assert!((2.4..2.6).contains(&mean), "{mean}");
        let mean: f64 = (0..10_000).map(|_| random.wait(4.0)).sum::<f64>() / 10_000.0;
        assert!((3.8..4.2).contains(&mean), "{mean}");
        assert!((0..1_000).all(|_| (3..=5).contains(&random.whole(3, 5))));
        assert_eq!(random.sha().len(), 40);
        assert_eq!(Random::new(7, "a").next(), Random::new(7, "a").next());
        assert_ne!(Random::new(7, "a").next(), Random::new(7, "b").next());
        assert!(random.pick::<u8>(&[]).is_none());
    }
}

//! Values by their rank in a long list, which stays as it is: counted by where they lie first, so that only the few near a
//! rank that is asked for are compared.

/// Places values are counted by: the counts stay in the nearest cache.
const BINS: usize = 4096;

/// A number that is ordered as [`f64::total_cmp`] orders values.
#[inline]
fn key(value: f64) -> u64 {
    let bits = value.to_bits();
    // All bits of a negative value turn round, of another only the sign.
    bits ^ (((bits as i64 >> 63) as u64) | 1 << 63)
}

fn value(key: u64) -> f64 {
    f64::from_bits(if key >> 63 == 1 { key & !(1 << 63) } else { !key })
}

/// Where keys lie: those between two of them in bins as wide as each other, those outside in the first and the last.
#[derive(Clone, Copy)]
struct Bins {
    least: u64,
    greatest: u64,
    shift: u32,
}

/// Values that are looked at to know where most of them lie.
const SAMPLE: usize = 1024;

impl Bins {
    fn of_some(values: &[f64]) -> Self {
        let (mut least, mut greatest) = (u64::MAX, u64::MIN);
        for one in values.iter().step_by((values.len() / SAMPLE).max(1)) {
            least = least.min(key(*one));
            greatest = greatest.max(key(*one));
        }
        let wide = u64::BITS - greatest.saturating_sub(least).leading_zeros();
        Bins { least, greatest, shift: wide.saturating_sub(BINS.ilog2()) }
    }

    #[inline]
    fn of(self, key: u64) -> usize {
        // Less than `BINS` for every key that is not above the greatest; the mask tells the compiler.
        ((key.min(self.greatest).saturating_sub(self.least)) >> self.shift) as usize & (BINS - 1)
    }
}

/// A bin with values that are asked for.
struct Wanted {
    /// How many values lie below it.
    below: usize,
    keys: Vec<u64>,
}

/// The values of these ranks, at most 200, counted from 0. None when one of them is not in the list.
pub(crate) fn ranked<const N: usize>(values: &[f64], ranks: [usize; N]) -> Option<[f64; N]> {
    if ranks.iter().any(|rank| *rank >= values.len()) {
        return None;
    }
    let bins = Bins::of_some(values);
    let mut counts = [0_u32; BINS];
    for one in values {
        counts[bins.of(key(*one))] += 1;
    }
    let mut ends = [0_usize; BINS];
    let mut end = 0;
    for (total, count) in ends.iter_mut().zip(&counts) {
        end += *count as usize;
        *total = end;
    }
    let mut slots = [u8::MAX; BINS];
    let mut wanted = Vec::<Wanted>::new();
    let places = ranks.map(|rank| {
        let bin = ends.partition_point(|end| *end <= rank).min(BINS - 1);
        if slots[bin] == u8::MAX {
            slots[bin] = wanted.len() as u8;
            let here = counts[bin] as usize;
            wanted.push(Wanted { below: ends[bin] - here, keys: Vec::with_capacity(here) });
        }
        usize::from(slots[bin])
    });
    for one in values {
        let key = key(*one);
        if let Some(wanted) = wanted.get_mut(usize::from(slots[bins.of(key)])) {
            wanted.keys.push(key);
        }
    }
    let mut of = [0.0; N];
    for ((found, rank), place) in of.iter_mut().zip(ranks).zip(places) {
        let Wanted { below, keys } = &mut wanted[place];
        let (_, key, _) = keys.select_nth_unstable(rank - *below);
        *found = value(*key);
    }
    Some(of)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn keys_are_ordered_as_values_are() {
        let mut values = [f64::NAN, f64::INFINITY, 1.0, 0.0, -0.0, -1e-300, -7.0, f64::NEG_INFINITY, -f64::NAN];
        values.sort_by(f64::total_cmp);
        assert!(values.iter().map(|value| key(*value)).is_sorted());
        assert!(values.iter().all(|one| value(key(*one)).to_bits() == one.to_bits()));
    }

    proptest! {
        #[test]
        fn what_is_found_is_what_sorting_finds(
            values in prop_oneof![
                prop::collection::vec(prop_oneof![-1e9..1e9f64, 0.0..3.0f64, Just(7.0), Just(-0.0), Just(0.0)], 0..500),
                prop::collection::vec(0u32..5, 0..500).prop_map(|all| all.into_iter().map(f64::from).collect()),
                prop::collection::vec(any::<f64>(), 0..60),
                // So long that not every value is looked at beforehand.
                prop::collection::vec((0.0..1e6f64, 1..40usize), 300..500)
                    .prop_map(|all| all.into_iter().flat_map(|(value, times)| (0..times).map(move |one| value + one as f64)).collect()),
            ],
            ranks in any::<[prop::sample::Index; 5]>(),
        ) {
            let mut sorted = values.clone();
            sorted.sort_by(f64::total_cmp);
            let ranks = ranks.map(|rank| if values.is_empty() { 0 } else { rank.index(values.len()) });
            let found = ranked(&values, ranks).map(|found| found.map(f64::to_bits));
            let expected = if values.is_empty() { None } else { Some(ranks.map(|rank| sorted[rank].to_bits())) };
            prop_assert_eq!(found, expected);
        }
    }
}

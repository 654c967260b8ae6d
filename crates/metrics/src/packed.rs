//! Values next to each other, as small as they can be held and given back to the bit.

use std::ops::Range;

/// Doubles, some of them perhaps not known, in the smallest form that holds them all.
#[derive(Clone, Debug)]
pub enum Packed {
    /// All are whole and small, as yes and no are.
    Small(Vec<u8>),
    /// All are whole, as durations in seconds are.
    Whole(Vec<u32>),
    /// `NaN` for one that is not known: SQL's arithmetic here gives none.
    Any(Vec<f64>),
}

/// A value that is not known, among whole ones.
const UNKNOWN_SMALL: u8 = u8::MAX;
const UNKNOWN_WHOLE: u32 = u32::MAX;

/// A value as a whole number that gives the same bits back.
fn whole(value: f64) -> Option<u32> {
    let near = value as u32;
    (near != UNKNOWN_WHOLE && f64::from(near).to_bits() == value.to_bits()).then_some(near)
}

fn small(value: f64) -> Option<u8> {
    whole(value).and_then(|near| u8::try_from(near).ok()).filter(|near| *near != UNKNOWN_SMALL)
}

impl Default for Packed {
    fn default() -> Self {
        Packed::Small(Vec::new())
    }
}

impl FromIterator<Option<f64>> for Packed {
    fn from_iter<I: IntoIterator<Item = Option<f64>>>(values: I) -> Self {
        let mut packed = Packed::default();
        values.into_iter().for_each(|value| packed.push(value));
        packed.shrink();
        packed
    }
}

impl Packed {
    /// How many.
    #[must_use]
    pub fn len(&self) -> usize {
        match self {
            Packed::Small(values) => values.len(),
            Packed::Whole(values) => values.len(),
            Packed::Any(values) => values.len(),
        }
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// One of them; none when it is not known.
    #[inline]
    #[must_use]
    pub fn get(&self, index: usize) -> Option<f64> {
        match self {
            Packed::Small(values) => Some(values[index]).filter(|value| *value != UNKNOWN_SMALL).map(f64::from),
            Packed::Whole(values) => Some(values[index]).filter(|value| *value != UNKNOWN_WHOLE).map(f64::from),
            Packed::Any(values) => Some(values[index]).filter(|value| !value.is_nan()),
        }
    }

    /// One more.
    pub fn push(&mut self, value: Option<f64>) {
        loop {
            match self {
                Packed::Small(values) => match value.map_or(Some(UNKNOWN_SMALL), small) {
                    Some(value) => return values.push(value),
                    None => self.widen(),
                },
                Packed::Whole(values) => match value.map_or(Some(UNKNOWN_WHOLE), whole) {
                    Some(value) => return values.push(value),
                    None => self.widen(),
                },
                Packed::Any(values) => return values.push(value.unwrap_or(f64::NAN)),
            }
        }
    }

    fn widen(&mut self) {
        *self = match self {
            Packed::Small(values) => {
                let wider = |value: &u8| if *value == UNKNOWN_SMALL { UNKNOWN_WHOLE } else { u32::from(*value) };
                Packed::Whole(values.iter().map(wider).collect())
            }
            Packed::Whole(_) | Packed::Any(_) => {
                Packed::Any((0..self.len()).map(|index| self.get(index).unwrap_or(f64::NAN)).collect())
            }
        };
    }

    /// Gives back memory that is not used.
    pub fn shrink(&mut self) {
        match self {
            Packed::Small(values) => values.shrink_to_fit(),
            Packed::Whole(values) => values.shrink_to_fit(),
            Packed::Any(values) => values.shrink_to_fit(),
        }
    }

    /// Writes known values to the end of a list.
    pub(crate) fn append(&self, range: Range<usize>, to: &mut Vec<f64>) {
        match self {
            Packed::Small(values) => to.extend(values[range].iter().map(|value| f64::from(*value))),
            Packed::Whole(values) => to.extend(values[range].iter().map(|value| f64::from(*value))),
            Packed::Any(values) => to.extend_from_slice(&values[range]),
        }
    }

    /// Bytes they take.
    #[must_use]
    pub fn bytes(&self) -> usize {
        match self {
            Packed::Small(values) => values.capacity(),
            Packed::Whole(values) => values.capacity() * 4,
            Packed::Any(values) => values.capacity() * 8,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_held_to_the_bit_however_they_are_held() {
        let told = [
            Some(1.0),
            None,
            Some(0.0),
            Some(254.0),
            Some(255.0),
            Some(4_294_967_294.0),
            Some(4_294_967_295.0),
            Some(-0.0),
            Some(0.5),
            None,
            Some(1e300),
        ];
        for end in 0..=told.len() {
            let packed: Packed = told[..end].iter().copied().collect();
            let bits = |value: Option<f64>| value.map(f64::to_bits);
            assert_eq!(packed.len(), end);
            let found: Vec<_> = (0..end).map(|index| bits(packed.get(index))).collect();
            assert_eq!(found, told[..end].iter().copied().map(bits).collect::<Vec<_>>());
            let width = match packed {
                Packed::Small(_) => 1,
                Packed::Whole(_) => 4,
                Packed::Any(_) => 8,
            };
            assert_eq!(
                width,
                if end <= 4 {
                    1
                } else if end <= 6 {
                    4
                } else {
                    8
                },
                "{end} values"
            );
        }
    }

    #[test]
    fn known_values_are_written_out() {
        for told in [vec![3.0, 1.0, 2.0], vec![3.0, 1000.0, 2.0], vec![3.0, 0.25, 2.0]] {
            let packed: Packed = told.iter().copied().map(Some).collect();
            let mut written = vec![7.0];
            packed.append(1..3, &mut written);
            assert_eq!(written, [7.0, told[1], told[2]]);
        }
    }
}

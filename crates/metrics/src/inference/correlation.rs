//! Pearson's correlation of two metrics over nodes, with the chance of one as strong when there is none.

use super::{Lack, special};

/// Fewest points a correlation is given for. Two points always lie on a line, and of three or four only a nearly perfect
/// line would be told from chance.
pub const FEWEST: usize = 5;

/// How two lists go together.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Correlation {
    /// Pearson's r, from -1 to 1.
    pub r: f64,
    /// Two-sided p-value under normality: how often chance alone gives an r at least as far from 0.
    pub p: f64,
}

/// Of pairs (x, y).
///
/// r is the covariance over the product of the standard deviations. With n - 2 degrees of freedom t = r √((n - 2) /
/// (1 - r²)) follows Student's distribution when there is no correlation, so p = I_(1 - r²)((n - 2) / 2, 1/2).
///
/// # Errors
/// `too_few` below [`FEWEST`] pairs, `no_variation` when all x or all y are the same.
pub fn correlate(pairs: &[(f64, f64)]) -> Result<Correlation, Lack> {
    let n = pairs.len();
    if n < FEWEST {
        return Err(Lack::TooFew);
    }
    let (x, y) = (centred(pairs.iter().map(|pair| pair.0))?, centred(pairs.iter().map(|pair| pair.1))?);
    let dot = |a: &[f64], b: &[f64]| -> f64 { a.iter().zip(b).map(|(a, b)| a * b).sum() };
    let r = (dot(&x, &y) / (dot(&x, &x).sqrt() * dot(&y, &y).sqrt())).clamp(-1.0, 1.0);
    let p = special::beta_share((n - 2) as f64 / 2.0, 0.5, (1.0 - r) * (1.0 + r));
    Ok(Correlation { r, p })
}

/// Deviations from the mean over the greatest of them: no square of them overflows or vanishes.
fn centred(values: impl Iterator<Item = f64>) -> Result<Vec<f64>, Lack> {
    let values: Vec<f64> = values.collect();
    let first = values.first().copied().unwrap_or_default();
    if values.iter().all(|value| *value == first) {
        return Err(Lack::NoVariation);
    }
    // From the first value, so that a great common part does not drown the differences.
    let mean = values.iter().map(|value| value - first).sum::<f64>() / values.len() as f64;
    let deviations: Vec<f64> = values.iter().map(|value| value - first - mean).collect();
    let greatest = deviations.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
    if greatest == 0.0 || !greatest.is_finite() {
        return Err(Lack::NoVariation);
    }
    Ok(deviations.into_iter().map(|value| value / greatest).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Anscombe's quartet (1973), whose four sets are made to share one r; p by SciPy 1.17.1 `pearsonr`.
    #[test]
    fn the_correlation_of_anscombes_sets_is_known() {
        let x = [10.0, 8.0, 13.0, 9.0, 11.0, 14.0, 6.0, 4.0, 12.0, 7.0, 5.0];
        let sets = [
            (
                [8.04, 6.95, 7.58, 8.81, 8.33, 9.96, 7.24, 4.26, 10.84, 4.82, 5.68],
                (0.816_420_516_344_839_5, 0.002_169_628_873_078_815),
            ),
            (
                [9.14, 8.14, 8.74, 8.77, 9.26, 8.10, 6.13, 3.10, 9.13, 7.26, 4.74],
                (0.816_236_506_000_242_2, 0.002_178_816_236_910_809),
            ),
            (
                [7.46, 6.77, 12.74, 7.11, 7.81, 8.84, 6.08, 5.39, 8.15, 6.42, 5.73],
                (0.816_286_739_489_598_1, 0.002_176_305_279_228_031),
            ),
        ];
        for (y, (r, p)) in sets {
            let pairs: Vec<_> = x.into_iter().zip(y).collect();
            let found = correlate(&pairs).unwrap();
            assert!((found.r - r).abs() < 1e-12 && (found.p - p).abs() < 1e-12, "{found:?}");
        }
    }

    #[test]
    fn what_cannot_be_said_is_not_said() {
        let line: Vec<_> = (0..FEWEST).map(|x| (x as f64, 3.0 - x as f64)).collect();
        assert_eq!(correlate(&line[1..]), Err(Lack::TooFew));
        let found = correlate(&line).unwrap();
        assert!((found.r + 1.0).abs() < 1e-15 && found.p < 1e-9);
        let flat: Vec<_> = line.iter().map(|(x, _)| (*x, 0.1)).collect();
        assert_eq!(correlate(&flat), Err(Lack::NoVariation));
    }

    proptest! {
        #[test]
        fn it_is_bounded_symmetric_and_knows_no_unit(
            pairs in proptest::collection::vec((-1e3..1e3f64, -1e3..1e3f64), FEWEST..60),
            (scale, shift) in (0.01..100.0f64, -1e3..1e3f64),
        ) {
            let found = correlate(&pairs).unwrap();
            prop_assert!((-1.0..=1.0).contains(&found.r) && (0.0..=1.0).contains(&found.p));
            let turned: Vec<_> = pairs.iter().map(|(x, y)| (*y, *x)).collect();
            let turned = correlate(&turned).unwrap();
            prop_assert!((turned.r - found.r).abs() < 1e-12 && (turned.p - found.p).abs() < 1e-9);
            let moved: Vec<_> = pairs.iter().map(|(x, y)| (x * scale + shift, -y)).collect();
            let moved = correlate(&moved).unwrap();
            prop_assert!((moved.r + found.r).abs() < 1e-7, "{} {}", moved.r, found.r);
            let back: Vec<_> = pairs.iter().rev().copied().collect();
            prop_assert!((correlate(&back).unwrap().r - found.r).abs() < 1e-9);
        }
    }
}

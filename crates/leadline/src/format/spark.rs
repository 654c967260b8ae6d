//! A series in one line of text.

const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// One character a point, from zero; a gap where there is no value.
pub(crate) fn spark(points: &[Option<f64>]) -> String {
    let top = points.iter().flatten().copied().fold(0.0, f64::max);
    points
        .iter()
        .map(|point| match point {
            None => '·',
            Some(value) if top <= 0.0 || *value <= 0.0 => BARS[0],
            // Between 0 and 7: both are known to be positive and the value not above the top.
            Some(value) => BARS[((value / top * 7.0).round().clamp(0.0, 7.0)) as usize],
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_series_is_drawn_from_zero_with_its_gaps() {
        assert_eq!(spark(&[Some(0.0), None, Some(4.0), Some(8.0)]), "▁·▅█");
        assert_eq!(spark(&[Some(0.0), Some(0.0)]), "▁▁");
        assert_eq!(spark(&[]), "");
    }
}

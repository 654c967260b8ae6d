//! How fast and how well a style works, at a given time of the year.

use super::group::Style;

/// The rates of a component on one day.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    /// Merges a working day.
    pub(super) merges: f64,
    /// Deployments a working day.
    pub(super) deployments: f64,
    /// Commits of a merge, at most.
    pub(super) commits: u32,
    /// Hours a change is under review, in the mean.
    pub(super) review_h: f64,
    /// How often a deployment hurts.
    pub(super) failure: f64,
    /// Hours until a failure is over, in the mean.
    pub(super) repair_h: f64,
}

const fn pace(merges: f64, deployments: f64, commits: u32, review_h: f64, failure: f64, repair_h: f64) -> Pace {
    Pace { merges, deployments, commits, review_h, failure, repair_h }
}

/// `year` runs from 0 at its beginning to 1 now.
pub(super) fn of(style: Style, year: f64) -> Pace {
    match style {
        Style::Elite => pace(2.6, 1.9, 3, 3.0, 0.04, 0.7),
        Style::Good | Style::BadData => pace(1.5, 0.65, 5, 10.0, 0.08, 2.5),
        Style::Steady => pace(1.1, 0.2, 5, 24.0, 0.13, 7.0),
        Style::Slow => pace(0.9, 0.05, 6, 48.0, 0.24, 30.0),
        Style::Gaming => pace(0.5, 0.6, 3, 20.0, 0.05, 9.0),
        Style::Improving => between(pace(0.8, 0.06, 5, 60.0, 0.26, 28.0), pace(1.8, 1.2, 2, 6.0, 0.06, 1.5), year),
    }
}

fn between(first: Pace, last: Pace, year: f64) -> Pace {
    // Slow at first, then faster: habits change before numbers do.
    let part = (year * 1.3 - 0.15).clamp(0.0, 1.0);
    let mix = |from: f64, to: f64| from + (to - from) * part;
    Pace {
        merges: mix(first.merges, last.merges),
        deployments: mix(first.deployments, last.deployments),
        commits: if part < 0.5 { first.commits } else { last.commits },
        review_h: mix(first.review_h, last.review_h),
        failure: mix(first.failure, last.failure),
        repair_h: mix(first.repair_h, last.repair_h),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_improves_gets_faster_and_better() {
        let (before, after) = (of(Style::Improving, 0.0), of(Style::Improving, 1.0));
        assert!(after.deployments > 10.0 * before.deployments && after.failure < before.failure / 3.0);
        assert!((of(Style::Elite, 0.0).merges - of(Style::Elite, 1.0).merges).abs() < f64::EPSILON);
    }
}

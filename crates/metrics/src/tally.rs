//! Rows of a population counted by where they stand, and by period when there is a series.

use domain::metric::Reason;

use crate::shape::Carried;

/// What becomes of a row, by the code the query gives it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is used.
    Used,
    /// It is used although something is known to be missing.
    Marked(Reason),
    /// It is left out.
    Left(Reason),
    /// It is another metric's row.
    Another,
}

/// Counts by cell: a stand, a period, or a stand in a period.
#[derive(Clone, Debug, Default)]
pub(crate) struct Counts {
    pub(crate) n: Vec<u64>,
    pub(crate) sum: Vec<f64>,
    /// By reason: only those that occur.
    pub(crate) excluded: Vec<(Reason, Vec<u32>)>,
    pub(crate) marked: Vec<(Reason, Vec<u32>)>,
}

fn of_reason(found: &mut Vec<(Reason, Vec<u32>)>, reason: Reason, cells: usize) -> &mut Vec<u32> {
    let index = found.iter().position(|(known, _)| *known == reason).unwrap_or_else(|| {
        found.push((reason, vec![0; cells]));
        found.len() - 1
    });
    &mut found[index].1
}

impl Counts {
    fn new(cells: usize) -> Self {
        Counts { n: vec![0; cells], sum: vec![0.0; cells], ..Counts::default() }
    }

    #[inline]
    fn add(&mut self, cell: usize, fate: Fate, value: f64) {
        match fate {
            Fate::Used => {
                self.n[cell] += 1;
                self.sum[cell] += value;
            }
            Fate::Marked(reason) => {
                self.n[cell] += 1;
                self.sum[cell] += value;
                let cells = self.n.len();
                of_reason(&mut self.marked, reason, cells)[cell] += 1;
            }
            Fate::Left(reason) => {
                let cells = self.n.len();
                of_reason(&mut self.excluded, reason, cells)[cell] += 1;
            }
            Fate::Another => {}
        }
    }

    fn merge(&mut self, other: &Counts) {
        let cells = self.n.len();
        self.n.iter_mut().zip(&other.n).for_each(|(mine, theirs)| *mine += theirs);
        self.sum.iter_mut().zip(&other.sum).for_each(|(mine, theirs)| *mine += theirs);
        for (mine, theirs) in [(&mut self.excluded, &other.excluded), (&mut self.marked, &other.marked)] {
            for (reason, counts) in theirs {
                let mine = of_reason(mine, *reason, cells);
                mine.iter_mut().zip(counts).for_each(|(mine, theirs)| *mine += theirs);
            }
        }
    }
}

/// How a series is counted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Layout {
    /// Not at all.
    None,
    /// By group of stands and period: the number of groups, the group of each stand, the number of periods. For values
    /// that are taken from rows.
    Groups(usize, std::sync::Arc<Vec<u32>>, usize),
    /// By period and stand: the number of periods. For values that are made of those below.
    Stands(usize),
}

/// Rows a chunk: enough that few are allocated, and little enough that none is ever copied to grow.
const CHUNK: usize = 64 * 1024;

#[derive(Clone, Debug, Default)]
struct Chunk {
    stands: Vec<u32>,
    periods: Vec<u32>,
    values: Vec<f64>,
}

/// Rows of one metric, counted while they come. Tallies of several streams of the same query are put together.
#[derive(Clone, Debug)]
pub struct Tally {
    carried: Carried,
    stands: usize,
    layout: Layout,
    pub(crate) whole: Counts,
    series: Counts,
    chunks: Vec<Chunk>,
    held: usize,
}

/// Values of rows used, those of one cell next to each other, in the order of cells.
#[derive(Clone, Debug, Default)]
pub(crate) struct Laid {
    /// Where the values of each cell begin, and at last where they end.
    pub(crate) starts: Vec<usize>,
    pub(crate) values: Vec<f64>,
}

impl Tally {
    /// Nothing counted yet, for so many stands.
    #[must_use]
    pub fn new(carried: Carried, stands: usize, layout: Layout) -> Self {
        let cells = match &layout {
            Layout::None => 0,
            Layout::Groups(groups, _, periods) => groups * periods,
            Layout::Stands(periods) => periods * stands,
        };
        Tally {
            carried,
            stands,
            layout,
            whole: Counts::new(stands),
            series: Counts::new(cells),
            chunks: Vec::new(),
            held: 0,
        }
    }

    /// Counts a row; `period` is 0 when there is no series. Values of rows left out do not matter, and of rows used none
    /// is one that is not known.
    #[inline]
    pub fn row(&mut self, stand: usize, period: usize, fate: Fate, value: Option<f64>) {
        let known = value.unwrap_or(0.0);
        self.whole.add(stand, fate, known);
        match &self.layout {
            Layout::None => {}
            Layout::Groups(_, of, periods) => {
                self.series.add(of[stand] as usize * periods + period, fate, known);
            }
            Layout::Stands(_) => self.series.add(period * self.stands + stand, fate, known),
        }
        if let (Carried::Values | Carried::Days, Fate::Used | Fate::Marked(_), Some(value)) =
            (self.carried, fate, value)
        {
            self.keep(stand, period, value);
        }
    }

    #[inline]
    fn keep(&mut self, stand: usize, period: usize, value: f64) {
        if self.chunks.last().is_none_or(|chunk| chunk.values.len() == CHUNK) {
            let rows = if self.chunks.is_empty() { 0 } else { CHUNK };
            self.chunks.push(Chunk {
                stands: Vec::with_capacity(rows),
                periods: Vec::with_capacity(if self.layout == Layout::None { 0 } else { rows }),
                values: Vec::with_capacity(rows),
            });
        }
        if let Some(chunk) = self.chunks.last_mut() {
            chunk.stands.push(stand as u32);
            chunk.values.push(value);
            if self.layout != Layout::None {
                chunk.periods.push(period as u32);
            }
        }
        self.held += 1;
    }

    /// With the rows of another tally of the same kind.
    pub fn merge(&mut self, other: Tally) {
        self.whole.merge(&other.whole);
        self.series.merge(&other.series);
        self.chunks.extend(other.chunks);
        self.held += other.held;
    }

    fn laid(&self, cells: usize, cell: impl Fn(&Chunk, usize) -> usize) -> Laid {
        let mut starts = vec![0_usize; cells + 1];
        for chunk in &self.chunks {
            for row in 0..chunk.values.len() {
                starts[cell(chunk, row) + 1] += 1;
            }
        }
        for index in 0..cells {
            starts[index + 1] += starts[index];
        }
        let mut next = starts.clone();
        let mut values = vec![0.0; self.held];
        for chunk in &self.chunks {
            for (row, value) in chunk.values.iter().enumerate() {
                let at = &mut next[cell(chunk, row)];
                values[*at] = *value;
                *at += 1;
            }
        }
        Laid { starts, values }
    }

    /// Values of the whole window, by stand.
    pub(crate) fn by_stand(&self) -> Laid {
        self.laid(self.stands, |chunk, row| chunk.stands[row] as usize)
    }

    /// Counts and values of the series, by its cells.
    pub(crate) fn series(&self) -> (&Counts, Laid) {
        let cells = self.series.n.len();
        let laid = match &self.layout {
            Layout::None => Laid { starts: vec![0], values: Vec::new() },
            Layout::Groups(_, of, periods) => self.laid(cells, |chunk, row| {
                of[chunk.stands[row] as usize] as usize * periods + chunk.periods[row] as usize
            }),
            Layout::Stands(_) => {
                self.laid(cells, |chunk, row| chunk.periods[row] as usize * self.stands + chunk.stands[row] as usize)
            }
        };
        (&self.series, laid)
    }
}

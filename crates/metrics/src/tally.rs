//! Rows of a population counted by where they stand, and by period when there is a series.

use std::ops::Range;
use std::sync::Arc;

use domain::metric::Reason;

use crate::packed::Packed;
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

impl Fate {
    /// Whether its value counts.
    #[inline]
    #[must_use]
    pub const fn is_used(self) -> bool {
        matches!(self, Fate::Used | Fate::Marked(_))
    }
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

    /// So many rows of one fate, and the sum of their values.
    #[inline]
    fn add(&mut self, cell: usize, fate: Fate, rows: u32, sum: f64) {
        let cells = self.n.len();
        match fate {
            Fate::Used => {
                self.n[cell] += u64::from(rows);
                self.sum[cell] += sum;
            }
            Fate::Marked(reason) => {
                self.n[cell] += u64::from(rows);
                self.sum[cell] += sum;
                of_reason(&mut self.marked, reason, cells)[cell] += rows;
            }
            Fate::Left(reason) => of_reason(&mut self.excluded, reason, cells)[cell] += rows,
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
    Groups(usize, Arc<Vec<u32>>, usize),
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

/// Rows of one stand in one period that were counted before.
#[derive(Clone, Debug)]
pub struct Bunch<'a> {
    /// Where they stand.
    pub stand: usize,
    /// Their period, 0 when there is no series.
    pub period: usize,
    /// How many have each of these fates.
    pub rows: &'a [u32],
    /// What became of them.
    pub fates: &'a [Fate],
    /// Sum of the values of those used.
    pub sum: f64,
    /// Where the values of those used are in a column of the tally.
    pub values: Range<usize>,
}

/// Values of a bunch, in one of the columns.
#[derive(Clone, Debug)]
struct Run {
    stand: u32,
    period: u32,
    column: u32,
    from: u32,
    len: u32,
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
    columns: Vec<Arc<Packed>>,
    runs: Vec<Run>,
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
            columns: Vec::new(),
            runs: Vec::new(),
            held: 0,
        }
    }

    /// Counts a row; `period` is 0 when there is no series. Values of rows left out do not matter, and of rows used none
    /// is one that is not known.
    #[inline]
    pub fn row(&mut self, stand: usize, period: usize, fate: Fate, value: Option<f64>) {
        let known = value.unwrap_or(0.0);
        self.add(stand, period, fate, 1, known);
        if let Some(value) = value.filter(|_| self.keeps_values() && fate.is_used()) {
            self.keep(stand, period, value);
        }
    }

    #[inline]
    fn add(&mut self, stand: usize, period: usize, fate: Fate, rows: u32, sum: f64) {
        self.whole.add(stand, fate, rows, sum);
        match &self.layout {
            Layout::None => {}
            Layout::Groups(_, of, periods) => {
                self.series.add(of[stand] as usize * periods + period, fate, rows, sum);
            }
            Layout::Stands(_) => self.series.add(period * self.stands + stand, fate, rows, sum),
        }
    }

    /// Whether each value is kept, not only their sum.
    #[must_use]
    pub fn keeps_values(&self) -> bool {
        self.carried.keeps_values()
    }

    /// Takes in a column of known values for bunches to name.
    pub fn hold(&mut self, column: Arc<Packed>) {
        self.columns.push(column);
    }

    /// Counts rows that were counted before. Their values are in the column that was taken in last.
    pub fn bunch(&mut self, bunch: &Bunch<'_>) {
        let mut sum = bunch.sum;
        for (rows, fate) in bunch.rows.iter().zip(bunch.fates).filter(|(rows, _)| **rows > 0) {
            let sum = if fate.is_used() { std::mem::take(&mut sum) } else { 0.0 };
            self.add(bunch.stand, bunch.period, *fate, *rows, sum);
        }
        if !bunch.values.is_empty() {
            self.runs.push(Run {
                stand: bunch.stand as u32,
                period: bunch.period as u32,
                column: self.columns.len().saturating_sub(1) as u32,
                from: bunch.values.start as u32,
                len: bunch.values.len() as u32,
            });
            self.held += bunch.values.len();
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
        let before = self.columns.len() as u32;
        self.columns.extend(other.columns);
        self.runs.extend(other.runs.into_iter().map(|run| Run { column: run.column + before, ..run }));
        self.held += other.held;
    }

    /// Where values lie by cell: `cell` tells the one of a stand in a period.
    fn scattered(&self, cells: usize, cell: impl Fn(u32, u32) -> usize) -> Scattered<'_> {
        let timed = self.layout != Layout::None;
        let of = |chunk: &Chunk, row: usize| cell(chunk.stands[row], if timed { chunk.periods[row] } else { 0 });
        let rows = || self.chunks.iter().flat_map(|chunk| (0..chunk.values.len()).map(move |row| (chunk, row)));
        let (starts, rows) = by_cell(cells, rows, |(chunk, row)| of(chunk, row), |(chunk, row)| chunk.values[row]);
        let runs = || self.runs.iter().zip(0_u32..);
        let (first, runs) = by_cell(cells, runs, |(run, _)| cell(run.stand, run.period), |(_, index)| index);
        Scattered { tally: self, rows: Laid { starts, values: rows }, first, runs }
    }

    /// Values of the whole window, by stand.
    pub(crate) fn by_stand(&self) -> Scattered<'_> {
        self.scattered(self.stands, |stand, _| stand as usize)
    }

    /// Counts and values of the series, by its cells.
    pub(crate) fn series(&self) -> (&Counts, Scattered<'_>) {
        let cells = self.series.n.len();
        let scattered = match &self.layout {
            Layout::None => self.scattered(0, |_, _| 0),
            Layout::Groups(_, of, periods) => {
                self.scattered(cells, |stand, period| of[stand as usize] as usize * periods + period as usize)
            }
            Layout::Stands(_) => self.scattered(cells, |stand, period| period as usize * self.stands + stand as usize),
        };
        (&self.series, scattered)
    }
}

/// Puts what comes in the order of cells, with where each of these begins, and at last where they end.
fn by_cell<I: Iterator<Item: Copy>, T: Copy + Default>(
    cells: usize,
    items: impl Fn() -> I,
    cell: impl Fn(I::Item) -> usize,
    of: impl Fn(I::Item) -> T,
) -> (Vec<usize>, Vec<T>) {
    let mut starts = vec![0_usize; cells + 1];
    if cells == 0 {
        return (starts, Vec::new());
    }
    items().for_each(|item| starts[cell(item) + 1] += 1);
    for index in 0..cells {
        starts[index + 1] += starts[index];
    }
    let mut next = starts.clone();
    let mut found = vec![T::default(); starts[cells]];
    items().for_each(|item| {
        let at = &mut next[cell(item)];
        found[*at] = of(item);
        *at += 1;
    });
    (starts, found)
}

/// Values of rows used where they lie, by cell: rows that came one by one stand next to each other, those that were
/// counted before are still in their columns.
pub(crate) struct Scattered<'t> {
    tally: &'t Tally,
    rows: Laid,
    /// The first run of each cell, and at last their number.
    first: Vec<usize>,
    runs: Vec<u32>,
}

impl Scattered<'_> {
    fn runs(&self, cells: Range<usize>) -> impl Iterator<Item = &Run> {
        self.runs[self.first[cells.start]..self.first[cells.end]].iter().map(|run| &self.tally.runs[*run as usize])
    }

    /// How many values these cells have.
    pub(crate) fn len(&self, cells: Range<usize>) -> usize {
        let rows = self.rows.starts[cells.end] - self.rows.starts[cells.start];
        rows + self.runs(cells).map(|run| run.len as usize).sum::<usize>()
    }

    /// Where the values of each cell begin in the order of cells, and at last where they end.
    pub(crate) fn starts(&self) -> Vec<usize> {
        let mut starts = Vec::with_capacity(self.first.len());
        starts.push(0);
        let mut end = 0;
        for cell in 0..self.first.len() - 1 {
            end += self.len(cell..cell + 1);
            starts.push(end);
        }
        starts
    }

    /// Adds the values of these cells to a list.
    pub(crate) fn gather(&self, cells: Range<usize>, to: &mut Vec<f64>) {
        to.extend_from_slice(&self.rows.values[self.rows.starts[cells.start]..self.rows.starts[cells.end]]);
        for run in self.runs(cells) {
            let from = run.from as usize;
            self.tally.columns[run.column as usize].append(from..from + run.len as usize, to);
        }
    }

    /// All values, those of one cell next to each other.
    pub(crate) fn laid(mut self) -> Laid {
        if self.runs.is_empty() {
            return self.rows;
        }
        let starts = self.starts();
        let mut values = Vec::with_capacity(self.tally.held);
        for cell in 0..starts.len() - 1 {
            self.gather(cell..cell + 1, &mut values);
        }
        self.rows = Laid { starts, values };
        self.rows
    }
}

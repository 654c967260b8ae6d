//! What a counting finds in a sealed file, added up by place and period of the calendar: for files that lie in the window
//! whole, and of which no row is gone. Of a row that is only counted nothing is left, and of one whose value is kept only that.

use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};
use domain::Timestamp;
use metrics::packed::Packed;
use metrics::query::{Counted, Counting};
use metrics::{Bucket, Zone};

use crate::digest::Digest;

/// The periods of a series.
#[derive(Clone, Debug)]
pub(crate) struct Calendar {
    pub(crate) bucket: Bucket,
    pub(crate) zone: Zone,
    /// The zone's name.
    pub(crate) name: Arc<str>,
}

/// Rows of a file that count together.
pub(crate) struct Group {
    /// Which of the places it is.
    pub(crate) name: u32,
    /// An instant of their period, in microseconds.
    pub(crate) at: i64,
}

/// What one subject finds in the rows.
pub(crate) struct Found {
    /// By group, how many rows have each fate.
    rows: Vec<u32>,
    fates: usize,
    sums: Vec<f64>,
    /// Where the values of each group begin, and at last where they end; empty where they are not kept.
    starts: Vec<u32>,
    pub(crate) values: Arc<Packed>,
}

impl Found {
    /// How many rows of a group have each fate.
    pub(crate) fn rows(&self, group: usize) -> &[u32] {
        &self.rows[group * self.fates..(group + 1) * self.fates]
    }

    pub(crate) fn sum(&self, group: usize) -> f64 {
        self.sums.get(group).copied().unwrap_or(0.0)
    }

    pub(crate) fn values(&self, group: usize) -> std::ops::Range<usize> {
        if self.starts.is_empty() { 0..0 } else { self.starts[group] as usize..self.starts[group + 1] as usize }
    }
}

/// The rows of one file that are of the population.
pub(crate) struct Summary {
    /// Numbers of the places that occur.
    pub(crate) names: Vec<i64>,
    pub(crate) groups: Vec<Group>,
    /// By subject, in the order of the counting.
    pub(crate) found: Vec<Found>,
}

/// Of whom a summary is: the statement, and what each subject reads in its columns.
pub(crate) fn name(sql: &str, counting: &Counting) -> Arc<str> {
    let of = |counted: &Counted| format!("\n{:?} {:?} {:?}", counted.carried, counted.value, counted.fate);
    let subjects: String = counting.counted.iter().map(of).collect();
    (sql.to_owned() + &subjects).into()
}

/// The first instants of the periods a file has rows in, from the first instant of its rows to the last.
pub(crate) fn begins(calendar: Option<&Calendar>, (first, last): (i64, i64)) -> Vec<i64> {
    let mut begins = vec![first];
    if let Some(Calendar { bucket, zone, .. }) = calendar {
        let after = Timestamp::from_micros(last.saturating_add(1));
        let periods = zone.periods(*bucket, Timestamp::from_micros(first), after);
        begins.extend(periods.iter().skip(1).map(|(start, _)| start.micros()));
    }
    begins
}

impl Summary {
    /// Of the rows of a digest, which knows their instants where there are several periods: at least one begins.
    pub(crate) fn new(digest: &Digest, counting: &Counting, begins: &[i64]) -> Result<Self> {
        let period = |row: usize| match (&digest.ats, begins.len()) {
            (_, 1) => Ok(0),
            (None, _) => Err(DataFusionError::Internal("a digest of several periods without instants".to_owned())),
            (Some(ats), _) => Ok(begins.partition_point(|begin| *begin <= ats[row]).saturating_sub(1)),
        };
        let mut numbers = vec![u32::MAX; digest.names.len() * begins.len()];
        let mut groups: Vec<Group> = Vec::new();
        let mut group_of = Vec::with_capacity(digest.len());
        for row in 0..digest.len() {
            let (name, period) = (digest.places.get(row), period(row)?);
            let number = &mut numbers[name * begins.len() + period];
            if *number == u32::MAX {
                *number = groups.len() as u32;
                groups.push(Group { name: name as u32, at: begins[period] });
            }
            group_of.push(*number);
        }
        groups.shrink_to_fit();
        let found = counting.counted.iter().map(|counted| found(digest, counted, &group_of, groups.len()));
        Ok(Summary { names: digest.names.clone(), found: found.collect::<Result<_>>()?, groups })
    }

    pub(crate) fn bytes(&self) -> usize {
        let of = |found: &Found| {
            (found.rows.capacity() + found.starts.capacity()) * 4 + found.sums.capacity() * 8 + found.values.bytes()
        };
        self.found.iter().map(of).sum::<usize>()
            + self.names.capacity() * 8
            + self.groups.capacity() * std::mem::size_of::<Group>()
    }
}

fn found(digest: &Digest, counted: &Counted, group_of: &[u32], groups: usize) -> Result<Found> {
    let values = counted.value.as_ref().map(|name| digest.values_of(name)).transpose()?;
    let fates = counted.fate.as_ref().map(|(name, fates)| Ok::<_, DataFusionError>((digest.fates_of(name)?, fates)));
    let fates = fates.transpose()?;
    let kinds = fates.map_or(1, |(_, fates)| fates.len());
    let mut rows = vec![0; groups * kinds];
    let mut sums = vec![0.0; if values.is_some() { groups } else { 0 }];
    let keeps = counted.carried.keeps_values();
    let known = |row: usize| {
        let used = fates.is_none_or(|(of, fates)| fates[usize::from(of[row])].is_used());
        values.filter(|_| used).and_then(|values| values.get(row))
    };
    let mut starts = vec![0_u32; if keeps { groups + 1 } else { 0 }];
    for (row, group) in group_of.iter().enumerate() {
        let group = *group as usize;
        rows[group * kinds + fates.map_or(0, |(of, _)| usize::from(of[row]))] += 1;
        if let Some(value) = known(row) {
            sums[group] += value;
            if keeps {
                starts[group + 1] += 1;
            }
        }
    }
    let mut kept = Packed::default();
    if keeps {
        for group in 0..groups {
            starts[group + 1] += starts[group];
        }
        let (mut next, mut by_group) = (starts.clone(), vec![0.0; starts[groups] as usize]);
        for (row, group) in group_of.iter().enumerate() {
            if let Some(value) = known(row) {
                let at = &mut next[*group as usize];
                by_group[*at as usize] = value;
                *at += 1;
            }
        }
        kept = by_group.into_iter().map(Some).collect();
    }
    Ok(Found { rows, fates: kinds, sums, starts, values: Arc::new(kept) })
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use domain::metric::{Metric, Reason};
    use metrics::query::Subject;
    use metrics::shape::Carried;
    use metrics::tally::Fate;

    use super::*;
    use crate::digest::Numbers;

    fn instant(text: &str) -> i64 {
        Timestamp::parse(text).unwrap().micros()
    }

    #[test]
    fn periods_of_a_file_begin_with_its_rows_and_then_as_the_zone_has_them() {
        let calendar =
            |name: &str| Calendar { bucket: Bucket::Month, zone: Zone::named(name).unwrap(), name: name.into() };
        let span = (instant("2025-01-01T10:00:00Z"), instant("2025-01-31T23:30:00Z"));
        assert_eq!(begins(None, span), [span.0]);
        assert_eq!(begins(Some(&calendar("UTC")), span), [span.0]);
        assert_eq!(begins(Some(&calendar("Europe/Paris")), span), [span.0, instant("2025-01-31T23:00:00Z")]);
        // It is still the old year there for another hour.
        let pago = [span.0, instant("2025-01-01T11:00:00Z")];
        assert_eq!(begins(Some(&calendar("Pacific/Pago_Pago")), span), pago);
    }

    #[test]
    fn rows_are_added_up_by_place_and_period() {
        let mut digest = Digest::of(
            vec![70, 80],
            Numbers::Narrow(vec![1, 0, 1, 1, 0]),
            Some(vec![5, 9, 10, 4, 12]),
            BTreeMap::from([(
                "value".to_owned(),
                [Some(1.0), Some(2.0), None, Some(4.0), Some(8.5)].into_iter().collect(),
            )]),
            BTreeMap::from([("fate".to_owned(), vec![0, 1, 0, 0, 2])]),
        );
        let fates = vec![Fate::Used, Fate::Left(Reason::NoCommitLink), Fate::Marked(Reason::RangeIncomplete)];
        let subject = Subject::Metric(Metric::LeadTime);
        let (value, fate) = (Some("value".to_owned()), Some(("fate".to_owned(), fates)));
        let counted = vec![
            Counted { subject, carried: Carried::Values, value: value.clone(), fate },
            Counted { subject, carried: Carried::Sum, value, fate: None },
            Counted { subject, carried: Carried::Count, value: None, fate: None },
        ];
        let counting = Counting { sql: String::new(), placed: true, counted, held: &[], whole: None };
        let summary = Summary::new(&digest, &counting, &[4, 10]).unwrap();
        let groups: Vec<_> =
            summary.groups.iter().map(|group| (summary.names[group.name as usize], group.at)).collect();
        assert_eq!(groups, [(80, 4), (70, 4), (80, 10), (70, 10)]);
        let [lead, sum, count] = summary.found.as_slice() else { panic!("three subjects") };
        let rows = |found: &Found| (0..4).map(|group| found.rows(group).to_vec()).collect::<Vec<_>>();
        assert_eq!(rows(lead), [[2, 0, 0], [0, 1, 0], [1, 0, 0], [0, 0, 1]]);
        assert_eq!((0..4).map(|group| lead.sum(group)).collect::<Vec<_>>(), [5.0, 0.0, 0.0, 8.5]);
        let values = |group: usize| lead.values(group).map(|at| lead.values.get(at).unwrap()).collect::<Vec<_>>();
        assert_eq!((0..4).map(values).collect::<Vec<_>>(), [vec![1.0, 4.0], vec![], vec![], vec![8.5]]);
        assert_eq!((rows(sum), rows(count)), (vec![vec![2], vec![1], vec![1], vec![1]], rows(sum)));
        assert_eq!((sum.sum(0), sum.sum(1), sum.values(0), count.sum(0)), (5.0, 2.0, 0..0, 0.0));
        // Several periods without instants would be put into one.
        digest.ats = None;
        assert!(Summary::new(&digest, &counting, &[4, 10]).is_err());
    }
}

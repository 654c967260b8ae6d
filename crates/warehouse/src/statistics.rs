//! Aggregates of ours: `duration_stats(x)` and `sorted_values(x)`. Both keep the values of each group once, so that
//! every percentile is exact and the bits do not depend on how rows came in batches.

use std::sync::Arc;

use datafusion::arrow::array::{
    Array, ArrayRef, AsArray, BooleanArray, Float64Array, Float64Builder, Int64Array, ListArray, ListBuilder,
    StructArray,
};
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Fields, Float64Type};
use datafusion::common::{Result, ScalarValue, internal_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, EmitTo, GroupsAccumulator, Signature, Volatility};
use metrics::Stats;
use metrics::statistics::sort;

/// What the aggregate gives of a group's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Output {
    Stats,
    Values,
}

/// The aggregate.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(crate) struct Exact {
    output: Output,
    signature: Signature,
}

impl Exact {
    /// `duration_stats(x)`: a struct of n, mean, min, max, p50, p75, p90, p95, p99; NULL in all but n without values.
    pub(crate) fn stats() -> Self {
        Exact { output: Output::Stats, signature: Signature::exact(vec![DataType::Float64], Volatility::Immutable) }
    }

    /// `sorted_values(x)`: the values that are not NULL, sorted.
    pub(crate) fn values() -> Self {
        Exact { output: Output::Values, ..Exact::stats() }
    }
}

const NAMES: [&str; 8] = ["mean", "min", "max", "p50", "p75", "p90", "p95", "p99"];

fn list_type() -> DataType {
    DataType::List(Arc::new(Field::new_list_field(DataType::Float64, true)))
}

fn stats_fields() -> Fields {
    let numbers = NAMES.iter().map(|name| Field::new(*name, DataType::Float64, true));
    std::iter::once(Field::new("n", DataType::Int64, true)).chain(numbers).collect()
}

impl AggregateUDFImpl for Exact {
    fn name(&self) -> &str {
        match self.output {
            Output::Stats => "duration_stats",
            Output::Values => "sorted_values",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(match self.output {
            Output::Stats => DataType::Struct(stats_fields()),
            Output::Values => list_type(),
        })
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        Ok(vec![Arc::new(Field::new(format!("{}[values]", arguments.name), list_type(), true))])
    }

    fn accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if arguments.is_distinct {
            return internal_err!("{} takes no DISTINCT", self.name());
        }
        Ok(Box::new(Single { output: self.output, values: Vec::new() }))
    }

    fn groups_accumulator_supported(&self, arguments: AccumulatorArgs) -> bool {
        !arguments.is_distinct
    }

    fn create_groups_accumulator(&self, _arguments: AccumulatorArgs) -> Result<Box<dyn GroupsAccumulator>> {
        Ok(Box::new(Groups { output: self.output, groups: Vec::new(), held: 0 }))
    }
}

fn numbers(array: &ArrayRef) -> Result<&Float64Array> {
    match array.as_primitive_opt::<Float64Type>() {
        Some(numbers) => Ok(numbers),
        None => internal_err!("expected doubles, got {}", array.data_type()),
    }
}

fn lists(array: &ArrayRef) -> Result<&ListArray> {
    match array.as_list_opt::<i32>() {
        Some(lists) => Ok(lists),
        None => internal_err!("expected lists, got {}", array.data_type()),
    }
}

fn to_lists(groups: &[Vec<f64>]) -> ArrayRef {
    let mut builder = ListBuilder::new(Float64Builder::new());
    for values in groups {
        builder.values().append_slice(values);
        builder.append(true);
    }
    Arc::new(builder.finish())
}

fn to_output(output: Output, mut groups: Vec<Vec<f64>>) -> Result<ArrayRef> {
    groups.iter_mut().for_each(|values| sort(values));
    if output == Output::Values {
        return Ok(to_lists(&groups));
    }
    let counts: Int64Array = groups.iter().map(|values| i64::try_from(values.len()).ok()).collect();
    let stats: Vec<Option<Stats>> = groups.iter().map(|values| Stats::of(values)).collect();
    let mut arrays: Vec<ArrayRef> = vec![Arc::new(counts)];
    let getters: [fn(&Stats) -> f64; 8] =
        [|s| s.mean, |s| s.min, |s| s.max, |s| s.p50, |s| s.p75, |s| s.p90, |s| s.p95, |s| s.p99];
    for get in getters {
        arrays.push(Arc::new(stats.iter().map(|stats| stats.as_ref().map(get)).collect::<Float64Array>()));
    }
    Ok(Arc::new(StructArray::try_new(stats_fields(), arrays, None)?))
}

#[derive(Debug)]
struct Single {
    output: Output,
    values: Vec<f64>,
}

impl Accumulator for Single {
    fn update_batch(&mut self, arrays: &[ArrayRef]) -> Result<()> {
        for array in arrays {
            self.values.extend(numbers(array)?.iter().flatten());
        }
        Ok(())
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let array = to_output(self.output, vec![self.values.clone()])?;
        ScalarValue::try_from_array(&array, 0)
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.values.capacity() * size_of::<f64>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let array = to_lists(&[std::mem::take(&mut self.values)]);
        Ok(vec![ScalarValue::try_from_array(&array, 0)?])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for state in states {
            for list in lists(state)?.iter().flatten() {
                self.values.extend(numbers(&list)?.iter().flatten());
            }
        }
        Ok(())
    }
}

struct Groups {
    output: Output,
    groups: Vec<Vec<f64>>,
    held: usize,
}

impl Groups {
    fn take(&mut self, emit_to: EmitTo) -> Vec<Vec<f64>> {
        let taken = emit_to.take_needed(&mut self.groups);
        self.held = self.held.saturating_sub(taken.iter().map(Vec::len).sum());
        taken
    }

    fn grow(&mut self, groups: usize) {
        self.groups.resize_with(groups.max(self.groups.len()), Vec::new);
    }
}

impl GroupsAccumulator for Groups {
    fn update_batch(
        &mut self,
        arrays: &[ArrayRef],
        group_indices: &[usize],
        filter: Option<&BooleanArray>,
        total_groups: usize,
    ) -> Result<()> {
        self.grow(total_groups);
        let Some(array) = arrays.first() else { return Ok(()) };
        for (row, (value, group)) in numbers(array)?.iter().zip(group_indices).enumerate() {
            let wanted = filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if let (Some(value), true) = (value, wanted) {
                self.groups[*group].push(value);
                self.held += 1;
            }
        }
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let groups = self.take(emit_to);
        to_output(self.output, groups)
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        Ok(vec![to_lists(&self.take(emit_to))])
    }

    fn merge_batch(&mut self, arrays: &[ArrayRef], group_indices: &[usize], total_groups: usize) -> Result<()> {
        self.grow(total_groups);
        let Some(array) = arrays.first() else { return Ok(()) };
        for (list, group) in lists(array)?.iter().zip(group_indices) {
            if let Some(list) = list {
                self.groups[*group].extend(numbers(&list)?.iter().flatten());
                self.held += list.len();
            }
        }
        Ok(())
    }

    fn convert_to_state(&self, arrays: &[ArrayRef], filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let Some(array) = arrays.first() else { return Ok(Vec::new()) };
        let mut groups = Vec::with_capacity(array.len());
        for (row, value) in numbers(array)?.iter().enumerate() {
            let wanted = filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            groups.push(value.filter(|_| wanted).into_iter().collect());
        }
        Ok(vec![to_lists(&groups)])
    }

    fn size(&self) -> usize {
        self.held * size_of::<f64>() + self.groups.capacity() * size_of::<Vec<f64>>()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn groups(output: Output) -> Groups {
        Groups { output, groups: Vec::new(), held: 0 }
    }

    /// Feeds rows in batches to one accumulator or two, one of them through its state and one through
    /// `convert_to_state`, and gives the lists of both groups.
    fn fed(output: Output, rows: &[(f64, bool)], size: usize, partial: bool) -> ArrayRef {
        let mut last = groups(output);
        for (turn, chunk) in rows.chunks(size).enumerate() {
            let values: ArrayRef = Arc::new(chunk.iter().map(|row| Some(row.0)).collect::<Float64Array>());
            let indices: Vec<usize> = chunk.iter().map(|row| usize::from(row.1)).collect();
            if !partial {
                last.update_batch(&[values], &indices, None, 2).unwrap();
            } else if turn % 2 == 0 {
                let mut first = groups(output);
                first.update_batch(&[values], &indices, None, 2).unwrap();
                let state = first.state(EmitTo::All).unwrap();
                last.merge_batch(&state, &[0, 1], 2).unwrap();
            } else {
                let state = last.convert_to_state(&[values], None).unwrap();
                last.merge_batch(&state, &indices, 2).unwrap();
            }
        }
        last.grow(2);
        last.evaluate(EmitTo::All).unwrap()
    }

    proptest! {
        #[test]
        fn the_same_rows_give_the_same_bits_in_any_split(
            rows in proptest::collection::vec((-1e7..1e7f64, any::<bool>()), 0..120),
            size in 1usize..40,
        ) {
            for output in [Output::Stats, Output::Values] {
                let whole = fed(output, &rows, 1_000, false);
                let mut turned = rows.clone();
                turned.reverse();
                prop_assert_eq!(&whole, &fed(output, &turned, size, false));
                prop_assert_eq!(&whole, &fed(output, &turned, size, true));
            }
            let mut single = Single { output: Output::Stats, values: Vec::new() };
            let mine: Vec<f64> = rows.iter().filter(|row| !row.1).map(|row| row.0).collect();
            single.update_batch(&[Arc::new(Float64Array::from(mine.clone()))]).unwrap();
            let whole = fed(Output::Stats, &rows, 1_000, false);
            prop_assert_eq!(single.evaluate().unwrap(), ScalarValue::try_from_array(&whole, 0).unwrap());
            let mut sorted = mine;
            sort(&mut sorted);
            let stats = whole.as_struct();
            let p95 = stats.column_by_name("p95").unwrap().as_primitive::<Float64Type>();
            prop_assert_eq!(p95.is_valid(0).then(|| p95.value(0)), Stats::of(&sorted).map(|stats| stats.p95));
        }
    }
}

//! `percentile_cont` as PostgreSQL computes it. The engine's own rounds the weight between two values to six digits, which
//! shows where values lie far apart.

use std::mem::size_of;
use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, AsArray, Float64Array};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Field, FieldRef, Float64Type, Schema};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::common::utils::SingleRowListArrayBuilder;
use datafusion::common::{Result, ScalarValue, exec_err};
use datafusion::logical_expr::function::{AccumulatorArgs, StateFieldsArgs};
use datafusion::logical_expr::{Accumulator, AggregateUDFImpl, ColumnarValue, Signature, Volatility};

/// The aggregate.
#[derive(Debug, PartialEq, Eq, Hash)]
pub(super) struct PercentileCont {
    signature: Signature,
    /// The other name of the engine's own, which would come back by it whenever functions are registered anew.
    aliases: Vec<String>,
}

impl PercentileCont {
    pub(super) fn new() -> Self {
        let signature = Signature::exact(vec![DataType::Float64, DataType::Float64], Volatility::Immutable);
        PercentileCont { signature, aliases: vec!["quantile_cont".to_owned()] }
    }
}

impl AggregateUDFImpl for PercentileCont {
    fn name(&self) -> &str {
        "percentile_cont"
    }

    fn aliases(&self) -> &[String] {
        &self.aliases
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Float64)
    }

    fn supports_within_group_clause(&self) -> bool {
        true
    }

    fn state_fields(&self, arguments: StateFieldsArgs) -> Result<Vec<FieldRef>> {
        let values = DataType::new_list(DataType::Float64, true);
        Ok(vec![Arc::new(Field::new(format!("{}[values]", arguments.name), values, true))])
    }

    fn accumulator(&self, arguments: AccumulatorArgs) -> Result<Box<dyn Accumulator>> {
        if arguments.is_distinct {
            return exec_err!("percentile_cont takes no DISTINCT");
        }
        let nothing = RecordBatch::new_empty(Arc::new(Schema::empty()));
        let ColumnarValue::Scalar(fraction) = arguments.exprs[1].evaluate(&nothing)? else {
            return exec_err!("the fraction of percentile_cont is a literal");
        };
        let ScalarValue::Float64(Some(fraction)) = fraction.cast_to(&DataType::Float64)? else {
            return exec_err!("the fraction of percentile_cont is a number");
        };
        if !(0.0..=1.0).contains(&fraction) {
            return exec_err!("percentile value {fraction} is not between 0 and 1");
        }
        let descending = arguments.order_bys.first().is_some_and(|order| order.options.descending);
        Ok(Box::new(Values { fraction, descending, values: Vec::new() }))
    }
}

#[derive(Debug)]
struct Values {
    fraction: f64,
    descending: bool,
    values: Vec<f64>,
}

impl Values {
    fn take(&mut self, array: &ArrayRef) -> Result<()> {
        let numbers = cast(array, &DataType::Float64)?;
        self.values.extend(numbers.as_primitive::<Float64Type>().iter().flatten());
        Ok(())
    }
}

impl Accumulator for Values {
    fn update_batch(&mut self, columns: &[ArrayRef]) -> Result<()> {
        self.take(&columns[0])
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        for list in states[0].as_list::<i32>().iter().flatten() {
            self.take(&list)?;
        }
        Ok(())
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        let values: ArrayRef = Arc::new(Float64Array::from(std::mem::take(&mut self.values)));
        Ok(vec![SingleRowListArrayBuilder::new(values).build_list_scalar()])
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        let mut values = std::mem::take(&mut self.values);
        if values.is_empty() {
            return Ok(ScalarValue::Float64(None));
        }
        values.sort_by(f64::total_cmp);
        if self.descending {
            values.reverse();
        }
        let place = self.fraction * (values.len() - 1) as f64;
        let (below, above) = (values[place.floor() as usize], values[place.ceil() as usize]);
        Ok(ScalarValue::Float64(Some(below + (place - place.floor()) * (above - below))))
    }

    fn size(&self) -> usize {
        size_of::<Self>() + self.values.capacity() * size_of::<f64>()
    }
}

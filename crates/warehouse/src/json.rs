//! Rows of query results as JSON.

use datafusion::arrow::array::{Array, ArrayRef, AsArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type, TimeUnit, TimestampMicrosecondType};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::arrow::util::display::{ArrayFormatter, FormatOptions};
use datafusion::error::Result;
use domain::Timestamp;
use serde_json::{Map, Value};

use crate::tables::instant_type;

/// Every row as an object, instants in RFC 3339, labels as objects.
pub(crate) fn rows(batches: &[RecordBatch]) -> Result<Vec<Map<String, Value>>> {
    let mut rows = Vec::new();
    for batch in batches {
        let mut objects = vec![Map::new(); batch.num_rows()];
        for (field, array) in batch.schema().fields().iter().zip(batch.columns()) {
            let values = column(array)?;
            for (object, value) in objects.iter_mut().zip(values) {
                let value = if field.name().ends_with("labels") { parsed(value) } else { value };
                object.insert(field.name().clone(), value);
            }
        }
        rows.append(&mut objects);
    }
    Ok(rows)
}

fn parsed(value: Value) -> Value {
    value.as_str().and_then(|text| serde_json::from_str(text).ok()).unwrap_or(value)
}

fn column(array: &ArrayRef) -> Result<Vec<Value>> {
    let rows = 0..array.len();
    Ok(match array.data_type() {
        DataType::Utf8 | DataType::Utf8View | DataType::LargeUtf8 => {
            let texts = cast(array, &DataType::Utf8)?;
            texts.as_string::<i32>().iter().map(Value::from).collect()
        }
        DataType::Boolean => array.as_boolean().iter().map(Value::from).collect(),
        DataType::Float64 => array.as_primitive::<Float64Type>().iter().map(Value::from).collect(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            let instants = cast(array, &instant_type())?;
            let instants = instants.as_primitive::<TimestampMicrosecondType>().iter();
            instants.map(|at| at.map(|at| Timestamp::from_micros(at).to_string()).into()).collect()
        }
        number if number.is_integer() => {
            let numbers = cast(array, &DataType::Int64)?;
            numbers.as_primitive::<Int64Type>().iter().map(Value::from).collect()
        }
        _ => {
            let options = FormatOptions::default();
            let formatter = ArrayFormatter::try_new(array, &options)?;
            rows.map(|row| if array.is_null(row) { Value::Null } else { formatter.value(row).to_string().into() })
                .collect()
        }
    })
}

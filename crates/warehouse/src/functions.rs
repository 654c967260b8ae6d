//! Scalar functions of ours: `instant`, `seconds_between`, `period`, `label`.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array, StringArray, TimestampMicrosecondArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, TimestampMicrosecondType};
use datafusion::common::{Result, exec_err};
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{
    AggregateUDF, ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility,
};
use domain::Timestamp;
use metrics::{Bucket, Zone};

use crate::statistics::Exact;
use crate::tables::instant_type;

/// Registers every function and aggregate of ours.
pub(crate) fn register(context: &SessionContext) {
    for kind in [Kind::Instant, Kind::SecondsBetween, Kind::Period, Kind::Label] {
        context.register_udf(ScalarUDF::new_from_impl(Function::new(kind)));
    }
    context.register_udaf(AggregateUDF::new_from_impl(Exact::stats()));
    context.register_udaf(AggregateUDF::new_from_impl(Exact::values()));
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Kind {
    /// `instant(text)`: RFC 3339 to an instant in UTC.
    Instant,
    /// `seconds_between(from, to)`: seconds with a fraction, negative when `to` is earlier.
    SecondsBetween,
    /// `period(bucket, zone, at)`: start of the day, week, month or quarter of that zone.
    Period,
    /// `label(json, key)`: the text of a label in a JSON object; NULL without it.
    Label,
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Function {
    kind: Kind,
    signature: Signature,
}

impl Function {
    fn new(kind: Kind) -> Self {
        let text = DataType::Utf8;
        let arguments = match kind {
            Kind::Instant => vec![text],
            Kind::SecondsBetween => vec![instant_type(), instant_type()],
            Kind::Period => vec![text.clone(), text, instant_type()],
            Kind::Label => vec![text.clone(), text],
        };
        Function { kind, signature: Signature::exact(arguments, Volatility::Immutable) }
    }
}

impl ScalarUDFImpl for Function {
    fn name(&self) -> &str {
        match self.kind {
            Kind::Instant => "instant",
            Kind::SecondsBetween => "seconds_between",
            Kind::Period => "period",
            Kind::Label => "label",
        }
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(match self.kind {
            Kind::Instant | Kind::Period => instant_type(),
            Kind::SecondsBetween => DataType::Float64,
            Kind::Label => DataType::Utf8,
        })
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { arguments.number_rows };
        let arrays: Vec<ArrayRef> =
            arguments.args.into_iter().map(|argument| argument.into_array(rows)).collect::<Result<_>>()?;
        let array = match (self.kind, arrays.as_slice()) {
            (Kind::Instant, [texts]) => instants(texts)?,
            (Kind::SecondsBetween, [from, to]) => seconds_between(from, to)?,
            (Kind::Period, [bucket, zone, at]) => periods(bucket, zone, at)?,
            (Kind::Label, [labels, key]) => label(labels, key)?,
            _ => return exec_err!("wrong number of arguments to {}", self.name()),
        };
        if scalar {
            return Ok(ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(&array, 0)?));
        }
        Ok(ColumnarValue::Array(array))
    }
}

fn texts(array: &ArrayRef) -> Result<StringArray> {
    Ok(cast(array, &DataType::Utf8)?.as_string::<i32>().clone())
}

fn micros(array: &ArrayRef) -> Result<TimestampMicrosecondArray> {
    Ok(cast(array, &instant_type())?.as_primitive::<TimestampMicrosecondType>().clone())
}

fn instants(array: &ArrayRef) -> Result<ArrayRef> {
    let mut out = Vec::with_capacity(array.len());
    for text in &texts(array)? {
        out.push(match text.map(Timestamp::parse) {
            None => None,
            Some(Ok(at)) => Some(at.micros()),
            Some(Err(error)) => return exec_err!("{error}"),
        });
    }
    Ok(Arc::new(TimestampMicrosecondArray::from(out).with_timezone("UTC")))
}

fn seconds_between(from: &ArrayRef, to: &ArrayRef) -> Result<ArrayRef> {
    let (from, to) = (micros(from)?, micros(to)?);
    let seconds = from.iter().zip(to.iter()).map(|pair| match pair {
        (Some(from), Some(to)) => Some(crate::tables::seconds(to.saturating_sub(from))),
        _ => None,
    });
    Ok(Arc::new(seconds.collect::<Float64Array>()))
}

fn periods(bucket: &ArrayRef, zone: &ArrayRef, at: &ArrayRef) -> Result<ArrayRef> {
    let (buckets, zones, at) = (texts(bucket)?, texts(zone)?, micros(at)?);
    let mut known: Option<(String, String, Bucket, Zone)> = None;
    // Rows stand sorted by time, so the period of one row is mostly that of the next.
    let mut last: Option<(i64, i64)> = None;
    let mut out = Vec::with_capacity(at.len());
    for row in 0..at.len() {
        if at.is_null(row) || buckets.is_null(row) || zones.is_null(row) {
            out.push(None);
            continue;
        }
        let (bucket, zone) = (buckets.value(row), zones.value(row));
        if known.as_ref().is_none_or(|(b, z, ..)| b != bucket || z != zone) {
            let Some(read) = Bucket::read(bucket) else {
                return exec_err!("`{bucket}` is not a period; write day, week, month or quarter");
            };
            let found = match Zone::named(zone) {
                Ok(found) => found,
                Err(problem) => return exec_err!("{}", problem.message),
            };
            known = Some((bucket.to_owned(), zone.to_owned(), read, found));
            last = None;
        }
        let instant = at.value(row);
        if last.is_none_or(|(start, end)| instant < start || instant >= end) {
            last = known
                .as_ref()
                .and_then(|(_, _, bucket, zone)| zone.period(*bucket, Timestamp::from_micros(instant)))
                .map(|(start, end)| (start.micros(), end.micros()));
        }
        out.push(last.map(|(start, _)| start));
    }
    Ok(Arc::new(TimestampMicrosecondArray::from(out).with_timezone("UTC")))
}

fn label(labels: &ArrayRef, key: &ArrayRef) -> Result<ArrayRef> {
    let (labels, keys) = (texts(labels)?, texts(key)?);
    let found = labels.iter().zip(keys.iter()).map(|pair| match pair {
        (Some(labels), Some(key)) => match serde_json::from_str::<serde_json::Value>(labels).ok()?.get(key)? {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) => Some(text.clone()),
            other => Some(other.to_string()),
        },
        _ => None,
    });
    Ok(Arc::new(found.collect::<StringArray>()))
}

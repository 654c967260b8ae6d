//! Functions as PostgreSQL has them, where the engine has none or others; BigQuery's that the articles use; and bounds on
//! those that make much of little.

use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, Float64Array, Int64Array, StringArray};
use datafusion::arrow::compute::cast;
use datafusion::arrow::datatypes::{DataType, Float64Type, Int64Type, TimestampMicrosecondType};
use datafusion::common::{Result, ScalarValue, exec_err, resources_err};
use datafusion::execution::FunctionRegistry;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{
    AggregateUDF, ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, Volatility, create_udf,
};

use super::percentile::PercentileCont;
use super::session::Session;
use super::variables::Variables;
use crate::tables::instant_type;

/// What one call of a function may make, in bytes. No pool counts what a single expression holds.
const MADE: i64 = 16 * 1024 * 1024;

/// Functions that make arrays of any length from two numbers. The table functions of these names stay: they stream.
const WITHOUT: [&str; 4] = ["array_repeat", "array_resize", "generate_series", "range"];

/// Registers those that are the same for every session.
pub(super) fn register(context: &SessionContext) {
    for name in WITHOUT {
        context.deregister_udf(name);
    }
    for (name, growth) in [
        ("repeat", Growth::Times),
        ("lpad", Growth::To),
        ("rpad", Growth::To),
        ("replace", Growth::Each),
        ("regexp_replace", Growth::Each),
    ] {
        if let Ok(inner) = context.state().udf(name) {
            context.register_udf(ScalarUDF::new_from_impl(Modest { inner, growth }));
        }
    }
    context.register_udaf(AggregateUDF::new_from_impl(PercentileCont::new()));
    let instants = vec![instant_type(), instant_type(), DataType::Utf8];
    let (stays, number) = (Volatility::Immutable, DataType::Float64);
    context.register_udf(create_udf("timestamp_diff", instants, DataType::Int64, stays, Arc::new(timestamp_diff)));
    let pair = vec![number.clone(), number.clone()];
    context.register_udf(create_udf("safe_divide", pair, number, stays, Arc::new(safe_divide)));
}

/// How long a function's text becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Growth {
    /// The first argument so many times.
    Times,
    /// To so many letters.
    To,
    /// Each letter of the first argument becomes the third at worst.
    Each,
}

/// A function that refuses to make too much.
#[derive(Debug, PartialEq, Eq, Hash)]
struct Modest {
    inner: Arc<ScalarUDF>,
    growth: Growth,
}

impl Modest {
    /// Bytes it would make of these rows, at worst.
    fn made(&self, arguments: &[ArrayRef]) -> Result<i64> {
        let [text, second, rest @ ..] = arguments else { return Ok(0) };
        let lengths = |array: &ArrayRef| -> Result<Vec<i64>> {
            let texts = cast(array, &DataType::LargeUtf8)?;
            let texts = texts.as_string::<i64>();
            Ok(texts.iter().map(|text| text.map_or(0, |text| i64::try_from(text.len()).unwrap_or(i64::MAX))).collect())
        };
        let numbers = |array: &ArrayRef| -> Result<Vec<i64>> {
            let numbers = cast(array, &DataType::Int64)?;
            Ok(numbers.as_primitive::<Int64Type>().iter().map(|number| number.unwrap_or(0).max(0)).collect())
        };
        let (sizes, factors) = match (self.growth, rest) {
            (Growth::Times, _) => (lengths(text)?, numbers(second)?),
            // A letter has four bytes at most.
            (Growth::To, _) => (vec![4; text.len()], numbers(second)?),
            (Growth::Each, [third, ..]) => {
                (lengths(text)?.into_iter().map(|size| size.saturating_add(1)).collect(), lengths(third)?)
            }
            (Growth::Each, []) => return Ok(0),
        };
        Ok(sizes.iter().zip(factors).fold(0_i64, |sum, (size, factor)| sum.saturating_add(size.saturating_mul(factor))))
    }
}

impl ScalarUDFImpl for Modest {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, arguments: &[DataType]) -> Result<DataType> {
        self.inner.return_type(arguments)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let scalar = arguments.args.iter().all(|argument| matches!(argument, ColumnarValue::Scalar(_)));
        let rows = if scalar { 1 } else { arguments.number_rows };
        let arrays: Vec<ArrayRef> =
            arguments.args.iter().map(|argument| argument.to_array(rows)).collect::<Result<_>>()?;
        // Replacing in ordinary rows is never close to this; what is goes by the worst case.
        if self.made(&arrays)? > MADE.saturating_mul(if self.growth == Growth::Each { 8 } else { 1 }) {
            return resources_err!("{} would make more than {MADE} bytes at once", self.name());
        }
        self.inner.invoke_with_args(arguments)
    }
}

fn micros(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(cast(array, &instant_type())?)
}

/// BigQuery's: whole units from the second instant to the first, cut off towards zero.
fn timestamp_diff(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let arrays = ColumnarValue::values_to_arrays(arguments)?;
    let (later, earlier) = (micros(&arrays[0])?, micros(&arrays[1])?);
    let (later, earlier) =
        (later.as_primitive::<TimestampMicrosecondType>(), earlier.as_primitive::<TimestampMicrosecondType>());
    let units = cast(&arrays[2], &DataType::Utf8)?;
    let mut out = Vec::with_capacity(later.len());
    for ((later, earlier), unit) in later.iter().zip(earlier).zip(units.as_string::<i32>()) {
        let length = match unit.map(str::to_lowercase).as_deref() {
            Some("microsecond") => 1,
            Some("millisecond") => 1_000,
            Some("second") => 1_000_000,
            Some("minute") => 60_000_000,
            Some("hour") => 3_600_000_000,
            Some("day") => 86_400_000_000,
            _ => return exec_err!("timestamp_diff takes MICROSECOND, MILLISECOND, SECOND, MINUTE, HOUR or DAY"),
        };
        out.push(later.zip(earlier).map(|(later, earlier)| later.saturating_sub(earlier) / length));
    }
    Ok(ColumnarValue::Array(Arc::new(Int64Array::from(out))))
}

/// BigQuery's: NULL instead of a division by zero.
fn safe_divide(arguments: &[ColumnarValue]) -> Result<ColumnarValue> {
    let arrays = ColumnarValue::values_to_arrays(arguments)?;
    let (above, below) = (cast(&arrays[0], &DataType::Float64)?, cast(&arrays[1], &DataType::Float64)?);
    let pairs = above.as_primitive::<Float64Type>().iter().zip(below.as_primitive::<Float64Type>());
    let quotients = pairs.map(|(above, below)| match (above, below) {
        (Some(above), Some(below)) if below != 0.0 => Some(above / below),
        _ => None,
    });
    Ok(ColumnarValue::Array(Arc::new(quotients.collect::<Float64Array>())))
}

fn constant(name: &str, value: String) -> ScalarUDF {
    let value = ScalarValue::Utf8(Some(value));
    let told = move |_: &[ColumnarValue]| Ok(ColumnarValue::Scalar(value.clone()));
    create_udf(name, vec![], DataType::Utf8, Volatility::Stable, Arc::new(told))
}

/// Those that tell of the session.
pub(super) fn of_session(session: &Session, variables: &Variables) -> Vec<ScalarUDF> {
    let first = variables.path().first().cloned().unwrap_or_default();
    let pid = ScalarValue::Int32(Some(session.pid));
    let settings = variables.all().clone();
    let setting = move |arguments: &[ColumnarValue]| {
        let arrays = ColumnarValue::values_to_arrays(arguments)?;
        let names = cast(&arrays[0], &DataType::Utf8)?;
        let found = names.as_string::<i32>().iter().map(|name| settings.get(name?.to_lowercase().as_str()).cloned());
        let array: ArrayRef = Arc::new(found.collect::<StringArray>());
        Ok(ColumnarValue::Array(array))
    };
    let version = variables.get("server_version").unwrap_or_default();
    vec![
        constant("current_database", session.database.to_owned()),
        constant("current_catalog", session.database.to_owned()),
        constant("current_schema", first),
        constant("session_user", session.user.clone()),
        constant("current_user", session.user.clone()),
        // Nothing is ever locked; pools send it before they lend a connection again.
        constant("pg_advisory_unlock_all", String::new()),
        constant("version", format!("PostgreSQL {version}")),
        create_udf(
            "pg_backend_pid",
            vec![],
            DataType::Int32,
            Volatility::Stable,
            Arc::new(move |_| Ok(ColumnarValue::Scalar(pid.clone()))),
        ),
        create_udf("current_setting", vec![DataType::Utf8], DataType::Utf8, Volatility::Stable, Arc::new(setting)),
    ]
}

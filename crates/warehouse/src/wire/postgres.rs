//! Functions as PostgreSQL has them, where the engine has none or others.

use std::sync::Arc;

use datafusion::arrow::array::{ArrayRef, StringArray};
use datafusion::arrow::datatypes::DataType;
use datafusion::common::ScalarValue;
use datafusion::execution::context::SessionContext;
use datafusion::logical_expr::{ColumnarValue, ScalarUDF, Volatility, create_udf};

use super::session::Session;
use super::variables::Variables;

/// Registers those that are the same for every session.
pub(super) fn register(_context: &SessionContext) {}

fn constant(name: &str, value: String) -> ScalarUDF {
    let value = ScalarValue::Utf8(Some(value));
    create_udf(name, vec![], DataType::Utf8, Volatility::Stable, Arc::new(move |_| Ok(ColumnarValue::Scalar(value.clone()))))
}

/// Those that tell of the session.
pub(super) fn of_session(session: &Session, variables: &Variables) -> Vec<ScalarUDF> {
    let path = variables.path();
    let first = path.first().cloned().unwrap_or_default();
    let pid = ScalarValue::Int32(Some(session.pid));
    let settings = variables.all().clone();
    let setting = move |arguments: &[ColumnarValue]| {
        let arrays = ColumnarValue::values_to_arrays(arguments)?;
        let names = arrays[0].as_any().downcast_ref::<StringArray>();
        let found = names.into_iter().flatten().map(|name| {
            let name = name?.to_lowercase();
            settings.get(name.as_str()).cloned()
        });
        let array: ArrayRef = Arc::new(found.collect::<StringArray>());
        Ok(ColumnarValue::Array(array))
    };
    vec![
        constant("current_database", session.database.to_owned()),
        constant("current_catalog", session.database.to_owned()),
        constant("current_schema", first),
        constant("session_user", session.user.clone()),
        constant("current_user", session.user.clone()),
        constant("version", format!("PostgreSQL 16.6 compatible, {}", variables.get("server_version").unwrap_or_default())),
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

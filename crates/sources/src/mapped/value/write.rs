//! Values to JSON: as text for programs and messages, as values for the check of events.

use std::fmt::{self, Display, Write as _};

use serde_json::{Map, Number, Value};

use super::Val;
use crate::mapped::meter;

/// Whole numbers up to here are exact as floating point too.
const EXACT: f64 = 9_007_199_254_740_992.0;

impl Val {
    /// As a value of JSON. What has no number in JSON is null.
    pub(in crate::mapped) fn to_json(&self) -> Value {
        meter::steps(1);
        match self {
            Val::Null => Value::Null,
            Val::Bool(value) => Value::Bool(*value),
            Val::Int(number) => Value::from(*number),
            Val::Float(number) => float(*number),
            Val::Text(text) => {
                meter::bytes(text.len());
                Value::from(&**text)
            }
            Val::List(list) => {
                meter::bytes(list.items.len() * 32);
                Value::Array(list.items.iter().map(Val::to_json).collect())
            }
            Val::Map(map) => {
                meter::bytes(map.items.len() * 64);
                let fields = map.items.iter().map(|(name, value)| ((**name).to_owned(), value.to_json()));
                Value::Object(fields.collect::<Map<_, _>>())
            }
        }
    }
}

fn float(number: f64) -> Value {
    if number.fract() == 0.0 && number.abs() <= EXACT {
        return Value::from(number as i64);
    }
    Number::from_f64(number).map_or(Value::Null, Value::Number)
}

/// As JSON in one line.
impl Display for Val {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        meter::steps(1);
        match self {
            Val::Null => f.write_str("null"),
            Val::Bool(value) => value.fmt(f),
            Val::Int(number) => number.fmt(f),
            Val::Float(number) => float(*number).fmt(f),
            Val::Text(text) => {
                meter::bytes(text.len());
                quoted(text, f)
            }
            Val::List(list) => {
                f.write_char('[')?;
                for (at, item) in list.items.iter().enumerate() {
                    if at > 0 {
                        f.write_char(',')?;
                    }
                    item.fmt(f)?;
                }
                f.write_char(']')
            }
            Val::Map(map) => {
                f.write_char('{')?;
                for (at, (name, value)) in map.items.iter().enumerate() {
                    if at > 0 {
                        f.write_char(',')?;
                    }
                    meter::bytes(name.len());
                    quoted(name, f)?;
                    f.write_char(':')?;
                    value.fmt(f)?;
                }
                f.write_char('}')
            }
        }
    }
}

fn quoted(text: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(&serde_json::to_string(text).map_err(|_| fmt::Error)?)
}

//! The body of a request: compressed or not, protobuf or JSON.

use std::io::{self, Read};

use domain::{Code, Problem};
use prost::Message;
use serde_json::Value;

use super::wire::Request;
use crate::Delivery;
use crate::json::{self, clip};

/// How long a body may become: a small one may hold very much that repeats.
const MOST_BYTES: u64 = 64 << 20;

pub(super) fn read(delivery: &Delivery<'_>) -> Result<Request, Problem> {
    let unpacked;
    let body = match delivery.header("content-encoding").unwrap_or("identity") {
        "" | "identity" => delivery.body,
        "gzip" => {
            unpacked = unpack("gzip", flate2::read::MultiGzDecoder::new(delivery.body))?;
            &unpacked
        }
        "zstd" => {
            let decoder = zstd::Decoder::new(delivery.body).map_err(|error| broken("zstd", &error))?;
            unpacked = unpack("zstd", decoder)?;
            &unpacked
        }
        other => {
            let message = format!("the encoding `{}` is not known; send gzip, zstd or none", clip(other, 64));
            return Err(Problem::new(Code::UnsupportedMediaType, message));
        }
    };
    let kind = delivery.header("content-type").unwrap_or_default();
    let kind = kind.split(';').next().unwrap_or_default().trim();
    if kind.eq_ignore_ascii_case("application/x-protobuf") || kind.eq_ignore_ascii_case("application/protobuf") {
        return Request::decode(body)
            .map_err(|error| Problem::new(Code::WrongType, format!("not a request of OTLP in protobuf: {error}")));
    }
    let mut value = json::value(body)?;
    if !value.is_object() {
        let found = json::kind_of(&value);
        return Err(Problem::new(Code::NotAnObject, format!("expected a request of OTLP, found {found}")));
    }
    without_nulls(&mut value);
    if value.get("resourceSpans").is_none() {
        return Err(json::missing("resourceSpans", "a request to export traces has them."));
    }
    serde_json::from_value(value).map_err(|error| {
        let error = error.to_string();
        Problem::new(Code::WrongType, format!("not a request of OTLP: {}", clip(&error, 200)))
    })
}

fn unpack(name: &str, decoder: impl Read) -> Result<Vec<u8>, Problem> {
    let mut bytes = Vec::new();
    decoder.take(MOST_BYTES + 1).read_to_end(&mut bytes).map_err(|error| broken(name, &error))?;
    if bytes.len() as u64 > MOST_BYTES {
        let message =
            format!("the body is over {} MiB when it is unpacked; export in smaller batches", MOST_BYTES >> 20);
        return Err(Problem::new(Code::BodyTooLarge, message));
    }
    Ok(bytes)
}

fn broken(name: &str, error: &io::Error) -> Problem {
    Problem::new(Code::WrongType, format!("the body is not {name}, which `content-encoding` says it is: {error}"))
}

/// In protobuf's JSON a null is a field that is not there.
fn without_nulls(value: &mut Value) {
    match value {
        Value::Object(fields) => {
            fields.retain(|_, value| !value.is_null());
            fields.values_mut().for_each(without_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(without_nulls),
        _ => {}
    }
}

//! Query parameters, with a clear word for those that are unknown or cannot be used.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use domain::time::{DAY, HOUR};
use domain::{Code, Problem, Timestamp};

use crate::error::ApiError;

/// The parameters of one request.
pub(crate) struct Query(Vec<(String, String)>);

impl<S: Sync> FromRequestParts<S> for Query {
    type Rejection = ApiError;
    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let query = parts.uri.query().unwrap_or_default();
        Ok(Query(url::form_urlencoded::parse(query.as_bytes()).into_owned().collect()))
    }
}

impl Query {
    /// Refuses parameters that are not on the list: a misspelt one would change the answer in silence.
    pub(crate) fn only(self, known: &[&str]) -> Result<Self, ApiError> {
        match self.0.iter().find(|(name, _)| !known.contains(&name.as_str()) && !name.starts_with("label.")) {
            Some((name, _)) => Err(ApiError::new(
                Code::InvalidParameter,
                format!("there is no parameter `{}` here; there are {}", clip(name), known.join(", ")),
            )),
            None => Ok(self),
        }
    }

    /// The last value by this name, when it is not empty.
    pub(crate) fn one(&self, name: &str) -> Option<&str> {
        self.0.iter().rev().find(|(known, value)| known == name && !value.is_empty()).map(|(_, value)| value.as_str())
    }

    /// All values by this name, also when they are listed with commas.
    pub(crate) fn all(&self, name: &str) -> Vec<&str> {
        let values = self.0.iter().filter(|(known, _)| known == name).flat_map(|(_, value)| value.split(','));
        values.map(str::trim).filter(|value| !value.is_empty()).collect()
    }

    /// Parameters `label.KEY=VALUE`.
    pub(crate) fn labels(&self) -> Vec<(String, String)> {
        let labels = self.0.iter().filter_map(|(name, value)| Some((name.strip_prefix("label.")?, value)));
        labels.map(|(name, value)| (name.to_owned(), value.clone())).collect()
    }

    /// A whole number within bounds.
    pub(crate) fn number(
        &self,
        name: &str,
        default: usize,
        bounds: std::ops::RangeInclusive<usize>,
    ) -> Result<usize, ApiError> {
        let Some(text) = self.one(name) else { return Ok(default) };
        text.parse().ok().filter(|number| bounds.contains(number)).ok_or_else(|| {
            bad(format!(
                "`{name}` is `{}`; it takes a whole number from {} to {}",
                clip(text),
                bounds.start(),
                bounds.end()
            ))
        })
    }

    /// An instant: RFC 3339, a date (its start in UTC), or a time ago such as `30d`, `12h`.
    pub(crate) fn instant(&self, name: &str, now: Timestamp) -> Result<Option<Timestamp>, ApiError> {
        self.one(name).map(|text| instant(name, text, now)).transpose()
    }
}

/// An instant as parameters carry it.
pub(crate) fn instant(name: &str, text: &str, now: Timestamp) -> Result<Timestamp, ApiError> {
    // A `+` of an offset that was not escaped arrives as a space.
    let spelled = text.replace(' ', "+");
    if let Some(ago) = ago(text) {
        return Ok(now.plus(-ago));
    }
    if text.len() == 10
        && let Ok((start, _)) = Timestamp::parse_assuming_utc(text)
    {
        return Ok(start);
    }
    Timestamp::parse(&spelled).map_err(|error| {
        let code = match error {
            domain::time::TimestampError::WithoutOffset(_) => Code::TimestampWithoutOffset,
            domain::time::TimestampError::Invalid(_) => Code::InvalidParameter,
        };
        Problem::new(
            code,
            format!("`{name}`: {error}; a date such as 2025-01-31 or a time ago such as 30d will do too"),
        )
        .into()
    })
}

fn ago(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        'h' => HOUR,
        'd' => DAY,
        'w' => 7 * DAY,
        _ => return None,
    };
    let number: i64 = text[..text.len() - 1].parse().ok().filter(|number| (0..100_000).contains(number))?;
    Some(number * unit)
}

fn bad(message: String) -> ApiError {
    ApiError::new(Code::InvalidParameter, message)
}

fn clip(text: &str) -> String {
    text.chars().take(64).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn instants_are_written_in_three_ways() {
        let now = Timestamp::parse("2025-02-10T12:00:00Z").unwrap();
        let read = |text: &str| instant("from", text, now).map(|at| at.to_string()).map_err(|_| ());
        assert_eq!(read("2025-01-31").unwrap(), "2025-01-31T00:00:00Z");
        assert_eq!(read("2025-01-31T10:00:00 02:00").unwrap(), "2025-01-31T08:00:00Z");
        assert_eq!(read("10d").unwrap(), "2025-01-31T12:00:00Z");
        assert!(
            read("2025-01-31T10:00:00").is_err() && read("soon").is_err() && read("-1d").is_err() && read("é").is_err()
        );
    }
}

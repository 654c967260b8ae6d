//! What a client may set and ask of its session.

use std::collections::BTreeMap;
use std::time::Duration;

use datafusion_postgres::pgwire::error::PgWireResult;

use super::errors::{self, code};

/// What may become of a setting.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Rule {
    /// Any value is kept, and changes nothing here.
    Kept,
    /// It is what it is: other values are taken with a notice, so that clients that always send theirs can connect.
    Fixed,
    /// It is what it is, and cannot be set.
    Shown,
    /// `search_path`.
    Path,
    /// `statement_timeout`.
    Timeout,
}

/// Name, value at the start, rule.
const SETTINGS: &[(&str, &str, Rule)] = &[
    ("application_name", "", Rule::Kept),
    ("bytea_output", "hex", Rule::Fixed),
    ("client_encoding", "UTF8", Rule::Fixed),
    ("client_min_messages", "notice", Rule::Kept),
    ("datestyle", "ISO, YMD", Rule::Fixed),
    ("default_transaction_isolation", "read committed", Rule::Kept),
    ("default_transaction_read_only", "on", Rule::Fixed),
    ("extra_float_digits", "1", Rule::Kept),
    ("idle_in_transaction_session_timeout", "0", Rule::Kept),
    ("idle_session_timeout", "0", Rule::Kept),
    ("in_hot_standby", "off", Rule::Shown),
    ("integer_datetimes", "on", Rule::Shown),
    ("intervalstyle", "postgres", Rule::Fixed),
    ("is_superuser", "off", Rule::Shown),
    ("jit", "off", Rule::Kept),
    ("lc_collate", "C.UTF-8", Rule::Shown),
    ("lc_ctype", "C.UTF-8", Rule::Shown),
    ("lock_timeout", "0", Rule::Kept),
    ("max_identifier_length", "63", Rule::Shown),
    ("row_security", "on", Rule::Kept),
    ("search_path", "public", Rule::Path),
    ("server_encoding", "UTF8", Rule::Shown),
    ("server_version", "16.6", Rule::Shown),
    ("server_version_num", "160006", Rule::Shown),
    ("session_authorization", "", Rule::Shown),
    ("standard_conforming_strings", "on", Rule::Fixed),
    ("statement_timeout", "0", Rule::Timeout),
    ("synchronize_seqscans", "on", Rule::Kept),
    ("timezone", "UTC", Rule::Fixed),
    ("transaction_isolation", "read committed", Rule::Kept),
    ("transaction_read_only", "on", Rule::Fixed),
];

/// Those a client is told of by itself, as PostgreSQL spells them.
const REPORTED: &[(&str, &str)] = &[
    ("application_name", "application_name"),
    ("client_encoding", "client_encoding"),
    ("datestyle", "DateStyle"),
    ("default_transaction_read_only", "default_transaction_read_only"),
    ("in_hot_standby", "in_hot_standby"),
    ("integer_datetimes", "integer_datetimes"),
    ("intervalstyle", "IntervalStyle"),
    ("is_superuser", "is_superuser"),
    ("search_path", "search_path"),
    ("server_encoding", "server_encoding"),
    ("server_version", "server_version"),
    ("session_authorization", "session_authorization"),
    ("standard_conforming_strings", "standard_conforming_strings"),
    ("timezone", "TimeZone"),
];

/// What came of `SET`.
pub(super) struct Changed {
    /// To be told, when clients are told of it.
    pub(super) report: Option<(String, String)>,
    /// To be said.
    pub(super) notice: Option<String>,
}

/// Settings of one session.
#[derive(Clone, Debug)]
pub(super) struct Variables {
    start: BTreeMap<&'static str, String>,
    now: BTreeMap<&'static str, String>,
}

impl Variables {
    /// Of a session of this user, with these schemas searched.
    pub(super) fn new(user: &str, schema: &str, version: &str, application: &str) -> Self {
        let mut start: BTreeMap<&'static str, String> =
            SETTINGS.iter().map(|(name, value, _)| (*name, (*value).to_owned())).collect();
        start.insert("search_path", schema.to_owned());
        start.insert("session_authorization", user.to_owned());
        start.insert("application_name", application.to_owned());
        start.insert("server_version", format!("16.6 ({version})"));
        Variables { now: start.clone(), start }
    }

    /// What a client is told when it comes in.
    pub(super) fn reported(&self) -> Vec<(String, String)> {
        REPORTED
            .iter()
            .filter_map(|(name, spelled)| Some(((*spelled).to_owned(), self.now.get(name)?.clone())))
            .collect()
    }

    /// All, by name.
    pub(super) fn all(&self) -> &BTreeMap<&'static str, String> {
        &self.now
    }

    /// The value of one.
    pub(super) fn get(&self, name: &str) -> PgWireResult<&str> {
        self.now.get(name).map(String::as_str).ok_or_else(|| unknown(name))
    }

    /// Sets one; no value for the one at the start.
    pub(super) fn set(&mut self, name: &str, value: Option<String>) -> PgWireResult<Changed> {
        let found = SETTINGS.iter().find(|(known, _, _)| *known == name);
        let (name, _, rule) = *found.ok_or_else(|| unknown(name))?;
        let start = self.start.get(name).cloned().unwrap_or_default();
        let value = value.unwrap_or_else(|| start.clone());
        let mut notice = None;
        match rule {
            Rule::Kept => {
                self.now.insert(name, value.chars().take(256).collect());
            }
            Rule::Fixed => {
                if !same(name, &value, &start) {
                    notice = Some(format!("{name} is always {start} here"));
                }
            }
            Rule::Shown => return Err(errors::error(code::FORBIDDEN, format!("{name} cannot be set"))),
            Rule::Path => {
                self.now.insert(name, value.chars().take(256).collect());
            }
            Rule::Timeout => {
                milliseconds(&value)?;
                self.now.insert(name, value);
            }
        }
        let report = REPORTED.iter().find(|(known, _)| *known == name);
        let report = report.and_then(|(known, spelled)| Some(((*spelled).to_owned(), self.now.get(known)?.clone())));
        Ok(Changed { report, notice })
    }

    /// Everything as it was at the start.
    pub(super) fn reset(&mut self) {
        self.now = self.start.clone();
    }

    /// Schemas searched, in order.
    pub(super) fn path(&self) -> Vec<String> {
        let path = self.now.get("search_path").map(String::as_str).unwrap_or_default();
        let names = path.split(',').map(|name| name.trim().trim_matches(['"', '\'']).to_owned());
        names.filter(|name| !name.is_empty() && name != "$user" && name != "pg_catalog").collect()
    }

    /// What the client bounds its statements to; nothing when it does not.
    pub(super) fn timeout(&self) -> Option<Duration> {
        let value = self.now.get("statement_timeout")?;
        milliseconds(value).ok().filter(|limit| !limit.is_zero())
    }
}

fn unknown(name: &str) -> datafusion_postgres::pgwire::error::PgWireError {
    let name: String = name.chars().take(64).collect();
    errors::error(code::OBJECT, format!("unrecognized configuration parameter \"{name}\""))
}

/// Spellings of one value.
fn same(name: &str, value: &str, start: &str) -> bool {
    let plain = |text: &str| text.to_lowercase().replace(['-', '_', ' '], "");
    let (value, start) = (plain(value), plain(start));
    value == start
        || match name {
            "timezone" => ["utc", "etc/utc", "gmt", "etc/gmt", "z", "0", "+00:00", "+0000"].contains(&value.as_str()),
            "datestyle" => value.starts_with("iso"),
            "client_encoding" => ["utf8", "unicode", "unicodefss"].contains(&value.as_str()),
            _ => ["on", "true", "yes", "1"].contains(&value.as_str()) && start == "on",
        }
}

/// PostgreSQL's durations: a number of milliseconds, or with a unit.
fn milliseconds(text: &str) -> PgWireResult<Duration> {
    let text = text.trim();
    let digits = text.len() - text.trim_start_matches(|c: char| c.is_ascii_digit()).len();
    let factor = match text[digits..].trim() {
        "" | "ms" => Some(1),
        "s" => Some(1_000),
        "min" => Some(60_000),
        "h" => Some(3_600_000),
        _ => None,
    };
    let number = text[..digits].parse::<u64>().ok();
    match (number, factor) {
        (Some(number), Some(factor)) => Ok(Duration::from_millis(number.saturating_mul(factor))),
        _ => Err(errors::error(
            code::PARAMETER,
            "statement_timeout takes milliseconds, or a number with ms, s, min or h",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_paths_are_read_as_postgresql_reads_them() {
        let mut variables = Variables::new("me", "public", "test", "");
        for (text, wanted) in [("0", None), ("250", Some(250)), ("2s", Some(2_000)), ("1 min", Some(60_000))] {
            variables.set("statement_timeout", Some(text.to_owned())).unwrap();
            assert_eq!(variables.timeout(), wanted.map(Duration::from_millis), "{text}");
        }
        assert!(variables.set("statement_timeout", Some("soon".to_owned())).is_err());
        variables.set("search_path", Some("\"$user\", examples, public".to_owned())).unwrap();
        assert_eq!(variables.path(), ["examples", "public"]);
        variables.reset();
        assert_eq!((variables.path(), variables.timeout()), (vec!["public".to_owned()], None));
    }

    #[test]
    fn what_is_fixed_stays_and_says_so_and_what_is_unknown_is_refused() {
        let mut variables = Variables::new("me", "public", "test", "");
        assert!(variables.set("timezone", Some("Etc/UTC".to_owned())).unwrap().notice.is_none());
        assert!(variables.set("timezone", Some("Europe/Paris".to_owned())).unwrap().notice.is_some());
        assert_eq!(variables.get("timezone").unwrap(), "UTC");
        for name in ["datafusion.execution.batch_size", "is_superuser", "session_preload_libraries"] {
            assert!(variables.set(name, Some("on".to_owned())).is_err(), "{name}");
        }
    }
}

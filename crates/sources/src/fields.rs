//! Fields of a tool's own that stand for native ones of an incident, as the option `fields` of a source says:
//! `started_at=u_began, version=u_version`.

use domain::{Code, Problem};

use crate::Delivery;
use crate::body::Draft;
use crate::json::clip;
use crate::severity;

/// Header with the option: a page carries it, and a sender that can set headers may too. (Headers that begin with
/// `leadline-` are of pages alone.)
pub(crate) const OPTION: &str = "x-leadline-fields";

/// What the option means, for people.
pub(crate) const DOC: &str = "fields of your own that tell what Leadline asks for, such as `started_at=u_began, version=u_version`; it takes \
     started_at, detected_at, acknowledged_at, mitigated_at, component, product, instance, environment, version, \
     severity, deployment_id, root_cause and postmortem_url";

const INSTANTS: &[&str] = &["started_at", "detected_at", "acknowledged_at", "mitigated_at"];
const NAMES: &[&str] = &[
    "component",
    "product",
    "instance",
    "environment",
    "version",
    "severity",
    "deployment_id",
    "root_cause",
    "postmortem_url",
];

/// Pairs of a native field and the tool's own.
pub(crate) type Fields<'a> = Vec<(&'static str, &'a str)>;

/// Reads the option.
pub(crate) fn read(text: &str) -> Result<Fields<'_>, String> {
    let mut pairs = Vec::new();
    for pair in text.split(',').map(str::trim).filter(|pair| !pair.is_empty()) {
        let (native, own) = pair.split_once('=').map(|(native, own)| (native.trim(), own.trim())).unwrap_or_default();
        let native = INSTANTS.iter().chain(NAMES).find(|known| **known == native);
        let plain = |own: &str| {
            (1..=100).contains(&own.len())
                && own.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.'))
        };
        match native {
            Some(native) if plain(own) => pairs.push((*native, own)),
            _ => return Err(format!("fields: `{}` is no pair; these are {DOC}", clip(pair, 80).escape_debug())),
        }
    }
    Ok(pairs)
}

/// The option a delivery carries.
pub(crate) fn of<'a>(delivery: &Delivery<'a>) -> Result<Fields<'a>, Problem> {
    let given = delivery.headers.iter().find(|(name, _)| name.eq_ignore_ascii_case(OPTION));
    read(given.map_or("", |(_, value)| value)).map_err(|why| Problem::new(Code::UnknownValue, why))
}

/// Tells of each field what the tool has there: an instant as it reads them, or a name.
pub(crate) fn tell<'d>(
    fields: &Fields<'_>,
    mut draft: Draft<'d>,
    instant: impl Fn(&str) -> Result<Option<domain::Timestamp>, Problem>,
    name: impl Fn(&str) -> Option<String>,
) -> Result<Draft<'d>, Problem> {
    for (native, own) in fields {
        draft = if INSTANTS.contains(native) {
            draft.maybe(native, instant(own)?.map(|at| at.to_string()))
        } else if *native == "severity" {
            match name(own) {
                Some(word) => draft.set("severity", severity(&word)).set("severity_original", word),
                None => draft,
            }
        } else {
            draft.maybe(native, name(own))
        };
    }
    Ok(draft)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_are_read_and_anything_else_is_told() {
        assert_eq!(
            read("started_at=u_began, version = u.v ,"),
            Ok(vec![("started_at", "u_began"), ("version", "u.v")])
        );
        assert_eq!(read(""), Ok(Vec::new()));
        for wrong in ["started_at", "began=u_began", "version=", "version=a b", "version=a^b", "=x"] {
            let why = read(wrong).unwrap_err();
            assert!(why.contains(wrong) && why.contains("it takes started_at"), "{why}");
        }
    }
}

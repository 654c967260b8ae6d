//! The functions of programs that are not written in jq. None of them reads a file, the environment or a clock.

use domain::event::image_name;
use domain::time::TimestampError;
use domain::{Timestamp, version};
use jaq_core::native::{Fun, bome, run, unary, v};
use jaq_core::{Bind, RunPtr, ValXs, native};

use super::meter;
use super::program::{Kind, shown};
use super::value::{Error, Val, ValR, read};
use crate::severity;

type Table = Vec<native::Filter<RunPtr<Kind>>>;

/// All of them, with those of the interpreter itself.
pub(super) fn all() -> impl Iterator<Item = Fun<Kind>> {
    jaq_core::funs().chain(texts().into_iter().chain(kinds()).chain(values()).chain(ours()).map(run::<Kind>))
}

fn none() -> Box<[Bind]> {
    v(0)
}

fn text(value: &Val) -> Result<&str, Error> {
    let text = value.as_text().ok_or_else(|| Error::typ(value.clone(), "string"))?;
    meter::steps(1 + text.len() / 64);
    Ok(text)
}

fn texts() -> Table {
    vec![
        ("ascii_downcase", none(), |cv| bome(text(&cv.1).map(|text| Val::text(text.to_ascii_lowercase())))),
        ("ascii_upcase", none(), |cv| bome(text(&cv.1).map(|text| Val::text(text.to_ascii_uppercase())))),
        ("trim", none(), |cv| bome(text(&cv.1).map(|text| Val::text(text.trim())))),
        ("ltrim", none(), |cv| bome(text(&cv.1).map(|text| Val::text(text.trim_start())))),
        ("rtrim", none(), |cv| bome(text(&cv.1).map(|text| Val::text(text.trim_end())))),
        ("startswith", v(1), |cv| unary(cv, |of, with| Ok(Val::Bool(text(&of)?.starts_with(text(&with)?))))),
        ("endswith", v(1), |cv| unary(cv, |of, with| Ok(Val::Bool(text(&of)?.ends_with(text(&with)?))))),
        ("ltrimstr", v(1), |cv| unary(cv, |of, part| Ok(cut(of, &part, |text, part| text.strip_prefix(part))))),
        ("rtrimstr", v(1), |cv| unary(cv, |of, part| Ok(cut(of, &part, |text, part| text.strip_suffix(part))))),
        ("explode", none(), |cv| {
            bome(text(&cv.1).map(|text| text.chars().map(|letter| Val::Int(i64::from(u32::from(letter)))).collect()))
        }),
        ("implode", none(), |cv| bome(implode(&cv.1))),
        ("tojson", none(), |cv| bome(Ok(Val::text(cv.1.to_string())))),
        ("fromjson", none(), |cv| {
            bome(text(&cv.1).and_then(|text| {
                meter::bytes(text.len() * 8);
                read(text.as_bytes()).map_err(|_| Error::str("cannot read this text as JSON"))
            }))
        }),
        ("tonumber", none(), |cv| bome(number(&cv.1))),
    ]
}

fn cut(of: Val, part: &Val, strip: for<'a> fn(&'a str, &str) -> Option<&'a str>) -> Val {
    let cut = of.as_text().zip(part.as_text()).and_then(|(text, part)| strip(text, part)).map(Val::text);
    cut.unwrap_or(of)
}

fn implode(value: &Val) -> ValR {
    let Val::List(list) = value else { return Err(Error::typ(value.clone(), "array")) };
    let letter = |code: &Val| match code {
        Val::Int(code) => u32::try_from(*code).ok().and_then(char::from_u32),
        _ => None,
    };
    meter::bytes(list.items.len() * 4);
    let text: Option<String> = list.items.iter().map(letter).collect();
    text.map(Val::text).ok_or_else(|| Error::str("these are not the numbers of letters"))
}

fn number(value: &Val) -> ValR {
    match value {
        Val::Int(_) | Val::Float(_) => Ok(value.clone()),
        other => {
            let digits = text(other)?.trim();
            let number = digits.parse().map(Val::Int).or_else(|_| digits.parse().map(Val::Float));
            number.map_err(|_| Error::str(format_args!("`{}` is no number", shown(digits))))
        }
    }
}

/// Whether it is of a kind, and it only if it is.
fn kinds() -> Table {
    vec![
        ("isstring", none(), |cv| bome(Ok(Val::Bool(matches!(cv.1, Val::Text(_)))))),
        ("isnumber", none(), |cv| bome(Ok(Val::Bool(cv.1.as_number().is_some())))),
        ("isboolean", none(), |cv| bome(Ok(Val::Bool(matches!(cv.1, Val::Bool(_)))))),
        ("isarray", none(), |cv| bome(Ok(Val::Bool(matches!(cv.1, Val::List(_)))))),
        ("isobject", none(), |cv| bome(Ok(Val::Bool(matches!(cv.1, Val::Map(_)))))),
        ("strings", none(), |cv| only(matches!(cv.1, Val::Text(_)).then_some(cv.1))),
        ("numbers", none(), |cv| only(cv.1.as_number().is_some().then_some(cv.1))),
        ("booleans", none(), |cv| only(matches!(cv.1, Val::Bool(_)).then_some(cv.1))),
        ("arrays", none(), |cv| only(matches!(cv.1, Val::List(_)).then_some(cv.1))),
        ("objects", none(), |cv| only(matches!(cv.1, Val::Map(_)).then_some(cv.1))),
        ("values", none(), |cv| only((!matches!(cv.1, Val::Null)).then_some(cv.1))),
        ("present", none(), |cv| only((!matches!(cv.1, Val::Null) && cv.1.as_text() != Some("")).then_some(cv.1))),
        ("word", none(), |cv| only(word(cv.1))),
        ("name", none(), |cv| {
            only(match cv.1 {
                number @ (Val::Int(_) | Val::Float(_)) => Some(Val::text(number.to_string())),
                other => word(other),
            })
        }),
    ]
}

/// It, or nothing.
fn only<'a>(value: Option<Val>) -> ValXs<'a, Val> {
    Box::new(value.into_iter().map(Ok))
}

/// A text without blanks around it, unless it is blank.
fn word(value: Val) -> Option<Val> {
    let trimmed = value.as_text()?.trim();
    if trimmed.is_empty() {
        return None;
    }
    Some(if trimmed.len() < value.as_text()?.len() { Val::text(trimmed) } else { value })
}

fn values() -> Table {
    vec![
        ("type", none(), |cv| bome(Ok(Val::text(cv.1.kind())))),
        ("length", none(), |cv| {
            bome(match &cv.1 {
                Val::Null => Ok(Val::Int(0)),
                Val::Text(text) => {
                    meter::steps(text.len() / 64);
                    Ok(Val::Int(text.chars().count() as i64))
                }
                Val::List(list) => Ok(Val::Int(list.items.len() as i64)),
                Val::Map(map) => Ok(Val::Int(map.items.len() as i64)),
                Val::Int(number) => Ok(Val::Int(number.saturating_abs())),
                Val::Float(number) => Ok(Val::Float(number.abs())),
                Val::Bool(_) => Err(Error::str("true and false have no length")),
            })
        }),
        ("has", v(1), |cv| unary(cv, |of, key| Ok(Val::Bool(of.at(&key)?.is_some())))),
        ("contains", v(1), |cv| unary(cv, |of, part| Ok(Val::Bool(contains(&of, &part))))),
        ("floor", none(), |cv| bome(rounded(&cv.1, f64::floor))),
        ("round", none(), |cv| bome(rounded(&cv.1, f64::round))),
        ("ceil", none(), |cv| bome(rounded(&cv.1, f64::ceil))),
        ("sort", none(), |cv| {
            bome(items(cv.1).map(|mut items| {
                items.sort();
                Val::list(items)
            }))
        }),
        ("unique", none(), |cv| {
            bome(items(cv.1).map(|mut items| {
                items.sort();
                items.dedup();
                Val::list(items)
            }))
        }),
        ("reverse", none(), |cv| {
            bome(items(cv.1).map(|mut items| {
                items.reverse();
                Val::list(items)
            }))
        }),
    ]
}

fn items(value: Val) -> Result<Vec<Val>, Error> {
    let Val::List(list) = value else { return Err(Error::typ(value, "array")) };
    meter::bytes(list.items.len() * size_of::<Val>());
    Ok(list.items.clone())
}

fn rounded(value: &Val, how: fn(f64) -> f64) -> ValR {
    match value {
        Val::Float(number) => Ok(Val::Int(how(*number) as i64)),
        Val::Int(_) => Ok(value.clone()),
        other => Err(Error::typ(other.clone(), "number")),
    }
}

/// A text in a text, every item of a list in an item, every field of an object in the field of that name.
fn contains(of: &Val, part: &Val) -> bool {
    meter::steps(1);
    match (of, part) {
        (Val::Text(of), Val::Text(part)) => {
            meter::steps(of.len() / 16);
            of.contains(&**part)
        }
        (Val::List(of), Val::List(part)) => part.items.iter().all(|part| of.items.iter().any(|of| contains(of, part))),
        (Val::Map(of), Val::Map(part)) => {
            part.items.iter().all(|(name, part)| of.items.get(name).is_some_and(|of| contains(of, part)))
        }
        _ => of == part,
    }
}

fn ours() -> Table {
    vec![
        ("since_1970", v(1), |cv| unary(cv, |at, a_second| since_1970(&at, &a_second))),
        ("instant", none(), |cv| bome(instant(&cv.1, false))),
        ("instant_utc", none(), |cv| bome(instant(&cv.1, true))),
        ("later", v(1), |cv| unary(cv, |at, millis| later(&at, &millis))),
        ("has_offset", none(), |cv| {
            bome(text(&cv.1).map(|text| Val::Bool(matches!(Timestamp::parse_assuming_utc(text), Ok((_, false))))))
        }),
        ("severity", none(), |cv| {
            bome(Ok(Val::text(match &cv.1 {
                Val::Text(word) => severity(word),
                Val::Int(grade) => severity(&grade.to_string()),
                _ => "unknown",
            })))
        }),
        ("mark", v(1), |mut cv| {
            let kind = cv.0.pop_var();
            let name = match cv.1 {
                number @ (Val::Int(_) | Val::Float(_)) => Some(Val::text(number.to_string())),
                other => word(other),
            };
            let mark = |name: Val| {
                Val::text([kind.as_text().unwrap_or_default(), ":", name.as_text().unwrap_or_default()].concat())
            };
            only(name.map(mark))
        }),
        ("image_name", none(), |cv| bome(text(&cv.1).map(|image| Val::text(image_name(image))))),
        ("is_semver", none(), |cv| bome(text(&cv.1).map(|name| Val::Bool(version::is_semver(name))))),
        ("shown", none(), |cv| {
            bome(Ok(Val::text(match &cv.1 {
                Val::Text(text) => shown(crate::json::clip(text, 64)),
                other => shown(crate::json::clip(&other.to_string(), 64)),
            })))
        }),
    ]
}

/// Null for what tools write where there is no time.
fn unset(text: &str) -> bool {
    text.is_empty() || ["0001-01-01", "0000-", "1970-01-01T00:00:00"].iter().any(|unset| text.starts_with(unset))
}

/// A time in a text, in UTC; null when it is not set.
fn instant(value: &Val, assuming_utc: bool) -> ValR {
    if matches!(value, Val::Null) {
        return Ok(Val::Null);
    }
    let given = text(value)?.trim();
    if unset(given) {
        return Ok(Val::Null);
    }
    // Some write a blank instead of the `T`, and a blank before the offset.
    let read = Timestamp::parse_assuming_utc(given).or_else(|error| {
        let mut parts = given.split(' ');
        let joined = match (parts.next(), parts.next(), parts.next(), parts.next()) {
            (Some(day), Some(time), None, None) => format!("{day}T{time}"),
            (Some(day), Some(time), Some(offset), None) => {
                format!("{day}T{time}{}", if offset == "UTC" { "Z" } else { offset })
            }
            _ => return Err(error),
        };
        Timestamp::parse_assuming_utc(&joined)
    });
    match read {
        Ok((_, true)) if !assuming_utc => {
            Err(coded("timestamp_without_offset", &TimestampError::WithoutOffset(shown(given))))
        }
        Ok((at, _)) => Ok(Val::text(at.to_string())),
        Err(error) => Err(coded("timestamp_invalid", &error)),
    }
}

fn coded(code: &str, message: &impl ToString) -> Error {
    let fields = [("code", Val::text(code)), ("message", Val::text(message.to_string()))];
    Error::new(Val::map(fields.into_iter().map(|(name, value)| (name.into(), value)).collect()))
}

/// A number of parts of a second since 1970, of which `a_second` make one; null when it is not set.
fn since_1970(value: &Val, a_second: &Val) -> ValR {
    let Val::Int(a_second) = a_second else { return Err(Error::typ(a_second.clone(), "integer")) };
    let micros = match value {
        Val::Null => return Ok(Val::Null),
        Val::Text(text) if text.trim().is_empty() => return Ok(Val::Null),
        other => match number(other)? {
            Val::Int(count) => i128::from(count) * 1_000_000 / i128::from((*a_second).max(1)),
            other => (other.as_number().unwrap_or_default() * 1e6 / (*a_second).max(1) as f64) as i128,
        },
    };
    if micros <= 0 {
        return Ok(Val::Null);
    }
    let micros = i64::try_from(micros).map_err(|_| coded("timestamp_invalid", &"a time lies too far in the future"))?;
    Ok(Val::text(Timestamp::from_micros(micros).to_string()))
}

/// A time so many milliseconds after another.
fn later(at: &Val, millis: &Val) -> ValR {
    let (Some(from), Some(millis)) = (at.as_text(), millis.as_number()) else { return Ok(Val::Null) };
    let from = Timestamp::parse(from).map_err(|error| coded("timestamp_invalid", &error))?;
    Ok(Val::text(from.plus((millis * 1_000.0) as i64).to_string()))
}

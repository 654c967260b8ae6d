//! `+ - * / %` and what else makes values.

use std::ops::{Add, Div, Mul, Neg, Range, Rem, Sub};
use std::rc::Rc;

use jaq_core::ops::Math;

use super::{Error, Fields, Val, ValR};
use crate::mapped::meter;

impl From<bool> for Val {
    fn from(value: bool) -> Self {
        Val::Bool(value)
    }
}

impl From<isize> for Val {
    fn from(number: isize) -> Self {
        Val::Int(number as i64)
    }
}

impl From<String> for Val {
    fn from(text: String) -> Self {
        Val::text(text)
    }
}

/// A slice as part of a path.
impl From<Range<Option<Val>>> for Val {
    fn from(range: Range<Option<Val>>) -> Self {
        let ends = [("start", range.start), ("end", range.end)];
        Val::map(ends.into_iter().filter_map(|(name, end)| Some((Rc::from(name), end?))).collect())
    }
}

impl FromIterator<Val> for Val {
    fn from_iter<I: IntoIterator<Item = Val>>(items: I) -> Self {
        let count = |item| {
            meter::bytes(size_of::<Val>());
            item
        };
        Val::list(items.into_iter().map(count).collect())
    }
}

/// Both as they are, or as floating point.
fn numbers(left: &Val, right: &Val, whole: fn(i64, i64) -> Option<i64>, float: fn(f64, f64) -> f64) -> Option<Val> {
    meter::steps(1);
    if let (Val::Int(left), Val::Int(right)) = (left, right)
        && let Some(number) = whole(*left, *right)
    {
        return Some(Val::Int(number));
    }
    Some(Val::Float(float(left.as_number()?, right.as_number()?)))
}

impl Add for Val {
    type Output = ValR;
    fn add(self, other: Self) -> ValR {
        Ok(match (self, other) {
            (Val::Null, value) | (value, Val::Null) => value,
            (Val::Text(left), Val::Text(right)) => {
                meter::bytes(left.len() + right.len());
                Val::text([&*left, &*right].concat())
            }
            (Val::List(left), Val::List(right)) => {
                meter::bytes((left.items.len() + right.items.len()) * size_of::<Val>());
                let mut items = Rc::unwrap_or_clone(left).items;
                items.extend(right.items.iter().cloned());
                Val::list(items)
            }
            (Val::Map(left), Val::Map(right)) => {
                meter::bytes((left.items.len() + right.items.len()) * 64);
                let mut fields = Rc::unwrap_or_clone(left).items;
                fields.extend(right.items.iter().map(|(name, value)| (Rc::clone(name), value.clone())));
                Val::map(fields)
            }
            (left, right) => match numbers(&left, &right, i64::checked_add, |left, right| left + right) {
                Some(sum) => sum,
                None => return Err(Error::math(left, Math::Add, right)),
            },
        })
    }
}

impl Sub for Val {
    type Output = ValR;
    fn sub(self, other: Self) -> ValR {
        match (self, other) {
            (Val::List(left), Val::List(right)) => {
                Ok(left.items.iter().filter(|item| !right.items.contains(item)).cloned().collect())
            }
            (left, right) => numbers(&left, &right, i64::checked_sub, |left, right| left - right)
                .ok_or_else(|| Error::math(left, Math::Sub, right)),
        }
    }
}

impl Mul for Val {
    type Output = ValR;
    fn mul(self, other: Self) -> ValR {
        match (self, other) {
            (Val::Text(text), Val::Int(times)) | (Val::Int(times), Val::Text(text)) => {
                let times = usize::try_from(times).unwrap_or(0);
                meter::bytes(text.len().saturating_mul(times));
                Ok(if times == 0 { Val::Null } else { Val::text(text.repeat(times)) })
            }
            (Val::Map(left), Val::Map(right)) => Ok(Val::map(merged(&left.items, &right.items))),
            (left, right) => numbers(&left, &right, i64::checked_mul, |left, right| left * right)
                .ok_or_else(|| Error::math(left, Math::Mul, right)),
        }
    }
}

/// Objects in both are merged, else what stands at the right counts.
fn merged(left: &Fields, right: &Fields) -> Fields {
    meter::bytes((left.len() + right.len()) * 64);
    let mut fields = left.clone();
    for (name, value) in right {
        let value = match (fields.get(name), value) {
            (Some(Val::Map(left)), Val::Map(right)) => Val::map(merged(&left.items, &right.items)),
            _ => value.clone(),
        };
        fields.insert(Rc::clone(name), value);
    }
    fields
}

impl Div for Val {
    type Output = ValR;
    fn div(self, other: Self) -> ValR {
        match (self, other) {
            (Val::Text(text), Val::Text(between)) => {
                meter::steps(text.len() / 8);
                if between.is_empty() {
                    return Ok(text.chars().map(|letter| Val::text(letter.to_string())).collect());
                }
                Ok(text.split(&*between).filter(|_| !text.is_empty()).map(Val::text).collect())
            }
            (left, right) => {
                let whole =
                    |left: i64, right: i64| left.checked_rem(right).filter(|rest| *rest == 0).map(|_| left / right);
                match (right.as_number(), numbers(&left, &right, whole, |left, right| left / right)) {
                    (Some(divisor), Some(number)) if divisor != 0.0 => Ok(number),
                    _ => Err(Error::math(left, Math::Div, right)),
                }
            }
        }
    }
}

impl Rem for Val {
    type Output = ValR;
    fn rem(self, other: Self) -> ValR {
        match (right_number(&other), numbers(&self, &other, i64::checked_rem, |left, right| left % right)) {
            (true, Some(number)) => Ok(number),
            _ => Err(Error::math(self, Math::Rem, other)),
        }
    }
}

fn right_number(value: &Val) -> bool {
    value.as_number().is_some_and(|number| number != 0.0)
}

impl Neg for Val {
    type Output = ValR;
    fn neg(self) -> ValR {
        Val::Int(0) - self
    }
}

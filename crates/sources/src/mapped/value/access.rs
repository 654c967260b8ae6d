//! `.name`, `.[0]`, `.[]`, and changing what stands there.

use std::ops::Range;
use std::rc::Rc;

use jaq_core::box_iter::{BoxIter, box_once};
use jaq_core::path::Opt;
use jaq_core::{Exn, ValT, ValX};

use super::{Error, Fields, Val, ValR};
use crate::mapped::meter;

/// Where in a list of so many an index from the front or, if negative, from the back is.
fn place(index: i64, length: usize) -> Option<usize> {
    let length = i64::try_from(length).ok()?;
    let place = if index < 0 { index.checked_add(length)? } else { index };
    usize::try_from(place).ok().filter(|_| place < length)
}

/// An end of a slice, within what there is.
fn end(value: Option<&Val>, length: usize, otherwise: usize) -> Result<usize, Error> {
    let index = match value {
        None | Some(Val::Null) => return Ok(otherwise),
        Some(Val::Int(index)) => *index,
        Some(Val::Float(index)) => *index as i64,
        Some(other) => return Err(Error::typ(other.clone(), "integer")),
    };
    let from_front = if index < 0 { index.saturating_add_unsigned(length as u64) } else { index };
    Ok(usize::try_from(from_front).unwrap_or(0).min(length))
}

impl Val {
    /// What stands there, when anything does.
    pub(in crate::mapped) fn at(&self, index: &Val) -> Result<Option<Val>, Error> {
        meter::steps(1);
        match (self, index) {
            (Val::Null, Val::Text(_) | Val::Int(_) | Val::Null) => Ok(None),
            (Val::Map(map), Val::Text(name)) => Ok(map.items.get(&**name).cloned()),
            (Val::List(list), Val::Int(index)) => Ok(place(*index, list.items.len()).map(|at| list.items[at].clone())),
            (Val::List(list), Val::Float(index)) => {
                Ok(place(*index as i64, list.items.len()).map(|at| list.items[at].clone()))
            }
            _ => Err(Error::index(self.clone(), index.clone())),
        }
    }
}

impl ValT for Val {
    fn from_num(number: &str) -> ValR {
        if let Ok(whole) = number.parse() {
            return Ok(Val::Int(whole));
        }
        number.parse().map(Val::Float).map_err(Error::str)
    }

    fn from_map<I: IntoIterator<Item = (Self, Self)>>(items: I) -> ValR {
        let mut fields = Fields::new();
        for (name, value) in items {
            let Val::Text(name) = name else { return Err(Error::typ(name, "the name of a field")) };
            fields.insert(name, value);
        }
        Ok(Val::map(fields))
    }

    fn key_values(self) -> BoxIter<'static, jaq_core::ValR<(Self, Self), Self>> {
        match self {
            Val::List(list) => {
                meter::bytes(list.items.len() * size_of::<Val>());
                let items = Rc::unwrap_or_clone(list).items.into_iter().enumerate();
                Box::new(items.map(|(at, item)| Ok((Val::Int(at as i64), item))))
            }
            Val::Map(map) => {
                meter::bytes(map.items.len() * 64);
                Box::new(Rc::unwrap_or_clone(map).items.into_iter().map(|(name, value)| Ok((Val::Text(name), value))))
            }
            other => box_once(Err(Error::typ(other, "iterable (array or object)"))),
        }
    }

    fn values(self) -> Box<dyn Iterator<Item = ValR>> {
        match self {
            Val::List(list) => {
                meter::bytes(list.items.len() * size_of::<Val>());
                Box::new(Rc::unwrap_or_clone(list).items.into_iter().map(Ok))
            }
            Val::Map(map) => {
                meter::bytes(map.items.len() * 64);
                Box::new(Rc::unwrap_or_clone(map).items.into_values().map(Ok))
            }
            other => Box::new(std::iter::once(Err(Error::typ(other, "iterable (array or object)")))),
        }
    }

    fn index(self, index: &Self) -> ValR {
        self.at(index).map(Option::unwrap_or_default)
    }

    fn range(self, range: Range<Option<&Self>>) -> ValR {
        match self {
            Val::Null => Ok(Val::Null),
            Val::List(list) => {
                let length = list.items.len();
                let (from, to) = (end(range.start, length, 0)?, end(range.end, length, length)?);
                Ok(list.items.get(from..to).unwrap_or_default().iter().cloned().collect())
            }
            Val::Text(text) => {
                meter::steps(text.len() / 16);
                let length = text.chars().count();
                let (from, to) = (end(range.start, length, 0)?, end(range.end, length, length)?);
                Ok(Val::text(text.chars().skip(from).take(to.saturating_sub(from)).collect::<String>()))
            }
            other => Err(Error::typ(other, "rangeable (array or string)")),
        }
    }

    fn map_values<'a, I: Iterator<Item = ValX<'a, Self>>>(self, opt: Opt, f: impl Fn(Self) -> I) -> ValX<'a, Self> {
        match self {
            Val::List(list) => {
                meter::bytes(list.items.len() * size_of::<Val>());
                Rc::unwrap_or_clone(list).items.into_iter().flat_map(f).collect()
            }
            Val::Map(map) => {
                meter::bytes(map.items.len() * 64);
                let fields = Rc::unwrap_or_clone(map).items.into_iter();
                let changed = fields.filter_map(|(name, value)| Some(f(value).next()?.map(|value| (name, value))));
                Ok(Val::map(changed.collect::<Result<_, _>>()?))
            }
            other => opt.fail(other, |other| Exn::from(Error::typ(other, "iterable (array or object)"))),
        }
    }

    fn map_index<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        index: &Self,
        opt: Opt,
        f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        match (self, index) {
            (value @ (Val::Map(_) | Val::Null), Val::Text(name)) => {
                let mut map = if let Val::Map(map) = value { map } else { Rc::default() };
                meter::bytes(if Rc::strong_count(&map) > 1 { map.items.len() * 64 } else { 64 });
                let inner = Rc::make_mut(&mut map);
                let old = inner.items.remove(name).unwrap_or_default();
                if let Some(new) = f(old).next().transpose()? {
                    inner.now_holds(&new);
                    inner.items.insert(Rc::clone(name), new);
                }
                Ok(Val::Map(map))
            }
            (Val::List(mut list), Val::Int(index)) => {
                meter::bytes(list.items.len() * size_of::<Val>());
                let inner = Rc::make_mut(&mut list);
                // What is put right behind the last one is added.
                let length = inner.items.len();
                let at = place(*index, length).or_else(|| usize::try_from(*index).ok().filter(|at| *at == length));
                let Some(at) = at else {
                    let fail = |_| Exn::from(Error::str(format_args!("index {index} out of bounds")));
                    return opt.fail(Val::List(list), fail);
                };
                let old = inner.items.get_mut(at).map(std::mem::take).unwrap_or_default();
                match f(old).next().transpose()? {
                    Some(new) => {
                        inner.now_holds(&new);
                        match inner.items.get_mut(at) {
                            Some(place) => *place = new,
                            None => inner.items.push(new),
                        }
                    }
                    None if at < length => drop(inner.items.remove(at)),
                    None => {}
                }
                Ok(Val::List(list))
            }
            (other, index) => opt.fail(other, |other| Exn::from(Error::index(other, index.clone()))),
        }
    }

    fn map_range<'a, I: Iterator<Item = ValX<'a, Self>>>(
        self,
        _range: Range<Option<&Self>>,
        opt: Opt,
        _f: impl Fn(Self) -> I,
    ) -> ValX<'a, Self> {
        opt.fail(self, |_| Exn::from(Error::str("a slice can be read, not changed")))
    }

    fn as_bool(&self) -> bool {
        !matches!(self, Val::Null | Val::Bool(false))
    }

    fn into_string(self) -> Self {
        match self {
            text @ Val::Text(_) => text,
            other => Val::text(other.to_string()),
        }
    }
}

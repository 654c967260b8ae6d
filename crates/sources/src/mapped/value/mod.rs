//! The values programs work on: JSON, shared instead of copied, and metered.

mod access;
mod math;
mod order;
mod read;
mod write;

use std::collections::BTreeMap;
use std::rc::Rc;

use super::meter::{self, NESTING, Stop};

pub(super) use read::read;

pub(super) type ValR = jaq_core::ValR<Val>;
pub(super) type Error = jaq_core::Error<Val>;
pub(super) type Fields = BTreeMap<Rc<str>, Val>;

/// A JSON value. Whole numbers are kept to the digit where 64 bits hold them: tools count nanoseconds.
#[derive(Clone, Debug, Default)]
pub(super) enum Val {
    #[default]
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(Rc<str>),
    List(Rc<Nested<Vec<Val>>>),
    Map(Rc<Nested<Fields>>),
}

/// What holds other values, and how deep they nest: values cannot nest so deep that comparing, writing or dropping them
/// overflows the stack.
#[derive(Clone, Debug, Default)]
pub(super) struct Nested<T> {
    pub(super) items: T,
    depth: u32,
}

impl<T> Nested<T> {
    fn new<'a>(items: T, values: impl FnOnce(&T) -> Option<u32>) -> Rc<Self>
    where
        T: 'a,
    {
        let depth = 1 + values(&items).unwrap_or(0);
        if depth > NESTING {
            meter::stop(Stop::Nesting);
        }
        Rc::new(Nested { items, depth })
    }

    /// After one of its values was replaced by this one.
    fn now_holds(&mut self, value: &Val) {
        self.depth = self.depth.max(1 + value.depth());
        if self.depth > NESTING {
            meter::stop(Stop::Nesting);
        }
    }
}

impl Val {
    pub(super) fn text(text: impl Into<Rc<str>>) -> Self {
        let text = text.into();
        meter::bytes(16 + text.len());
        Val::Text(text)
    }

    pub(super) fn list(items: Vec<Val>) -> Self {
        meter::bytes(16 + items.len() * size_of::<Val>());
        Val::List(Nested::new(items, |items| items.iter().map(Val::depth).max()))
    }

    pub(super) fn map(fields: Fields) -> Self {
        meter::bytes(32 + fields.len() * 64);
        Val::Map(Nested::new(fields, |fields| fields.values().map(Val::depth).max()))
    }

    fn depth(&self) -> u32 {
        match self {
            Val::List(list) => list.depth,
            Val::Map(map) => map.depth,
            _ => 0,
        }
    }

    pub(super) fn as_text(&self) -> Option<&str> {
        match self {
            Val::Text(text) => Some(text),
            _ => None,
        }
    }

    pub(super) fn as_number(&self) -> Option<f64> {
        match self {
            Val::Int(number) => Some(*number as f64),
            Val::Float(number) => Some(*number),
            _ => None,
        }
    }

    pub(super) fn kind(&self) -> &'static str {
        match self {
            Val::Null => "null",
            Val::Bool(_) => "boolean",
            Val::Int(_) | Val::Float(_) => "number",
            Val::Text(_) => "string",
            Val::List(_) => "array",
            Val::Map(_) => "object",
        }
    }
}

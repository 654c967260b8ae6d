//! The order of values, as jq has it: null, false, true, numbers, texts, lists, objects.

use std::cmp::Ordering;

use super::Val;
use crate::mapped::meter;

impl Val {
    fn rank(&self) -> u8 {
        match self {
            Val::Null => 0,
            Val::Bool(false) => 1,
            Val::Bool(true) => 2,
            Val::Int(_) | Val::Float(_) => 3,
            Val::Text(_) => 4,
            Val::List(_) => 5,
            Val::Map(_) => 6,
        }
    }
}

impl Ord for Val {
    fn cmp(&self, other: &Self) -> Ordering {
        meter::steps(1);
        match (self, other) {
            (Val::Int(left), Val::Int(right)) => left.cmp(right),
            (Val::Text(left), Val::Text(right)) => {
                meter::steps(left.len().min(right.len()) / 64);
                left.cmp(right)
            }
            (Val::List(left), Val::List(right)) => left.items.cmp(&right.items),
            (Val::Map(left), Val::Map(right)) => {
                meter::steps(left.items.len());
                left.items.keys().cmp(right.items.keys()).then_with(|| left.items.values().cmp(right.items.values()))
            }
            _ => match (self.as_number(), other.as_number()) {
                (Some(left), Some(right)) => {
                    left.partial_cmp(&right).unwrap_or_else(|| right.is_nan().cmp(&left.is_nan()))
                }
                _ => self.rank().cmp(&other.rank()),
            },
        }
    }
}

impl PartialOrd for Val {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Val {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Val {}

//! Where rows stand: from the number of a place to its stand in the tree.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::Arc;

use domain::catalogue::Tree;
use metrics::Forest;
use metrics::forest::Names;

use crate::tables::places::Places;

/// By the number of a place.
pub(crate) type ByPlace<T> = HashMap<i64, T, BuildHasherDefault<AsItIs>>;

/// Numbers of places are hashes already.
#[derive(Default)]
pub(crate) struct AsItIs(u64);

impl Hasher for AsItIs {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_i64(&mut self, number: i64) {
        self.0 = number.cast_unsigned();
    }
}

/// The tree with what rows name, made once for both.
pub(crate) struct Grounds {
    pub(crate) forest: Forest,
    pub(crate) by_place: ByPlace<u32>,
    tree: Arc<Tree>,
    places: Arc<Places>,
}

impl Grounds {
    pub(crate) fn new(tree: &Arc<Tree>, places: &Arc<Places>) -> Self {
        let names: Vec<Names<'_>> = places.rows.iter().map(|row| row.names()).collect();
        let (forest, stands) = Forest::new(tree, &names);
        let by_place = places.numbers().map(|(number, index)| (number, stands[index] as u32)).collect();
        Grounds { forest, by_place, tree: tree.clone(), places: places.clone() }
    }

    /// Whether it is of these.
    pub(crate) fn of(&self, tree: &Arc<Tree>, places: &Arc<Places>) -> bool {
        Arc::ptr_eq(&self.tree, tree) && Arc::ptr_eq(&self.places, places)
    }
}

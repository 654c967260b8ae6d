//! `places`: one row a product, component and instance that any row names. Rows of the other tables name theirs by
//! number, so that they are counted by one number and not by three names.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::datatypes::Int64Type;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use sha2::{Digest, Sha256};

use super::{Column, Table, count, lent, text};

/// The names behind a number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Row {
    pub(crate) product: Option<Arc<str>>,
    pub(crate) component: Option<Arc<str>>,
    pub(crate) instance: Option<Arc<str>>,
}

pub(crate) fn table() -> Table<Row> {
    Table::new(
        "places",
        "One product, component and instance that any row of the other tables names.",
        "",
        vec![
            count(
                "place",
                "Its number: 64 bits of a hash of the three names, the same everywhere and for ever.",
                |row: &Row| Some(row.number()),
            ),
            text("product", "Product.", |row: &Row| row.product.as_deref().and_then(lent)),
            text("component", "Component by its full name; NULL for rows that name none.", |row: &Row| {
                row.component.as_deref().and_then(lent)
            }),
            text("instance", "Instance of the component; NULL for rows that name none.", |row: &Row| {
                row.instance.as_deref().and_then(lent)
            }),
        ],
    )
}

/// The number of a row's place, as a column of its table.
pub(crate) fn place<R>(names: impl for<'r> Fn(&'r R) -> [Option<&'r str>; 3] + Send + Sync + 'static) -> Column<R> {
    count("place", "Number of its product, component and instance in `places`.", move |row: &R| {
        Some(number(names(row)))
    })
}

/// The number of three names. It follows from them alone: nothing has to be agreed on by those who write.
pub(crate) fn number(names: [Option<&str>; 3]) -> i64 {
    let mut hasher = Sha256::new();
    for name in names {
        match name {
            None => hasher.update([0]),
            Some(name) => {
                hasher.update([1]);
                hasher.update((name.len() as u64).to_le_bytes());
                hasher.update(name.as_bytes());
            }
        }
    }
    let whole = hasher.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&whole[..8]);
    i64::from_le_bytes(first)
}

impl Row {
    pub(crate) fn new(names: [Option<&str>; 3]) -> Self {
        let [product, component, instance] = names.map(|name| name.map(Arc::from));
        Row { product, component, instance }
    }

    pub(crate) fn names(&self) -> [Option<&str>; 3] {
        [self.product.as_deref(), self.component.as_deref(), self.instance.as_deref()]
    }

    fn number(&self) -> i64 {
        number(self.names())
    }
}

/// All that are known, in the order in which they became so.
#[derive(Clone, Debug, Default)]
pub(crate) struct Places {
    pub(crate) rows: Vec<Row>,
    by_number: HashMap<i64, usize>,
}

impl Places {
    /// Adds one that is new; whether it was.
    ///
    /// # Errors
    /// Two different places have the same number, which happens once in many lifetimes: counting one as the other would
    /// be worse than stopping.
    pub(crate) fn add(&mut self, names: [Option<&str>; 3]) -> Result<bool> {
        let number = number(names);
        match self.by_number.get(&number).and_then(|index| self.rows.get(*index)) {
            Some(known) if known.names() == names => Ok(false),
            Some(known) => Err(DataFusionError::Internal(format!(
                "{known:?} and {names:?} have the same number; give the component or instance another name"
            ))),
            None => {
                self.by_number.insert(number, self.rows.len());
                self.rows.push(Row::new(names));
                Ok(true)
            }
        }
    }

    /// Their numbers, each with where its place stands in `rows`.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = (i64, usize)> + '_ {
        self.by_number.iter().map(|(number, index)| (*number, *index))
    }

    /// Whether it is one of them.
    pub(crate) fn knows(&self, place: &Row) -> bool {
        let known = self.by_number.get(&place.number()).and_then(|index| self.rows.get(*index));
        known.is_some_and(|known| known == place)
    }

    /// Adds those of a file.
    pub(crate) fn read(&mut self, batch: &RecordBatch) -> Result<()> {
        let column = |name: &str| {
            let found = batch.column_by_name(name);
            found.ok_or_else(|| DataFusionError::Internal(format!("a file of places without the column {name}")))
        };
        let (numbers, products) = (column("place")?.as_primitive::<Int64Type>(), column("product")?.as_string::<i32>());
        let (components, instances) = (column("component")?.as_string::<i32>(), column("instance")?.as_string::<i32>());
        for row in 0..batch.num_rows() {
            let names = [products, components, instances].map(|names| names.is_valid(row).then(|| names.value(row)));
            if number(names) != numbers.value(row) {
                return Err(DataFusionError::Internal("a place with a number that is not its own".to_owned()));
            }
            self.add(names)?;
        }
        Ok(())
    }
}

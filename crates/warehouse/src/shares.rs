//! How many rows each product has. By that a question that would hold too many of them in memory is asked in parts.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::{DataType, Int64Type};
use datafusion::error::Result;
use datafusion::execution::context::SessionContext;
use domain::Timestamp;
use domain::time::Month;
use metrics::literal::instant;

use crate::engine::{self, Columns};
use crate::snapshot::TableData;

/// Tables and months for which they are kept.
const KEPT: usize = 16;

/// Rows of each product, under no name those of none.
pub(crate) type Share = BTreeMap<String, usize>;

/// What was counted last, with the sealed files it was counted in: as long as these are the same, what came since
/// changes little.
#[derive(Default)]
pub(crate) struct Shares(Mutex<HashMap<(&'static str, Month), Counted>>);

struct Counted {
    files: Vec<Arc<str>>,
    rows: Arc<Share>,
}

impl Shares {
    fn kept(&self) -> MutexGuard<'_, HashMap<(&'static str, Month), Counted>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Rows of a table from the month of an instant on; about as many, when events came after they were counted.
    pub(crate) async fn of(&self, session: &SessionContext, data: &TableData, since: Timestamp) -> Result<Arc<Share>> {
        let (table, month) = (data.shape.name, Month::of(since));
        let files: Vec<Arc<str>> = data.base.iter().map(|file| file.path.clone()).collect();
        if let Some(known) = self.kept().get(&(table, month)).filter(|known| known.files == files) {
            return Ok(known.rows.clone());
        }
        let sql = format!(
            "SELECT product, count(*) AS n FROM {table} WHERE {} >= {} GROUP BY product",
            data.shape.at,
            instant(month.start())
        );
        let mut rows = Share::new();
        for batch in engine::run(session, &sql).await? {
            let columns = Columns(&batch);
            let (products, counts) = (columns.cast("product", &DataType::Utf8)?, columns.cast("n", &DataType::Int64)?);
            for (product, n) in products.as_string::<i32>().iter().zip(counts.as_primitive::<Int64Type>()) {
                *rows.entry(product.unwrap_or_default().to_owned()).or_default() += n.unwrap_or(0) as usize;
            }
        }
        let rows = Arc::new(rows);
        let mut kept = self.kept();
        if kept.len() >= KEPT {
            kept.clear();
        }
        kept.insert((table, month), Counted { files, rows: rows.clone() });
        Ok(rows)
    }
}

/// The products with which parts of at most so many rows begin, but for the first, which begins with the first product. A
/// product with more is a part of its own.
pub(crate) fn cuts(rows: &Share, at_once: usize) -> Vec<&str> {
    let mut cuts = Vec::new();
    let mut so_far = 0;
    for (product, n) in rows {
        if so_far > 0 && so_far + n > at_once {
            cuts.push(product.as_str());
            so_far = 0;
        }
        so_far += n;
    }
    cuts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_are_as_long_as_they_may_be_and_a_product_is_in_one() {
        let rows = |of: &[(&str, usize)]| of.iter().map(|(name, n)| ((*name).to_owned(), *n)).collect::<Share>();
        assert!(cuts(&rows(&[]), 5).is_empty());
        assert!(cuts(&rows(&[("", 9)]), 5).is_empty());
        assert_eq!(cuts(&rows(&[("a", 2), ("b", 3), ("c", 1), ("d", 20), ("e", 0), ("f", 1)]), 5), ["c", "d", "e"]);
    }
}

//! Several questions answered from one snapshot, side by side.

use std::collections::BTreeMap;

use domain::Problem;
use metrics::Question;
use metrics::comparison::{Column, columns};

use crate::warehouse::{Asking, Known, Warehouse};

impl Warehouse {
    /// One column a question, each against the first. All are answered from the same facts; their definition and metrics
    /// are those of the first.
    ///
    /// # Errors
    /// As [`Warehouse::answer`].
    pub async fn compare(&self, questions: &[Question]) -> Result<Vec<Column>, Problem> {
        let (snapshot, session) = self.pinned()?;
        let mut answered = Vec::new();
        for question in questions {
            question.check()?;
            let asking = Asking { session: &session, tree: &snapshot.tree, question };
            let (mut known, mut values) = (Known::new(), BTreeMap::new());
            for metric in &question.metrics {
                values.insert(*metric, asking.rolled(*metric, question.window, &mut known).await?);
            }
            answered.push((question, values));
        }
        Ok(columns(&answered))
    }
}

//! Several questions answered from one snapshot, side by side.

use domain::Problem;
use metrics::Question;
use metrics::comparison::{Column, columns};

use crate::asking::{Asking, Detail};
use crate::warehouse::Warehouse;

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
            let asking = Asking::new(self, &session, &snapshot, question);
            let rolled = asking.rolled(&question.metrics, question.window, Detail::Values).await?;
            answered.extend(rolled.into_iter().map(|rolled| (question, rolled)));
        }
        Ok(columns(&answered))
    }
}

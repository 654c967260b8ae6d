//! One number taken apart: the rule in words, its SQL, the rows used and left out.

use std::collections::BTreeMap;

use domain::Problem;
use domain::metric::{Metric, Reason};
use metrics::words::{part_sentence, sentence};
use metrics::{DefinitionRef, Question, query};
use serde::Serialize;
use serde_json::{Map, Value};

use crate::engine::{self, problem};
use crate::json;
use crate::warehouse::Warehouse;

/// Which rows of an explanation to show: of those used and of each reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// How many, at most 1,000.
    pub limit: usize,
    /// How many to skip.
    pub offset: usize,
}

impl Default for Page {
    fn default() -> Self {
        Page { limit: 50, offset: 0 }
    }
}

/// A number taken apart.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Explanation {
    /// The node.
    pub node: String,
    /// The metric.
    pub metric: Metric,
    /// The definition.
    pub definition: DefinitionRef,
    /// The definition in words.
    pub sentence: String,
    /// The statement whose rows are the whole population.
    pub sql: String,
    /// The statement that gives the value at levels that take it from their rows.
    pub value_sql: String,
    /// Rows of the population.
    pub population: u64,
    /// Rows used.
    pub used: u64,
    /// Rows left out, by reason.
    pub excluded: BTreeMap<Reason, u64>,
    /// A page of the rows used, newest first.
    pub rows: Vec<Map<String, Value>>,
    /// A page of the rows left out for each reason, newest first.
    pub left_out: Vec<Left>,
}

/// Rows left out for one reason.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Left {
    /// The reason.
    pub reason: Reason,
    /// What it means and what to do.
    pub text: &'static str,
    /// How many rows.
    pub n: u64,
    /// A page of them.
    pub rows: Vec<Map<String, Value>>,
}

impl Warehouse {
    /// Takes one metric of a question apart. The question's buckets and comparison do not matter.
    ///
    /// # Errors
    /// As [`Warehouse::answer`].
    pub async fn explain(&self, question: &Question, metric: Metric, page: Page) -> Result<Explanation, Problem> {
        question.check()?;
        let question = &Question { bucket: None, ..question.clone() };
        let (_snapshot, session) = self.pinned()?;
        let run = async |sql: &str| engine::run(&session, sql).await.map_err(|error| problem(&error));
        let limit = page.limit.min(1_000);
        let page_of = async |reason| {
            let batches = run(&query::rows(question, metric, reason, limit, page.offset)).await?;
            json::rows(&batches).map_err(|error| problem(&error))
        };
        let totals = engine::totals(&run(&query::totals(question, metric)).await?).map_err(|error| problem(&error))?;
        let mut left_out = Vec::new();
        let mut used = 0;
        for (reason, n) in totals {
            match reason {
                None => used = n,
                Some(reason) => {
                    left_out.push(Left { reason, text: reason.doc(), n, rows: page_of(Some(reason)).await? })
                }
            }
        }
        let excluded: BTreeMap<Reason, u64> = left_out.iter().map(|left| (left.reason, left.n)).collect();
        Ok(Explanation {
            node: question.node.to_ref().to_string(),
            metric,
            definition: DefinitionRef::from(&question.definition),
            sentence: match question.part {
                Some(part) => part_sentence(metric, part, &question.definition),
                None => sentence(metric, &question.definition),
            },
            sql: metrics::population::population(question, metric, question.window),
            value_sql: query::value(question, metric),
            population: used + excluded.values().sum::<u64>(),
            used,
            excluded,
            rows: if used > 0 { page_of(None).await? } else { Vec::new() },
            left_out,
        })
    }
}

//! Which components run where, and which products anything was told of: what the tree is built from.

use domain::Problem;
use domain::catalogue::ComponentId;
use serde_json::{Map, Value};

use crate::engine::{self, problem};
use crate::{Warehouse, json};

/// What facts show of the tree.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Places {
    /// Components with each instance they were deployed to; none for those only incidents and the like name.
    pub components: Vec<(ComponentId, Option<String>)>,
    /// Products.
    pub products: Vec<String>,
}

impl Warehouse {
    /// Reads them from the present snapshot.
    ///
    /// # Errors
    /// `internal` when a statement fails.
    pub async fn places(&self) -> Result<Places, Problem> {
        let (_snapshot, session) = self.pinned()?;
        let mut places = Places::default();
        let components = "SELECT DISTINCT component, instance FROM deployments \
            UNION SELECT DISTINCT component, CAST(NULL AS VARCHAR) FROM incidents WHERE component IS NOT NULL";
        for row in rows(&session, components).await? {
            if let Some(component) = word(&row, "component").as_deref().and_then(ComponentId::parse) {
                places.components.push((component, word(&row, "instance")));
            }
        }
        let products = "SELECT DISTINCT product FROM incidents \
            UNION SELECT DISTINCT product FROM canary_analyses UNION SELECT DISTINCT product FROM pipeline_runs \
            UNION SELECT DISTINCT product FROM slo_samples UNION SELECT DISTINCT product FROM flag_changes";
        let named = rows(&session, products).await?.into_iter().filter_map(|row| word(&row, "product"));
        places.products.extend(named.filter(|product| !product.is_empty()));
        Ok(places)
    }
}

async fn rows(session: &datafusion::prelude::SessionContext, sql: &str) -> Result<Vec<Map<String, Value>>, Problem> {
    let batches = engine::run(session, sql).await.map_err(|error| problem(&error))?;
    json::rows(&batches).map_err(|error| problem(&error))
}

fn word(row: &Map<String, Value>, name: &str) -> Option<String> {
    row.get(name)?.as_str().map(str::to_owned)
}

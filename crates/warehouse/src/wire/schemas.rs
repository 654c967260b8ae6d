//! What a statement finds under which name: the tables of one snapshot, the documented views, PostgreSQL's own catalogue.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use datafusion::arrow::datatypes::SchemaRef;
use datafusion::catalog::{CatalogProvider, CatalogProviderList, SchemaProvider, TableProvider};
use datafusion::common::Result;
use datafusion::datasource::{TableType, ViewTable};
use datafusion::execution::SessionState;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::catalog_info::CatalogInfo;

use crate::views::View;

/// One database and its schemas.
#[derive(Debug)]
pub(super) struct Database {
    pub(super) name: String,
    pub(super) schemas: BTreeMap<String, Arc<dyn SchemaProvider>>,
}

impl CatalogProvider for Database {
    fn schema_names(&self) -> Vec<String> {
        self.schemas.keys().cloned().collect()
    }

    fn schema(&self, name: &str) -> Option<Arc<dyn SchemaProvider>> {
        self.schemas.get(name).cloned()
    }
}

/// The list with this one database.
#[derive(Debug)]
pub(super) struct Only(pub(super) Arc<Database>);

impl CatalogProviderList for Only {
    fn register_catalog(&self, _: String, _: Arc<dyn CatalogProvider>) -> Option<Arc<dyn CatalogProvider>> {
        None
    }

    fn catalog_names(&self) -> Vec<String> {
        vec![self.0.name.clone()]
    }

    fn catalog(&self, name: &str) -> Option<Arc<dyn CatalogProvider>> {
        let own: Arc<dyn CatalogProvider> = self.0.clone();
        (name == self.0.name).then_some(own)
    }
}

/// Tables, and views that are planned when they are asked for.
pub(super) struct Schema {
    pub(super) tables: Option<Arc<dyn SchemaProvider>>,
    pub(super) views: Vec<&'static View>,
    /// Sees the tables alone, as the first schema: views are written for it.
    pub(super) planner: Option<Arc<SessionState>>,
    /// Where names are looked for that are not here, as `search_path` says.
    pub(super) then: Vec<Arc<dyn SchemaProvider>>,
}

impl fmt::Debug for Schema {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Schema").field("tables", &self.tables).finish_non_exhaustive()
    }
}

#[async_trait]
impl SchemaProvider for Schema {
    fn table_names(&self) -> Vec<String> {
        let views = self.views.iter().map(|view| view.name.to_owned());
        self.tables.iter().flat_map(|tables| tables.table_names()).chain(views).collect()
    }

    async fn table(&self, name: &str) -> Result<Option<Arc<dyn TableProvider>>> {
        if let Some(tables) = &self.tables
            && let Some(found) = tables.table(name).await?
        {
            return Ok(Some(found));
        }
        if let (Some(view), Some(planner)) = (self.views.iter().find(|view| view.name == name), &self.planner) {
            let plan = planner.create_logical_plan(&view.sql()).await?;
            return Ok(Some(Arc::new(ViewTable::new(plan, Some(view.sql())))));
        }
        for schema in &self.then {
            if let Some(found) = schema.table(name).await? {
                return Ok(Some(found));
            }
        }
        Ok(None)
    }

    async fn table_type(&self, name: &str) -> Result<Option<TableType>> {
        if self.views.iter().any(|view| view.name == name) {
            return Ok(Some(TableType::View));
        }
        match &self.tables {
            Some(tables) => tables.table_type(name).await,
            None => Ok(None),
        }
    }

    fn table_exist(&self, name: &str) -> bool {
        self.views.iter().any(|view| view.name == name)
            || self.tables.as_ref().is_some_and(|tables| tables.table_exist(name))
            || self.then.iter().any(|schema| schema.table_exist(name))
    }
}

/// Columns and kind of each table of a schema.
type Tables = BTreeMap<String, (SchemaRef, TableType)>;

/// Columns of every table and view, which no snapshot changes. PostgreSQL's catalogue is made from these once, so that an
/// object keeps its number from one statement to the next: clients ask for it in one and use it in another.
#[derive(Clone, Debug)]
pub(super) struct Shapes {
    database: &'static str,
    schemas: Arc<BTreeMap<String, Tables>>,
}

impl Shapes {
    /// Reads them off a database.
    pub(super) async fn of(database: &'static str, seen: &Database) -> Result<Self> {
        let mut schemas = BTreeMap::new();
        for (name, schema) in &seen.schemas {
            let mut tables = BTreeMap::new();
            for table in schema.table_names() {
                if let Some(found) = schema.table(&table).await? {
                    tables.insert(table, (found.schema(), found.table_type()));
                }
            }
            schemas.insert(name.clone(), tables);
        }
        Ok(Shapes { database, schemas: Arc::new(schemas) })
    }

    fn table(&self, database: &str, schema: &str, table: &str) -> Option<&(SchemaRef, TableType)> {
        if database != self.database {
            return None;
        }
        self.schemas.get(schema)?.get(table)
    }
}

#[async_trait]
impl CatalogInfo for Shapes {
    async fn catalog_names(&self) -> Result<Vec<String>> {
        Ok(vec![self.database.to_owned()])
    }

    async fn schema_names(&self, database: &str) -> Result<Option<Vec<String>>> {
        Ok((database == self.database).then(|| self.schemas.keys().cloned().collect()))
    }

    async fn table_names(&self, database: &str, schema: &str) -> Result<Option<Vec<String>>> {
        let own = (database == self.database).then(|| self.schemas.get(schema)).flatten();
        Ok(own.map(|tables| tables.keys().cloned().collect()))
    }

    async fn table_schema(&self, database: &str, schema: &str, table: &str) -> Result<Option<SchemaRef>> {
        Ok(self.table(database, schema, table).map(|(columns, _)| columns.clone()))
    }

    async fn table_type(&self, database: &str, schema: &str, table: &str) -> Result<Option<TableType>> {
        Ok(self.table(database, schema, table).map(|(_, kind)| *kind))
    }
}

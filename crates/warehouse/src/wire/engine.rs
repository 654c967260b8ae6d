//! Sessions of the engine: one a statement, over the snapshot pinned when the statement began, with memory of its own.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use datafusion::catalog::SchemaProvider;
use datafusion::common::config::Dialect;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::context::{SQLOptions, SessionConfig, SessionContext};
use datafusion::execution::runtime_env::RuntimeEnvBuilder;
use datafusion::execution::{FunctionRegistry, SessionState, SessionStateBuilder};
use datafusion::logical_expr::LogicalPlan;
use datafusion::sql::parser::Statement as Parsed;
use datafusion::sql::sqlparser::ast::Statement;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::context::EmptyContextProvider;
use datafusion_postgres::datafusion_pg_catalog::pg_catalog::{PgCatalogSchemaProvider, PgCatalogStaticTables};
use datafusion_postgres::datafusion_pg_catalog::setup_pg_catalog;

use super::pool::Bounded;
use super::postgres;
use super::schemas::{Database, Only, Schema, Shapes};
use super::session::{DATABASES, Session};
use crate::{Warehouse, functions, views};

/// The schema of the warehouse's own tables.
const TABLES: &str = "public";
/// PostgreSQL's own.
const CATALOGUE: &str = "pg_catalog";

/// What all sessions are made from.
pub(super) struct Engine {
    template: SessionState,
    /// PostgreSQL's catalogue of each database.
    catalogues: HashMap<&'static str, Arc<dyn SchemaProvider>>,
    max_memory_bytes: usize,
}

impl Engine {
    pub(super) async fn new(warehouse: &Warehouse, max_memory_bytes: usize) -> Result<Self> {
        let mut config = SessionConfig::new()
            .with_target_partitions(2)
            .with_information_schema(true)
            .with_default_catalog_and_schema(DATABASES[0].0, TABLES);
        let options = config.options_mut();
        options.sql_parser.dialect = Dialect::PostgreSQL;
        // PostgreSQL's literals with a point are `numeric`.
        options.sql_parser.parse_float_as_decimal = true;
        options.sql_parser.map_string_types_to_utf8view = false;
        let context = SessionContext::new_with_config_rt(config, warehouse.runtime());
        functions::register(&context);
        setup_pg_catalog(&context, DATABASES[0].0, EmptyContextProvider).map_err(|error| *error)?;
        postgres::register(&context);
        let mut engine = Engine { template: context.state(), catalogues: HashMap::new(), max_memory_bytes };
        let fixed = Arc::new(PgCatalogStaticTables::try_new()?);
        let (_snapshot, pinned) = warehouse.pinned().map_err(|error| DataFusionError::External(Box::new(error)))?;
        for (name, schema) in DATABASES {
            let seen = engine.database(&pinned, name, &[schema.to_owned()])?;
            let own = Shapes::of(name, &seen).await?;
            let first = PgCatalogSchemaProvider::try_new(own, fixed.clone(), EmptyContextProvider)?;
            let mut schemas = seen.schemas.clone();
            schemas.insert(CATALOGUE.to_owned(), Arc::new(first));
            // It lists itself too: clients look types and tables up in it by number.
            let all = Shapes::of(name, &Database { name: name.to_owned(), schemas }).await?;
            let whole = PgCatalogSchemaProvider::try_new(all, fixed.clone(), EmptyContextProvider)?;
            engine.catalogues.insert(name, Arc::new(whole));
        }
        Ok(engine)
    }

    /// A session for one statement.
    pub(super) fn session(&self, pinned: &SessionContext, session: &Session) -> Result<SessionState> {
        let variables = session.variables().clone();
        let path = variables.path();
        let first = path.first().cloned().unwrap_or_else(|| TABLES.to_owned());
        let database = self.database(pinned, session.database, &path)?;
        let shared = self.template.runtime_env();
        let pool = Bounded::new(shared.memory_pool.clone(), self.max_memory_bytes);
        let runtime = RuntimeEnvBuilder::from_runtime_env(shared).with_memory_pool(Arc::new(pool)).build_arc()?;
        let mut template = self.template.clone();
        template.register_catalog_list(Arc::new(Only(Arc::new(database))));
        let catalogue = &mut template.config_mut().options_mut().catalog;
        catalogue.default_catalog = session.database.to_owned();
        catalogue.default_schema = first;
        let mut state = SessionStateBuilder::new_from_existing(template).with_runtime_env(runtime).build();
        for function in postgres::of_session(session, &variables) {
            state.register_udf(Arc::new(function))?;
        }
        Ok(state)
    }

    fn database(&self, pinned: &SessionContext, name: &'static str, path: &[String]) -> Result<Database> {
        let tables = pinned
            .catalog("datafusion")
            .and_then(|catalogue| catalogue.schema(TABLES))
            .ok_or_else(|| DataFusionError::Internal("the snapshot has no tables".to_owned()))?;
        let planner = Arc::new(self.planner(tables.clone()));
        let schema = |name: &str, then| -> Arc<dyn SchemaProvider> {
            Arc::new(Schema {
                tables: (name == TABLES).then(|| tables.clone()),
                views: views::of(name),
                planner: Some(planner.clone()),
                then,
            })
        };
        let mut schemas: BTreeMap<String, Arc<dyn SchemaProvider>> =
            views::SCHEMAS.iter().map(|(name, _)| ((*name).to_owned(), schema(name, Vec::new()))).collect();
        if let Some((first, rest)) = path.split_first() {
            let then: Vec<_> = rest.iter().filter_map(|name| schemas.get(name).cloned()).collect();
            if !then.is_empty() || !schemas.contains_key(first) {
                schemas.insert(first.clone(), schema(first, then));
            }
        }
        if let Some(catalogue) = self.catalogues.get(name) {
            schemas.insert(CATALOGUE.to_owned(), catalogue.clone());
        }
        Ok(Database { name: name.to_owned(), schemas })
    }

    /// Plans views: it sees the tables and nothing else.
    fn planner(&self, tables: Arc<dyn SchemaProvider>) -> SessionState {
        let mut planner = self.template.clone();
        let schemas = BTreeMap::from([(TABLES.to_owned(), tables)]);
        let only = Database { name: DATABASES[0].0.to_owned(), schemas };
        planner.register_catalog_list(Arc::new(Only(Arc::new(only))));
        planner
    }
}

/// Plans a statement that was allowed, and refuses it a second time when its plan does more than read.
pub(super) async fn plan(state: &SessionState, statement: Statement) -> Result<LogicalPlan> {
    let plan = state.statement_to_plan(Parsed::Statement(Box::new(statement))).await?;
    let options = SQLOptions::new().with_allow_ddl(false).with_allow_dml(false).with_allow_statements(false);
    options.verify_plan(&plan)?;
    Ok(plan)
}

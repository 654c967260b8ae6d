//! A table of a snapshot as DataFusion sees it: own columns, then the dimensions that follow the tree. Buckets whose
//! product, place in the tree or time a filter rules out are not read.

use std::future::Future;
use std::hash::{Hash, Hasher};
use std::pin::Pin;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringArray, StringBuilder};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{Column, DFSchema, Result, ScalarValue};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{
    BinaryExpr, ColumnarValue, Expr, Operator, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
    TableProviderFilterPushDown, TableType, Volatility, in_list, lit,
};
use datafusion::physical_expr::expressions::col;
use datafusion::physical_expr::{PhysicalExpr, ScalarFunctionExpr};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::union::UnionExec;
use domain::catalogue::{ComponentId, Labels, Tree, UNASSIGNED};

use crate::lake::{Predicate, halves, scan};
use crate::snapshot::{Bucket, TableData};
use crate::tables::DIMENSIONS;

/// Rows a batch: DataFusion's own size.
const BATCH: usize = 8_192;
/// Under this many rows a second partition costs more than it brings.
pub(crate) const SPLIT: usize = 50_000;

#[derive(Debug)]
pub(crate) struct Provider {
    data: Arc<TableData>,
    tree: Arc<Tree>,
    schema: SchemaRef,
    runtime: Arc<RuntimeEnv>,
}

impl Provider {
    pub(crate) fn new(data: Arc<TableData>, tree: Arc<Tree>, runtime: Arc<RuntimeEnv>) -> Self {
        let own = data.shape.schema.fields().iter().map(|field| field.as_ref().clone());
        let dimensions = DIMENSIONS.iter().map(|(name, _)| Field::new(*name, DataType::Utf8, true));
        let schema = Arc::new(Schema::new(own.chain(dimensions).collect::<Vec<_>>()));
        Provider { data, tree, schema, runtime }
    }

    /// The sealed rows: files no filter rules out, with the dimensions asked for beside them. None when there are none.
    fn sealed(
        &self,
        state: &dyn Session,
        schema: &SchemaRef,
        projection: &[usize],
        filters: &[Expr],
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let shape = &self.data.shape;
        let files = self.data.base.iter();
        let files: Vec<_> =
            files.filter(|file| filters.iter().all(|filter| in_time(filter, shape.at, file.span))).cloned().collect();
        if files.is_empty() {
            return Ok(None);
        }
        let own = shape.schema.fields().len();
        // Dimensions follow from what the row names: that is read for them.
        let mut read: Vec<usize> = projection.iter().copied().filter(|index| *index < own).collect();
        for index in projection.iter().filter(|index| **index >= own) {
            for name in dimension_of(*index - own) {
                let index = shape.schema.index_of(name)?;
                if !read.contains(&index) {
                    read.push(index);
                }
            }
        }
        let predicate = self.predicate(state, filters)?;
        let groups = halves(files);
        let predicate =
            predicate.map(|all| Predicate { all, picks: state.config_options().execution.parquet.pushdown_filters });
        let scanned = scan(shape, &groups, &self.data.gone, read.clone(), predicate, &self.runtime)?;
        if read == projection {
            return Ok(Some(scanned));
        }
        let below = scanned.schema();
        let columns = projection.iter().zip(schema.fields()).map(|(index, field)| {
            let expr: Arc<dyn PhysicalExpr> = if *index < own {
                col(field.name(), &below)?
            } else {
                follow(*index - own, &self.tree, &below, field, state)?
            };
            Ok((expr, field.name().clone()))
        });
        Ok(Some(Arc::new(ProjectionExec::try_new(columns.collect::<Result<Vec<_>>>()?, scanned)?)))
    }

    /// What filters say of a row's own columns, for leaving out row groups; the filters are applied again above.
    fn predicate(&self, state: &dyn Session, filters: &[Expr]) -> Result<Option<Arc<dyn PhysicalExpr>>> {
        let own = &self.data.shape.schema;
        let known = |filter: &Expr| filter.column_refs().iter().all(|column| own.index_of(&column.name).is_ok());
        let mut useful: Vec<Expr> = filters.iter().filter(|filter| known(filter)).cloned().collect();
        if filters.iter().any(|filter| !known(filter)) {
            let products: Vec<Expr> = self
                .tree
                .products()
                .keys()
                .filter(|product| {
                    let place = Dimensions::of(&self.tree, product);
                    filters.iter().all(|filter| possible(filter, &|column| place.known(column)))
                })
                .map(|product| lit(product.as_str()))
                .collect();
            // Products the tree does not know stand under `unassigned`: they cannot be listed.
            let stranger = Dimensions::of(&self.tree, "\u{0}");
            let elsewhere = |column: &str| if column == "product" { None } else { stranger.known(column) };
            let strangers = filters.iter().all(|filter| possible(filter, &elsewhere));
            if !strangers && products.len() * 2 < self.tree.products().len() {
                useful.push(in_list(col_expr("product"), products, false));
            }
        }
        let plain = useful.into_iter().map(|filter| {
            filter
                .transform(|expr| match expr {
                    Expr::Column(column) => Ok(Transformed::yes(col_expr(&column.name))),
                    other => Ok(Transformed::no(other)),
                })
                .map(|done| done.data)
        });
        let Some(all) = conjunction(plain.collect::<Result<Vec<_>>>()?) else { return Ok(None) };
        let schema = DFSchema::try_from(own.as_ref().clone())?;
        Ok(Some(state.create_physical_expr(all, &schema)?))
    }

    /// Batches of the columns wanted, of the buckets no filter rules out.
    fn batches(&self, projection: &[usize], filters: &[Expr]) -> Result<Vec<RecordBatch>> {
        let schema = Arc::new(self.schema.project(projection)?);
        let mut batches = Vec::new();
        for (product, months) in &self.data.products {
            let place = Dimensions::of(&self.tree, product);
            if !filters.iter().all(|filter| possible(filter, &|column| place.known(column))) {
                continue;
            }
            for bucket in months.values() {
                if !filters.iter().all(|filter| in_time(filter, self.data.shape.at, bucket.span)) {
                    continue;
                }
                batches.push(self.batch(&schema, projection, bucket, &place)?);
            }
        }
        Ok(batches)
    }

    fn batch(
        &self,
        schema: &SchemaRef,
        projection: &[usize],
        bucket: &Bucket,
        place: &Dimensions<'_>,
    ) -> Result<RecordBatch> {
        let own = self.data.shape.schema.fields().len();
        let arrays = projection.iter().map(|index| {
            if *index < own {
                bucket.batch.column(*index).clone()
            } else {
                place.array(*index - own, &bucket.batch, &self.tree)
            }
        });
        let options = RecordBatchOptions::new().with_row_count(Some(bucket.batch.num_rows()));
        Ok(RecordBatch::try_new_with_options(schema.clone(), arrays.collect(), &options)?)
    }
}

fn col_expr(name: &str) -> Expr {
    Expr::Column(Column::from_name(name))
}

/// Where a product stands in the tree.
struct Dimensions<'a> {
    product: Option<&'a str>,
    platform: Option<&'a str>,
    domain: Option<&'a str>,
    team: Option<&'a str>,
    labels: Option<String>,
}

fn json(labels: &Labels) -> Option<String> {
    if labels.is_empty() { None } else { serde_json::to_string(labels).ok() }
}

impl<'a> Dimensions<'a> {
    fn of(tree: &'a Tree, product: &'a str) -> Self {
        let node = tree.products().get(product);
        let placed = !product.is_empty();
        let or_unassigned = |name: Option<&'a str>| placed.then(|| name.unwrap_or(UNASSIGNED));
        Dimensions {
            product: placed.then_some(product),
            platform: or_unassigned(node.map(|node| node.platform.as_str())),
            domain: or_unassigned(node.map(|node| node.domain.as_str())),
            team: node.and_then(|node| node.team.as_deref()),
            labels: node.and_then(|node| json(&node.labels)),
        }
    }

    /// The value every row of the product has in a column; none when rows differ.
    fn known(&self, column: &str) -> Option<Option<&str>> {
        match column {
            "product" => Some(self.product),
            "platform" => Some(self.platform),
            "domain" => Some(self.domain),
            "team" => Some(self.team),
            _ => None,
        }
    }

    fn array(&self, index: usize, batch: &RecordBatch, tree: &Tree) -> ArrayRef {
        let same = |value: Option<&str>| -> ArrayRef {
            Arc::new(std::iter::repeat_n(value, batch.num_rows()).collect::<StringArray>())
        };
        match DIMENSIONS.get(index).map(|(name, _)| *name) {
            Some("platform") => same(self.platform),
            Some("domain") => same(self.domain),
            Some("team") => same(self.team),
            Some("product_labels") => same(self.labels.as_deref()),
            _ => {
                let texts = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
                component_labels(texts("component"), texts("instance"), batch.num_rows(), tree)
            }
        }
    }
}

fn component_labels(
    components: Option<&StringArray>,
    instances: Option<&StringArray>,
    rows: usize,
    tree: &Tree,
) -> ArrayRef {
    let Some(components) = components else { return Arc::new(StringArray::new_null(rows)) };
    // Neighbours are mostly of the same place: its labels are written once.
    let mut last: Option<(&str, Option<&str>)> = None;
    let mut labels: Option<String> = None;
    let mut out = Vec::with_capacity(components.len());
    for (row, component) in components.iter().enumerate() {
        let Some(component) = component else {
            out.push(None);
            continue;
        };
        let instance = instances.filter(|names| names.is_valid(row)).map(|names| names.value(row));
        let place = (component, instance);
        if last != Some(place) {
            labels = ComponentId::parse(component).and_then(|id| json(&tree.labels_at(&id, instance)));
            last = Some(place);
        }
        out.push(labels.clone());
    }
    Arc::new(StringArray::from(out))
}

/// The columns a dimension follows from.
fn dimension_of(index: usize) -> &'static [&'static str] {
    match DIMENSIONS.get(index).map(|(name, _)| *name) {
        Some("component_labels") => &["component", "instance"],
        _ => &["product"],
    }
}

/// A dimension of sealed rows, as the tree has it.
fn follow(
    index: usize,
    tree: &Arc<Tree>,
    below: &Schema,
    field: &Arc<Field>,
    state: &dyn Session,
) -> Result<Arc<dyn PhysicalExpr>> {
    let arguments = dimension_of(index).iter().map(|name| col(name, below)).collect::<Result<Vec<_>>>()?;
    let function = Arc::new(ScalarUDF::from(Follow {
        tree: tree.clone(),
        index,
        signature: Signature::any(arguments.len(), Volatility::Volatile),
    }));
    let options = Arc::new(state.config_options().clone());
    Ok(Arc::new(ScalarFunctionExpr::new("follow", function, arguments, field.clone(), options)))
}

/// Names of the tree's nodes above the rows.
#[derive(Debug)]
struct Follow {
    tree: Arc<Tree>,
    index: usize,
    signature: Signature,
}

impl PartialEq for Follow {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.tree, &other.tree) && self.index == other.index
    }
}

impl Eq for Follow {}

impl Hash for Follow {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.index.hash(state);
    }
}

impl ScalarUDFImpl for Follow {
    fn name(&self) -> &'static str {
        "follow"
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _arguments: &[DataType]) -> Result<DataType> {
        Ok(DataType::Utf8)
    }

    fn invoke_with_args(&self, arguments: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let rows = arguments.number_rows;
        let arrays = arguments.args.into_iter().map(|argument| argument.into_array(rows));
        let arrays = arrays.collect::<Result<Vec<_>>>()?;
        let array = match arrays.as_slice() {
            [components, instances] => {
                component_labels(components.as_string_opt::<i32>(), instances.as_string_opt::<i32>(), rows, &self.tree)
            }
            [products] => self.of_products(products.as_string::<i32>()),
            _ => return datafusion::common::internal_err!("a dimension follows from one column or two"),
        };
        Ok(ColumnarValue::Array(array))
    }
}

impl Follow {
    fn of_products(&self, products: &StringArray) -> ArrayRef {
        // Rows of a product follow each other: what it says is looked up once.
        let mut last: Option<(Option<&str>, Option<String>)> = None;
        let mut out = StringBuilder::with_capacity(products.len(), products.len() * 12);
        for product in products {
            if last.as_ref().is_none_or(|(known, _)| *known != product) {
                let place = Dimensions::of(&self.tree, product.unwrap_or_default());
                let value = match DIMENSIONS.get(self.index).map(|(name, _)| *name) {
                    Some("platform") => place.platform.map(str::to_owned),
                    Some("domain") => place.domain.map(str::to_owned),
                    Some("team") => place.team.map(str::to_owned),
                    _ => place.labels,
                };
                last = Some((product, value));
            }
            out.append_option(last.as_ref().and_then(|(_, value)| value.as_deref()));
        }
        Arc::new(out.finish())
    }
}

/// A column compared with a literal, in that order.
fn compared<'e>(left: &'e Expr, right: &'e Expr) -> Option<(&'e str, &'e ScalarValue)> {
    match (left, right) {
        (Expr::Column(column), Expr::Literal(value, _)) => Some((&column.name, value)),
        _ => None,
    }
}

/// Whether a filter can hold for rows whose columns have these values. Anything not understood can.
fn possible<'v>(filter: &Expr, known: &impl Fn(&str) -> Option<Option<&'v str>>) -> bool {
    let holds = |column: &str, value: &ScalarValue, op: Operator| match (known(column), value.try_as_str()) {
        (Some(have), Some(Some(want))) => have.is_some_and(|have| match op {
            Operator::Lt => have < want,
            Operator::GtEq => have >= want,
            _ => have == want,
        }),
        _ => true,
    };
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            possible(left, known) && possible(right, known)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            possible(left, known) || possible(right, known)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: op @ Operator::Eq, right }) => compared(left, right)
            .or_else(|| compared(right, left))
            .is_none_or(|(column, value)| holds(column, value, *op)),
        Expr::BinaryExpr(BinaryExpr { left, op: op @ (Operator::Lt | Operator::GtEq), right }) => {
            compared(left, right).is_none_or(|(column, value)| holds(column, value, *op))
        }
        Expr::IsNull(of) => match of.as_ref() {
            Expr::Column(column) => known(&column.name).is_none_or(|have| have.is_none()),
            _ => true,
        },
        Expr::InList(list) if !list.negated => list
            .list
            .iter()
            .any(|item| compared(&list.expr, item).is_none_or(|(column, value)| holds(column, value, Operator::Eq))),
        _ => true,
    }
}

/// Whether a filter can hold for rows between two instants. Anything not understood can.
fn in_time(filter: &Expr, at: &str, span: Option<(i64, i64)>) -> bool {
    let Some((first, last)) = span else { return true };
    let (left, op, right) = match filter {
        Expr::BinaryExpr(BinaryExpr { left, op, right }) => (left, op, right),
        // Between two instants is none that is not known.
        Expr::IsNull(of) => return !matches!(of.as_ref(), Expr::Column(column) if column.name == at),
        _ => return true,
    };
    match op {
        Operator::And => return in_time(left, at, span) && in_time(right, at, span),
        Operator::Or => return in_time(left, at, span) || in_time(right, at, span),
        _ => {}
    }
    let Some((column, ScalarValue::TimestampMicrosecond(Some(limit), _))) = compared(left, right) else { return true };
    if column != at {
        return true;
    }
    match op {
        Operator::Gt => last > *limit,
        Operator::GtEq => last >= *limit,
        Operator::Lt => first < *limit,
        Operator::LtEq => first <= *limit,
        _ => true,
    }
}

/// Slices of DataFusion's own batch size, on one partition or two.
fn partitions(batches: Vec<RecordBatch>) -> Vec<Vec<RecordBatch>> {
    let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
    let mut parts = vec![Vec::new(); if rows >= SPLIT { 2 } else { 1 }];
    let mut next = 0;
    for batch in batches {
        for start in (0..batch.num_rows()).step_by(BATCH) {
            parts[next].push(batch.slice(start, BATCH.min(batch.num_rows() - start)));
            next = (next + 1) % parts.len();
        }
    }
    parts
}

type Scan<'a> = Pin<Box<dyn Future<Output = Result<Arc<dyn ExecutionPlan>>> + Send + 'a>>;

impl TableProvider for Provider {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        Ok(vec![TableProviderFilterPushDown::Inexact; filters.len()])
    }

    // What `#[async_trait]` would make of the trait's `async fn scan`.
    fn scan<'life0, 'life1, 'life2, 'life3, 'async_trait>(
        &'life0 self,
        state: &'life1 dyn Session,
        projection: Option<&'life2 Vec<usize>>,
        filters: &'life3 [Expr],
        _limit: Option<usize>,
    ) -> Scan<'async_trait>
    where
        'life0: 'async_trait,
        'life1: 'async_trait,
        'life2: 'async_trait,
        'life3: 'async_trait,
        Self: 'async_trait,
    {
        Box::pin(async move {
            let all: Vec<usize> = (0..self.schema.fields().len()).collect();
            let projection = projection.unwrap_or(&all);
            let schema = Arc::new(self.schema.project(projection)?);
            let sealed = self.sealed(state, &schema, projection, filters)?;
            let batches = self.batches(projection, filters)?;
            if let (Some(sealed), true) = (&sealed, batches.is_empty()) {
                return Ok(Arc::clone(sealed));
            }
            let fresh: Arc<dyn ExecutionPlan> = MemorySourceConfig::try_new_exec(&partitions(batches), schema, None)?;
            match sealed {
                Some(sealed) => UnionExec::try_new(vec![sealed, fresh]),
                None => Ok(fresh),
            }
        })
    }
}

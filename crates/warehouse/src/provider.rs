//! A table of a snapshot as DataFusion sees it: own columns, then the dimensions that follow the tree. Buckets whose
//! product, place in the tree or time a filter rules out are not read.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use datafusion::arrow::array::{Array, ArrayRef, AsArray, StringArray};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, ScalarValue};
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::logical_expr::{BinaryExpr, Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use domain::catalogue::{ComponentId, Labels, Tree, UNASSIGNED};

use crate::snapshot::{Bucket, TableData};
use crate::tables::DIMENSIONS;

/// Rows a batch: DataFusion's own size.
const BATCH: usize = 8_192;
/// Under this many rows a second partition costs more than it brings.
const SPLIT: usize = 50_000;

#[derive(Debug)]
pub(crate) struct Provider {
    data: Arc<TableData>,
    tree: Arc<Tree>,
    schema: SchemaRef,
}

impl Provider {
    pub(crate) fn new(data: Arc<TableData>, tree: Arc<Tree>) -> Self {
        let own = data.schema.fields().iter().map(|field| field.as_ref().clone());
        let dimensions = DIMENSIONS.iter().map(|(name, _)| Field::new(*name, DataType::Utf8, true));
        let schema = Arc::new(Schema::new(own.chain(dimensions).collect::<Vec<_>>()));
        Provider { data, tree, schema }
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
                if !filters.iter().all(|filter| in_time(filter, self.data.at, bucket.span)) {
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
        let own = self.data.schema.fields().len();
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
            _ => component_labels(batch, tree),
        }
    }
}

fn component_labels(batch: &RecordBatch, tree: &Tree) -> ArrayRef {
    let texts = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
    let Some(components) = texts("component") else { return Arc::new(StringArray::new_null(batch.num_rows())) };
    let instances = texts("instance");
    // Neighbours are mostly of the same place: its labels are written once.
    let mut last: Option<((&str, Option<&str>), Option<String>)> = None;
    let mut out = Vec::with_capacity(components.len());
    for (row, component) in components.iter().enumerate() {
        let Some(component) = component else {
            out.push(None);
            continue;
        };
        let instance = instances.filter(|names| names.is_valid(row)).map(|names| names.value(row));
        let place = (component, instance);
        if last.as_ref().is_none_or(|(known, _)| *known != place) {
            let labels = ComponentId::parse(component).and_then(|id| json(&tree.labels_at(&id, instance)));
            last = Some((place, labels));
        }
        out.push(last.as_ref().and_then(|(_, labels)| labels.clone()));
    }
    Arc::new(StringArray::from(out))
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
    let equal = |column: &str, value: &ScalarValue| match (known(column), value.try_as_str()) {
        (Some(have), Some(Some(want))) => have == Some(want),
        _ => true,
    };
    match filter {
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::And, right }) => {
            possible(left, known) && possible(right, known)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Or, right }) => {
            possible(left, known) || possible(right, known)
        }
        Expr::BinaryExpr(BinaryExpr { left, op: Operator::Eq, right }) => {
            compared(left, right).or_else(|| compared(right, left)).is_none_or(|(column, value)| equal(column, value))
        }
        Expr::InList(list) if !list.negated => {
            list.list.iter().any(|item| compared(&list.expr, item).is_none_or(|(column, value)| equal(column, value)))
        }
        _ => true,
    }
}

/// Whether a filter can hold for rows between two instants. Anything not understood can.
fn in_time(filter: &Expr, at: &str, span: Option<(i64, i64)>) -> bool {
    let Some((first, last)) = span else { return true };
    let Expr::BinaryExpr(BinaryExpr { left, op, right }) = filter else { return true };
    if *op == Operator::And {
        return in_time(left, at, span) && in_time(right, at, span);
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
        _state: &'life1 dyn Session,
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
            let parts = partitions(self.batches(projection, filters)?);
            let plan: Arc<dyn ExecutionPlan> = MemorySourceConfig::try_new_exec(&parts, schema, None)?;
            Ok(plan)
        })
    }
}

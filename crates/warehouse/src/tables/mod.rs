//! The tables: one module each, one line a column. The same lines give schema, values and the reference for readers.

pub(crate) mod canary_analyses;
pub(crate) mod commits;
pub(crate) mod deployments;
pub(crate) mod evidence;
pub(crate) mod flag_changes;
pub(crate) mod incidents;
pub(crate) mod journal;
pub(crate) mod pipeline_runs;
pub(crate) mod pipeline_stages;
pub(crate) mod places;
pub(crate) mod pull_requests;
pub(crate) mod slo_samples;

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::arrow::array::{
    ArrayRef, BinaryArray, BooleanArray, Float64Array, Int64Array, StringArray, TimestampMicrosecondArray,
};
use datafusion::arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::Result;
use domain::Timestamp;
use serde::Serialize;

/// Microseconds to seconds.
pub(crate) fn seconds(micros: i64) -> f64 {
    micros as f64 / 1e6
}

/// The type of every instant.
pub(crate) fn instant_type() -> DataType {
    DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
}

type Getter<R, T> = Box<dyn Fn(&R) -> Option<T> + Send + Sync>;
type TextGetter<R> = Box<dyn for<'a> Fn(&'a R) -> Option<Cow<'a, str>> + Send + Sync>;

type BytesGetter<R> = Box<dyn for<'a> Fn(&'a R) -> &'a [u8] + Send + Sync>;

enum Values<R> {
    Text(TextGetter<R>),
    Instant(Getter<R, Timestamp>),
    Count(Getter<R, i64>),
    Number(Getter<R, f64>),
    Flag(Getter<R, bool>),
    Bytes(BytesGetter<R>),
}

/// A column: its name, what it holds, and how it is read off a row.
pub(crate) struct Column<R> {
    name: String,
    doc: String,
    values: Values<R>,
}

/// Text.
pub(crate) fn text<R>(
    name: impl Into<String>,
    doc: impl Into<String>,
    get: impl for<'a> Fn(&'a R) -> Option<Cow<'a, str>> + Send + Sync + 'static,
) -> Column<R> {
    Column { name: name.into(), doc: doc.into(), values: Values::Text(Box::new(get)) }
}

/// Bytes of whatever meaning.
pub(crate) fn bytes<R>(
    name: impl Into<String>,
    doc: impl Into<String>,
    get: impl for<'a> Fn(&'a R) -> &'a [u8] + Send + Sync + 'static,
) -> Column<R> {
    Column { name: name.into(), doc: doc.into(), values: Values::Bytes(Box::new(get)) }
}

macro_rules! columns {
    ($($(#[doc = $doc:literal])* $name:ident $variant:ident $type:ty;)*) => {
        $($(#[doc = $doc])*
        pub(crate) fn $name<R>(
            name: impl Into<String>,
            doc: impl Into<String>,
            get: impl Fn(&R) -> Option<$type> + Send + Sync + 'static,
        ) -> Column<R> {
            Column { name: name.into(), doc: doc.into(), values: Values::$variant(Box::new(get)) }
        })*
    };
}

columns! {
    /// An instant in UTC.
    instant Instant Timestamp;
    /// A whole number.
    count Count i64;
    /// A number.
    number Number f64;
    /// Yes or no.
    flag Flag bool;
}

impl<R> Column<R> {
    fn data_type(&self) -> DataType {
        match self.values {
            Values::Text(_) => DataType::Utf8,
            Values::Instant(_) => instant_type(),
            Values::Count(_) => DataType::Int64,
            Values::Number(_) => DataType::Float64,
            Values::Flag(_) => DataType::Boolean,
            Values::Bytes(_) => DataType::Binary,
        }
    }

    fn array(&self, rows: &[R]) -> ArrayRef {
        match &self.values {
            Values::Text(get) => Arc::new(rows.iter().map(get).collect::<StringArray>()),
            Values::Instant(get) => {
                let micros = rows.iter().map(|row| get(row).map(Timestamp::micros));
                Arc::new(micros.collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
            }
            Values::Count(get) => Arc::new(rows.iter().map(get).collect::<Int64Array>()),
            Values::Number(get) => Arc::new(rows.iter().map(get).collect::<Float64Array>()),
            Values::Flag(get) => Arc::new(rows.iter().map(get).collect::<BooleanArray>()),
            Values::Bytes(get) => Arc::new(BinaryArray::from_iter_values(rows.iter().map(get))),
        }
    }
}

/// A table: its columns, and the instant its rows are sorted and found by.
pub(crate) struct Table<R> {
    /// Name in SQL.
    pub(crate) name: &'static str,
    doc: &'static str,
    /// The column of the instant by which rows are found.
    pub(crate) at: &'static str,
    /// The column that, with `source`, names whose rows they are.
    pub(crate) key: &'static str,
    columns: Vec<Column<R>>,
    schema: SchemaRef,
}

impl<R> Table<R> {
    pub(crate) fn new(name: &'static str, doc: &'static str, at: &'static str, columns: Vec<Column<R>>) -> Self {
        let fields: Vec<Field> =
            columns.iter().map(|column| Field::new(&column.name, column.data_type(), true)).collect();
        Table { name, doc, at, key: "id", columns, schema: Arc::new(Schema::new(fields)) }
    }

    /// The same with its rows replaced by another column than `id`.
    pub(crate) fn keyed_by(self, key: &'static str) -> Self {
        Table { key, ..self }
    }

    /// Columns of the rows, without the dimensions.
    pub(crate) fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    /// What a row is, for readers.
    pub(crate) fn doc(&self) -> &'static str {
        self.doc
    }

    pub(crate) fn batch(&self, rows: &[R]) -> Result<RecordBatch> {
        let arrays = self.columns.iter().map(|column| column.array(rows)).collect();
        Ok(RecordBatch::try_new(self.schema.clone(), arrays)?)
    }

    /// As [`Table::reference`], for a table that no dimensions stand beside.
    fn own_reference(&self) -> TableDoc {
        let columns = self.columns.iter().map(|column| ColumnDoc {
            name: column.name.clone(),
            data_type: word(&column.data_type()),
            doc: column.doc.clone(),
        });
        TableDoc { name: self.name, doc: self.doc, columns: columns.collect() }
    }

    fn reference(&self) -> TableDoc {
        let own = self.columns.iter().map(|column| (column.name.clone(), column.data_type(), column.doc.clone()));
        let dimensions = DIMENSIONS.iter().map(|(name, doc)| ((*name).to_owned(), DataType::Utf8, (*doc).to_owned()));
        let columns =
            own.chain(dimensions).map(|(name, data_type, doc)| ColumnDoc { name, data_type: word(&data_type), doc });
        TableDoc { name: self.name, doc: self.doc, columns: columns.collect() }
    }
}

/// Columns every table has besides its own: they follow the tree, not the facts.
pub(crate) const DIMENSIONS: [(&str, &str); 5] = [
    ("platform", "Platform of the product, as the tree is now."),
    ("domain", "Domain of the product, as the tree is now."),
    ("team", "Team that owns the product, as the tree is now."),
    ("product_labels", "Labels of the product as JSON text; NULL without any."),
    ("component_labels", "Labels of the component, those of the instance above them, as JSON text; NULL without any."),
];

pub(crate) fn word(data_type: &DataType) -> &'static str {
    match data_type {
        DataType::Utf8 => "text",
        DataType::Int64 => "integer",
        DataType::Float64 => "double",
        DataType::Boolean => "boolean",
        DataType::Binary => "bytes",
        _ => "timestamp",
    }
}

/// A table for readers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TableDoc {
    /// Its name.
    pub name: &'static str,
    /// What a row is.
    pub doc: &'static str,
    /// Its columns.
    pub columns: Vec<ColumnDoc>,
}

/// A column for readers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ColumnDoc {
    /// Its name.
    pub name: String,
    /// `text`, `integer`, `double`, `boolean`, `bytes`, `timestamp` or `date`.
    pub data_type: &'static str,
    /// What it holds.
    pub doc: String,
}

/// Every table and column, for the reference of SQL readers.
#[must_use]
pub fn reference() -> Vec<TableDoc> {
    vec![
        deployments::table().reference(),
        commits::table().reference(),
        incidents::table().reference(),
        canary_analyses::table().reference(),
        pipeline_runs::table().reference(),
        places::table().own_reference(),
        pipeline_stages::table().reference(),
        pull_requests::table().reference(),
        slo_samples::table().reference(),
        flag_changes::table().reference(),
        evidence::table().reference(),
    ]
}

/// Text that stays as long as its row.
pub(crate) fn lent(text: &str) -> Option<Cow<'_, str>> {
    Some(Cow::Borrowed(text))
}

/// JSON text of an object; none when it is empty.
pub(crate) fn object(map: &serde_json::Map<String, serde_json::Value>) -> Option<Cow<'static, str>> {
    if map.is_empty() { None } else { serde_json::to_string(map).ok().map(Cow::Owned) }
}

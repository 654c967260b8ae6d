//! Whole tables as files, a piece at a time: nothing is held but the rows of the piece.

use std::sync::Arc;

use datafusion::arrow::datatypes::SchemaRef;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::SendableRecordBatchStream;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;
use domain::{Code, Problem, Timestamp};
use futures_util::StreamExt;
use metrics::literal::instant;
use serde_json::Value;

use crate::engine::problem;
use crate::json;
use crate::snapshot::Snapshot;
use crate::warehouse::Warehouse;

/// How rows are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileFormat {
    /// Apache Parquet, compressed with Zstandard; types and nulls are those of the table.
    Parquet,
    /// RFC 4180 with a head; nothing stands for null, instants are RFC 3339.
    Csv,
    /// One JSON object a line; labels are objects.
    Ndjson,
}

impl FileFormat {
    /// Every format.
    pub const ALL: [FileFormat; 3] = [FileFormat::Parquet, FileFormat::Csv, FileFormat::Ndjson];

    /// The word for it.
    #[must_use]
    pub const fn text(self) -> &'static str {
        match self {
            FileFormat::Parquet => "parquet",
            FileFormat::Csv => "csv",
            FileFormat::Ndjson => "ndjson",
        }
    }

    /// From the word.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        FileFormat::ALL.into_iter().find(|format| format.text() == text)
    }

    /// What it is called in HTTP.
    #[must_use]
    pub const fn content_type(self) -> &'static str {
        match self {
            FileFormat::Parquet => "application/vnd.apache.parquet",
            FileFormat::Csv => "text/csv; charset=utf-8",
            FileFormat::Ndjson => "application/x-ndjson",
        }
    }
}

/// Which rows of which table, and how they are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Name of the table in SQL.
    pub table: String,
    /// Rows from this instant on, by the instant the table is sorted by.
    pub from: Option<Timestamp>,
    /// Rows before this instant.
    pub to: Option<Timestamp>,
    /// The format.
    pub format: FileFormat,
}

/// A table on its way out. Its rows are those of one moment, in no order that is promised.
pub struct Exported {
    stream: SendableRecordBatchStream,
    /// None when everything has been written.
    encoder: Option<Encoder>,
    _pinned: Arc<Snapshot>,
}

impl Warehouse {
    /// Begins to write a table.
    ///
    /// # Errors
    /// `not_found` when there is no such table.
    pub async fn export(&self, export: &Export) -> Result<Exported, Problem> {
        let (snapshot, session) = self.pinned()?;
        let Some(data) = snapshot.tables.get(export.table.as_str()) else {
            let known: Vec<&str> = snapshot.tables.keys().copied().collect();
            let message = format!("there is no table `{}`; there are {}", clipped(&export.table), known.join(", "));
            return Err(Problem::new(Code::NotFound, message));
        };
        let at = data.shape.at;
        let from = export.from.map(|from| format!("{at} >= {}", instant(from)));
        let to = export.to.map(|to| format!("{at} < {}", instant(to)));
        let conditions: Vec<String> = from.into_iter().chain(to).collect();
        let mut sql = format!("SELECT * FROM {}", data.shape.name);
        if !conditions.is_empty() {
            sql = format!("{sql} WHERE {}", conditions.join(" AND "));
        }
        let begun = async {
            let stream = session.sql(&sql).await?.execute_stream().await?;
            let encoder = Encoder::new(export.format, &stream.schema())?;
            Ok((stream, encoder))
        };
        let (stream, encoder) = begun.await.map_err(|error: DataFusionError| problem(&error))?;
        Ok(Exported { stream, encoder: Some(encoder), _pinned: snapshot })
    }
}

impl Exported {
    /// The next piece of the file, which may be empty; none when it is whole.
    ///
    /// # Errors
    /// `internal` when rows cannot be read: what was given is not a whole file.
    pub async fn next(&mut self) -> Option<Result<Vec<u8>, Problem>> {
        let mut encoder = self.encoder.take()?;
        let piece = match self.stream.next().await {
            Some(batch) => batch.and_then(|batch| encoder.write(&batch)).inspect(|_| self.encoder = Some(encoder)),
            None => encoder.finish(),
        };
        Some(piece.map_err(|error| problem(&error)))
    }
}

fn clipped(text: &str) -> String {
    text.chars().take(64).collect()
}

/// Rows of a group of rows in Parquet: what of a table is in memory while it is written.
const GROUP: usize = 32_768;

enum Encoder {
    Parquet(Box<ArrowWriter<Vec<u8>>>),
    /// Whether the head was written.
    Csv(SchemaRef, bool),
    Ndjson,
}

impl Encoder {
    fn new(format: FileFormat, schema: &SchemaRef) -> Result<Self> {
        Ok(match format {
            FileFormat::Parquet => {
                let properties = WriterProperties::builder()
                    .set_compression(Compression::ZSTD(ZstdLevel::try_new(3)?))
                    .set_max_row_group_row_count(Some(GROUP))
                    .build();
                let writer = ArrowWriter::try_new(Vec::new(), schema.clone(), Some(properties))?;
                Encoder::Parquet(Box::new(writer))
            }
            FileFormat::Csv => Encoder::Csv(schema.clone(), false),
            FileFormat::Ndjson => Encoder::Ndjson,
        })
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<Vec<u8>> {
        match self {
            Encoder::Parquet(writer) => {
                writer.write(batch)?;
                // What is written is not looked at again: the footer knows places by counting.
                Ok(std::mem::take(writer.inner_mut()))
            }
            Encoder::Csv(schema, headed) => {
                let schema = (!std::mem::replace(headed, true)).then_some(&*schema);
                csv(schema, Some(batch))
            }
            Encoder::Ndjson => {
                let mut out = Vec::new();
                for row in json::rows(std::slice::from_ref(batch))? {
                    serde_json::to_writer(&mut out, &row).map_err(|error| DataFusionError::External(error.into()))?;
                    out.push(b'\n');
                }
                Ok(out)
            }
        }
    }

    fn finish(self) -> Result<Vec<u8>> {
        match self {
            Encoder::Parquet(writer) => Ok(writer.into_inner()?),
            Encoder::Csv(schema, headed) => csv((!headed).then_some(&schema), None),
            Encoder::Ndjson => Ok(Vec::new()),
        }
    }
}

fn csv(head: Option<&SchemaRef>, batch: Option<&RecordBatch>) -> Result<Vec<u8>> {
    let broken = |error: csv::Error| DataFusionError::External(error.into());
    let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    if let Some(schema) = head {
        writer.write_record(schema.fields().iter().map(|field| field.name().as_str())).map_err(broken)?;
    }
    for row in json::rows(batch.map_or(&[], std::slice::from_ref))? {
        let cells = row.into_iter().map(|(_, value)| match value {
            Value::Null => String::new(),
            Value::String(text) => text,
            other => other.to_string(),
        });
        writer.write_record(cells).map_err(broken)?;
    }
    writer.into_inner().map_err(|error| DataFusionError::External(error.into_error().into()))
}

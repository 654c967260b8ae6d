//! One Parquet file on its way to the disk.

use std::collections::HashMap;
use std::fs::File;
use std::io::BufWriter;
use std::path::Path;
use std::sync::Arc;

use datafusion::arrow::array::{Array, AsArray};
use datafusion::arrow::compute::{max, min};
use datafusion::arrow::datatypes::TimestampMicrosecondType;
use datafusion::arrow::record_batch::RecordBatch;
use datafusion::error::Result;
use datafusion::parquet::arrow::ArrowWriter;
use datafusion::parquet::basic::{Compression, ZstdLevel};
use datafusion::parquet::file::properties::WriterProperties;
use deltalake::kernel::Add;
use domain::Timestamp;
use serde_json::{Value, json};

use super::{BaseFile, Filed, external, month_text};
use crate::snapshot::Shape;

/// Rows a row group: small enough that one of a product or a week is found without its neighbours, and that writing one
/// takes little memory.
const GROUP: usize = 128 * 1024;

/// A file, and what the log says of it.
pub(crate) type Written = (Arc<BaseFile>, Add);

/// A file being written, rows in the order of the base.
pub(crate) struct Segment {
    writer: ArrowWriter<BufWriter<File>>,
    file: BaseFile,
    at: &'static str,
    unknown: bool,
    products: Option<(String, String)>,
}

impl Segment {
    pub(crate) fn create(folder: &Path, shape: &Shape, month: Filed) -> Result<Self> {
        let name = format!("part-{}.parquet", uuid::Uuid::new_v4());
        // The way Hive and every reader of Delta expects: none is written as this word.
        let directory = format!("month={}", month_text(month).as_deref().unwrap_or("__HIVE_DEFAULT_PARTITION__"));
        let full = folder.join(&directory).join(&name);
        let failed = |error: std::io::Error| external("cannot write", &full, error);
        std::fs::create_dir_all(folder.join(&directory)).map_err(failed)?;
        let opened = File::create_new(&full).map_err(failed)?;
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
            .set_max_row_group_row_count(Some(GROUP))
            .build();
        let writer = ArrowWriter::try_new(BufWriter::new(opened), shape.schema.clone(), Some(properties))?;
        let file = BaseFile { path: format!("{directory}/{name}").into(), full, size: 0, month, rows: 0, span: None };
        Ok(Segment { writer, file, at: shape.at, unknown: false, products: None })
    }

    pub(crate) fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        self.writer.write(batch)?;
        self.file.rows += batch.num_rows();
        let column = |name: &str| batch.column_by_name(name);
        if let Some(at) = column(self.at).and_then(|at| at.as_primitive_opt::<TimestampMicrosecondType>()) {
            self.unknown |= at.null_count() > 0;
            if let (Some(first), Some(last)) = (min(at), max(at)) {
                let (from, to) = self.file.span.unwrap_or((first, last));
                self.file.span = Some((from.min(first), to.max(last)));
            }
        }
        if let Some(products) = column("product").and_then(|names| names.as_string_opt::<i32>()) {
            for product in [products.iter().flatten().next(), products.iter().flatten().last()].into_iter().flatten() {
                let (low, high) = self.products.get_or_insert_with(|| (product.to_owned(), product.to_owned()));
                if product < low.as_str() {
                    product.clone_into(low);
                }
                if product > high.as_str() {
                    product.clone_into(high);
                }
            }
        }
        Ok(())
    }

    /// Bytes of the row group that is open.
    pub(crate) fn held(&self) -> usize {
        self.writer.memory_size()
    }

    /// Writes the row group that is open, whatever its size.
    pub(crate) fn end_group(&mut self) -> Result<()> {
        Ok(self.writer.flush()?)
    }

    /// Ends the file and puts it on disk for good. None when nothing was written: then there is no file.
    pub(crate) fn finish(mut self) -> Result<Option<Written>> {
        let path = self.file.full.clone();
        let failed = |error: std::io::Error| external("cannot write", &path, error);
        if self.file.rows == 0 {
            std::fs::remove_file(&path).map_err(failed)?;
            return Ok(None);
        }
        let opened = self.writer.into_inner()?.into_inner().map_err(|error| failed(error.into_error()))?;
        opened.sync_all().map_err(failed)?;
        self.file.size = opened.metadata().map_err(failed)?.len();
        if self.unknown {
            self.file.span = None;
        }
        let add = add(&self.file, self.at, self.products.as_ref());
        Ok(Some((Arc::new(self.file), add)))
    }
}

/// What the log says of a file.
pub(crate) fn add(file: &BaseFile, at: &str, products: Option<&(String, String)>) -> Add {
    let mut stats = json!({ "numRecords": file.rows });
    // As the Delta protocol wants instants: to the millisecond, and never inside the true bounds.
    if let Some((from, to)) = file.span {
        let millis = |micros: i64| Timestamp::from_micros(micros * 1_000).to_string();
        stats["minValues"][at] = json!(millis(from.div_euclid(1_000)));
        stats["maxValues"][at] = json!(millis(to.div_euclid(1_000) + 1));
    }
    if let Some((low, high)) = products {
        stats["minValues"]["product"] = json!(low);
        stats["maxValues"]["product"] = json!(high);
    }
    // The time is that of the commit.
    entry(&file.path, ("month", month_text(file.month)), file.size, 0, &stats)
}

/// An entry of the log for a new file, with its partition and the milliseconds of its making.
pub(crate) fn entry(path: &str, partition: (&str, Option<String>), size: u64, made_ms: i64, stats: &Value) -> Add {
    Add {
        path: path.to_owned(),
        partition_values: HashMap::from([(partition.0.to_owned(), partition.1)]),
        size: i64::try_from(size).unwrap_or(i64::MAX),
        modification_time: made_ms,
        data_change: true,
        stats: Some(stats.to_string()),
        tags: None,
        deletion_vector: None,
        base_row_id: None,
        default_row_commit_version: None,
        clustering_provider: None,
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::writers::Writers;

    #[test]
    fn a_row_group_that_is_ended_early_holds_no_memory_and_loses_no_row() {
        let folder = tempfile::tempdir().unwrap();
        let shapes = Writers::new().shapes();
        let shape = shapes.iter().find(|shape| shape.name == "slo_samples").unwrap();
        let mut segment = Segment::create(folder.path(), shape, None).unwrap();
        let columns =
            shape.schema.fields().iter().map(|field| datafusion::arrow::array::new_null_array(field.data_type(), 3));
        let nullable: Vec<_> =
            shape.schema.fields().iter().map(|field| field.as_ref().clone().with_nullable(true)).collect();
        let schema = Arc::new(datafusion::arrow::datatypes::Schema::new(nullable));
        let batch = RecordBatch::try_new(schema, columns.collect()).unwrap();
        assert!(shape.schema.fields().iter().all(|field| field.is_nullable()), "the batch is no row of the table");
        segment.write(&batch).unwrap();
        let before = segment.held();
        segment.end_group().unwrap();
        assert!(before > 0 && segment.held() < before);
        segment.write(&batch).unwrap();
        let (file, _) = segment.finish().unwrap().unwrap();
        assert_eq!(file.rows, 6);
        let opened = File::open(&file.full).unwrap();
        let reader =
            datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder::try_new(opened).unwrap();
        assert_eq!((reader.metadata().num_row_groups(), reader.metadata().file_metadata().num_rows()), (2, 6));
    }
}

//! What is written can be read again, by readers that are not ours.

use datafusion::arrow::array::AsArray;
use datafusion::arrow::datatypes::{Int64Type, TimestampMicrosecondType};
use datafusion::parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Value, json};
use warehouse::{Export, FileFormat, Warehouse};

use crate::support::{at, deployment};

/// Texts that each format has to take care of.
const HARD: [&str; 6] = ["plain", "a,b", "say \"so\"", "two\r\nlines", "é\u{1F600}", ""];

fn filled() -> Warehouse {
    let warehouse = Warehouse::new().unwrap();
    let facts = HARD.iter().enumerate().map(|(index, text)| {
        let mut fact =
            deployment(&format!("d{index}"), "shop/cart", "default", at(&format!("2025-01-0{}T12:00:00Z", index + 1)));
        fact.version = Some((*text).to_owned());
        fact.labels.insert("kind".to_owned(), json!(text));
        fact.commits = index as u32;
        (fact, Vec::new())
    });
    warehouse.apply(facts.collect(), vec![], vec![]).unwrap();
    warehouse
}

async fn written(warehouse: &Warehouse, format: FileFormat, days: Option<(&str, &str)>) -> Vec<u8> {
    let export = Export {
        table: "deployments".to_owned(),
        from: days.map(|(from, _)| at(from)),
        to: days.map(|(_, to)| at(to)),
        format,
    };
    let mut exported = warehouse.export(&export).await.unwrap();
    let mut bytes = Vec::new();
    while let Some(piece) = exported.next().await {
        bytes.extend(piece.unwrap());
    }
    bytes
}

fn versions(mut rows: Vec<(String, String)>) -> Vec<String> {
    rows.sort();
    rows.into_iter().map(|(_, version)| version).collect()
}

#[tokio::test]
async fn csv_keeps_commas_quotes_and_line_breaks() {
    let bytes = written(&filled(), FileFormat::Csv, None).await;
    let mut reader = csv::Reader::from_reader(bytes.as_slice());
    let head = reader.headers().unwrap().clone();
    let column = |name: &str| head.iter().position(|known| known == name).unwrap();
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    let cells =
        |name: &str| rows.iter().map(|row| (row[column("id")].to_owned(), row[column(name)].to_owned())).collect();
    assert_eq!(versions(cells("version")), HARD);
    assert_eq!(versions(cells("commits")), ["0", "1", "2", "3", "4", "5"]);
    assert_eq!(versions(cells("finished_at"))[0], "2025-01-01T12:00:00Z");
    assert_eq!(versions(cells("sha"))[0], "", "nothing stands for null");
    assert_eq!(serde_json::from_str::<Value>(&versions(cells("labels"))[2]).unwrap(), json!({"kind": HARD[2]}));
}

#[tokio::test]
async fn each_line_of_ndjson_is_a_row() {
    let bytes = written(&filled(), FileFormat::Ndjson, None).await;
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    let rows: Vec<Value> = lines.map(|line| serde_json::from_slice(line).unwrap()).collect();
    let text = |row: &Value, name: &str| row[name].as_str().unwrap().to_owned();
    assert_eq!(versions(rows.iter().map(|row| (text(row, "id"), text(row, "version"))).collect()), HARD);
    assert!(rows.iter().all(|row| row["sha"].is_null() && row["labels"]["kind"] == row["version"]));
}

#[tokio::test]
async fn parquet_has_the_types_of_the_table() {
    let bytes = written(&filled(), FileFormat::Parquet, None).await;
    let mut file = tempfile::tempfile().unwrap();
    std::io::Write::write_all(&mut file, &bytes).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap();
    let mut found = Vec::new();
    for batch in reader {
        let batch = batch.unwrap();
        let column = |name: &str| batch.column_by_name(name).unwrap().clone();
        let text = |name: &str| {
            datafusion::arrow::compute::cast(&column(name), &datafusion::arrow::datatypes::DataType::Utf8).unwrap()
        };
        let (ids, texts) = (text("id"), text("version"));
        let commits = column("commits").as_primitive::<Int64Type>().clone();
        let finished = column("finished_at").as_primitive::<TimestampMicrosecondType>().clone();
        for row in 0..batch.num_rows() {
            let id = ids.as_string::<i32>().value(row).to_owned();
            assert_eq!(id, format!("d{}", commits.value(row)));
            assert_eq!(finished.value(row), at(&format!("2025-01-0{}T12:00:00Z", commits.value(row) + 1)).micros());
            found.push((id, texts.as_string::<i32>().value(row).to_owned()));
        }
    }
    assert_eq!(versions(found), HARD);
}

#[tokio::test]
async fn a_window_takes_its_rows_and_an_empty_one_is_a_file_too() {
    let warehouse = filled();
    let count = |bytes: Vec<u8>| csv::Reader::from_reader(bytes.as_slice()).into_records().map(Result::unwrap).count();
    let days = Some(("2025-01-02T12:00:00Z", "2025-01-04T12:00:00Z"));
    assert_eq!(count(written(&warehouse, FileFormat::Csv, days).await), 2);
    let never = Some(("2020-01-01T00:00:00Z", "2020-01-02T00:00:00Z"));
    let bytes = written(&warehouse, FileFormat::Csv, never).await;
    assert!(bytes.starts_with(b"source,id,"), "it has its head");
    assert_eq!(count(bytes), 0);
    assert!(written(&warehouse, FileFormat::Ndjson, never).await.is_empty());
    let parquet = written(&warehouse, FileFormat::Parquet, never).await;
    assert!(parquet.starts_with(b"PAR1") && parquet.ends_with(b"PAR1"));
}

#[tokio::test]
async fn what_is_no_table_is_told_with_those_there_are() {
    let export = Export { table: "deployments; DROP".to_owned(), from: None, to: None, format: FileFormat::Csv };
    let problem = filled().export(&export).await.err().unwrap();
    assert_eq!(problem.code.text(), "not_found");
    assert!(problem.message.contains("deployments"), "{}", problem.message);
}

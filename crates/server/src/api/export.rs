//! `GET /api/v1/export/{table}`

use ::metrics::{Bucket, Question};
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use domain::{Code, Timestamp};
use futures_util::stream;
use warehouse::{Export, FileFormat};

use super::question;
use crate::auth::Read;
use crate::clock;
use crate::error::ApiError;
use crate::query::Query;
use crate::state::App;

/// What the series of metrics are called among the tables.
const SERIES: &str = "metrics";
/// From when on there are rows of the table, where it was read from before.
const KEPT_FROM: HeaderName = HeaderName::from_static("leadline-kept-from");
/// InfluxDB's line protocol.
const INFLUX: &str = "influx";

/// A whole table as a file, or the series of metrics in InfluxDB's line protocol. It is written while it is read, so that
/// no answer is too long; a connection that ends early gives no whole file. Where retention has taken rows out of what is
/// asked for, the header `leadline-kept-from` says from which instant on they are there.
#[utoipa::path(get, path = "/api/v1/export/{table}", tag = "read",
    params(
        ("table" = String, Path, description = "`deployments`, `commits`, `incidents`, `pipeline_runs`, `canary_analyses` or another table; or `metrics` for series"),
        ("format" = Option<String>, Query, description = "`ndjson` (default), `csv` or `parquet`; of `metrics` it is `influx`"),
        ("from" = Option<String>, Query, description = "Rows from this instant on, by the instant the table is sorted by; of `metrics` the start of the window"),
        ("to" = Option<String>, Query, description = "Rows before this instant; of `metrics` the end of the window"),
        ("node" = Option<String>, Query, description = "`metrics` only: nodes; may repeat or be a list with commas; the group when left out"),
        ("metric" = Option<String>, Query, description = "`metrics` only: metric ids; may repeat; all when left out"),
        ("definition" = Option<String>, Query, description = "`metrics` only: definition id"),
        ("bucket" = Option<String>, Query, description = "`metrics` only: `day` (default), `week`, `month` or `quarter`"),
        ("zone" = Option<String>, Query, description = "`metrics` only: IANA time zone of the buckets; UTC when left out"),
    ),
    responses(
        (status = 200, description = "The file", content(
            (String = "application/x-ndjson"), (String = "text/csv"), (String = "application/vnd.apache.parquet"), (String = "text/plain"))),
        (status = 404, description = "not_found"), (status = 422, description = "invalid_parameter")))]
pub(crate) async fn get_export(
    State(app): State<App>,
    _: Read,
    Path(table): Path<String>,
    query: Query,
) -> Result<Response, ApiError> {
    app.fresh().await?;
    if table == SERIES { series(&app, &query.only(OF_SERIES)?) } else { rows(&app, table, query).await }
}

async fn rows(app: &App, table: String, query: Query) -> Result<Response, ApiError> {
    let query = query.only(&["format", "from", "to"])?;
    let now = clock::now();
    let format = query.one("format").unwrap_or(FileFormat::Ndjson.text());
    let format = FileFormat::read(format).ok_or_else(|| {
        let known: Vec<&str> = FileFormat::ALL.iter().map(|format| format.text()).collect();
        ApiError::new(Code::InvalidParameter, format!("`format` of a table takes {}", known.join(", ")))
    })?;
    let name = format!("{table}.{}", format.text());
    let export = Export { table, from: query.instant("from", now)?, to: query.instant("to", now)?, format };
    let warehouse = app.warehouse();
    let exported = warehouse.export(&export).await?;
    // After its rows are pinned: what leaves in between is told although it is there, never the other way round.
    let kept_from = warehouse.rows_kept_from(&export.table, export.from);
    let pieces = stream::unfold(exported, |mut exported| async {
        let piece = exported.next().await?;
        Some((piece, exported))
    });
    Ok(saying(kept_from, file(format.content_type(), &name, Body::from_stream(pieces))))
}

fn saying(kept_from: Option<Timestamp>, file: Response) -> Response {
    match kept_from {
        Some(first) => ([(KEPT_FROM, first.to_string())], file).into_response(),
        None => file,
    }
}

const OF_SERIES: &[&str] = &["format", "from", "to", "node", "metric", "definition", "bucket", "zone"];

fn series(app: &App, query: &Query) -> Result<Response, ApiError> {
    if query.one("format").is_some_and(|format| format != INFLUX) {
        return Err(ApiError::new(Code::InvalidParameter, format!("`format` of {SERIES} takes {INFLUX}")));
    }
    let (window, definition) = (question::window(app, query)?, app.definition(query.one("definition"))?);
    let (metrics, bucket) = (question::metrics(query)?, question::bucket(query)?.unwrap_or(Bucket::Day));
    let nodes = query.all("node");
    let mut questions = Vec::new();
    for node in if nodes.is_empty() { vec!["group"] } else { nodes } {
        let mut question = Question::new(app.node(Some(node))?, definition.clone(), window);
        question.bucket = Some(bucket);
        if let Some(metrics) = &metrics {
            question.metrics.clone_from(metrics);
        }
        if let Some(zone) = query.one("zone") {
            question.zone = zone.to_owned();
        }
        question.check()?;
        questions.push(question);
    }
    let warehouse = app.warehouse();
    let kept_from = questions.iter().filter_map(|question| warehouse.kept_from(question)).max();
    let pieces = stream::unfold((warehouse, questions.into_iter()), |(warehouse, mut questions)| async {
        let question = questions.next()?;
        let lines = warehouse.answer(&question).await.map(|answer| ::metrics::influx::lines(&answer).into_bytes());
        Some((lines, (warehouse, questions)))
    });
    Ok(saying(kept_from, file("text/plain; charset=utf-8", "metrics.line", Body::from_stream(pieces))))
}

fn file(content_type: &'static str, name: &str, body: Body) -> Response {
    let mut response = ([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))], body).into_response();
    if let Ok(value) = HeaderValue::from_str(&format!("attachment; filename=\"{name}\"")) {
        response.headers_mut().insert(header::CONTENT_DISPOSITION, value);
    }
    response
}

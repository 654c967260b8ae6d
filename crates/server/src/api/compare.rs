//! `GET /api/v1/compare`

use ::metrics::inference::difference::CAUTION;
use ::metrics::{Question, Window, headline};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use domain::Code;
use domain::catalogue::Node;
use serde_json::json;

use super::{question, reply};
use crate::auth::Read;
use crate::error::ApiError;
use crate::query::{self, Query};
use crate::state::App;

/// More columns than a person can look at.
const MOST: usize = 20;

/// Nodes, or two windows of one node, beside each other. Each column after the first says how it differs from the first,
/// with a 95 % interval and how sure that is. Of two windows the other one (`with`) stands first, so that the difference
/// is the change since.
#[utoipa::path(get, path = "/api/v1/compare", tag = "read",
    params(
        ("nodes" = Option<String>, Query, description = "2 to 20 nodes with commas, as `node` of `/api/v1/metrics`"),
        ("node" = Option<String>, Query, description = "Instead of `nodes`: one node in two windows"),
        ("with" = Option<String>, Query, description = "The other window of `node`: `previous` (default), or `FROM,TO`"),
        ("metric" = Option<String>, Query, description = "Metric id; may repeat or be a list with commas; the five of the definition when left out"),
        ("definition" = Option<String>, Query, description = "Definition id"),
        ("from" = Option<String>, Query, description = "First instant"),
        ("to" = Option<String>, Query, description = "First instant after the window"),
    ),
    responses((status = 200, description = "Columns"), (status = 404, description = "not_found"),
        (status = 409, description = "ambiguous"), (status = 422, description = "invalid_parameter or definition_unknown")))]
pub(crate) async fn get_compare(
    State(app): State<App>,
    _: Read,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, ApiError> {
    let query = query.only(&["nodes", "node", "with", "metric", "definition", "from", "to"])?;
    let as_of = app.fresh().await?;
    let (definition, window) = (app.definition(query.one("definition"))?, question::window(&app, &query)?);
    let metrics = question::metrics(&query)?.unwrap_or_else(|| headline(&definition).to_vec());
    let places = places(&app, &query, window)?;
    let ask = |(node, window)| Question {
        metrics: metrics.clone(),
        labels: query.labels(),
        ..Question::new(node, definition.clone(), window)
    };
    let questions: Vec<Question> = places.into_iter().map(ask).collect();
    let warehouse = app.warehouse();
    let columns = warehouse.compare(&questions).await?;
    let mut content = json!({
        "definition": {"id": definition.id, "version": definition.version},
        "by": if query.one("nodes").is_some() { "node" } else { "window" },
        "caution": CAUTION, "columns": columns,
    });
    if let Some(first) = questions.iter().filter_map(|question| warehouse.kept_from(question)).max() {
        content["kept_from"] = json!(first);
    }
    let mut body = content.clone();
    body["as_of"] = json!(as_of);
    reply::json_as_of(&headers, &body, &content)
}

/// Which node in which window makes each column.
fn places(app: &App, query: &Query, window: Window) -> Result<Vec<(Node, Window)>, ApiError> {
    if query.one("nodes").is_none() {
        let node = app.node(query.one("node"))?;
        return Ok(vec![(node.clone(), other(query, window)?), (node, window)]);
    }
    if query.one("node").is_some() || query.one("with").is_some() {
        return Err(wrong("either `nodes` are compared in one window, or one `node` `with` another window"));
    }
    let nodes = query.all("nodes");
    if !(2..=MOST).contains(&nodes.len()) {
        return Err(wrong(&format!("`nodes` takes 2 to {MOST} nodes with commas; here are {}", nodes.len())));
    }
    let nodes: Vec<Node> = nodes.into_iter().map(|node| app.node(Some(node))).collect::<Result<_, _>>()?;
    if let Some(twice) = nodes.iter().enumerate().find(|(place, node)| nodes[..*place].contains(node)) {
        return Err(wrong(&format!("`nodes` has `{}` twice", twice.1.to_ref())));
    }
    Ok(nodes.into_iter().map(|node| (node, window)).collect())
}

fn other(query: &Query, window: Window) -> Result<Window, ApiError> {
    let Some(text) = query.one("with").filter(|text| *text != "previous") else { return Ok(window.previous()) };
    let (from, to) = text
        .split_once(',')
        .ok_or_else(|| wrong("`with` takes `previous`, or a window written FROM,TO, such as 2025-01-01,2025-02-01"))?;
    let now = crate::clock::now();
    let (from, to) = (query::instant("with", from.trim(), now)?, query::instant("with", to.trim(), now)?);
    if from >= to {
        return Err(wrong(&format!("the window of `with` begins ({from}) no earlier than it ends ({to})")));
    }
    Ok(Window { from, to })
}

fn wrong(message: &str) -> ApiError {
    ApiError::new(Code::InvalidParameter, message)
}

//! `GET /api/v1/tree`

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use domain::catalogue::{Labels, Node, Tree};
use domain::metric::Metric;
use metrics::{Question, headline};
use serde_json::{Map, Value, json};

use super::{question, reply};
use crate::auth::Read;
use crate::error::ApiError;
use crate::query::Query;
use crate::state::App;

/// Every node with its headline values: the five DORA metrics of the definition, or those asked for.
#[utoipa::path(get, path = "/api/v1/tree", tag = "read",
    params(
        ("definition" = Option<String>, Query, description = "Definition id"),
        ("metric" = Option<String>, Query, description = "Metrics instead of the headline ones"),
        ("from" = Option<String>, Query, description = "First instant"),
        ("to" = Option<String>, Query, description = "First instant after the window"),
    ),
    responses((status = 200, description = "Nodes, parents before children")))]
pub(crate) async fn get_tree(
    State(app): State<App>,
    _: Read,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, ApiError> {
    let query = query.only(&["definition", "metric", "from", "to"])?;
    let as_of = app.fresh().await?;
    let window = question::window(&app, &query)?;
    let definition = app.definition(query.one("definition"))?;
    let metrics = query.all("metric").into_iter().map(str::parse::<Metric>).collect::<Result<Vec<_>, _>>()?;
    let asked = (!metrics.is_empty()).then_some(metrics.as_slice());
    let labels = query.labels();
    let warehouse = app.warehouse();
    let values = warehouse.tree(&definition, window, &labels, asked).await?;
    let tree = app.shown.tree.load_full();
    let nodes: Vec<Value> = values
        .iter()
        .map(|values| {
            let node = &values.node;
            json!({
                "node": node.to_ref().to_string(),
                "level": node.to_ref().level(),
                "name": short_name(node),
                "parent": parent(node, &tree),
                "team": team(node, &tree),
                "labels": labels_of(node, &tree),
                "overall": values.overall,
                "metrics": values.metrics,
            })
        })
        .collect();
    let mut content = json!({
        "definition": {"id": definition.id, "version": definition.version},
        "from": window.from, "to": window.to, "nodes": nodes,
    });
    let metrics = if metrics.is_empty() { headline(&definition).to_vec() } else { metrics };
    let question = Question { metrics, ..Question::new(Node::Group, definition, window) };
    if let Some(first) = warehouse.kept_from(&question) {
        content["kept_from"] = json!(first);
    }
    let mut body = content.clone();
    body["as_of"] = json!(as_of);
    reply::json_as_of(&headers, &body, &content)
}

fn short_name(node: &Node) -> String {
    match node {
        Node::Component(id) => id.name().to_owned(),
        Node::Instance(_, instance) => instance.clone(),
        other => other.to_ref().name(),
    }
}

/// The node above; none for the group and for teams, which stand across the tree.
fn parent(node: &Node, tree: &Tree) -> Option<String> {
    let product = |name: &str| tree.products().get(name);
    let above = match node {
        Node::Group | Node::Team(_) => return None,
        Node::Platform(_) => Node::Group,
        Node::Domain(name) => {
            let of = tree.products().values().find(|product| product.domain == *name)?;
            Node::Platform(of.platform.clone())
        }
        Node::Product(name) => Node::Domain(product(name)?.domain.clone()),
        Node::Component(id) => Node::Product(id.product().to_owned()),
        Node::Instance(id, _) => Node::Component(id.clone()),
    };
    Some(above.to_ref().to_string())
}

fn team(node: &Node, tree: &Tree) -> Option<String> {
    match node {
        Node::Product(name) => tree.products().get(name)?.team.clone(),
        _ => None,
    }
}

fn labels_of(node: &Node, tree: &Tree) -> Map<String, Value> {
    let labels = match node {
        Node::Product(name) => tree.products().get(name).map(|product| product.labels.clone()).unwrap_or_default(),
        Node::Component(id) => tree.labels_at(id, None),
        Node::Instance(id, instance) => tree.labels_at(id, Some(instance)),
        _ => Labels::new(),
    };
    labels.into_iter().map(|(key, value)| (key, Value::from(value))).collect()
}

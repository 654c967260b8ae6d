//! `GET /api/v1/tree`

use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use domain::Timestamp;
use domain::band::Band;
use domain::catalogue::{Labels, Level, Node, Tree};
use domain::metric::Metric;
use metrics::{DefinitionRef, NodeValues, Question, Values, headline};
use serde::Serialize;

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
    let nodes: Vec<TreeNode<'_>> = values.iter().map(|values| TreeNode::of(values, &tree)).collect();
    let asked = if metrics.is_empty() { headline(&definition).to_vec() } else { metrics };
    let question = Question { metrics: asked, ..Question::new(Node::Group, definition.clone(), window) };
    let content = Told {
        definition: DefinitionRef::from(&definition),
        from: window.from,
        to: window.to,
        nodes: &nodes,
        kept_from: warehouse.kept_from(&question),
        as_of: None,
    };
    reply::json_as_of(&headers, &Told { as_of: Some(as_of), ..content.clone() }, &content)
}

/// The answer. It is written from what is there: a thousand products make megabytes of it.
#[derive(Clone, Serialize)]
struct Told<'a> {
    definition: DefinitionRef,
    from: Timestamp,
    to: Timestamp,
    nodes: &'a [TreeNode<'a>],
    #[serde(skip_serializing_if = "Option::is_none")]
    kept_from: Option<Timestamp>,
    #[serde(skip_serializing_if = "Option::is_none")]
    as_of: Option<Timestamp>,
}

#[derive(Serialize)]
struct TreeNode<'a> {
    node: String,
    level: Level,
    name: String,
    parent: Option<String>,
    team: Option<String>,
    labels: Labels,
    overall: Option<Band>,
    metrics: &'a Values,
}

impl<'a> TreeNode<'a> {
    fn of(values: &'a NodeValues, tree: &Tree) -> Self {
        let NodeValues { node, overall, metrics } = values;
        TreeNode {
            node: node.to_ref().to_string(),
            level: node.to_ref().level(),
            name: short_name(node),
            parent: parent(node, tree),
            team: team(node, tree),
            labels: labels_of(node, tree),
            overall: *overall,
            metrics,
        }
    }
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

fn labels_of(node: &Node, tree: &Tree) -> Labels {
    match node {
        Node::Product(name) => tree.products().get(name).map(|product| product.labels.clone()).unwrap_or_default(),
        Node::Component(id) => tree.labels_at(id, None),
        Node::Instance(id, instance) => tree.labels_at(id, Some(instance)),
        _ => Labels::new(),
    }
}

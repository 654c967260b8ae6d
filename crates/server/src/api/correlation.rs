//! `GET /api/v1/correlation`

use ::metrics::inference::{correlation, words};
use ::metrics::{NodeValues, Question, Value};
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use domain::Code;
use domain::catalogue::{Level, Node, Tree};
use domain::metric::Metric;
use serde_json::json;

use super::{question, reply};
use crate::auth::Read;
use crate::error::ApiError;
use crate::query::Query;
use crate::state::App;

/// Levels with several nodes, each with its plural.
const LEVELS: [(Level, &str); 6] = [
    (Level::Platform, "platforms"),
    (Level::Domain, "domains"),
    (Level::Product, "products"),
    (Level::Component, "components"),
    (Level::Instance, "instances"),
    (Level::Team, "teams"),
];

/// Whether two metrics go together over the nodes of a level: Pearson's correlation with its two-sided p-value, the
/// points it is made of, and a sentence. A correlation is not a cause.
#[utoipa::path(get, path = "/api/v1/correlation", tag = "read",
    params(
        ("x" = String, Query, description = "Metric id"),
        ("y" = String, Query, description = "Another metric id"),
        ("level" = Option<String>, Query, description = "`platform`, `domain`, `product` (default), `component`, `instance` or `team`: what each point is"),
        ("node" = Option<String>, Query, description = "Only nodes below this one"),
        ("definition" = Option<String>, Query, description = "Definition id"),
        ("from" = Option<String>, Query, description = "First instant"),
        ("to" = Option<String>, Query, description = "First instant after the window"),
    ),
    responses((status = 200, description = "The correlation and its points"), (status = 422, description = "invalid_parameter or definition_unknown")))]
pub(crate) async fn get_correlation(
    State(app): State<App>,
    _: Read,
    headers: HeaderMap,
    query: Query,
) -> Result<Response, ApiError> {
    let query = query.only(&["x", "y", "level", "node", "definition", "from", "to"])?;
    let as_of = app.fresh().await?;
    let (definition, window) = (app.definition(query.one("definition"))?, question::window(&app, &query)?);
    let (x, y) = (metric(&query, "x")?, metric(&query, "y")?);
    if x == y {
        return Err(wrong(format!("`x` and `y` are both `{x}`; a metric goes with itself")));
    }
    let (level, plural) = level(&query)?;
    let top = app.node(query.one("node"))?;
    let values = app.warehouse().tree(&definition, window, &query.labels(), Some(&[x, y])).await?;
    let tree = app.shown.tree.load_full();
    let nodes =
        values.iter().filter(|values| values.node.to_ref().level() == level && under(&values.node, &top, &tree));
    let (mut points, mut pairs, mut left_out) = (Vec::new(), Vec::new(), 0);
    for values in nodes {
        match (of(values, x), of(values, y)) {
            (Some((x, x_n)), Some((y, y_n))) => {
                pairs.push((x, y));
                points.push(json!({"node": values.node.to_ref().to_string(), "x": x, "y": y, "x_n": x_n, "y_n": y_n}));
            }
            _ => left_out += 1,
        }
    }
    let found = correlation::correlate(&pairs);
    let mut content = json!({
        "definition": {"id": definition.id, "version": definition.version},
        "from": window.from, "to": window.to, "x": x, "y": y, "level": level, "node": top.to_ref().to_string(),
        "n": pairs.len(), "r": found.as_ref().ok().map(|found| found.r), "p": found.as_ref().ok().map(|found| found.p),
        "reason": found.as_ref().err(),
        "sentence": words::correlation(x, y, pairs.len(), plural, found),
        "left_out": left_out, "points": points,
    });
    let question = Question { metrics: vec![x, y], ..Question::new(Node::Group, definition, window) };
    if let Some(first) = app.warehouse().kept_from(&question) {
        content["kept_from"] = json!(first);
    }
    let mut body = content.clone();
    body["as_of"] = json!(as_of);
    reply::json_as_of(&headers, &body, &content)
}

fn metric(query: &Query, name: &str) -> Result<Metric, ApiError> {
    let text = query.one(name).ok_or_else(|| wrong(format!("`{name}` is missing; it takes the id of a metric")))?;
    Ok(text.parse::<Metric>()?)
}

fn level(query: &Query) -> Result<(Level, &'static str), ApiError> {
    let text = query.one("level").unwrap_or("product");
    LEVELS.into_iter().find(|(level, _)| level.text() == text).ok_or_else(|| {
        let known: Vec<_> = LEVELS.iter().map(|(level, _)| level.text()).collect();
        wrong(format!("`level` takes {}", known.join(", ")))
    })
}

fn of(values: &NodeValues, metric: Metric) -> Option<(f64, u64)> {
    let Value { value, n, .. } = values.metrics.get(metric)?;
    Some(((*value)?, *n))
}

/// Whether a node stands below another. A platform, a domain and a team do when a product of theirs does.
fn under(node: &Node, top: &Node, tree: &Tree) -> bool {
    let holds = |node: &Node, name: &str| {
        let product = tree.products().get(name);
        match node {
            Node::Group => true,
            Node::Platform(platform) => product.is_some_and(|product| product.platform == *platform),
            Node::Domain(domain) => product.is_some_and(|product| product.domain == *domain),
            Node::Team(team) => product.is_some_and(|product| product.team.as_ref() == Some(team)),
            Node::Product(product) => product == name,
            Node::Component(id) | Node::Instance(id, _) => id.product() == name,
        }
    };
    match (node, top) {
        (_, Node::Group) => true,
        (Node::Component(id) | Node::Instance(id, _), Node::Component(top)) => id == top,
        (_, Node::Component(_) | Node::Instance(..)) => node == top,
        (Node::Product(name), _) => holds(top, name),
        (Node::Component(id) | Node::Instance(id, _), _) => holds(top, id.product()),
        _ => tree.products().keys().any(|name| holds(node, name) && holds(top, name)),
    }
}

fn wrong(message: String) -> ApiError {
    ApiError::new(Code::InvalidParameter, message)
}

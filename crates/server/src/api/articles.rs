//! The articles' own read endpoints, in the shapes they print.
//!
//! Their values follow the definition `examples`. Where the printed code calls a service without deployments elite, the
//! value and the rating are null here: nothing was measured.

use ::metrics::{MetricAnswer, Question, Window};
use axum::Json;
use axum::extract::{Path, State};
use domain::band::{self, Band};
use domain::catalogue::{Node, NodeRef};
use domain::fact::SignalKind;
use domain::metric::Metric;
use domain::time::{DAY, SECOND};
use domain::{Code, Timestamp};
use serde_json::{Value, json};

use crate::auth::Read;
use crate::clock;
use crate::error::ApiError;
use crate::query::Query;
use crate::state::App;

/// The four metrics of a service; the failure rate counts rollbacks and hotfixes only.
#[utoipa::path(get, path = "/metrics/dora/{service}", tag = "articles",
    params(("service" = String, Path, description = "The component"), ("days" = Option<usize>, Query, description = "1 to 365; 30 when left out")),
    responses((status = 200, description = "As the article prints it"), (status = 422, description = "invalid_parameter")))]
pub(crate) async fn dora(
    State(app): State<App>,
    _: Read,
    Path(service): Path<String>,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    let query = query.only(&["days"])?;
    let days = query.number("days", 30, 1..=365)?;
    let answers = ask(&app, &service, days, &[SignalKind::IsRemediation]).await?;
    let of = |metric: Metric| answers.as_ref().and_then(|answer| answer.metrics.get(&metric));
    let frequency = of(Metric::DeploymentFrequency).filter(|answer| answer.n > 0);
    let lead = of(Metric::LeadTime);
    let stats = lead.and_then(|answer| answer.stats.as_ref());
    let hours = |seconds: Option<f64>| seconds.map(|seconds| round(seconds / 3_600.0));
    let failures = of(Metric::ChangeFailureRate);
    let restore = of(Metric::TimeToRestore);
    Ok(Json(json!({
        "service": service,
        "period_days": days,
        "metrics": {
            "deployment_frequency": {
                "value": frequency.and_then(|answer| answer.value).map(round),
                "unit": "per_day",
                "rating": rating(Metric::DeploymentFrequency, frequency),
            },
            "lead_time": {
                "mean_hours": hours(stats.map(|stats| stats.mean)),
                "median_hours": hours(stats.map(|stats| stats.p50)),
                "rating": rating(Metric::LeadTime, lead),
            },
            "change_failure_rate": {
                "value": failures.and_then(|answer| answer.value).map(|ratio| round(ratio * 100.0)),
                "unit": "percent",
                "rating": rating(Metric::ChangeFailureRate, failures),
            },
            "mttr": {
                "value": restore.and_then(|answer| answer.value).map(|seconds| round(seconds / 60.0)),
                "unit": "minutes",
                "rating": rating(Metric::TimeToRestore, restore),
            },
        },
    })))
}

/// The failure rate of a service: rollbacks, hotfixes, and deployments that caused an incident.
#[utoipa::path(get, path = "/metrics/change-failure-rate", tag = "articles",
    params(("service" = String, Query, description = "The component"), ("days" = Option<usize>, Query, description = "1 to 365; 30 when left out")),
    responses((status = 200, description = "As the article prints it"), (status = 422, description = "invalid_parameter")))]
pub(crate) async fn change_failure_rate(
    State(app): State<App>,
    _: Read,
    query: Query,
) -> Result<Json<Value>, ApiError> {
    let query = query.only(&["service", "days"])?;
    let days = query.number("days", 30, 1..=365)?;
    let service =
        query.one("service").ok_or_else(|| ApiError::new(Code::InvalidParameter, "`service` is required"))?.to_owned();
    let answers = ask(&app, &service, days, &[SignalKind::IsRemediation, SignalKind::Incident]).await?;
    let failures = answers.as_ref().and_then(|answer| answer.metrics.get(&Metric::ChangeFailureRate));
    let total = failures.map_or(0, |answer| answer.n);
    let rate = failures.and_then(|answer| answer.value);
    Ok(Json(json!({
        "service": service,
        "period_days": days,
        "total_deployments": total,
        "failed_deployments": rate.map_or(0.0, |rate| (rate * total as f64).round()) as u64,
        "change_failure_rate": rate.map(|rate| round(rate * 100.0)),
        "rating": rating(Metric::ChangeFailureRate, failures),
    })))
}

/// Answers for a service over its last days; none for a service nobody told of.
async fn ask(
    app: &App,
    service: &str,
    days: usize,
    signals: &[SignalKind],
) -> Result<Option<std::sync::Arc<::metrics::Answer>>, ApiError> {
    app.fresh().await?;
    let node = match app.shown.tree.load().resolve(&NodeRef::Component(service.to_owned())) {
        Ok(node @ Node::Component(_)) => node,
        Err(problem) if problem.code == Code::Ambiguous => return Err(problem.into()),
        _ => return Ok(None),
    };
    let mut definition = app.definition(Some("examples"))?;
    definition.failure.signals = signals.to_vec();
    // To the end of the present second, so that a deployment of this instant counts.
    let to = Timestamp::from_micros((clock::now().micros() / SECOND + 1) * SECOND);
    let window = Window { from: to.plus(-(days as i64) * DAY), to };
    let mut question = Question::new(node, definition, window);
    question.metrics =
        vec![Metric::DeploymentFrequency, Metric::LeadTime, Metric::ChangeFailureRate, Metric::TimeToRestore];
    Ok(Some(app.warehouse().answer(&question).await?))
}

fn rating(metric: Metric, answer: Option<&MetricAnswer>) -> Option<Band> {
    band::table("examples")?.band(metric, answer?.value?)
}

/// To two digits, as the article rounds.
fn round(value: f64) -> f64 {
    (value * 100.0).round() / 100.0
}

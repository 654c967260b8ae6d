//! `POST /api/v1/rebuild`, `GET /api/v1/rebuild`

use axum::Json;
use axum::extract::State;
use domain::{Code, Problem, Timestamp};
use serde_json::{Value, json};
use store::Rebuild;

use crate::auth::Admin;
use crate::error::ApiError;
use crate::query::Query;
use crate::state::App;

/// Makes facts anew: entities and facts from the journal; with `rules_change` facts alone, from the entities and the
/// catalogue as they are; with `from` facts, after deliveries received since that instant were read again. The old numbers
/// are shown until the new ones are complete, what comes in meanwhile is in both. Cut off, it is gone on with when the
/// server starts or the same is asked for again.
#[utoipa::path(post, path = "/api/v1/rebuild", tag = "admin",
    params(
        ("rules_change" = Option<bool>, Query, description = "Entities stay as they are; only facts are made anew"),
        ("from" = Option<String>, Query, description = "RFC 3339 with an offset: only deliveries received at or after it are read again"),
    ),
    responses(
        (status = 200, description = "Done: rows read again, entities and facts made from them, rows that came in meanwhile, and the SHA-256 of the facts"),
        (status = 503, description = "One is under way, or the server is stopping"),
    ))]
pub(crate) async fn post_rebuild(State(app): State<App>, _: Admin, query: Query) -> Result<Json<Value>, ApiError> {
    let wanted = wanted(&query.only(&["rules_change", "from"])?)?;
    let (store, rebuilding, stopping) = (app.store.clone(), app.rebuilding.clone(), app.stopping.clone());
    let (done, hash) = app
        .blocking(move || {
            let done = rebuilding.run(&store, Some(wanted), &stopping)?.unwrap_or_default();
            Ok((done, store.dump(&mut std::io::sink())?))
        })
        .await?;
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(Json(json!({
        "status": "rebuilt",
        "rows": done.rows,
        "entities": done.entities,
        "facts": done.facts,
        "caught_up": done.caught_up,
        "facts_sha256": hash,
    })))
}

/// How far a rebuild is: whether it is `running`, its `phase` (`copying`, `reading`, `linking`, `catching_up`,
/// `clearing`), how much of it is `done` of about `total`, and how long that takes.
#[utoipa::path(get, path = "/api/v1/rebuild", tag = "admin", responses((status = 200, description = "running; phase, the step it is of so many steps; done, total; per_second, seconds_left of the phase, null before a second has passed; of the last one when none runs")))]
pub(crate) async fn get_rebuild(State(app): State<App>, _: Admin) -> Json<Value> {
    Json(app.rebuilding.told())
}

fn wanted(query: &Query) -> Result<Rebuild, Problem> {
    let bad = |message: &str| Problem::new(Code::InvalidParameter, message.to_owned());
    let rules_change = match query.one("rules_change") {
        None | Some("false") => false,
        Some("true") => true,
        Some(_) => return Err(bad("`rules_change` takes true or false")),
    };
    match (rules_change, query.one("from")) {
        (false, None) => Ok(Rebuild::Everything),
        (true, None) => Ok(Rebuild::Facts),
        (false, Some(text)) => Timestamp::parse(text)
            .map(Rebuild::Since)
            .map_err(|_| bad("`from` takes an instant with its offset, such as 2025-01-31T12:00:00Z")),
        (true, Some(_)) => Err(bad("take `from` or `rules_change`: what is read again is linked anew in any case")),
    }
}

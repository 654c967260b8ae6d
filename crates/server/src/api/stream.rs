//! `GET /api/v1/stream`

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::response::sse::{Event, KeepAlive, Sse};
use futures_util::stream::{self, Stream};
use serde_json::json;
use tokio::sync::watch;

use crate::auth::Read;
use crate::state::{App, Synced};

/// Changes closer together than this are told as one.
const PACE: Duration = Duration::from_millis(250);
/// A comment this often shows both ends, and what stands between them, that the stream is alive.
const KEEP_ALIVE: Duration = Duration::from_secs(10);

/// Server-sent events: `change`, with the change number the numbers now follow, at once and whenever it grows. It says
/// that there is something new, not what: ask again for what is shown.
#[utoipa::path(get, path = "/api/v1/stream", tag = "read",
    responses((status = 200, description = "`event: change` with data `{change, at}`; comments keep the stream alive", content_type = "text/event-stream", body = String)))]
pub(crate) async fn get_stream(State(app): State<App>, _: Read) -> Sse<impl Stream<Item = Result<Event, Infallible>>> {
    let teller = Teller { synced: app.synced, stopping: app.stopping, told: None };
    let events = stream::unfold(teller, |mut teller| async {
        let synced = teller.next().await?;
        let data = json!({"change": synced.change, "at": synced.at}).to_string();
        Some((Ok(Event::default().event("change").id(synced.change.to_string()).data(data)), teller))
    });
    Sse::new(events).keep_alive(KeepAlive::new().interval(KEEP_ALIVE))
}

struct Teller {
    synced: watch::Receiver<Synced>,
    stopping: watch::Receiver<bool>,
    /// The change told last.
    told: Option<u64>,
}

impl Teller {
    /// The next change; none when the server stops, which must not wait for readers who never leave.
    async fn next(&mut self) -> Option<Synced> {
        let told = self.told;
        let news = async {
            if told.is_some() {
                tokio::time::sleep(PACE).await;
            }
            // Before everything of the start was read there is nothing to look at.
            self.synced.wait_for(|synced| synced.ready && told != Some(synced.change)).await.ok().map(|synced| *synced)
        };
        let synced = tokio::select! {
            synced = news => synced?,
            _ = self.stopping.wait_for(|stopping| *stopping) => return None,
        };
        self.told = Some(synced.change);
        Some(synced)
    }
}

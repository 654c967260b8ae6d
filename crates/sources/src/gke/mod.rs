//! Google's Kubernetes Engine: its audit logs as Cloud Logging exports them to a Pub/Sub topic that pushes.
//!
//! An entry is the audit event of Kubernetes in Google's words, so it is read by the code that reads that.

mod entry;

use base64::Engine;
use base64::engine::general_purpose::STANDARD as BASE64;
use domain::{Code, Problem};
use serde_json::{Map, Value};

use crate::body::Body;
use crate::json::{self, missing, text};
use crate::kubernetes::NAMES;
use crate::kubernetes::change::Summary;
use crate::{Answer, Delivery, Parsed, Route, Source, Verification};

pub(crate) const SOURCE: Source = Source {
    name: "gke",
    title: "Google Kubernetes Engine",
    doc: "Changes of workloads from the audit logs of clusters, by a sink of Cloud Logging and a Pub/Sub push.",
    routes: &[Route {
        path: "/webhooks/gke",
        event: "webhook",
        doc: "A message of a Pub/Sub push subscription, wrapped or not.",
        headers: &["content-type", NAMES],
        id_header: None,
        answer: Answer::Empty,
    }],
    // Google vouches with a token of its own, which says nothing of who may write here.
    verification: Verification::Token,
    parse: &parse,
    backfill: None,
};

fn parse(delivery: &Delivery<'_>) -> Result<Parsed, Problem> {
    let fields = json::hook(delivery)?;
    let entry = if fields.contains_key("message") { unwrapped(&Body::part(delivery, fields))? } else { fields };
    let mut summary = Summary::default();
    summary.add(entry::read(delivery, entry));
    summary.parsed()
}

/// The entry within a message.
fn unwrapped(push: &Body<'_>) -> Result<Map<String, Value>, Problem> {
    let data =
        text(push.get("/message/data")).ok_or_else(|| missing("message.data", "it holds the log entry, in base64."))?;
    let bytes = BASE64
        .decode(data)
        .map_err(|_| Problem::new(Code::WrongType, "`message.data` is not base64, as Pub/Sub sends it"))?;
    json::object(&bytes)
}

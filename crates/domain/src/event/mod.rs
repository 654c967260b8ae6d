//! Native events: what a source says happened, checked and in one shape.

mod mark;
mod merge;
mod run;
mod schema;
mod validate;
mod view;

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};

pub use mark::{MARKS, image_name, mark};
pub use merge::{Entity, Stamp, Stamped};
pub use run::PipelineRun;
pub use schema::{DEPLOYMENT_STATUSES, Field, FieldKind, SEVERITIES, Schema, schema};
pub use validate::{Checks, FUTURE_TOLERANCE, parse};
pub use view::{
    Change, ChangeKind, CommitAt, Deployment, Health, Incident, Override, PullRequest, Severity, Stage, Status, Tag,
    Trigger,
};

use crate::{EntityKey, Timestamp};

macro_rules! event_kinds {
    ($($name:ident $text:literal $doc:literal;)*) => {
        /// What an event speaks of.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "snake_case")]
        pub enum EventKind { $(#[doc = $doc] $name,)* }

        impl EventKind {
            /// Every kind.
            pub const ALL: &'static [EventKind] = &[$(EventKind::$name,)*];
            /// The value of `type` in JSON.
            #[must_use]
            pub const fn text(self) -> &'static str { match self { $(EventKind::$name => $text,)* } }
            /// What it stands for, in a sentence.
            #[must_use]
            pub const fn doc(self) -> &'static str { match self { $(EventKind::$name => $doc,)* } }
        }
    };
}

event_kinds! {
    Deployment "deployment" "One attempt to put one version of one component on one instance of one environment.";
    Change "change" "One commit.";
    Tag "tag" "A name given to a commit.";
    PullRequest "pull_request" "A proposed change with its review; a merge request elsewhere.";
    PipelineRun "pipeline_run" "One run of a CI/CD pipeline with its stages.";
    Incident "incident" "Something users felt, from its beginning to its end.";
    CanaryAnalysis "canary_analysis" "The verdict of a progressive rollout.";
    FlagChange "flag_change" "A feature flag was changed.";
    SloSample "slo_sample" "Good and total events of a service level over a short time.";
    Override "override" "A person's correction of a link or a verdict, with the reason.";
    Product "product" "Where a product belongs, as events told it; the catalogue stands above it.";
}

impl fmt::Display for EventKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.text())
    }
}

impl FromStr for EventKind {
    type Err = ();
    fn from_str(text: &str) -> Result<Self, ()> {
        EventKind::ALL.iter().copied().find(|kind| kind.text() == text).ok_or(())
    }
}

/// A native event that passed every check. `fields` holds neither nulls nor the identity (`type`, `source`);
/// timestamps in it are written in one form (UTC, microseconds), fields we do not know are kept as they came.
#[derive(Clone, Debug, PartialEq)]
pub struct Event {
    /// Whom and what it is about.
    pub key: EntityKey,
    /// What it says.
    pub fields: Map<String, Value>,
}

impl EventKind {
    /// Whether sources may send it; the others are made here.
    #[must_use]
    pub const fn is_native(self) -> bool {
        !matches!(self, EventKind::Override | EventKind::Product)
    }
}

impl Event {
    /// What a deployment event tells of the place of its product, when it tells any.
    #[must_use]
    pub fn product_hint(&self) -> Option<Event> {
        let product = self.fields.get("product")?.as_str()?;
        let mut fields: Map<String, Value> = ["platform", "domain", "team"]
            .into_iter()
            .filter_map(|name| Some((name.to_owned(), self.fields.get(name)?.clone())))
            .collect();
        if self.key.kind != EventKind::Deployment || fields.is_empty() {
            return None;
        }
        fields.insert("updated_at".to_owned(), Value::from(self.stamp().at.to_string()));
        Some(Event { key: entity_key(EventKind::Product, "events", product), fields })
    }

    /// SHA-256 of the identity and the content in canonical JSON: equal exactly when the events say the same.
    #[must_use]
    pub fn content_hash(&self) -> [u8; 32] {
        let mut text = String::with_capacity(256);
        for part in [self.key.kind.text(), &self.key.source, &self.key.id] {
            write_canonical(&Value::from(part), &mut text);
        }
        write_canonical_object(&self.fields, &mut text);
        Sha256::digest(text.as_bytes()).into()
    }

    /// Which of two contents is newer: see [`Stamp`].
    #[must_use]
    pub fn stamp(&self) -> Stamp {
        let hash = self.content_hash();
        let half = hash.iter().take(16).fold(0u128, |number, byte| (number << 8) | u128::from(*byte));
        Stamp { at: self.content_time(), rank: self.status_rank(), hash: half }
    }

    /// `updated_at` when given, else the latest time the content itself speaks of.
    fn content_time(&self) -> Timestamp {
        let time =
            |name: &str| self.fields.get(name).and_then(Value::as_str).and_then(|text| Timestamp::parse(text).ok());
        time("updated_at").unwrap_or_else(|| {
            schema(self.key.kind)
                .fields
                .iter()
                .filter(|field| field.kind == FieldKind::Timestamp)
                .filter_map(|field| time(field.name))
                .max()
                .unwrap_or(Timestamp::MIN)
        })
    }

    /// A state that comes later in life is newer when the times are equal.
    fn status_rank(&self) -> u8 {
        match self.fields.get("status").and_then(Value::as_str) {
            Some("in_progress") => 1,
            Some("cancelled") => 2,
            Some("failed") => 3,
            Some("succeeded") => 4,
            _ => 0,
        }
    }
}

/// Identity parts interned as shared text.
#[must_use]
pub fn entity_key(kind: EventKind, source: &str, id: &str) -> EntityKey {
    EntityKey { kind, source: Arc::from(source), id: Arc::from(id) }
}

/// Source of everything that is the same thing whoever reports it: commits, tags, pull requests.
pub const GIT: &str = "git";

/// Writes JSON with sorted keys and no white space, so that equal content has equal text.
fn write_canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => write_canonical_object(map, out),
        Value::Array(items) => {
            out.push('[');
            for item in items {
                write_canonical(item, out);
                out.push(',');
            }
            out.push(']');
        }
        scalar => out.push_str(&scalar.to_string()),
    }
}

fn write_canonical_object(map: &Map<String, Value>, out: &mut String) {
    let mut keys: Vec<&String> = map.keys().collect();
    keys.sort_unstable();
    out.push('{');
    for key in keys {
        out.push_str(&Value::from(key.as_str()).to_string());
        out.push(':');
        write_canonical(&map[key], out);
        out.push(',');
    }
    out.push('}');
}

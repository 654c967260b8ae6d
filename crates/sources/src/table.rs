//! The table of sources. It feeds the routes, the command line's list and the reference.

use std::fmt;
use std::sync::{LazyLock, PoisonError, RwLock};

use domain::event::Event;
use domain::{Problem, Timestamp};
use sha2::{Digest, Sha256};

use crate::mapped::{Shipped, Tool, ToolError};
use crate::poll::Backfill;
use crate::{
    Verification, alertmanager, argo_rollouts, argocd, articles, cdevents, flux, github, gitlab, gke, jira, kubernetes,
    native, opentelemetry, pagerduty, servicenow,
};

/// Sources read by code.
const NATIVE: &[Source] = &[
    native::SOURCE,
    articles::SOURCE,
    github::SOURCE,
    gitlab::SOURCE,
    argocd::SOURCE,
    argo_rollouts::SOURCE,
    flux::SOURCE,
    pagerduty::SOURCE,
    servicenow::SOURCE,
    alertmanager::SOURCE,
    jira::SOURCE,
    kubernetes::SOURCE,
    gke::SOURCE,
    cdevents::SOURCE,
    opentelemetry::SOURCE,
];

/// The folder of a tool read by a program.
macro_rules! mapped {
    ($name:literal) => {
        Shipped {
            about: include_str!(concat!("../mapped/", $name, "/source.toml")),
            program: include_str!(concat!("../mapped/", $name, "/program.jq")),
        }
    };
}

/// Sources read by programs.
const MAPPED: &[Shipped] = &[
    mapped!("azuredevops"),
    mapped!("bitbucket"),
    mapped!("circleci"),
    mapped!("datadog"),
    mapped!("firehydrant"),
    mapped!("grafana"),
    mapped!("harness"),
    mapped!("incidentio"),
    mapped!("jenkins"),
    mapped!("launchdarkly"),
    mapped!("octopus"),
    mapped!("opsgenie"),
    mapped!("pelorus"),
    mapped!("rootly"),
    mapped!("sentry"),
    mapped!("spinnaker"),
    mapped!("squadcast"),
    mapped!("statuspage"),
    mapped!("tekton"),
    mapped!("unleash"),
    mapped!("zendesk"),
];

/// Every source that comes with Leadline.
pub static SOURCES: LazyLock<Vec<Source>> = LazyLock::new(|| {
    let mapped = MAPPED.iter().filter_map(|shipped| shipped.source().ok());
    NATIVE.iter().copied().chain(mapped).collect()
});

/// The tools of the configuration, as they were last learned.
static LEARNED: RwLock<Vec<&'static Source>> = RwLock::new(Vec::new());

/// Learns the tools of the configuration: from now on [`find`] knows them, for what comes in and for what the journal has.
/// Those of the same name are replaced, others stay, so that what they sent can be read again. Their programs are read and
/// compiled now; when one of them cannot be used, none is learned.
///
/// # Errors
/// The first tool that cannot be used, what is wrong with it, and where.
pub fn learn(tools: &[Tool]) -> Result<(), ToolError> {
    let mut fresh: Vec<&'static Source> = Vec::new();
    for tool in tools {
        let source = tool.source()?;
        if SOURCES.iter().chain(fresh.iter().copied()).any(|known| known.name == source.name) {
            return Err(ToolError {
                place: format!("tools `{}`", source.name),
                what: "there is a source by this name already".to_owned(),
            });
        }
        fresh.push(Box::leak(Box::new(source)));
    }
    let mut learned = LEARNED.write().unwrap_or_else(PoisonError::into_inner);
    learned.retain(|known| fresh.iter().all(|source| source.name != known.name));
    learned.extend(fresh);
    Ok(())
}

/// Every source: those that come with Leadline, then those learned.
#[must_use]
pub fn all() -> Vec<&'static Source> {
    let learned = LEARNED.read().unwrap_or_else(PoisonError::into_inner);
    SOURCES.iter().chain(learned.iter().copied()).collect()
}

/// Reads a verified delivery. Pure: the same delivery gives the same answer for ever.
pub type Parse = dyn Fn(&Delivery<'_>) -> Result<Parsed, Problem> + Send + Sync;

/// A kind of sender, and how to read it.
#[derive(Clone, Copy)]
pub struct Source {
    /// Its name in addresses, on the command line and in the journal.
    pub name: &'static str,
    /// Its name for people.
    pub title: &'static str,
    /// What it sends, in a sentence.
    pub doc: &'static str,
    /// Where it sends to.
    pub routes: &'static [Route],
    /// How a delivery shows that it comes from whom it says.
    pub verification: Verification,
    /// Reads a verified delivery.
    pub parse: &'static Parse,
    /// How its past is read through its API, where it has one. Pages come to `parse` as the event
    /// [`Page::EVENT`](crate::poll::Page::EVENT), which no route may have.
    pub backfill: Option<&'static Backfill>,
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source").field("name", &self.name).field("routes", &self.routes).finish_non_exhaustive()
    }
}

/// One address of a source. The method is always POST.
#[derive(Clone, Copy, Debug)]
pub struct Route {
    /// Path from the root of the server.
    pub path: &'static str,
    /// What the parser calls a delivery at this address.
    pub event: &'static str,
    /// What is sent here, in a sentence.
    pub doc: &'static str,
    /// Headers the parser reads, in lower case; the journal keeps no others.
    pub headers: &'static [&'static str],
    /// Header with the sender's own id of the delivery, in lower case; without one the content is the identity.
    pub id_header: Option<&'static str>,
    /// What a delivery that was taken is answered with.
    pub answer: Answer,
}

/// The answer to a delivery that was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// `202` with how many events were accepted, known already and rejected.
    Receipt,
    /// `200` with `{"status":"recorded"}`.
    Recorded,
    /// `200` and nothing else.
    Empty,
}

impl Answer {
    /// HTTP status.
    #[must_use]
    pub const fn status(self) -> u16 {
        match self {
            Answer::Receipt => 202,
            Answer::Recorded | Answer::Empty => 200,
        }
    }

    /// The body where it is always the same; a receipt has to be written.
    #[must_use]
    pub const fn body(self) -> Option<&'static str> {
        match self {
            Answer::Receipt => None,
            Answer::Recorded => Some(r#"{"status":"recorded"}"#),
            Answer::Empty => Some(""),
        }
    }
}

/// A verified delivery.
#[derive(Clone, Copy, Debug)]
pub struct Delivery<'a> {
    /// The source by its configured name; for native events the token's name.
    pub source: &'a str,
    /// The route's event.
    pub event: &'a str,
    /// Headers; names in any case.
    pub headers: &'a [(String, String)],
    /// The body as it came.
    pub body: &'a [u8],
    /// When it came: the only clock a parser has.
    pub received_at: Timestamp,
}

impl Delivery<'_> {
    /// The first header by this name.
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        header(self.headers, name)
    }
}

pub(crate) fn header<'a>(headers: &'a [(String, String)], name: &str) -> Option<&'a str> {
    headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name)).map(|(_, value)| value.trim())
}

/// What a delivery says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Parsed {
    /// Its events in order, each with what is wrong with it when it cannot be taken.
    pub events: Vec<Result<Event, Problem>>,
    /// Why it says nothing about delivery, when that is so.
    pub ignored: Option<String>,
}

impl Parsed {
    /// A delivery that says nothing about delivery of software.
    pub(crate) fn ignored(why: impl Into<String>) -> Self {
        Parsed { events: Vec::new(), ignored: Some(why.into()) }
    }
}

/// The source by its name, also one learned.
#[must_use]
pub fn find(name: &str) -> Option<&'static Source> {
    let named = |source: &&'static Source| source.name == name;
    let learned = || LEARNED.read().unwrap_or_else(PoisonError::into_inner).iter().copied().find(named);
    SOURCES.iter().find(named).or_else(learned)
}

/// The identity under which the journal knows a delivery: the sender's own id of it where the route has one, else a
/// hash of the source, the event and the body.
#[must_use]
pub fn delivery_id(source: &Source, event: &str, headers: &[(String, String)], body: &[u8]) -> String {
    let route = source.routes.iter().find(|route| route.event == event);
    let given = route.and_then(|route| header(headers, route.id_header?));
    // An id too long or too odd to be one is not trusted to be unique.
    if let Some(id) = given.filter(|id| (1..=200).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_graphic()))
    {
        return id.to_owned();
    }
    let mut hash = Sha256::new();
    for part in [source.name.as_bytes(), event.as_bytes(), body] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    format!("sha256:{}", hex(&hash.finalize()))
}

/// Bytes in hexadecimal.
pub(crate) fn hex(bytes: &[u8]) -> String {
    const DIGITS: [char; 16] = ['0', '1', '2', '3', '4', '5', '6', '7', '8', '9', 'a', 'b', 'c', 'd', 'e', 'f'];
    bytes.iter().flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROUTES: &[Route] = &[Route {
        path: "/webhooks/test",
        event: "push",
        doc: "A test.",
        headers: &[],
        id_header: Some("x-delivery"),
        answer: Answer::Empty,
    }];
    const TEST: Source = Source { name: "test", routes: ROUTES, ..native::SOURCE };

    fn id(header: &str, event: &str, body: &str) -> String {
        delivery_id(&TEST, event, &[("X-Delivery".to_owned(), header.to_owned())], body.as_bytes())
    }

    #[test]
    fn the_senders_id_counts_where_the_route_has_one() {
        assert_eq!(id("7-a", "push", "x"), "7-a");
        assert_eq!(id("7-a", "push", "y"), "7-a");
        for odd in ["", " ", "a b", "é", &"9".repeat(201)] {
            assert!(id(odd, "push", "x").starts_with("sha256:"), "{odd}");
        }
    }

    #[test]
    fn else_source_event_and_content_are_the_identity() {
        assert_eq!(id("7", "other", "x"), id("8", "other", "x"));
        assert_ne!(id("7", "other", "x"), id("7", "other", "y"));
        assert_ne!(id("7", "other", "x"), id("7", "othe", "rx"));
        assert_ne!(id("", "push", "x"), delivery_id(&native::SOURCE, "push", &[], b"x"));
        assert_eq!(id("", "other", "x").len(), "sha256:".len() + 64);
    }

    #[test]
    fn hexadecimal_is_written_in_lower_case() {
        assert_eq!(hex(&[0, 1, 0xab, 0xff]), "0001abff");
    }
}

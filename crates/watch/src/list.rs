//! Requests for lists and watches of one kind.

use std::time::Duration;

use futures_util::Stream;
use kube::api::{ListParams, WatchEvent, WatchParams};
use kube::core::Request;
use kube::{Client, Error};
use serde_json::{Map, Value};
use sources::kubernetes::Kind;
use tokio::time::timeout;

use crate::trouble::Trouble;

/// Objects a page of a list.
const PAGE: u32 = 500;
/// The API server ends a watch after so many seconds, so that there is a sign of life before anything is called late.
const WATCH_SECONDS: u32 = 240;
/// A watch that has said nothing for so long after it should have ended is dead.
pub(crate) const SILENCE: Duration = Duration::from_secs(WATCH_SECONDS as u64 + 20);

/// One kind, in one namespace or in all.
#[derive(Clone)]
pub(crate) struct Requests {
    pub(crate) kind: &'static Kind,
    pub(crate) namespace: Option<String>,
    pub(crate) labels: String,
}

/// A page of a list.
pub(crate) struct Listed {
    pub(crate) items: Vec<Map<String, Value>>,
    /// The next page.
    pub(crate) next: Option<String>,
    /// Where to watch from, once all pages are there.
    pub(crate) version: String,
}

impl Requests {
    /// What tells one cursor from another.
    pub(crate) fn cursor(&self) -> String {
        format!("cursor/{}/{}/{}", self.kind.plural, self.namespace.as_deref().unwrap_or("*"), self.labels)
    }

    fn request(&self) -> Request {
        let Kind { group, version, plural, .. } = self.kind;
        Request::new(match &self.namespace {
            Some(namespace) => format!("/apis/{group}/{version}/namespaces/{namespace}/{plural}"),
            None => format!("/apis/{group}/{version}/{plural}"),
        })
    }

    pub(crate) async fn list(&self, client: &Client, page: Option<&str>) -> Result<Listed, Trouble> {
        let mut parameters = ListParams::default().limit(PAGE);
        parameters.label_selector = self.labels();
        parameters.continue_token = page.map(str::to_owned);
        let request = self.request().list(&parameters).map_err(|error| self.trouble(&Error::BuildRequest(error)))?;
        let asked = timeout(SILENCE, client.request::<Value>(request)).await;
        let mut list = asked.map_err(|_| too_long())?.map_err(|error| self.trouble(&error))?;
        let about = |name: &str| {
            let text = list.get("metadata").and_then(|metadata| metadata.get(name)).and_then(Value::as_str);
            text.filter(|text| !text.is_empty()).map(str::to_owned)
        };
        let (next, version) = (about("continue"), about("resourceVersion"));
        let items = list.get_mut("items").map(Value::take);
        let (Some(version), Some(Value::Array(items))) = (version, items) else {
            return Err(Trouble::Passing("the API server answered with no list: is something in between?".to_owned()));
        };
        let objects =
            items.into_iter().filter_map(|item| if let Value::Object(item) = item { Some(item) } else { None });
        Ok(Listed { items: objects.collect(), next, version })
    }

    /// What happens from a version on, until the API server ends it.
    pub(crate) async fn watch(
        &self,
        client: &Client,
        version: &str,
    ) -> Result<impl Stream<Item = Result<WatchEvent<Value>, Error>> + use<>, Trouble> {
        let mut parameters = WatchParams::default().timeout(WATCH_SECONDS);
        parameters.label_selector = self.labels();
        let request = self.request().watch(&parameters, version);
        let request = request.map_err(|error| self.trouble(&Error::BuildRequest(error)))?;
        let asked = timeout(SILENCE, client.request_events::<Value>(request)).await;
        let events = asked.map_err(|_| too_long())?.map_err(|error| self.trouble(&error))?;
        Ok(events)
    }

    fn labels(&self) -> Option<String> {
        Some(self.labels.clone()).filter(|labels| !labels.is_empty())
    }

    pub(crate) fn trouble(&self, error: &Error) -> Trouble {
        Trouble::of(error, self.kind)
    }
}

fn too_long() -> Trouble {
    Trouble::Passing("the API server does not answer: it took too long".to_owned())
}

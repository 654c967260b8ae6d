//! A list of pages that may move while it is read.
//!
//! What is changed, added or taken away meanwhile moves the border between two pages, and a thing may slip through it. So a
//! list of several pages is read again until a pass shows nothing that no pass before has shown.

use std::collections::BTreeMap;

use domain::Timestamp;
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::Reader;
use super::projects::Project;
use crate::gitlab::page::{GENERATION, LOST};
use crate::gitlab::{issue, time};
use crate::json::text;
use crate::poll::{Part, Refusal, Trail};
use crate::table::hex;

/// A list that still moves after so many passes moves faster than it can be read; the next run reads on.
const PASSES: usize = 8;

/// What is remembered of one thing on a list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Item {
    /// Unique in its list.
    pub(super) id: String,
    /// Differs when its content may.
    pub(super) version: String,
    /// The time its list is in the order of.
    pub(super) at: Option<Timestamp>,
    /// The commit it names.
    pub(super) sha: Option<String>,
    /// Who opened it.
    pub(super) author: Option<String>,
    /// Of a merge request whether it was merged, of an issue whether it is an incident.
    pub(super) marked: bool,
}

impl Item {
    fn read(resource: &str, thing: &Value) -> Option<Self> {
        let word = |pointer: &str| text(thing.pointer(pointer)).map(str::to_owned);
        let number = |name: &str| thing.get(name).and_then(Value::as_u64).map(|number| number.to_string());
        let id = match resource {
            "tags" => word("/name"),
            "releases" => word("/tag_name"),
            "merge_requests" | "issues" => number("iid"),
            _ => number("id"),
        };
        let version = match resource {
            "tags" => word("/commit/id"),
            "releases" => word("/released_at"),
            _ => word("/updated_at"),
        };
        let version = version.unwrap_or_default();
        Some(Item {
            id: id?,
            at: time::read("", &version).ok(),
            version,
            sha: word(if resource == "tags" { "/commit/id" } else { "/sha" }),
            author: word("/author/username"),
            marked: match resource {
                "issues" => issue::is_incident(thing),
                _ => word("/merged_at").is_some(),
            },
        })
    }
}

/// A list of a project.
pub(super) struct List<'a> {
    /// Its name in the journal.
    pub(super) resource: &'static str,
    pub(super) path: &'a str,
    /// With the newest first: pages on which everything is older end it.
    pub(super) oldest: Option<Timestamp>,
    /// Whether its pages are deliveries, or only tell what else to ask for.
    pub(super) keep: bool,
}

impl Reader<'_> {
    /// Reads a list to its end; what is on it.
    pub(super) fn list(&mut self, project: &Project, list: &List<'_>) -> Part<Vec<Item>> {
        let mut found: BTreeMap<String, Item> = BTreeMap::new();
        let what = format!("{} of {}", list.resource.replace('_', " "), project.path);
        for _ in 0..PASSES {
            let (mut pages, mut news) = (0, false);
            let mut next = Some(self.url(&project.below(list.path)));
            let mut trail = Trail::default();
            while let Some(url) = next {
                trail.go(&url, &what)?;
                let answer = self.get(&url, &what)?;
                let things: Vec<Value> = serde_json::from_slice(&answer.body)
                    .map_err(|_| Refusal::this(None, format!("a page of {what} is no list; is `api_url` right?")))?;
                let items: Vec<Item> = things.iter().filter_map(|thing| Item::read(list.resource, thing)).collect();
                self.counted(things.len());
                if list.keep && !things.is_empty() {
                    self.keep_page(project, list.resource, &url, &items, answer.body)?;
                }
                pages += 1;
                let old = list.oldest.is_some_and(|oldest| {
                    !items.is_empty() && items.iter().all(|item| item.at.is_some_and(|at| at < oldest))
                });
                for item in items {
                    news |= found.get(&item.id) != Some(&item);
                    found.insert(item.id.clone(), item);
                }
                next = answer.next.filter(|_| !old);
            }
            if pages <= 1 || !news {
                break;
            }
        }
        Ok(found.into_values().collect())
    }

    fn keep_page(
        &mut self,
        project: &Project,
        resource: &'static str,
        url: &str,
        items: &[Item],
        body: Vec<u8>,
    ) -> Part<()> {
        match resource {
            "tags" => self.keep_tags(project, url, body),
            "issues" => {
                let lost = self.lost(project, items)?;
                self.keep(project, resource, lost, body)
            }
            _ => self.keep(project, resource, Vec::new(), body),
        }
    }

    /// Tags do not say when they were moved: a page that is again what it once was is news.
    fn keep_tags(&mut self, project: &Project, url: &str, body: Vec<u8>) -> Part<()> {
        let key = format!("page {}", url.strip_prefix(&*self.settings.api_url).unwrap_or(url));
        let hash = hex(&Sha256::digest(&body));
        let known = self.host.recall(&key)?;
        let (number, before) = known.as_deref().and_then(|known| known.split_once(' ')).unwrap_or(("0", &hash));
        let number = number.parse::<u64>().unwrap_or_default() + u64::from(before != hash);
        let context = if number > 0 { vec![(GENERATION, number.to_string())] } else { Vec::new() };
        self.keep(project, "tags", context, body)?;
        Ok(self.host.remember(&key, &format!("{number} {hash}"))?)
    }

    /// Issues that were incidents when they came last are told to be none any more.
    fn lost(&mut self, project: &Project, items: &[Item]) -> Part<Vec<(&'static str, String)>> {
        let mut lost = Vec::new();
        for item in items {
            let key = format!("incident {}#{}", project.id, item.id);
            let was = self.host.recall(&key)?.is_some();
            if item.marked && !was {
                self.host.remember(&key, "yes")?;
            } else if was && !item.marked {
                lost.push(item.id.clone());
            }
        }
        Ok(if lost.is_empty() { Vec::new() } else { vec![(LOST, lost.join(","))] })
    }
}

//! A list of pages that may move while it is read.
//!
//! What is added or taken away meanwhile moves the border between two pages, and a thing may slip through it. So a list
//! of several pages is read again until a pass shows nothing that no pass before has shown. The second pass asks only
//! for what changed: a page that did not is answered with a 304, which GitHub does not count.

use std::collections::{BTreeMap, BTreeSet};

use domain::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::repositories::Repository;
use super::resources::{Item, List};
use super::{PER_PAGE, Part, Reader, Trail};
use crate::github::page::{GENERATION, LOST};
use crate::poll::Refusal;

/// A list that still moves after so many passes moves faster than it can be read; the next run reads on.
const PASSES: usize = 8;

/// What is remembered of a page.
#[derive(Debug, Default, Serialize, Deserialize)]
struct Seen {
    etag: Option<String>,
    next: Option<String>,
    items: Vec<Item>,
    /// How many different contents it has had.
    #[serde(default)]
    generation: u64,
}

impl Seen {
    /// What has to be known to read the page that comes after this one.
    fn context(&self, list: &List) -> Vec<(&'static str, String)> {
        let generation = (list.timeless && self.generation > 0).then(|| (GENERATION, self.generation.to_string()));
        generation.into_iter().collect()
    }
}

/// An address without the instant from which it asks: each poll has another one, and what is remembered of a page would
/// pile up. A tag is of the content, so one that was given for another instant fits only where nothing differs.
fn without_since(url: &str) -> String {
    let (path, query) = url.split_once('?').unwrap_or((url, ""));
    let kept: Vec<&str> = query.split('&').filter(|pair| !pair.starts_with("since=")).collect();
    format!("{path}?{}", kept.join("&"))
}

/// Issues that were incidents and are told here as none.
fn lost<'i>(marked: &BTreeSet<String>, now: &'i [Item]) -> Vec<&'i str> {
    now.iter().filter(|item| !item.marked && marked.contains(&item.id)).map(|item| item.id.as_str()).collect()
}

impl Reader<'_> {
    /// Reads a list to its end, or to what is older than `oldest` in a list with the newest first; what is on it.
    pub(super) fn list(
        &mut self,
        repository: &Repository,
        list: &List,
        path: &str,
        oldest: Option<Timestamp>,
        keep: bool,
    ) -> Part<Vec<Item>> {
        let mut found: BTreeMap<String, Item> = BTreeMap::new();
        let what = format!("{} of {}", list.resource.replace('_', " "), repository.name);
        for _ in 0..PASSES {
            let (mut pages, mut news) = (0, false);
            let mut next = Some(self.url(&repository.path(path)));
            let mut trail = Trail::default();
            while let Some(url) = next {
                trail.go(&url, &what)?;
                let page = self.page(repository, list, &url, &what, keep)?;
                pages += 1;
                let old = oldest.is_some_and(|oldest| {
                    !page.items.is_empty()
                        && page.items.iter().all(|item| item.at.is_some_and(|at| at < oldest.micros()))
                });
                for item in page.items {
                    news |= found.get(&item.id) != Some(&item);
                    found.insert(item.id.clone(), item);
                }
                next = page.next.filter(|_| !old);
            }
            if pages <= 1 || list.steady || !news {
                break;
            }
        }
        let young = |item: &Item| oldest.is_none_or(|oldest| item.at.is_none_or(|at| at >= oldest.micros()));
        Ok(found.into_values().filter(young).collect())
    }

    /// The issues of a repository that were told as incidents, on whatever page and in whatever run.
    fn incidents(&mut self, repository: &Repository) -> Part<BTreeSet<String>> {
        let text = self.host.recall(&format!("incidents {}", repository.name))?;
        Ok(text.and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default())
    }

    fn remember_incidents(&mut self, repository: &Repository, before: BTreeSet<String>, now: &[Item]) -> Part<()> {
        let mut marked = before.clone();
        for item in now {
            if item.marked {
                marked.insert(item.id.clone());
            } else {
                marked.remove(&item.id);
            }
        }
        if marked != before {
            let text = serde_json::to_string(&marked).map_err(|error| Refusal::everything(error.to_string()))?;
            self.host.remember(&format!("incidents {}", repository.name), &text)?;
        }
        Ok(())
    }

    fn page(&mut self, repository: &Repository, list: &List, url: &str, what: &str, keep: bool) -> Part<Seen> {
        let key = format!("page {}", without_since(url.strip_prefix(&*self.settings.api_url).unwrap_or(url)));
        let known: Seen = match self.host.recall(&key)? {
            Some(text) => serde_json::from_str(&text).unwrap_or_default(),
            None => Seen::default(),
        };
        let answer = self.get(repository.owner(), url, what, known.etag.as_deref())?;
        if answer.unchanged {
            let next = answer.next.clone().or_else(|| known.next.clone());
            if next.is_some() || known.items.len() < PER_PAGE {
                self.count_unchanged();
                return Ok(Seen { next, ..known });
            }
        }
        // A page that was full and the last is asked for anew: a tag may be of its content alone, and it has a
        // successor now.
        let answer = if answer.unchanged { self.get(repository.owner(), url, what, None)? } else { answer };
        let body: Value = serde_json::from_slice(&answer.body)
            .map_err(|_| Refusal::this(None, format!("a page of {what} is not JSON; is `api_url` right?")))?;
        let things = list.within.map_or(Some(&body), |name| body.get(name)).and_then(Value::as_array);
        let things =
            things.ok_or_else(|| Refusal::this(None, format!("a page of {what} is no list; is `api_url` right?")))?;
        let items: Vec<Item> = things.iter().filter_map(list.item).collect();
        self.count(things.len());
        if keep && !things.is_empty() {
            let mut context = known.context(list);
            let marked = if list.resource == "issues" { Some(self.incidents(repository)?) } else { None };
            let lost = marked.as_ref().map(|marked| lost(marked, &items)).filter(|lost| !lost.is_empty());
            context.extend(lost.map(|lost| (LOST, lost.join(","))));
            self.keep(&repository.name, list.resource, context, answer.body)?;
            if let Some(marked) = marked {
                self.remember_incidents(repository, marked, &items)?;
            }
        }
        let generation = known.generation + u64::from(known.items != items);
        let seen = Seen { etag: answer.etag, next: answer.next, items, generation };
        let text = serde_json::to_string(&seen).map_err(|error| Refusal::everything(error.to_string()))?;
        self.host.remember(&key, &text)?;
        Ok(seen)
    }
}

//! The body of one of GitLab's webhooks: it names its project, in one way or another.

use std::ops::Deref;

use domain::{Problem, Timestamp};
use serde_json::{Map, Value};

use super::time;
use crate::Delivery;
use crate::body::Body;
use crate::json::{missing, wrong};

const WHY: &str = "it names the project.";

/// A body with its project.
pub(super) struct Hook<'a> {
    body: Body<'a>,
    repo: String,
}

impl<'a> Hook<'a> {
    pub(super) fn new(delivery: &'a Delivery<'a>, fields: Map<String, Value>) -> Result<Self, Problem> {
        let body = Body::part(delivery, fields);
        let repo = match body.text("/project/path_with_namespace") {
            Some(path) => path.to_owned(),
            // Jobs of older versions have no project, only addresses of its repository.
            None => ["/repository/git_ssh_url", "/repository/git_http_url", "/repository/homepage"]
                .iter()
                .find_map(|place| path(body.text(place)?))
                .ok_or_else(|| missing("project.path_with_namespace", WHY))?,
        };
        Ok(Hook { body, repo })
    }

    /// An object of a page as the webhook of its kind would hold it.
    pub(super) fn of_page(delivery: &'a Delivery<'a>, repo: &str, fields: Map<String, Value>) -> Self {
        Hook { body: Body::part(delivery, fields), repo: repo.to_owned() }
    }

    /// `group/name`: the project, its repository and the component it is.
    pub(super) fn repo(&self) -> &str {
        &self.repo
    }

    /// An instant in any of GitLab's ways to write one, when there is one.
    pub(super) fn instant(&self, pointer: &str) -> Result<Option<Timestamp>, Problem> {
        let name = pointer.trim_start_matches('/').replace('/', ".");
        match self.get(pointer) {
            None => Ok(None),
            Some(Value::String(text)) if text.trim().is_empty() => Ok(None),
            Some(Value::String(text)) => time::read(&name, text).map(Some),
            Some(other) => Err(wrong(&name, "a text such as 2025-01-31 12:00:00 UTC", other)),
        }
    }

    pub(super) fn need_instant(&self, pointer: &str, why: &str) -> Result<Timestamp, Problem> {
        let name = pointer.trim_start_matches('/').replace('/', ".");
        self.instant(pointer)?.ok_or_else(|| missing(&name, why))
    }

    /// Names of a list of labels, each with an empty value. They are objects, or texts on pages.
    pub(super) fn labels(&self, pointer: &str) -> Map<String, Value> {
        let items = self.get(pointer).and_then(Value::as_array).into_iter().flatten();
        let names = items.filter_map(|label| crate::json::text(label.get("title").or(Some(label))));
        names.map(|name| (name.to_owned(), Value::from(""))).collect()
    }
}

impl<'a> Deref for Hook<'a> {
    type Target = Body<'a>;

    fn deref(&self) -> &Body<'a> {
        &self.body
    }
}

/// The path of a project in an address of its repository: `git@host:group/name.git`, `https://host/group/name`.
fn path(address: &str) -> Option<String> {
    let path = match address.split_once("://") {
        Some((_, rest)) => rest.split_once('/')?.1,
        None => address.split_once(':')?.1,
    };
    let path = path.strip_suffix(".git").unwrap_or(path).trim_matches('/');
    (!path.is_empty()).then(|| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::path;

    #[test]
    fn a_project_is_named_by_every_address_of_it() {
        for address in [
            "git@gitlab.example:group/sub/cart.git",
            "ssh://git@gitlab.example:2222/group/sub/cart.git",
            "https://gitlab.example/group/sub/cart.git",
            "https://gitlab.example/group/sub/cart/",
        ] {
            assert_eq!(path(address).as_deref(), Some("group/sub/cart"), "{address}");
        }
        for address in ["", "cart", "https://gitlab.example", "https://gitlab.example/", "git@gitlab.example:"] {
            assert_eq!(path(address), None, "{address}");
        }
    }
}

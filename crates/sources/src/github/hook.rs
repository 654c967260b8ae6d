//! The body of one of GitHub's webhooks: it always names its repository.

use std::ops::Deref;

use domain::Problem;
use serde_json::{Map, Value};

use crate::Delivery;
use crate::body::Body;

/// A body with its repository.
pub(super) struct Hook<'a> {
    body: Body<'a>,
    repo: String,
}

impl<'a> Hook<'a> {
    pub(super) fn read(delivery: &'a Delivery<'a>) -> Result<Self, Problem> {
        let body = Body::read(delivery)?;
        let repo = body.need("/repository/full_name", "it names the repository.")?.to_owned();
        Ok(Hook { body, repo })
    }

    /// An object of a page as the webhook of its kind would hold it.
    pub(super) fn of_page(delivery: &'a Delivery<'a>, repo: &str, fields: Map<String, Value>) -> Self {
        Hook { body: Body::part(delivery, fields), repo: repo.to_owned() }
    }

    /// `owner/name`: the repository, and the component it is unless the deployment says otherwise.
    pub(super) fn repo(&self) -> &str {
        &self.repo
    }
}

impl<'a> Deref for Hook<'a> {
    type Target = Body<'a>;

    fn deref(&self) -> &Body<'a> {
        &self.body
    }
}

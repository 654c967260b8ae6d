//! What is known of an object beside itself. Who watches a cluster says it in headers that are journalled with the object,
//! so that it can be read again.

use domain::{Code, Problem, Timestamp};

use super::names::Names;
use crate::Delivery;
use crate::json::{missing, read_instant};
use crate::poll::Page;

/// Header with the cluster's name, for pushes; without one the source's name is the cluster's.
pub const CLUSTER: &str = "leadline-cluster";
/// Header with names of annotations: `environment=acme.io/env,version=acme.io/release`.
pub const NAMES: &str = "leadline-names";
/// Header with when the object was first seen in the state it tells of. Only what the object does not tell itself is
/// taken from it.
pub const SEEN_AT: &str = "leadline-seen-at";
/// Header with when its revision was first seen.
pub const SINCE: &str = "leadline-since";
/// Header that says that its revision was there before anybody looked.
pub const FOUND: &str = "leadline-found";
/// Header with the images of the revision before, a list in JSON.
pub const IMAGES_BEFORE: &str = "leadline-images-before";
/// Header with how often its revision has come, from 2: a StatefulSet that goes back has an old revision again.
pub const TURN: &str = "leadline-turn";

/// What is known beside the object.
pub(crate) struct Context<'a> {
    pub(super) delivery: &'a Delivery<'a>,
    pub(super) cluster: &'a str,
    pub(super) names: Names<'a>,
    pub(super) seen_at: Timestamp,
    pub(super) since: Option<Timestamp>,
    pub(super) found: bool,
    pub(super) images_before: Option<Vec<String>>,
    pub(super) turn: Option<u32>,
}

impl<'a> Context<'a> {
    /// Of what anybody sends: what only one who watches knows is not taken from the sender.
    pub(crate) fn pushed(delivery: &'a Delivery<'a>) -> Result<Self, Problem> {
        let cluster = header(delivery, CLUSTER).unwrap_or(delivery.source);
        Self::of(delivery, cluster)
    }

    /// Of an object of a cluster that says its name in the body.
    pub(crate) fn of(delivery: &'a Delivery<'a>, cluster: &'a str) -> Result<Self, Problem> {
        Ok(Context {
            delivery,
            cluster,
            names: Names::read(header(delivery, NAMES).unwrap_or_default())?,
            seen_at: delivery.received_at,
            since: None,
            found: false,
            images_before: None,
            turn: None,
        })
    }

    /// Of an object that was watched.
    pub(super) fn page(delivery: &'a Delivery<'a>) -> Result<Self, Problem> {
        let cluster = header(delivery, Page::REPOSITORY)
            .ok_or_else(|| missing(Page::REPOSITORY, "it names the cluster that was watched."))?;
        let instant = |name| header(delivery, name).map(|at| read_instant(name, at).map(|(at, _)| at)).transpose();
        let images = header(delivery, IMAGES_BEFORE).map(serde_json::from_str::<Vec<String>>).transpose();
        let wrong = |name: &str| Problem::new(Code::WrongType, format!("the header `{name}` cannot be read"));
        let turn = header(delivery, TURN).map(str::parse).transpose();
        Ok(Context {
            seen_at: instant(SEEN_AT)?.unwrap_or(delivery.received_at),
            since: instant(SINCE)?,
            found: header(delivery, FOUND).is_some(),
            images_before: images.map_err(|_| wrong(IMAGES_BEFORE))?,
            turn: turn.map_err(|_| wrong(TURN))?.filter(|turn| *turn > 1),
            ..Self::of(delivery, cluster)?
        })
    }
}

fn header<'a>(delivery: &'a Delivery<'a>, name: &str) -> Option<&'a str> {
    delivery.header(name).filter(|value| !value.is_empty())
}

//! A workload as its cluster shows it: the deployment of its present revision.

use domain::event::{EventKind, image_name};
use domain::{Problem, Timestamp};
use serde_json::{Map, Value};

use super::context::Context;
use super::names::{applications, recommended};
use super::rollout::{Rollout, State, rollout};
use super::summary::Read;
use super::template::{config_hash, images, same_images, version};
use super::{Kind, short};
use crate::body::{Body, Draft};
use crate::git::repository_name;

pub(super) fn read(kind: &Kind, object: Map<String, Value>, context: &Context<'_>) -> Result<Read, Problem> {
    let body = Body::part(context.delivery, object);
    let place = Place::of(&body, kind, context.cluster)?;
    let Some(uid) = body.text("/metadata/uid") else {
        return Ok(Read::nothing(format!("{place} has no uid: it is a manifest, not what runs in a cluster")));
    };
    let rollout = match rollout(kind.name, &body)? {
        Ok(rollout) => rollout,
        Err(why) => return Ok(Read::nothing(format!("{place}: {why}"))),
    };
    let Some(ended) = Ended::of(&rollout, context) else {
        return Ok(Read::nothing(format!(
            "{place}: its rollout had ended before anybody looked, and a {} does not tell when",
            kind.name
        )));
    };
    let id = match context.turn {
        Some(turn) => format!("{uid}:{}~{turn}", rollout.revision),
        None => format!("{uid}:{}", rollout.revision),
    };
    let images = images(body.get("/spec/template"));
    let config_only = context.images_before.as_ref().is_some_and(|before| same_images(&images, before));
    // What began before it ended: the cluster's clock counts whole seconds, and is another than ours.
    let began = rollout.began.or(context.since).filter(|began| ended.at.is_none_or(|at| *began <= at));
    // What is in progress says less than any end of the same revision, whenever it was seen: a pod that is moved, or
    // a workload that is scaled, does not take back that it was deployed.
    let created = body.instant("/metadata/creationTimestamp")?.unwrap_or(Timestamp::from_micros(0));
    let event = describe(&body, context, &place)
        .set("id", id)
        .set("status", ended.status)
        .maybe("started_at", began.map(|at| at.to_string()))
        .maybe("finished_at", ended.at.map(|at| at.to_string()))
        .maybe("status_reason", ended.why)
        .maybe("change_kind", config_only.then_some("config"))
        .at("updated_at", ended.at.unwrap_or(created))
        .event()?;
    Ok(Read::Event(Box::new(event)))
}

/// How it ended, if it did.
struct Ended {
    status: &'static str,
    at: Option<Timestamp>,
    why: Option<String>,
}

impl Ended {
    /// None when it ended and nobody knows when.
    fn of(rollout: &Rollout, context: &Context<'_>) -> Option<Self> {
        let (status, told, why) = match &rollout.state {
            State::InProgress => return Some(Ended { status: "in_progress", at: None, why: None }),
            State::Succeeded(at) => ("succeeded", at, None),
            State::Failed(at, why) => ("failed", at, why.clone()),
        };
        let at = told.or_else(|| (!context.found).then_some(context.seen_at))?;
        Some(Ended { status, at: Some(at), why })
    }
}

/// Where a workload is.
pub(super) struct Place {
    pub(super) cluster: String,
    pub(super) namespace: String,
    pub(super) kind: &'static str,
    pub(super) name: String,
}

impl Place {
    pub(super) fn of(body: &Body<'_>, kind: &Kind, cluster: &str) -> Result<Self, Problem> {
        Ok(Place {
            cluster: cluster.to_owned(),
            namespace: body.text("/metadata/namespace").unwrap_or("default").to_owned(),
            kind: kind.name,
            name: body.need("/metadata/name", "it names the workload.")?.to_owned(),
        })
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} {}/{}", self.kind, short(&self.namespace), short(&self.name))
    }
}

/// What a workload says of itself, whatever becomes of it: a deployment without id and status.
pub(super) fn describe<'b>(body: &'b Body<'_>, context: &Context<'_>, place: &Place) -> Draft<'b> {
    let template = body.get("/spec/template");
    let images = images(template);
    let told = |field: &str| context.names.find(body, field).map(str::to_owned);
    let version = told("version").or_else(|| version(body, &place.name).map(str::to_owned));
    // Addresses of repositories are told as their commits name them.
    let repo = told("repo").map(|repo| repository_name(&repo).unwrap_or(repo));
    let mut labels = Map::new();
    for (name, value) in [("cluster", &*place.cluster), ("namespace", &place.namespace), ("kind", place.kind)] {
        labels.insert(name.to_owned(), Value::from(value));
    }
    let mut draft = body
        .draft(EventKind::Deployment)
        .set("component", told("component").unwrap_or_else(|| place.name.clone()))
        // A namespace is where it runs; rules say which of them are production.
        .set("environment", told("environment").unwrap_or_else(|| place.namespace.clone()))
        .set("instance", told("instance").unwrap_or_else(|| format!("{}/{}", place.cluster, place.namespace)))
        .set("labels", labels)
        .maybe("version", version)
        .maybe("repo", repo.clone())
        .maybe("images", (!images.is_empty()).then(|| images.clone()))
        .maybe("config_hash", config_hash(template))
        .mark("cluster", Some(&place.cluster))
        .mark("namespace", Some(&place.namespace))
        .mark("workload", Some(&place.name))
        .mark("repository", repo.as_deref());
    for field in ["sha", "branch", "product", "domain", "platform", "team"] {
        draft = draft.maybe(field, told(field));
    }
    for image in &images {
        draft = draft.mark("image", Some(image_name(image)));
    }
    for application in applications(body) {
        draft = draft.mark("application", Some(application));
    }
    for label in recommended(body) {
        draft = draft.mark("label", Some(&label));
    }
    draft
}

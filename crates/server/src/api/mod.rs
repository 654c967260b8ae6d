//! One file an endpoint: parameters, handler, shape.

pub(crate) mod articles;
pub(crate) mod backfills;
pub(crate) mod bands;
pub(crate) mod catalogue;
pub(crate) mod compare;
pub(crate) mod correlation;
pub(crate) mod definitions;
pub(crate) mod deployments;
pub(crate) mod events;
pub(crate) mod explain;
pub(crate) mod export;
pub(crate) mod health;
pub(crate) mod incidents;
pub(crate) mod journal;
pub(crate) mod links;
pub(crate) mod metrics;
pub(crate) mod openapi;
pub(crate) mod quality;
pub(crate) mod question;
pub(crate) mod rebuild;
pub(crate) mod reply;
pub(crate) mod schemas;
pub(crate) mod sources;
pub(crate) mod stream;
pub(crate) mod tokens;
pub(crate) mod tree;

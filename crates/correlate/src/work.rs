//! What a batch has touched and still has to be linked anew. Every list is a set: order and repeats never count.

use std::collections::{BTreeMap, BTreeSet};

use domain::catalogue::ComponentId;
use domain::fact::Lane;
use domain::key::IncidentKey;
use domain::{DeploymentKey, EntityKey, OrderKey, Timestamp};

#[derive(Debug, Default)]
pub(crate) struct Work {
    /// Deployments to be placed anew.
    pub(crate) base: BTreeSet<DeploymentKey>,
    /// Components to be walked, each from a place on.
    pub(crate) walk: BTreeMap<ComponentId, OrderKey>,
    /// Places at which a deployment is now counted that was not: incidents after them may be its fault.
    pub(crate) counted: BTreeSet<(Lane, OrderKey)>,
    /// Incidents to be attributed anew.
    pub(crate) incidents: BTreeSet<IncidentKey>,
    /// Hotfixes that name the incident they fix: whom they blame follows the incident's cause.
    pub(crate) blame: BTreeSet<DeploymentKey>,
    /// Instants at which an incident of a product was opened, or no longer is.
    pub(crate) opened: BTreeSet<(String, Timestamp)>,
    /// Deployments whose signals are to be collected anew.
    pub(crate) signals: BTreeSet<DeploymentKey>,
    /// Other facts to be placed anew.
    pub(crate) others: BTreeSet<EntityKey>,
}

impl Work {
    /// Walks `component` from `place` on, or from where it is walked already if that is earlier.
    pub(crate) fn walk_from(&mut self, component: &ComponentId, place: OrderKey) {
        match self.walk.get_mut(component) {
            Some(known) if *known <= place => {}
            Some(known) => *known = place,
            None => {
                self.walk.insert(component.clone(), place);
            }
        }
    }
}

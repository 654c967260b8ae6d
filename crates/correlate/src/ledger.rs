//! What the correlation rules read and write. The rules are pure: they know this trait, never a database.
//!
//! An implementation answers from what was put into it, within one transaction. "Before" and "after" mean strictly so
//! in the order of [`OrderKey`]. Deployments without an end have no place in that order and no query by order finds
//! them.

use std::sync::Arc;

use domain::catalogue::ComponentId;
use domain::event::{Entity, EventKind};
use domain::fact::{CommitFact, DeploymentFact, IncidentFact, Lane, OtherFact};
use domain::key::IncidentKey;
use domain::{DeploymentKey, EntityKey, OrderKey, Timestamp};
use roaring::RoaringBitmap;

/// Reading or writing failed; the batch is not applied.
#[derive(Debug, thiserror::Error)]
#[error("the ledger could not be read or written")]
pub struct LedgerError(#[source] pub Box<dyn std::error::Error + Send + Sync>);

/// Outcome of a ledger operation.
pub type Result<T> = std::result::Result<T, LedgerError>;

/// A commit in the graph of its repository. Ids are dense per repository, given on first sight, never compared.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommitNode {
    /// Its hash, whole.
    pub sha: Arc<str>,
    /// When it was committed; none when only its hash is known, from a child.
    pub committed_at: Option<Timestamp>,
    /// Ids of its parents; none when not told.
    pub parents: Option<Vec<u32>>,
}

/// Which set of arrived commits.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reach {
    /// Those that have arrived on one lane.
    Lane(Lane),
    /// Those that have arrived on any production lane of the component.
    Component(ComponentId),
}

/// Commits that arrived with one deployment: also those that no lead time is taken of.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Arrived {
    /// Repository id.
    pub repo: u32,
    /// New on its lane.
    pub lane: RoaringBitmap,
    /// New on its component.
    pub component: RoaringBitmap,
}

/// Which deployments of a lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// Succeeded, of any kind.
    Succeeded,
    /// Counted.
    Counted,
}

/// What a deployment waits for: when it comes, the deployment is linked anew.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Wait {
    /// A commit, by the first seven digits of its hash.
    Commit(String),
    /// A tag, by repository and normalised name.
    Tag(String, String),
}

impl Wait {
    /// For a whole or shortened hash.
    #[must_use]
    pub fn commit(sha: &str) -> Self {
        Wait::Commit(sha.get(..7).unwrap_or(sha).to_ascii_lowercase())
    }

    /// As one text, for an index.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Wait::Commit(prefix) => format!("commit {prefix}"),
            Wait::Tag(repo, name) => format!("tag {repo} {name}"),
        }
    }
}

/// The rules' view of the store.
#[expect(missing_docs, reason = "each group of methods is described once, above its first method")]
pub trait Ledger {
    // Merged entities by identity.
    fn entity(&mut self, key: &EntityKey) -> Result<Option<Arc<Entity>>>;
    fn put_entity(&mut self, key: &EntityKey, entity: Arc<Entity>) -> Result<()>;
    /// Every identity of one kind; only for a change of catalogue or rules.
    fn entity_keys(&mut self, kind: EventKind) -> Result<Vec<EntityKey>>;

    // Deployment facts. Putting replaces.
    fn deployment(&mut self, key: &DeploymentKey) -> Result<Option<Arc<DeploymentFact>>>;
    fn put_deployment(&mut self, fact: Arc<DeploymentFact>) -> Result<()>;
    /// Removes a fact and all that was put under its key: what made it a deployment is no longer. What others say of it
    /// stays.
    fn remove_deployment(&mut self, key: &DeploymentKey) -> Result<()>;
    /// Finished deployments of a component from a place on, that place included, in order: every environment and status.
    fn deployments_from(&mut self, component: &ComponentId, from: &OrderKey) -> Result<Vec<Arc<DeploymentFact>>>;
    /// The last one of a lane before a place.
    fn last_in_lane(&mut self, lane: &Lane, which: Which, before: &OrderKey) -> Result<Option<Arc<DeploymentFact>>>;
    /// The first counted one of a lane after a place.
    fn next_counted_in_lane(&mut self, lane: &Lane, after: &OrderKey) -> Result<Option<Arc<DeploymentFact>>>;
    /// The last succeeded one of a lane before a place with this commit or, where commits are not known on both sides,
    /// this version (already normalised on both sides: [`same_code`]).
    fn last_with_code(
        &mut self,
        lane: &Lane,
        sha: Option<&str>,
        version: Option<&str>,
        before: &OrderKey,
    ) -> Result<Option<Arc<DeploymentFact>>>;
    /// The last counted one of a component, on any lane, before a place, that is not of the same code.
    fn last_counted_other(
        &mut self,
        component: &ComponentId,
        sha: Option<&str>,
        version: Option<&str>,
        before: &OrderKey,
    ) -> Result<Option<Arc<DeploymentFact>>>;
    /// The last counted one that finished before an instant, of a product, or of its component, or instance.
    fn last_counted_in_scope(
        &mut self,
        product: &str,
        component: Option<&ComponentId>,
        instance: Option<&str>,
        before: Timestamp,
    ) -> Result<Option<Arc<DeploymentFact>>>;
    /// The first rollback or hotfix ([`DeploymentFact::remedies`]) of a component after a place.
    fn first_remedy_after(&mut self, component: &ComponentId, after: &OrderKey) -> Result<Option<Arc<DeploymentFact>>>;
    /// The last rollback or hotfix of a component before a place.
    fn last_remedy_before(&mut self, component: &ComponentId, before: &OrderKey)
    -> Result<Option<Arc<DeploymentFact>>>;
    /// Deployments of a component with any sign of failure ([`DeploymentFact::suspect`]) from a place on and before another.
    fn suspects(&mut self, component: &ComponentId, from: &OrderKey, before: &OrderKey) -> Result<Vec<DeploymentKey>>;
    /// Rollbacks and hotfixes that blame this deployment.
    fn blamers(&mut self, of: &DeploymentKey) -> Result<Vec<Arc<DeploymentFact>>>;
    /// Deployments of any source with this id.
    fn deployments_by_id(&mut self, id: &str) -> Result<Vec<DeploymentKey>>;
    /// Deployments whose fact has this commit.
    fn deployments_by_sha(&mut self, sha: &str) -> Result<Vec<DeploymentKey>>;
    /// Finished production deployments of a product from one instant on and before another.
    fn production_between(&mut self, product: &str, from: Timestamp, before: Timestamp) -> Result<Vec<DeploymentKey>>;
    /// Finished deployments that say they fix the incident with this id.
    fn fixers(&mut self, incident_id: &str) -> Result<Vec<Arc<DeploymentFact>>>;

    // Incident facts.
    fn incident(&mut self, key: &IncidentKey) -> Result<Option<IncidentFact>>;
    fn put_incident(&mut self, fact: &IncidentFact) -> Result<()>;
    /// Removes a fact and what it names: its source says that it was no incident.
    fn remove_incident(&mut self, key: &IncidentKey) -> Result<()>;
    /// Incidents of a product that started or were opened after one instant and up to another.
    fn incidents_between(&mut self, product: &str, after: Timestamp, until: Timestamp) -> Result<Vec<IncidentKey>>;
    /// Incidents attributed to this deployment under any rule.
    fn incidents_of(&mut self, deployment: &DeploymentKey) -> Result<Vec<IncidentFact>>;
    /// Incidents whose event or override names a deployment by this id.
    fn incidents_naming(&mut self, deployment_id: &str) -> Result<Vec<IncidentKey>>;
    /// Records which deployment ids an incident names, replacing what it named before.
    fn put_incident_names(&mut self, key: &IncidentKey, deployment_ids: &[String]) -> Result<()>;
    /// Incidents of any source with this id.
    fn incidents_by_id(&mut self, id: &str) -> Result<Vec<IncidentKey>>;
    /// When the first incident of a product after an instant was opened.
    fn first_opened_after(&mut self, product: &str, after: Timestamp) -> Result<Option<Timestamp>>;
    /// When the last incident of a product before an instant was opened.
    fn last_opened_before(&mut self, product: &str, before: Timestamp) -> Result<Option<Timestamp>>;

    // Pipeline runs, canary analyses, flag changes, service-level samples.
    fn put_other(&mut self, fact: &OtherFact) -> Result<()>;
    /// Those whose component has this name within its product.
    fn others_named(&mut self, name: &str) -> Result<Vec<EntityKey>>;

    // Things whose component has this name within its product: they may have to be placed anew.
    fn named(&mut self, name: &str) -> Result<(Vec<DeploymentKey>, Vec<IncidentKey>)>;
    /// Components that deployments place themselves by naming their product.
    fn implied(&mut self) -> Result<Vec<ComponentId>>;
    /// Whether any deployment but this one places this component itself.
    fn implied_by_other(&mut self, component: &ComponentId, than: &DeploymentKey) -> Result<bool>;

    // The commit graph. Hashes are whole and in lower case.
    fn repo_id(&mut self, repo: &str) -> Result<u32>;
    fn commit_id(&mut self, repo: u32, sha: &str) -> Result<u32>;
    fn commit_node(&mut self, repo: u32, id: u32) -> Result<Option<Arc<CommitNode>>>;
    fn put_commit_node(&mut self, repo: u32, id: u32, node: Arc<CommitNode>) -> Result<()>;
    /// Whole hashes of told commits of a repository that begin so; at most two.
    fn find_commit(&mut self, repo: &str, prefix: &str) -> Result<Vec<String>>;
    /// Repositories and whole hashes of told commits that begin so, ordered by repository; at most a hundred.
    fn find_commit_anywhere(&mut self, prefix: &str) -> Result<Vec<(String, String)>>;
    /// Names and commits of the tags of a repository with this normalised name, ordered by name.
    fn tags(&mut self, repo: &str, normalised: &str) -> Result<Vec<(String, String)>>;
    fn put_tag(&mut self, repo: &str, name: &str, normalised: &str, sha: &str) -> Result<()>;
    /// The pull request whose merge made this commit.
    fn pull_request_of(&mut self, repo: &str, merge_sha: &str) -> Result<Option<EntityKey>>;
    fn put_pull_request(&mut self, key: &EntityKey, repo: &str, merge_sha: &str) -> Result<()>;

    // What deployments wait for.
    fn set_waits(&mut self, deployment: &DeploymentKey, waits: &[Wait]) -> Result<()>;
    fn waiting(&mut self, wait: &Wait) -> Result<Vec<DeploymentKey>>;

    // Arrived commits.
    fn reached(&mut self, reach: &Reach, repo: u32) -> Result<RoaringBitmap>;
    /// Components on which any commit of this repository has arrived.
    fn reaching(&mut self, repo: u32) -> Result<Vec<ComponentId>>;
    fn put_reached(&mut self, reach: &Reach, repo: u32, commits: &RoaringBitmap) -> Result<()>;
    fn arrived(&mut self, deployment: &DeploymentKey) -> Result<Option<Arrived>>;
    /// None takes back what was put.
    fn put_arrived(&mut self, deployment: &DeploymentKey, arrived: Option<Arrived>) -> Result<()>;
    fn commits(&mut self, deployment: &DeploymentKey) -> Result<Vec<CommitFact>>;
    /// Replaces the commits of a deployment.
    fn put_commits(&mut self, deployment: &DeploymentKey, commits: Vec<CommitFact>) -> Result<()>;
    /// Deployments with which this commit arrived, in whatever role.
    fn deployments_with(&mut self, repo: &str, sha: &str) -> Result<Vec<DeploymentKey>>;

    // Reverts: a deployment brought a commit that reverts one of an earlier deployment.
    fn reverts_by(&mut self, deployment: &DeploymentKey) -> Result<Vec<DeploymentKey>>;
    /// Replaces `(reverted deployment, reverted commit)` of a deployment.
    fn put_reverts(&mut self, by: &DeploymentKey, reverted: &[(DeploymentKey, String)]) -> Result<()>;
    /// `(reverting deployment, reverted commit)`, ordered.
    fn reverts_of(&mut self, deployment: &DeploymentKey) -> Result<Vec<(DeploymentKey, String)>>;
}

/// Whether two deployments are of the same code: by commit where both are known, else by version.
///
/// Two unknowns are never the same. Versions are compared without their decoration (`v1.2.3` is `1.2.3`).
#[must_use]
pub fn same_code(left: (Option<&str>, Option<&str>), right: (Option<&str>, Option<&str>)) -> bool {
    match (left.0, right.0) {
        (Some(left), Some(right)) => left == right,
        _ => match (left.1, right.1) {
            (Some(left), Some(right)) => domain::version::normalise(left) == domain::version::normalise(right),
            _ => false,
        },
    }
}

//! A ledger in memory for many facts at once: it answers as [`crate::memory::MemoryLedger`] does, from indexes, so that
//! all facts of a product can be made in one pass.
//!
//! Questions that are asked once a component and not once a fact (`named`, `implied`, `reaching`) stay plain scans.

use std::borrow::Borrow;
use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::hash::Hash;
use std::ops::{Bound, RangeBounds};
use std::sync::Arc;

use domain::catalogue::{Catalogue, ComponentId, PlacedBy};
use domain::event::{Entity, EventKind, Status};
use domain::fact::{CommitFact, DeploymentFact, IncidentFact, Lane, OtherFact};
use domain::key::IncidentKey;
use domain::version::normalise;
use domain::{DeploymentKey, EntityKey, OrderKey, Timestamp};
use roaring::RoaringBitmap;

use crate::engine::{Applied, Engine};
use crate::ledger::{Arrived, CommitNode, Ledger, Reach, Result, Wait, Which, same_code};

/// Values under one key. Most keys have one, which needs no tree.
#[derive(Clone, Debug)]
enum Few<V> {
    One(V),
    Many(BTreeSet<V>),
}

impl<V: Ord + Clone> Few<V> {
    fn put(&mut self, value: V) {
        match self {
            Few::One(known) if *known == value => {}
            Few::One(known) => *self = Few::Many(BTreeSet::from([known.clone(), value])),
            Few::Many(all) => {
                all.insert(value);
            }
        }
    }

    /// Takes a value out; whether none is left.
    fn take(&mut self, value: &V) -> bool {
        match self {
            Few::One(known) => known == value,
            Few::Many(all) => {
                all.remove(value);
                all.is_empty()
            }
        }
    }

    fn range<'a>(&'a self, from: Bound<&'a V>, until: Bound<&'a V>) -> impl DoubleEndedIterator<Item = &'a V> {
        let (one, many) = match self {
            Few::One(value) => (Some(value), None),
            Few::Many(all) => (None, Some(all)),
        };
        let range = (from, until);
        let many = many.map(|all| all.range::<V, _>(range)).into_iter().flatten();
        one.into_iter().filter(move |value| range.contains(value)).chain(many)
    }
}

/// A set of values under each key; keys without any are not kept.
#[derive(Clone, Debug)]
struct Sets<K, V>(HashMap<K, Few<V>>);

impl<K, V> Default for Sets<K, V> {
    fn default() -> Self {
        Sets(HashMap::new())
    }
}

impl<K: Hash + Eq, V: Ord + Clone> Sets<K, V> {
    fn put(&mut self, key: K, value: V) {
        match self.0.entry(key) {
            Entry::Occupied(mut known) => known.get_mut().put(value),
            Entry::Vacant(free) => {
                free.insert(Few::One(value));
            }
        }
    }

    fn take<Q: Hash + Eq + ?Sized>(&mut self, key: &Q, value: &V)
    where
        K: Borrow<Q>,
    {
        if self.0.get_mut(key).is_some_and(|set| set.take(value)) {
            self.0.remove(key);
        }
    }

    /// From one value on and up to another, in order.
    fn range<'a, Q: Hash + Eq + ?Sized>(
        &'a self,
        key: &Q,
        from: Bound<&'a V>,
        until: Bound<&'a V>,
    ) -> impl DoubleEndedIterator<Item = &'a V>
    where
        K: Borrow<Q>,
    {
        self.0.get(key).into_iter().flat_map(move |set| set.range(from, until))
    }

    fn each<'a, Q: Hash + Eq + ?Sized>(&'a self, key: &Q) -> impl Iterator<Item = &'a V>
    where
        K: Borrow<Q>,
        V: 'a,
    {
        self.range(key, Bound::Unbounded, Bound::Unbounded)
    }

    fn all<Q: Hash + Eq + ?Sized>(&self, key: &Q) -> Vec<V>
    where
        K: Borrow<Q>,
    {
        self.each(key).cloned().collect()
    }
}

impl<K: Hash + Eq> Sets<K, OrderKey> {
    /// Places before one, the last first.
    fn before<'a>(&'a self, key: &K, before: &'a OrderKey) -> impl Iterator<Item = &'a OrderKey> {
        self.range(key, Bound::Unbounded, Bound::Excluded(before)).rev()
    }

    /// The first place after one.
    fn after<'a>(&'a self, key: &K, after: &'a OrderKey) -> Option<&'a OrderKey> {
        self.range(key, Bound::Excluded(after), Bound::Unbounded).next()
    }
}

/// Where finished deployments stand.
#[derive(Clone, Debug, Default)]
struct Orders {
    of_component: Sets<ComponentId, OrderKey>,
    succeeded: Sets<Lane, OrderKey>,
    counted: Sets<Lane, OrderKey>,
    counted_of_component: Sets<ComponentId, OrderKey>,
    counted_of_product: Sets<Arc<str>, OrderKey>,
    by_commit: Sets<(Lane, String), OrderKey>,
    /// By normalised version, and whether the commit is known too.
    by_version: Sets<(Lane, String, bool), OrderKey>,
    remedies: Sets<ComponentId, OrderKey>,
    suspects: Sets<ComponentId, OrderKey>,
    production: Sets<Arc<str>, OrderKey>,
    fixers: Sets<String, OrderKey>,
}

/// A finished deployment and its place.
type Stand<'a> = (&'a DeploymentFact, &'a OrderKey);
/// Where a deployment was in an index, and where it is now; neither where that is the same.
type Move<'a> = (Option<Stand<'a>>, Option<Stand<'a>>);

/// One content of a deployment and the next.
struct Step<'a> {
    old: Option<Stand<'a>>,
    new: Option<Stand<'a>>,
    /// Whether it stays where it is.
    stays: bool,
}

impl<'a> Step<'a> {
    /// In an index of those that `belong`.
    fn among(&self, belong: impl Fn(&DeploymentFact) -> bool) -> Move<'a> {
        let within = |stand: Option<Stand<'a>>| stand.filter(|(fact, _)| belong(fact));
        match (within(self.old), within(self.new)) {
            (Some(_), Some(_)) if self.stays => (None, None),
            moved => moved,
        }
    }

    /// In an index by something they have.
    fn by<T: PartialEq>(&self, what: impl Fn(&'a DeploymentFact) -> T) -> Move<'a> {
        let same = self.old.zip(self.new).is_some_and(|((old, _), (new, _))| what(old) == what(new));
        if same && self.stays { (None, None) } else { (self.old, self.new) }
    }
}

/// Moves a deployment in an index, under all keys it has there.
fn shift<K: Hash + Eq, I: IntoIterator<Item = K>>(
    index: &mut Sets<K, OrderKey>,
    (from, to): Move<'_>,
    keys: impl Fn(&DeploymentFact) -> I,
) {
    if let Some((fact, place)) = from {
        keys(fact).into_iter().for_each(|key| index.take(&key, place));
    }
    if let Some((fact, place)) = to {
        keys(fact).into_iter().for_each(|key| index.put(key, place.clone()));
    }
}

impl Orders {
    /// From one content of a deployment to the next.
    fn put(&mut self, old: Option<&DeploymentFact>, new: Option<&DeploymentFact>) {
        let (was, is) = (old.and_then(DeploymentFact::order), new.and_then(DeploymentFact::order));
        let stays = was == is && old.map(|old| &old.lane) == new.map(|new| &new.lane);
        let step = Step { old: old.zip(was.as_ref()), new: new.zip(is.as_ref()), stays };

        let lane = |fact: &DeploymentFact| Some(fact.lane.clone());
        let component = |fact: &DeploymentFact| Some(fact.lane.component.clone());
        let product = |fact: &DeploymentFact| Some(Arc::from(fact.lane.component.product()));
        let succeeded = |fact: &DeploymentFact| fact.status == Status::Succeeded;

        shift(&mut self.of_component, step.among(|_| true), component);
        shift(&mut self.succeeded, step.among(succeeded), lane);
        let counted = step.among(|fact| fact.counted);
        shift(&mut self.counted, counted, lane);
        shift(&mut self.counted_of_component, counted, component);
        shift(&mut self.counted_of_product, counted, product);
        shift(&mut self.production, step.among(|fact| fact.production), product);
        shift(&mut self.remedies, step.among(DeploymentFact::remedies), component);
        shift(&mut self.suspects, step.among(DeploymentFact::suspect), component);
        shift(&mut self.fixers, step.by(|fact| &fact.fixes), |fact| fact.fixes.clone());

        let code = step.by(|fact| (succeeded(fact), &fact.sha, &fact.version));
        shift(&mut self.by_commit, code, |fact| {
            let sha = fact.sha.clone().filter(|_| succeeded(fact))?;
            Some((fact.lane.clone(), sha))
        });
        shift(&mut self.by_version, code, |fact| {
            let version = fact.version.as_deref().filter(|_| succeeded(fact))?;
            Some((fact.lane.clone(), normalise(version).to_owned(), fact.sha.is_some()))
        });
    }
}

/// Puts a deployment under the key that another content of it gives it.
fn replace<K: Hash + Eq>(
    index: &mut Sets<K, DeploymentKey>,
    old: Option<&DeploymentFact>,
    new: Option<&DeploymentFact>,
    key: impl Fn(&DeploymentFact) -> Option<K>,
) {
    let (was, is) = (old.and_then(&key), new.and_then(&key));
    if was == is {
        return;
    }
    if let Some((key, fact)) = was.zip(old) {
        index.take(&key, &fact.key);
    }
    if let Some((key, fact)) = is.zip(new) {
        index.put(key, fact.key.clone());
    }
}

/// The commit graph of one repository.
#[derive(Clone, Debug, Default)]
struct Repo {
    name: String,
    ids: BTreeMap<Arc<str>, u32>,
    nodes: Vec<Arc<CommitNode>>,
    pull_requests: HashMap<String, EntityKey>,
    /// Names and commits by normalised name.
    tags: HashMap<String, BTreeMap<String, String>>,
    /// Deployments with which a commit arrived.
    arrivals: Sets<Arc<str>, DeploymentKey>,
}

impl Repo {
    /// Whole hashes of told commits that begin so, in order.
    fn told<'a>(&'a self, prefix: &'a str) -> impl Iterator<Item = &'a str> {
        let from = self.ids.range::<str, _>((Bound::Included(prefix), Bound::Unbounded));
        let begins = from.take_while(move |(sha, _)| sha.starts_with(prefix));
        begins.filter(|(_, id)| self.node(**id).is_some_and(|node| node.committed_at.is_some())).map(|(sha, _)| &**sha)
    }

    fn node(&self, id: u32) -> Option<&Arc<CommitNode>> {
        self.nodes.get(usize::try_from(id).ok()?)
    }
}

/// Incidents of one product by when they began.
#[derive(Clone, Debug, Default)]
struct Troubles {
    started: BTreeSet<(Timestamp, IncidentKey)>,
    opened: BTreeSet<(Timestamp, IncidentKey)>,
}

/// What was put under the key of a deployment.
#[derive(Clone, Debug, Default)]
struct Held {
    fact: Option<Arc<DeploymentFact>>,
    commits: Vec<CommitFact>,
    arrived: Option<Box<Arrived>>,
    waits: Vec<Wait>,
    reverts: Vec<(DeploymentKey, String)>,
}

/// Facts and what they are made from, found by index.
#[derive(Clone, Debug, Default)]
pub struct IndexedLedger {
    entities: HashMap<EntityKey, Arc<Entity>>,
    deployments: HashMap<DeploymentKey, Held>,
    orders: Orders,
    by_id: Sets<Arc<str>, DeploymentKey>,
    by_sha: Sets<String, DeploymentKey>,
    blamers: Sets<DeploymentKey, DeploymentKey>,
    incidents: HashMap<IncidentKey, IncidentFact>,
    troubles: HashMap<String, Troubles>,
    incidents_by_id: Sets<Arc<str>, IncidentKey>,
    incidents_of: Sets<DeploymentKey, IncidentKey>,
    incident_names: HashMap<IncidentKey, Vec<String>>,
    naming: Sets<String, IncidentKey>,
    others: HashMap<EntityKey, OtherFact>,
    others_named: Sets<String, EntityKey>,
    repo_ids: HashMap<String, u32>,
    repos: Vec<Repo>,
    waiting: Sets<Wait, DeploymentKey>,
    reached: HashMap<(Reach, u32), RoaringBitmap>,
    reverts_of: Sets<DeploymentKey, (DeploymentKey, String)>,
}

/// Every fact of a ledger, ordered by identity.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Facts {
    /// Deployments with the commits that arrived with them.
    pub deployments: Vec<(DeploymentFact, Vec<CommitFact>)>,
    /// Incidents.
    pub incidents: Vec<IncidentFact>,
    /// The others.
    pub others: Vec<OtherFact>,
}

/// Something a ledger holds beside its entities. Repositories and commits have this ledger's own numbers.
#[derive(Clone, Debug, PartialEq)]
pub enum Piece {
    /// A repository: its number and name. Comes before its commits.
    Repo(u32, String),
    /// A commit: numbers of the repository and its own. Those of a repository come in the order of their numbers.
    Commit(u32, u32, CommitNode),
    /// A tag: repository, name, normalised name, commit.
    Tag(String, String, String, String),
    /// The pull request that made a commit: its identity, repository, commit.
    PullRequest(EntityKey, String, String),
    /// A deployment with all that was put under its key.
    Deployment(Box<WholeDeployment>),
    /// The commits of a repository, by its number, that have arrived somewhere.
    Reached(Reach, u32, RoaringBitmap),
    /// An incident and the deployment ids it names.
    Incident(Box<IncidentFact>, Vec<String>),
    /// What an incident without a fact names.
    Names(IncidentKey, Vec<String>),
    /// Any other fact.
    Other(Box<OtherFact>),
}

/// A deployment with all that was put under its key.
#[derive(Clone, Debug, PartialEq)]
pub struct WholeDeployment {
    /// Its fact.
    pub fact: DeploymentFact,
    /// The commits that arrived with it.
    pub commits: Vec<CommitFact>,
    /// The same as sets.
    pub arrived: Option<Arrived>,
    /// What it waits for.
    pub waits: Vec<Wait>,
    /// `(reverted deployment, reverted commit)`.
    pub reverts: Vec<(DeploymentKey, String)>,
}

impl IndexedLedger {
    /// Makes all facts of the entities it holds, in one pass.
    ///
    /// # Errors
    /// Never: nothing of this ledger fails.
    pub fn link(&mut self, catalogue: &Catalogue) -> Result<Applied> {
        Engine::new(catalogue, self)?.link_all(self)
    }

    /// Gives every fact away.
    #[must_use]
    pub fn into_facts(self) -> Facts {
        let held = self.deployments.into_values();
        let mut deployments: Vec<_> =
            held.filter_map(|held| Some((Arc::unwrap_or_clone(held.fact?), held.commits))).collect();
        deployments.sort_unstable_by(|(a, _), (b, _)| a.key.cmp(&b.key));
        let mut incidents: Vec<_> = self.incidents.into_values().collect();
        incidents.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        let mut others: Vec<_> = self.others.into_values().collect();
        others.sort_unstable_by(|a, b| a.key.cmp(&b.key));
        Facts { deployments, incidents, others }
    }

    /// Gives everything but the entities away, in pieces that another ledger can be filled with in this order. Ledgers
    /// of the same entities give the same pieces.
    #[must_use]
    pub fn into_pieces(self) -> Vec<Piece> {
        let IndexedLedger { deployments, incidents, others, repos, reached, .. } = self;
        let mut names = self.incident_names;
        let mut pieces = Vec::new();
        for (repo, known) in (0u32..).zip(repos) {
            pieces.push(Piece::Repo(repo, known.name.clone()));
            pieces.extend(
                (0u32..).zip(known.nodes).map(|(id, node)| Piece::Commit(repo, id, Arc::unwrap_or_clone(node))),
            );
            let tags = known.tags.into_iter().collect::<BTreeMap<_, _>>().into_iter();
            pieces.extend(tags.flat_map(|(normalised, tags)| {
                let name = known.name.clone();
                tags.into_iter().map(move |(tag, sha)| Piece::Tag(name.clone(), tag, normalised.clone(), sha))
            }));
            let requests = known.pull_requests.into_iter().collect::<BTreeMap<_, _>>();
            pieces.extend(requests.into_iter().map(|(sha, key)| Piece::PullRequest(key, known.name.clone(), sha)));
        }
        let whole = deployments.into_values().filter_map(|held| {
            Some(Box::new(WholeDeployment {
                fact: Arc::unwrap_or_clone(held.fact?),
                commits: held.commits,
                arrived: held.arrived.map(|arrived| *arrived),
                waits: held.waits,
                reverts: held.reverts,
            }))
        });
        let mut whole: Vec<_> = whole.collect();
        // The one that is blamed comes before the one that blames it.
        whole.sort_unstable_by(|a, b| (a.fact.finished_at, &a.fact.key).cmp(&(b.fact.finished_at, &b.fact.key)));
        pieces.extend(whole.into_iter().map(Piece::Deployment));
        let reached = reached.into_iter().filter(|(_, commits)| !commits.is_empty()).collect::<BTreeMap<_, _>>();
        pieces.extend(reached.into_iter().map(|((reach, repo), commits)| Piece::Reached(reach, repo, commits)));
        let incidents = incidents.into_iter().collect::<BTreeMap<_, _>>().into_values();
        pieces.extend(incidents.map(|fact| {
            let names = names.remove(&fact.key).unwrap_or_default();
            Piece::Incident(Box::new(fact), names)
        }));
        // An incident that has no fact may name deployments.
        let names = names.into_iter().collect::<BTreeMap<_, _>>();
        pieces.extend(names.into_iter().map(|(key, names)| Piece::Names(key, names)));
        let others = others.into_iter().collect::<BTreeMap<_, _>>().into_values();
        pieces.extend(others.map(|fact| Piece::Other(Box::new(fact))));
        pieces
    }

    fn held(&self, key: &DeploymentKey) -> Option<Arc<DeploymentFact>> {
        self.deployments.get(key)?.fact.clone()
    }

    fn hold(&mut self, key: &DeploymentKey) -> &mut Held {
        self.deployments.entry(key.clone()).or_default()
    }

    fn take_out<T: Default>(&mut self, key: &DeploymentKey, part: impl FnOnce(&mut Held) -> &mut T) -> T {
        self.deployments.get_mut(key).map(|held| std::mem::take(part(held))).unwrap_or_default()
    }

    fn every_fact(&self) -> impl Iterator<Item = &Arc<DeploymentFact>> {
        self.deployments.values().filter_map(|held| held.fact.as_ref())
    }

    fn fact(&self, place: Option<&OrderKey>) -> Option<Arc<DeploymentFact>> {
        self.held(&place?.key)
    }

    fn facts<'a>(
        &'a self,
        places: impl Iterator<Item = &'a OrderKey>,
    ) -> impl Iterator<Item = &'a Arc<DeploymentFact>> {
        places.filter_map(|place| self.deployments.get(&place.key)?.fact.as_ref())
    }

    fn repo(&mut self, id: u32) -> Option<&mut Repo> {
        self.repos.get_mut(usize::try_from(id).ok()?)
    }

    fn repo_named(&self, name: &str) -> Option<&Repo> {
        self.repos.get(usize::try_from(*self.repo_ids.get(name)?).ok()?)
    }

    /// Gives a repository its number on first sight.
    fn repo_made(&mut self, name: &str) -> u32 {
        if let Some(id) = self.repo_ids.get(name) {
            return *id;
        }
        let id = u32::try_from(self.repos.len()).unwrap_or(u32::MAX);
        self.repos.push(Repo { name: name.to_owned(), ..Repo::default() });
        self.repo_ids.insert(name.to_owned(), id);
        id
    }

    /// From one content of a deployment to the next.
    fn index(&mut self, old: Option<&DeploymentFact>, new: Option<&DeploymentFact>) {
        self.orders.put(old, new);
        match (old, new) {
            (None, Some(new)) => self.by_id.put(new.key.id.clone(), new.key.clone()),
            (Some(old), None) => self.by_id.take(&old.key.id, &old.key),
            _ => {}
        }
        let sha = |fact: &DeploymentFact| fact.sha.clone();
        replace(&mut self.by_sha, old, new, sha);
        let blamed = |fact: &DeploymentFact| fact.blames.as_ref().map(|blame| blame.deployment.clone());
        replace(&mut self.blamers, old, new, blamed);
    }

    fn forget_commits(&mut self, key: &DeploymentKey) {
        for row in self.take_out(key, |held| &mut held.commits) {
            let repo = row.repo.as_deref().and_then(|repo| self.repo_ids.get(repo)).copied();
            if let Some(repo) = repo.and_then(|repo| self.repo(repo)) {
                repo.arrivals.take(&row.sha, key);
            }
        }
    }

    fn forget_waits(&mut self, key: &DeploymentKey) {
        for wait in self.take_out(key, |held| &mut held.waits) {
            self.waiting.take(&wait, key);
        }
    }

    fn forget_reverts(&mut self, key: &DeploymentKey) {
        for (target, sha) in self.take_out(key, |held| &mut held.reverts) {
            self.reverts_of.take(&target, &(key.clone(), sha));
        }
    }

    fn forget_names(&mut self, key: &IncidentKey) {
        for id in self.incident_names.remove(key).unwrap_or_default() {
            self.naming.take(&id, key);
        }
    }

    fn forget_incident(&mut self, key: &IncidentKey) {
        let Some(old) = self.incidents.remove(key) else { return };
        if let Some(troubles) = self.troubles.get_mut(&old.product) {
            troubles.started.remove(&(old.started_at, key.clone()));
            troubles.opened.remove(&(old.opened_at, key.clone()));
        }
        self.incidents_by_id.take(&key.id, key);
        for cause in old.causes.iter().flatten() {
            self.incidents_of.take(&cause.deployment, key);
        }
    }
}

fn code(fact: &DeploymentFact) -> (Option<&str>, Option<&str>) {
    (fact.sha.as_deref(), fact.version.as_deref())
}

impl Ledger for IndexedLedger {
    fn entity(&mut self, key: &EntityKey) -> Result<Option<Arc<Entity>>> {
        Ok(self.entities.get(key).cloned())
    }

    fn put_entity(&mut self, key: &EntityKey, entity: Arc<Entity>) -> Result<()> {
        self.entities.insert(key.clone(), entity);
        Ok(())
    }

    fn entity_keys(&mut self, kind: EventKind) -> Result<Vec<EntityKey>> {
        let mut keys: Vec<EntityKey> = self.entities.keys().filter(|key| key.kind == kind).cloned().collect();
        keys.sort_unstable();
        Ok(keys)
    }

    fn deployment(&mut self, key: &DeploymentKey) -> Result<Option<Arc<DeploymentFact>>> {
        Ok(self.held(key))
    }

    fn put_deployment(&mut self, fact: Arc<DeploymentFact>) -> Result<()> {
        let old = self.hold(&fact.key).fact.replace(Arc::clone(&fact));
        self.index(old.as_deref(), Some(&fact));
        Ok(())
    }

    fn remove_deployment(&mut self, key: &DeploymentKey) -> Result<()> {
        self.forget_waits(key);
        self.forget_commits(key);
        self.forget_reverts(key);
        let old = self.deployments.remove(key).and_then(|held| held.fact);
        self.index(old.as_deref(), None);
        Ok(())
    }

    fn deployments_from(&mut self, component: &ComponentId, from: &OrderKey) -> Result<Vec<Arc<DeploymentFact>>> {
        let places = self.orders.of_component.range(component, Bound::Included(from), Bound::Unbounded);
        Ok(self.facts(places).cloned().collect())
    }

    fn last_in_lane(&mut self, lane: &Lane, which: Which, before: &OrderKey) -> Result<Option<Arc<DeploymentFact>>> {
        let places = match which {
            Which::Succeeded => &self.orders.succeeded,
            Which::Counted => &self.orders.counted,
        };
        let last = places.before(lane, before).next();
        Ok(self.fact(last))
    }

    fn next_counted_in_lane(&mut self, lane: &Lane, after: &OrderKey) -> Result<Option<Arc<DeploymentFact>>> {
        Ok(self.fact(self.orders.counted.after(lane, after)))
    }

    fn last_with_code(
        &mut self,
        lane: &Lane,
        sha: Option<&str>,
        version: Option<&str>,
        before: &OrderKey,
    ) -> Result<Option<Arc<DeploymentFact>>> {
        let by_commit = sha.map(|sha| (lane.clone(), sha.to_owned()));
        let by_commit = by_commit.and_then(|key| self.orders.by_commit.before(&key, before).next());
        let by_version = |with_sha: bool| {
            let key = (lane.clone(), normalise(version?).to_owned(), with_sha);
            self.orders.by_version.before(&key, before).next()
        };
        // Versions decide only where the commit is not known on both sides.
        let with_sha = if sha.is_none() { by_version(true) } else { None };
        let last = by_commit.max(by_version(false)).max(with_sha);
        Ok(self.fact(last))
    }

    fn last_counted_other(
        &mut self,
        component: &ComponentId,
        sha: Option<&str>,
        version: Option<&str>,
        before: &OrderKey,
    ) -> Result<Option<Arc<DeploymentFact>>> {
        let mut facts = self.facts(self.orders.counted_of_component.before(component, before));
        Ok(facts.find(|fact| !same_code(code(fact), (sha, version))).cloned())
    }

    fn last_counted_in_scope(
        &mut self,
        product: &str,
        component: Option<&ComponentId>,
        instance: Option<&str>,
        before: Timestamp,
    ) -> Result<Option<Arc<DeploymentFact>>> {
        let before = OrderKey::before(before);
        let fits = |fact: &&Arc<DeploymentFact>| {
            fact.lane.component.product() == product && instance.is_none_or(|instance| &*fact.lane.instance == instance)
        };
        let product = Arc::from(product);
        Ok(match component {
            Some(component) => {
                self.facts(self.orders.counted_of_component.before(component, &before)).find(fits).cloned()
            }
            None => self.facts(self.orders.counted_of_product.before(&product, &before)).find(fits).cloned(),
        })
    }

    fn first_remedy_after(&mut self, component: &ComponentId, after: &OrderKey) -> Result<Option<Arc<DeploymentFact>>> {
        Ok(self.fact(self.orders.remedies.after(component, after)))
    }

    fn last_remedy_before(
        &mut self,
        component: &ComponentId,
        before: &OrderKey,
    ) -> Result<Option<Arc<DeploymentFact>>> {
        Ok(self.fact(self.orders.remedies.before(component, before).next()))
    }

    fn suspects(&mut self, component: &ComponentId, from: &OrderKey, before: &OrderKey) -> Result<Vec<DeploymentKey>> {
        if from >= before {
            return Ok(Vec::new());
        }
        let places = self.orders.suspects.range(component, Bound::Included(from), Bound::Excluded(before));
        Ok(places.map(|place| place.key.clone()).collect())
    }

    fn blamers(&mut self, of: &DeploymentKey) -> Result<Vec<Arc<DeploymentFact>>> {
        let keys = self.blamers.each(of);
        Ok(keys.filter_map(|key| self.held(key)).collect())
    }

    fn deployments_by_id(&mut self, id: &str) -> Result<Vec<DeploymentKey>> {
        Ok(self.by_id.all(id))
    }

    fn deployments_by_sha(&mut self, sha: &str) -> Result<Vec<DeploymentKey>> {
        Ok(self.by_sha.all(sha))
    }

    fn production_between(&mut self, product: &str, from: Timestamp, before: Timestamp) -> Result<Vec<DeploymentKey>> {
        if from >= before {
            return Ok(Vec::new());
        }
        let (from, before) = (OrderKey::before(from), OrderKey::before(before));
        let places = self.orders.production.range(product, Bound::Included(&from), Bound::Excluded(&before));
        Ok(places.map(|place| place.key.clone()).collect())
    }

    fn fixers(&mut self, incident_id: &str) -> Result<Vec<Arc<DeploymentFact>>> {
        let places = self.orders.fixers.each(incident_id);
        Ok(self.facts(places).cloned().collect())
    }

    fn incident(&mut self, key: &IncidentKey) -> Result<Option<IncidentFact>> {
        Ok(self.incidents.get(key).cloned())
    }

    fn put_incident(&mut self, fact: &IncidentFact) -> Result<()> {
        let key = &fact.key;
        self.forget_incident(key);
        let troubles = self.troubles.entry(fact.product.clone()).or_default();
        troubles.started.insert((fact.started_at, key.clone()));
        troubles.opened.insert((fact.opened_at, key.clone()));
        self.incidents_by_id.put(key.id.clone(), key.clone());
        for cause in fact.causes.iter().flatten() {
            self.incidents_of.put(cause.deployment.clone(), key.clone());
        }
        self.incidents.insert(key.clone(), fact.clone());
        Ok(())
    }

    fn remove_incident(&mut self, key: &IncidentKey) -> Result<()> {
        self.forget_incident(key);
        self.forget_names(key);
        Ok(())
    }

    fn incidents_between(&mut self, product: &str, after: Timestamp, until: Timestamp) -> Result<Vec<IncidentKey>> {
        let Some(troubles) = self.troubles.get(product).filter(|_| after < until) else { return Ok(Vec::new()) };
        let end = (until.plus(1), IncidentKey::new("", ""));
        let begin = (after.plus(1), IncidentKey::new("", ""));
        let mut found: Vec<IncidentKey> = Vec::new();
        for times in [&troubles.started, &troubles.opened] {
            // The end of time has nothing after it.
            let end = if until == Timestamp::MAX { Bound::Unbounded } else { Bound::Excluded(&end) };
            found.extend(times.range((Bound::Included(&begin), end)).map(|(_, key)| key.clone()));
        }
        found.sort_unstable();
        found.dedup();
        Ok(found)
    }

    fn incidents_of(&mut self, deployment: &DeploymentKey) -> Result<Vec<IncidentFact>> {
        let keys = self.incidents_of.each(deployment);
        Ok(keys.filter_map(|key| self.incidents.get(key).cloned()).collect())
    }

    fn incidents_naming(&mut self, deployment_id: &str) -> Result<Vec<IncidentKey>> {
        Ok(self.naming.all(deployment_id))
    }

    fn put_incident_names(&mut self, key: &IncidentKey, deployment_ids: &[String]) -> Result<()> {
        self.forget_names(key);
        for id in deployment_ids {
            self.naming.put(id.clone(), key.clone());
        }
        if !deployment_ids.is_empty() {
            self.incident_names.insert(key.clone(), deployment_ids.to_vec());
        }
        Ok(())
    }

    fn incidents_by_id(&mut self, id: &str) -> Result<Vec<IncidentKey>> {
        Ok(self.incidents_by_id.all(id))
    }

    fn first_opened_after(&mut self, product: &str, after: Timestamp) -> Result<Option<Timestamp>> {
        let Some(troubles) = self.troubles.get(product).filter(|_| after < Timestamp::MAX) else { return Ok(None) };
        Ok(troubles.opened.range((after.plus(1), IncidentKey::new("", ""))..).next().map(|(at, _)| *at))
    }

    fn last_opened_before(&mut self, product: &str, before: Timestamp) -> Result<Option<Timestamp>> {
        let Some(troubles) = self.troubles.get(product) else { return Ok(None) };
        Ok(troubles.opened.range(..(before, IncidentKey::new("", ""))).next_back().map(|(at, _)| *at))
    }

    fn put_other(&mut self, fact: &OtherFact) -> Result<()> {
        let name = |fact: &OtherFact| fact.component.as_ref().map(|component| component.name().to_owned());
        let old = self.others.insert(fact.key.clone(), fact.clone());
        if let Some(old) = old.as_ref().and_then(name) {
            self.others_named.take(&old, &fact.key);
        }
        if let Some(new) = name(fact) {
            self.others_named.put(new, fact.key.clone());
        }
        Ok(())
    }

    fn others_named(&mut self, name: &str) -> Result<Vec<EntityKey>> {
        Ok(self.others_named.all(name))
    }

    fn named(&mut self, name: &str) -> Result<(Vec<DeploymentKey>, Vec<IncidentKey>)> {
        let deployments = self.every_fact().filter(|fact| fact.lane.component.name() == name);
        let incidents =
            self.incidents.values().filter(|fact| fact.component.as_ref().is_some_and(|c| c.name() == name));
        Ok((deployments.map(|fact| fact.key.clone()).collect(), incidents.map(|fact| fact.key.clone()).collect()))
    }

    fn implied(&mut self) -> Result<Vec<ComponentId>> {
        let implied = self.every_fact().filter(|fact| fact.placed_by == PlacedBy::Event);
        let unique: BTreeSet<ComponentId> = implied.map(|fact| fact.lane.component.clone()).collect();
        Ok(unique.into_iter().collect())
    }

    fn implied_by_other(&mut self, component: &ComponentId, than: &DeploymentKey) -> Result<bool> {
        Ok(self
            .every_fact()
            .any(|fact| fact.placed_by == PlacedBy::Event && fact.lane.component == *component && fact.key != *than))
    }

    fn repo_id(&mut self, repo: &str) -> Result<u32> {
        Ok(self.repo_made(repo))
    }

    fn commit_id(&mut self, repo: u32, sha: &str) -> Result<u32> {
        let Some(repo) = self.repo(repo) else { return Ok(u32::MAX) };
        if let Some(id) = repo.ids.get(sha) {
            return Ok(*id);
        }
        let id = u32::try_from(repo.nodes.len()).unwrap_or(u32::MAX);
        let sha: Arc<str> = sha.into();
        repo.ids.insert(sha.clone(), id);
        repo.nodes.push(Arc::new(CommitNode { sha, committed_at: None, parents: None }));
        Ok(id)
    }

    fn commit_node(&mut self, repo: u32, id: u32) -> Result<Option<Arc<CommitNode>>> {
        Ok(self.repo(repo).and_then(|repo| repo.node(id).cloned()))
    }

    fn put_commit_node(&mut self, repo: u32, id: u32, node: Arc<CommitNode>) -> Result<()> {
        let known = self.repo(repo).and_then(|repo| repo.nodes.get_mut(usize::try_from(id).unwrap_or(usize::MAX)));
        if let Some(known) = known {
            *known = node;
        }
        Ok(())
    }

    fn find_commit(&mut self, repo: &str, prefix: &str) -> Result<Vec<String>> {
        let Some(repo) = self.repo_named(repo) else { return Ok(Vec::new()) };
        Ok(repo.told(prefix).take(2).map(str::to_owned).collect())
    }

    fn find_commit_anywhere(&mut self, prefix: &str) -> Result<Vec<(String, String)>> {
        let mut found: Vec<(String, String)> = Vec::new();
        for repo in &self.repos {
            found.extend(repo.told(prefix).take(100).map(|sha| (repo.name.clone(), sha.to_owned())));
        }
        found.sort_unstable();
        found.truncate(100);
        Ok(found)
    }

    fn tags(&mut self, repo: &str, normalised: &str) -> Result<Vec<(String, String)>> {
        let tags = self.repo_named(repo).and_then(|repo| repo.tags.get(normalised));
        Ok(tags.into_iter().flatten().map(|(name, sha)| (name.clone(), sha.clone())).collect())
    }

    fn put_tag(&mut self, repo: &str, name: &str, normalised: &str, sha: &str) -> Result<()> {
        let id = self.repo_made(repo);
        if let Some(repo) = self.repo(id) {
            repo.tags.entry(normalised.to_owned()).or_default().insert(name.to_owned(), sha.to_owned());
        }
        Ok(())
    }

    fn pull_request_of(&mut self, repo: &str, merge_sha: &str) -> Result<Option<EntityKey>> {
        Ok(self.repo_named(repo).and_then(|repo| repo.pull_requests.get(merge_sha)).cloned())
    }

    fn put_pull_request(&mut self, key: &EntityKey, repo: &str, merge_sha: &str) -> Result<()> {
        let id = self.repo_made(repo);
        if let Some(repo) = self.repo(id) {
            let known = repo.pull_requests.entry(merge_sha.to_owned()).or_insert_with(|| key.clone());
            if key < known {
                known.clone_from(key);
            }
        }
        Ok(())
    }

    fn set_waits(&mut self, deployment: &DeploymentKey, waits: &[Wait]) -> Result<()> {
        if self.deployments.get(deployment).is_some_and(|known| known.waits == waits) {
            return Ok(());
        }
        self.forget_waits(deployment);
        for wait in waits {
            self.waiting.put(wait.clone(), deployment.clone());
        }
        if !waits.is_empty() {
            self.hold(deployment).waits = waits.to_vec();
        }
        Ok(())
    }

    fn waiting(&mut self, wait: &Wait) -> Result<Vec<DeploymentKey>> {
        Ok(self.waiting.all(wait))
    }

    fn reached(&mut self, reach: &Reach, repo: u32) -> Result<RoaringBitmap> {
        Ok(self.reached.get(&(reach.clone(), repo)).cloned().unwrap_or_default())
    }

    fn reaching(&mut self, repo: u32) -> Result<Vec<ComponentId>> {
        let of = self.reached.iter().filter(|((_, of), commits)| *of == repo && !commits.is_empty());
        let component = |reach: &Reach| match reach {
            Reach::Component(component) => Some(component.clone()),
            Reach::Lane(_) => None,
        };
        let mut found: Vec<ComponentId> = of.filter_map(|((reach, _), _)| component(reach)).collect();
        found.sort_unstable();
        Ok(found)
    }

    fn put_reached(&mut self, reach: &Reach, repo: u32, commits: &RoaringBitmap) -> Result<()> {
        self.reached.insert((reach.clone(), repo), commits.clone());
        Ok(())
    }

    fn arrived(&mut self, deployment: &DeploymentKey) -> Result<Option<Arrived>> {
        Ok(self.deployments.get(deployment).and_then(|held| held.arrived.as_deref().cloned()))
    }

    fn put_arrived(&mut self, deployment: &DeploymentKey, arrived: Option<Arrived>) -> Result<()> {
        self.hold(deployment).arrived = arrived.map(Box::new);
        Ok(())
    }

    fn commits(&mut self, deployment: &DeploymentKey) -> Result<Vec<CommitFact>> {
        Ok(self.deployments.get(deployment).map(|held| held.commits.clone()).unwrap_or_default())
    }

    fn put_commits(&mut self, deployment: &DeploymentKey, commits: Vec<CommitFact>) -> Result<()> {
        self.forget_commits(deployment);
        for row in &commits {
            let Some(name) = &row.repo else { continue };
            let id = self.repo_made(name);
            if let Some(repo) = self.repo(id) {
                repo.arrivals.put(row.sha.clone(), deployment.clone());
            }
        }
        if !commits.is_empty() {
            self.hold(deployment).commits = commits;
        }
        Ok(())
    }

    fn deployments_with(&mut self, repo: &str, sha: &str) -> Result<Vec<DeploymentKey>> {
        Ok(self.repo_named(repo).map(|repo| repo.arrivals.all(sha)).unwrap_or_default())
    }

    fn reverts_by(&mut self, deployment: &DeploymentKey) -> Result<Vec<DeploymentKey>> {
        Ok(self
            .deployments
            .get(deployment)
            .into_iter()
            .flat_map(|held| &held.reverts)
            .map(|(target, _)| target.clone())
            .collect())
    }

    fn put_reverts(&mut self, by: &DeploymentKey, reverted: &[(DeploymentKey, String)]) -> Result<()> {
        self.forget_reverts(by);
        for (target, sha) in reverted {
            self.reverts_of.put(target.clone(), (by.clone(), sha.clone()));
        }
        if !reverted.is_empty() {
            self.hold(by).reverts = reverted.to_vec();
        }
        Ok(())
    }

    fn reverts_of(&mut self, deployment: &DeploymentKey) -> Result<Vec<(DeploymentKey, String)>> {
        Ok(self.reverts_of.all(deployment))
    }
}

//! Which entities have to be linked together: parts of a store such that no fact of one depends on another.
//!
//! Nodes are names that entities share (products, repositories, ids that somebody refers to), not the entities
//! themselves, so this stays small. A name is kept as a hash: when two fall together, two parts are linked as one, which
//! costs time and changes no fact.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::hash::{Hash, Hasher};

use domain::catalogue::{Catalogue, ComponentId, Named, PlacedBy, Placer, UNASSIGNED, image_code};
use domain::event::{Change, Deployment, Entity, EventKind, Incident, Override, PipelineRun, PullRequest, Tag};
use domain::{DeploymentKey, EntityKey};

use crate::engine::deployment_key;

/// What kind of name a node is.
#[derive(Clone, Copy, Hash)]
enum Name {
    Product,
    Repo,
    /// A component by whatever name it is called.
    Component,
    /// Any deployment or incident with this id.
    Deployment,
    Incident,
    /// One deployment or incident, whole.
    OneDeployment,
    OneIncident,
    /// The beginning of a commit's hash.
    Commit,
}

/// Where an entity belongs; see [`Parts::part`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Home(u32);

/// Divides entities into parts. Add every one, kind by kind in the order of [`Parts::ORDER`], then [`Parts::close`].
#[derive(Debug)]
pub struct Parts {
    placer: Placer,
    nodes: HashMap<u64, u32>,
    parents: Vec<u32>,
    /// What is joined when somebody refers to it, which may be told later: the name and who has it.
    offers: HashSet<(u64, u32)>,
    /// Lengths of the hashes somebody looks for.
    lengths: BTreeSet<usize>,
}

/// Hashes longer than this are looked for by their beginning.
const WHOLE: usize = 40;
/// Before this the messages of commits name pull requests they take back.
const REVERTS: &str = "Reverts ";

impl Parts {
    /// Who refers comes before what is referred to, where there is much of the latter.
    pub const ORDER: [EventKind; 11] = [
        EventKind::Incident,
        EventKind::Override,
        EventKind::PipelineRun,
        EventKind::CanaryAnalysis,
        EventKind::FlagChange,
        EventKind::SloSample,
        EventKind::PullRequest,
        EventKind::Tag,
        EventKind::Product,
        EventKind::Deployment,
        EventKind::Change,
    ];

    /// For the catalogue by which they will be linked.
    #[must_use]
    pub fn new(catalogue: &Catalogue) -> Self {
        Parts {
            placer: Placer::new(catalogue),
            nodes: HashMap::new(),
            parents: Vec::new(),
            offers: HashSet::new(),
            lengths: BTreeSet::new(),
        }
    }

    /// Whether a stored commit can be added by its identity alone: its text names no pull request.
    #[must_use]
    pub fn is_plain_commit(key: &EntityKey, text: &str) -> bool {
        key.kind == EventKind::Change && !text.contains(REVERTS)
    }

    /// Adds a commit by its identity.
    pub fn add_commit(&mut self, key: &EntityKey) -> Home {
        let (repo, sha) = key.id.rsplit_once('@').unwrap_or((&key.id, ""));
        let home = self.node(Name::Repo, repo);
        let sha = sha.to_ascii_lowercase();
        let looked_for: Vec<u32> = self
            .lengths
            .iter()
            .filter_map(|length| self.nodes.get(&hash(Name::Commit, sha.get(..*length)?)).copied())
            .collect();
        for node in looked_for {
            self.union(home, node);
        }
        Home(home)
    }

    /// Adds an entity.
    pub fn add(&mut self, key: &EntityKey, entity: &Entity) -> Home {
        Home(match key.kind {
            EventKind::Deployment => self.add_deployment(key, entity),
            EventKind::PipelineRun => self.add_run(key, entity),
            EventKind::Incident => self.add_incident(key, entity),
            EventKind::Override => self.add_override(key, entity),
            EventKind::Change => {
                let Home(home) = self.add_commit(key);
                if let Some(change) = Change::read(entity) {
                    self.add_reverts(home, &change);
                }
                home
            }
            EventKind::Tag => match Tag::read(entity) {
                Some(tag) => {
                    let home = self.node(Name::Repo, &tag.repo);
                    self.want_commit(home, &tag.sha);
                    home
                }
                None => self.node(Name::Repo, ""),
            },
            EventKind::PullRequest => {
                let repo = PullRequest::read(entity).map(|request| request.repo);
                let repo = repo.or_else(|| entity.text("repo").map(str::to_owned)).unwrap_or_default();
                let home = self.node(Name::Repo, &repo);
                self.place_other(home, &Named::read(key, entity));
                home
            }
            EventKind::Product => self.node(Name::Product, &key.id),
            EventKind::CanaryAnalysis | EventKind::FlagChange | EventKind::SloSample => self.add_other(key, entity),
        })
    }

    /// Joins what is still open. Nothing may be added afterwards.
    pub fn close(&mut self) {
        for (name, home) in std::mem::take(&mut self.offers) {
            if let Some(node) = self.nodes.get(&name).copied() {
                self.union(home, node);
            }
        }
    }

    /// The part of a home: the same number for all of one part, of no meaning otherwise.
    pub fn part(&mut self, home: Home) -> u32 {
        self.root(home.0)
    }

    fn add_deployment(&mut self, key: &EntityKey, entity: &Entity) -> u32 {
        let one = deployment_key(key);
        match Deployment::read(key, entity) {
            Some(told) => self.place_deployment(&one, &told),
            // A pipeline run of the same identity may be the deployment.
            None => self.node(Name::OneDeployment, &one.to_string()),
        }
    }

    fn place_deployment(&mut self, key: &DeploymentKey, told: &Deployment) -> u32 {
        let component = &told.component;
        let named = Named::from(told);
        let placed = self.placer.place_deployment(told);
        let home = self.home(&named, placed.component.product());
        if placed.by == PlacedBy::Event {
            for name in [placed.component.name(), placed.component.as_str()] {
                self.offers.insert((hash(Name::Component, name), home));
            }
        }
        let declared: Vec<_> = [Some(placed.component), ComponentId::parse(component)]
            .iter()
            .flatten()
            .filter_map(|id| self.placer.declared(id).cloned())
            .collect();
        let repos = told.repo.iter().chain(declared.iter().filter_map(|component| component.repo.as_ref()));
        let named_like_one = component.contains('/').then_some(component);
        for repo in repos.chain(named_like_one) {
            self.join(home, Name::Repo, repo);
        }
        for sha in told.sha.iter().chain(&told.revision) {
            self.want_commit(home, sha);
        }
        for rule in declared.iter().filter_map(|component| component.image_tag.as_deref()) {
            for found in told.images.iter().filter_map(|image| image_code(image, rule)) {
                found.sha.iter().for_each(|sha| self.want_commit(home, sha));
            }
        }
        for incident in &told.fixes {
            self.join(home, Name::Incident, incident);
        }
        // Whoever names a deployment was added before.
        for name in [hash(Name::Deployment, &key.id), hash(Name::OneDeployment, &key.to_string())] {
            if let Some(node) = self.nodes.get(&name).copied() {
                self.union(home, node);
            }
        }
        home
    }

    fn add_run(&mut self, key: &EntityKey, entity: &Entity) -> u32 {
        let rules = self.placer.rules();
        if rules.workflow_deployments.is_empty() {
            return self.add_other(key, entity);
        }
        let told = PipelineRun::read(key, entity).and_then(|run| rules.deployment_of(&run));
        let one = deployment_key(key);
        let home = self.add_other(key, entity);
        self.join(home, Name::OneDeployment, &one.to_string());
        if let Some(told) = told {
            let place = self.place_deployment(&one, &told);
            self.union(home, place);
        }
        home
    }

    fn add_incident(&mut self, key: &EntityKey, entity: &Entity) -> u32 {
        let one = deployment_key(key);
        let told = Incident::read(key, entity);
        let named = told.as_ref().map(Named::from);
        let located = named.as_ref().and_then(|named| Some((named, self.placer.locate(named)?)));
        let home = match located {
            Some((named, place)) => self.home(named, &place.product),
            None => self.node(Name::OneIncident, &one.to_string()),
        };
        self.offers.insert((hash(Name::Incident, &key.id), home));
        self.offers.insert((hash(Name::OneIncident, &one.to_string()), home));
        if let Some(id) = told.and_then(|told| told.deployment_id) {
            self.join(home, Name::Deployment, &id);
            if let Some((_, id)) = id.split_once('/') {
                self.join(home, Name::Deployment, id);
            }
        }
        home
    }

    fn add_override(&mut self, key: &EntityKey, entity: &Entity) -> u32 {
        let (kind, target) = key.id.split_once(':').unwrap_or(("", &key.id));
        let home = match kind.parse() {
            Ok(EventKind::Incident) => self.node(Name::OneIncident, target),
            _ => self.node(Name::OneDeployment, target),
        };
        if let Some(cause) = Override::read(entity).and_then(|person| person.cause.flatten()) {
            self.join(home, Name::Deployment, &cause.id);
        }
        home
    }

    fn add_other(&mut self, key: &EntityKey, entity: &Entity) -> u32 {
        let named = Named::read(key, entity);
        let product = named.product.map(|product| self.placer.product(product)).unwrap_or_default();
        let home = match named.component.filter(|_| product.is_empty()) {
            Some(component) => self.node(Name::Component, component),
            None => self.node(Name::Product, &product),
        };
        self.place_other(home, &named);
        home
    }

    /// Nothing depends on the place of such a fact, but it may depend on who implies the component.
    fn place_other(&mut self, home: u32, named: &Named<'_>) {
        if let Some(component) = self.waits_for_others(named) {
            self.join(home, Name::Component, component);
        }
    }

    fn add_reverts(&mut self, home: u32, change: &Change) {
        for after in change.message.split(REVERTS).skip(1) {
            let word = after.split_whitespace().next().unwrap_or_default();
            if let Some((repo, _)) = word.split_once('#').filter(|(repo, _)| !repo.is_empty()) {
                self.join(home, Name::Repo, repo);
            }
        }
    }

    /// The product something is placed in. What other events decide waits with everything that is unassigned, and with
    /// whoever may decide it.
    fn home(&mut self, named: &Named<'_>, product: &str) -> u32 {
        let home = self.node(Name::Product, product);
        if let Some(component) = self.waits_for_others(named) {
            self.join(home, Name::Product, UNASSIGNED);
            self.join(home, Name::Component, component);
        }
        home
    }

    /// The name by which other events may place it; none where it names its product or the catalogue alone places it.
    fn waits_for_others<'n>(&self, named: &Named<'n>) -> Option<&'n str> {
        let component = named.component.filter(|_| named.product.is_none())?;
        let by = self.placer.locate(named).map(|place| place.by);
        let alone = matches!(by, Some(PlacedBy::Catalogue | PlacedBy::Repository | PlacedBy::Rule));
        (!alone).then_some(component)
    }

    /// A commit that is looked for in every repository.
    fn want_commit(&mut self, home: u32, sha: &str) {
        let sha = sha.to_ascii_lowercase();
        let Some(begins) = sha.get(..sha.len().min(WHOLE)) else { return };
        self.lengths.insert(begins.len());
        self.join(home, Name::Commit, begins);
    }

    fn node(&mut self, named: Name, name: &str) -> u32 {
        let next = u32::try_from(self.parents.len()).unwrap_or(u32::MAX);
        let node = *self.nodes.entry(hash(named, name)).or_insert(next);
        if node == next {
            self.parents.push(next);
        }
        node
    }

    fn join(&mut self, home: u32, named: Name, name: &str) {
        let node = self.node(named, name);
        self.union(home, node);
    }

    fn union(&mut self, left: u32, right: u32) {
        let (left, right) = (self.root(left), self.root(right));
        if left != right
            && let Some(parent) = self.parents.get_mut(index(left.max(right)))
        {
            *parent = left.min(right);
        }
    }

    fn root(&mut self, mut node: u32) -> u32 {
        loop {
            let parent = self.parent(node);
            let above = self.parent(parent);
            if parent == above {
                return parent;
            }
            // Halves the way for the next one who goes it.
            if let Some(known) = self.parents.get_mut(index(node)) {
                *known = above;
            }
            node = above;
        }
    }

    fn parent(&self, node: u32) -> u32 {
        self.parents.get(index(node)).copied().unwrap_or(node)
    }
}

fn index(node: u32) -> usize {
    usize::try_from(node).unwrap_or(usize::MAX)
}

fn hash(named: Name, name: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (named, name).hash(&mut hasher);
    hasher.finish()
}

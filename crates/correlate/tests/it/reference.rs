//! The specification written down a second time, slowly: every question is asked of all events at once, with sets and
//! full scans, sharing no code with the engine but the types and the placing of names.

use std::collections::{BTreeMap, BTreeSet};

use domain::catalogue::{Catalogue, Component, ComponentId, PlacedBy, Placer};
use domain::event::{
    Change, ChangeKind, Deployment, Entity, Event, EventKind, Incident, Override, PipelineRun, PullRequest, Status, Tag,
};
use domain::fact::{CauseAt, CauseRule, CauseScope, SIGNAL_HORIZON};
use domain::rules::PlaceRule;
use domain::version::{self, normalise};
use domain::{DeploymentKey, EntityKey, OrderKey, Timestamp};

/// What the reference says of a deployment, to be compared with the fact.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Expected {
    pub(crate) component: String,
    pub(crate) kind: ChangeKind,
    pub(crate) counted: bool,
    pub(crate) replaces: Option<DeploymentKey>,
    pub(crate) previous_counted_at: Option<Timestamp>,
    pub(crate) brings_new_commit: bool,
    pub(crate) first_deployment: bool,
    pub(crate) incomplete: bool,
    /// `(sha, role, first arrival)`, and the pull request that brought it.
    pub(crate) commits: BTreeMap<(String, &'static str, bool), Option<String>>,
    pub(crate) blames: Option<DeploymentKey>,
    /// `(signal, delay)`
    pub(crate) signals: Vec<(&'static str, i64)>,
    /// `(count, open, first delay, resolved at)` by rule.
    pub(crate) tallies: Vec<(u32, u32, Option<i64>, Option<Timestamp>)>,
    pub(crate) within: Option<i64>,
    pub(crate) remediation: Option<DeploymentKey>,
}

/// A deployment with what can be told of it alone.
struct Dep {
    told: Deployment,
    component: ComponentId,
    order: Option<OrderKey>,
    production: bool,
    sha: Option<String>,
    version: Option<String>,
    /// Repository, when the commit is known there.
    graph: Option<String>,
    manual_kind: Option<ChangeKind>,
    manual_failed: Option<bool>,
}

pub(crate) struct World {
    deps: BTreeMap<DeploymentKey, Dep>,
    incidents: Vec<(Incident, String, Option<ComponentId>, Option<Override>)>,
    changes: BTreeMap<(String, String), Change>,
    requests: Vec<PullRequest>,
    placer: Placer,
    pub(crate) expected: BTreeMap<DeploymentKey, Expected>,
    /// Causes by rule.
    pub(crate) causes: BTreeMap<DeploymentKey, Vec<Option<DeploymentKey>>>,
}

fn key_of(key: &EntityKey) -> DeploymentKey {
    DeploymentKey { source: key.source.clone(), id: key.id.clone() }
}

impl World {
    pub(crate) fn of(events: &[Event], catalogue: &Catalogue) -> Self {
        let mut entities: BTreeMap<EntityKey, Entity> = BTreeMap::new();
        for event in events {
            entities.entry(event.key.clone()).or_default().merge(event);
        }
        let of = |kind: EventKind| entities.iter().filter(move |(key, _)| key.kind == kind);
        let mut placer = Placer::new(catalogue);
        let mut told: Vec<Deployment> =
            of(EventKind::Deployment).filter_map(|(key, entity)| Deployment::read(key, entity)).collect();
        let own: BTreeSet<DeploymentKey> = told.iter().map(|deployment| deployment.key.clone()).collect();
        let runs = of(EventKind::PipelineRun).filter_map(|(key, entity)| PipelineRun::read(key, entity));
        told.extend(
            runs.filter(|run| !own.contains(&key_of(&run.key))).filter_map(|run| catalogue.rules.deployment_of(&run)),
        );
        for deployment in &told {
            let placed = placer.place(&deployment.component, deployment.product.as_deref(), deployment.repo.as_deref());
            if placed.by == PlacedBy::Event && rule_of(catalogue, &deployment.key, &deployment.marks).is_none() {
                placer.imply(&placed.component);
            }
        }
        let changes: BTreeMap<(String, String), Change> = of(EventKind::Change)
            .filter_map(|(_, entity)| Change::read(entity))
            .map(|change| ((change.repo.clone(), change.sha.clone()), change))
            .collect();
        let tags: Vec<Tag> = of(EventKind::Tag).filter_map(|(_, entity)| Tag::read(entity)).collect();
        let requests = of(EventKind::PullRequest).filter_map(|(_, entity)| PullRequest::read(entity)).collect();
        let overrides: BTreeMap<String, Override> = of(EventKind::Override)
            .filter_map(|(_, entity)| Override::read(entity))
            .map(|over| (over.id.clone(), over))
            .collect();
        let deps = told
            .into_iter()
            .map(|mut told| {
                let component = match rule_of(catalogue, &told.key, &told.marks) {
                    Some(rule) => {
                        told.instance = rule.instance.clone().unwrap_or(told.instance);
                        told.environment = rule.environment.clone().unwrap_or(told.environment);
                        let known = under_rule(catalogue, rule, Some(&told.component), told.repo.as_deref());
                        let product = rule.product.as_deref().unwrap_or_default();
                        known.unwrap_or_else(|| ComponentId::new(product, &told.component))
                    }
                    None => placer.place(&told.component, told.product.as_deref(), told.repo.as_deref()).component,
                };
                let over = overrides.get(&format!("deployment:{}", told.key));
                let (sha, graph) = find_code(&told, &component, &placer, &changes, &tags);
                let dep = Dep {
                    order: told.finished_at.map(|at| OrderKey::new(at, told.key.clone())),
                    production: placer.rules().is_production(&told.environment),
                    version: told.version.clone(),
                    manual_kind: over.and_then(|over| over.change_kind),
                    manual_failed: over.and_then(|over| over.failed),
                    sha,
                    graph,
                    component,
                    told,
                };
                (dep.told.key.clone(), dep)
            })
            .collect();
        let incidents = of(EventKind::Incident)
            .filter_map(|(key, entity)| Incident::read(key, entity).map(|incident| (key_of(key), incident)))
            .map(|(key, mut told)| {
                let rule = rule_of(catalogue, &key, &told.marks);
                told.instance = rule.and_then(|rule| rule.instance.clone()).or(told.instance);
                let name = told.component.as_deref();
                let placed = match rule {
                    Some(rule) => under_rule(catalogue, rule, name, None),
                    None => name.map(|name| placer.place(name, told.product.as_deref(), None).component),
                };
                let product = match (&placed, rule) {
                    (Some(component), _) => component.product().to_owned(),
                    (None, Some(rule)) => rule.product.clone().unwrap_or_default(),
                    (None, None) => told.product.clone().unwrap_or_default(),
                };
                let over = overrides.get(&format!("incident:{key}")).cloned();
                (told, product, placed, over)
            })
            .collect();
        let mut world =
            World { deps, incidents, changes, requests, placer, expected: BTreeMap::new(), causes: BTreeMap::new() };
        world.kinds();
        world.arrivals();
        world.attribute();
        world.blames();
        world.signals();
        world
    }

    /// Keys in order of finishing.
    fn ordered(&self) -> Vec<DeploymentKey> {
        let mut orders: Vec<&OrderKey> = self.deps.values().filter_map(|dep| dep.order.as_ref()).collect();
        orders.sort();
        orders.into_iter().map(|order| order.key.clone()).collect()
    }

    fn lane(&self, key: &DeploymentKey) -> (&ComponentId, &str, &str) {
        let dep = &self.deps[key];
        (&dep.component, &dep.told.instance, &dep.told.environment)
    }

    fn same_code(&self, a: &DeploymentKey, b: &DeploymentKey) -> bool {
        let (a, b) = (&self.deps[a], &self.deps[b]);
        if let (Some(a), Some(b)) = (&a.sha, &b.sha) {
            return a == b;
        }
        matches!((&a.version, &b.version), (Some(a), Some(b)) if normalise(a) == normalise(b))
    }

    fn kinds(&mut self) {
        let ordered = self.ordered();
        for key in self.deps.keys() {
            let expected = Expected { component: self.deps[key].component.to_string(), ..Expected::default() };
            self.expected.insert(key.clone(), expected);
        }
        for (index, key) in ordered.iter().enumerate() {
            let earlier: Vec<&DeploymentKey> =
                ordered[..index].iter().filter(|other| self.lane(other) == self.lane(key)).collect();
            let succeeded: Vec<&DeploymentKey> =
                earlier.iter().copied().filter(|other| self.deps[*other].told.status == Status::Succeeded).collect();
            let replaced = succeeded.last().copied();
            let kind = self.kind(key, replaced, &succeeded);
            let dep = &self.deps[key];
            let counted = dep.production && dep.told.status == Status::Succeeded && kind != ChangeKind::Config;
            let previous = earlier.iter().rev().find(|other| self.expected[**other].counted);
            let previous_counted_at = previous.and_then(|other| self.deps[*other].told.finished_at);
            let replaces = replaced.cloned();
            if let Some(expected) = self.expected.get_mut(key) {
                expected.kind = kind;
                expected.counted = counted;
                expected.replaces = replaces;
                expected.previous_counted_at = previous_counted_at;
            }
        }
    }

    /// Where its commit was found, else where it should be.
    fn repo<'a>(&'a self, dep: &'a Dep) -> Option<&'a String> {
        let declared = self.placer.declared(&dep.component).and_then(|declared| declared.repo.as_ref());
        dep.graph.as_ref().or(dep.told.repo.as_ref()).or(declared)
    }

    fn kind(&self, key: &DeploymentKey, replaced: Option<&DeploymentKey>, succeeded: &[&DeploymentKey]) -> ChangeKind {
        let dep = &self.deps[key];
        if let Some(kind) = dep.manual_kind {
            return kind;
        }
        let said = dep.told.change_kind;
        if said == Some(ChangeKind::Rollback) || said == Some(ChangeKind::Code) {
            return said.unwrap_or_default();
        }
        if let Some(replaced) = replaced
            && !self.same_code(key, replaced)
            && succeeded.iter().any(|other| self.same_code(key, other))
        {
            let other = &self.deps[replaced];
            let ancestor = match (&dep.graph, &other.graph, &dep.sha, &other.sha) {
                (Some(repo), Some(other_repo), Some(sha), Some(tip)) if repo == other_repo => {
                    sha != tip && self.reach(repo, tip).contains(sha)
                }
                _ => false,
            };
            let lower = match (&dep.version, &other.version) {
                (Some(a), Some(b)) => version::compare(a, b) == Some(std::cmp::Ordering::Less),
                _ => false,
            };
            if ancestor || lower {
                return ChangeKind::Rollback;
            }
        }
        let rules = &self.placer.rules().hotfix;
        let request = self
            .requests
            .iter()
            .find(|request| self.repo(dep) == Some(&request.repo) && request.merge_sha == dep.sha && dep.sha.is_some());
        let hotfix_request = request.is_some_and(|request| {
            request.branch.as_deref().is_some_and(|branch| rules.branch(branch).is_some())
                || rules.label(&request.labels).is_some()
                || request.title.as_deref().is_some_and(|title| rules.title(title).is_some())
        });
        let hotfix_branch = dep.told.branch.as_deref().is_some_and(|branch| rules.branch(branch).is_some());
        if said == Some(ChangeKind::Hotfix) || hotfix_branch || !dep.told.fixes.is_empty() || hotfix_request {
            return ChangeKind::Hotfix;
        }
        if said == Some(ChangeKind::Config) || replaced.is_some_and(|replaced| self.same_code(key, replaced)) {
            return ChangeKind::Config;
        }
        if dep.sha.is_some() || dep.version.is_some() { ChangeKind::Code } else { ChangeKind::Unknown }
    }

    /// Everything a commit reaches, itself and the unknown included.
    fn reach(&self, repo: &str, sha: &str) -> BTreeSet<String> {
        let mut reached = BTreeSet::new();
        let mut next = vec![sha.to_owned()];
        while let Some(sha) = next.pop() {
            if reached.insert(sha.clone())
                && let Some(change) = self.changes.get(&(repo.to_owned(), sha))
            {
                next.extend(change.parents.clone().unwrap_or_default());
            }
        }
        reached
    }

    /// The set of commits a deployment reaches, and its head, in the space its commits have their names in.
    fn brings(&self, key: &DeploymentKey) -> Option<(String, BTreeSet<String>, String)> {
        let dep = &self.deps[key];
        if let (Some(repo), Some(sha)) = (&dep.graph, &dep.sha) {
            return Some((repo.clone(), self.reach(repo, sha), sha.clone()));
        }
        let own = format!("~{}", dep.component);
        let listed: Vec<_> = dep.told.commits.iter().filter(|commit| commit.committed_at.is_some()).collect();
        if !listed.is_empty() {
            let named = listed.iter().find(|commit| Some(&*commit.sha) == dep.sha.as_deref());
            let head = named.or_else(|| listed.iter().max_by_key(|commit| (commit.committed_at, &commit.sha)));
            let head = head.map(|commit| commit.sha.to_string()).unwrap_or_default();
            return Some((own, listed.iter().map(|commit| commit.sha.to_string()).collect(), head));
        }
        dep.told.commit_at?;
        let name = match (&dep.sha, &dep.version) {
            (Some(sha), _) => sha.clone(),
            (None, Some(version)) => format!("version {}", normalise(version)),
            (None, None) => format!("deployment {key}"),
        };
        Some((own, BTreeSet::from([name.clone()]), name))
    }

    fn arrivals(&mut self) {
        let ordered = self.ordered();
        for (index, key) in ordered.iter().enumerate() {
            let Some((space, reach, head)) = self.brings(key) else { continue };
            let mut on_lane = BTreeSet::new();
            let mut on_component = BTreeSet::new();
            for other in ordered[..index].iter().filter(|other| self.expected[*other].counted) {
                if let Some((other_space, reach, _)) =
                    self.brings(other).filter(|(other_space, ..)| *other_space == space)
                    && self.deps[other].component == self.deps[key].component
                {
                    debug_assert_eq!(other_space, space);
                    on_component.extend(reach.iter().cloned());
                    if self.lane(other) == self.lane(key) {
                        on_lane.extend(reach);
                    }
                }
            }
            let dep = &self.deps[key];
            let (kind, counted) = (self.expected[key].kind, self.expected[key].counted);
            let new_head = !on_lane.contains(&head) && kind != ChangeKind::Rollback;
            let new: BTreeSet<String> = reach.difference(&on_component).cloned().collect();
            let arrived: BTreeSet<String> = reach.difference(&on_lane).cloned().collect();
            let mut commits = BTreeMap::new();
            let (mut first, mut incomplete) = (false, false);
            if counted && new_head {
                if dep.graph.is_none() {
                    let role = if dep.told.commits.iter().any(|commit| commit.committed_at.is_some()) {
                        "new"
                    } else {
                        "head"
                    };
                    commits.extend(arrived.iter().map(|sha| ((sha.clone(), role, new.contains(sha)), None)));
                    first = on_component.is_empty();
                } else {
                    let told = |sha: &String| self.changes.get(&(space.clone(), sha.clone()));
                    let gap = new.iter().any(|sha| told(sha).is_none_or(|change| change.parents.is_none()));
                    first = on_component.is_empty();
                    incomplete = !first && (gap || new.len() > self.placer.rules().max_range_commits as usize);
                    if first || incomplete {
                        commits
                            .insert((head.clone(), "head", new.contains(&head)), self.request_of_head(&space, &head));
                    } else {
                        let listed = if on_lane.is_empty() { &new } else { &arrived };
                        let landed = &on_component | &reach;
                        let brought = self.brought_by(&space, &head, &arrived);
                        for sha in listed {
                            for role in self.roles(&space, sha, &dep.component, new.contains(sha), &landed) {
                                let by = match role.1 {
                                    "squashed" => self.merge_of(&space, sha).map(|request| request.number.clone()),
                                    _ => told(sha)
                                        .and_then(|change| change.pull_request.clone())
                                        .or_else(|| brought.get(sha).cloned()),
                                };
                                // Two pull requests may have the same commits.
                                let known: &mut Option<String> = commits.entry(role).or_default();
                                *known = known.take().into_iter().chain(by).min();
                            }
                        }
                        if on_lane.is_empty() && !new.contains(&head) {
                            commits.insert((head.clone(), "head", false), self.request_of_head(&space, &head));
                        }
                    }
                }
            }
            if let Some(expected) = self.expected.get_mut(key) {
                expected.brings_new_commit = new_head;
                expected.first_deployment = first;
                expected.incomplete = incomplete;
                expected.commits = commits;
            }
        }
    }

    /// Commits that stand for a squash: listed by its pull request, else so many as it counts from its head on.
    fn own_commits(&self, request: &PullRequest, landed: &BTreeSet<String>) -> Vec<String> {
        let listed = request.commits.iter().filter(|commit| commit.committed_at.is_some());
        let listed: Vec<String> = listed.map(|commit| commit.sha.to_string()).collect();
        let (Some(head), Some(count), true) = (&request.head_sha, request.commit_count, listed.is_empty()) else {
            return listed;
        };
        let told = |sha: &String| self.changes.get(&(request.repo.clone(), sha.clone()));
        let line = std::iter::successors(Some(head.clone()), |sha| told(sha)?.parents.as_ref()?.first().cloned());
        let line: Vec<String> =
            line.take(count as usize).take_while(|sha| !landed.contains(sha) && told(sha).is_some()).collect();
        let landed_words = request.merge_sha.as_ref().and_then(told).map(|change| &change.message);
        let own_words = told(head).map(|change| &change.message).filter(|message| !message.is_empty());
        let cycle = line.iter().collect::<BTreeSet<_>>().len() < line.len();
        if line.len() < count as usize || cycle || (count > 1 && own_words.is_some() && own_words == landed_words) {
            return Vec::new();
        }
        let merge =
            |sha: &String| told(sha).and_then(|change| change.parents.as_ref()).is_some_and(|all| all.len() > 1);
        line.into_iter().filter(|sha| !merge(sha)).collect()
    }

    fn merge_of(&self, repo: &str, sha: &str) -> Option<&PullRequest> {
        self.requests.iter().find(|request| request.repo == repo && request.merge_sha.as_deref() == Some(sha))
    }

    fn request_of_head(&self, repo: &str, sha: &str) -> Option<String> {
        let said = self.changes.get(&(repo.to_owned(), sha.to_owned())).and_then(|change| change.pull_request.clone());
        said.or_else(|| self.merge_of(repo, sha).map(|request| request.number.clone()))
    }

    /// The innermost pull request whose merge brought each commit of a range, as far as one did.
    fn brought_by(&self, repo: &str, head: &str, range: &BTreeSet<String>) -> BTreeMap<String, String> {
        let (mut taken, mut found) = (BTreeSet::new(), BTreeMap::new());
        self.along(repo, head, None, range, &mut taken, &mut found);
        let mut requests: Vec<&PullRequest> = self.requests.iter().filter(|request| request.repo == repo).collect();
        requests.sort_by_key(|request| &request.number);
        for request in requests {
            let Some(merge) = request.merge_sha.as_ref().filter(|sha| taken.contains(*sha)) else { continue };
            if self.parents(repo, merge).len() > 1 {
                continue;
            }
            let mut own: Vec<String> = request.commits.iter().map(|commit| commit.sha.to_string()).collect();
            if own.is_empty() {
                let mut next = request.head_sha.clone();
                while let Some(sha) = next.filter(|sha| range.contains(sha)) {
                    if own.len() as u64 >= request.commit_count.unwrap_or_default() {
                        break;
                    }
                    next = self.parents(repo, &sha).first().cloned();
                    own.push(sha);
                }
            }
            for sha in own.into_iter().filter(|sha| range.contains(sha)) {
                found.entry(sha).or_insert_with(|| request.number.clone());
            }
        }
        found
    }

    fn parents(&self, repo: &str, sha: &str) -> Vec<String> {
        let change = self.changes.get(&(repo.to_owned(), sha.to_owned()));
        change.and_then(|change| change.parents.clone()).unwrap_or_default()
    }

    /// Along first parents from a tip, and before each commit of that line those its other parents bring.
    fn along(
        &self,
        repo: &str,
        tip: &str,
        came_with: Option<&str>,
        range: &BTreeSet<String>,
        taken: &mut BTreeSet<String>,
        found: &mut BTreeMap<String, String>,
    ) {
        let mut line = Vec::new();
        let mut next = Some(tip.to_owned());
        while let Some(sha) = next.filter(|sha| range.contains(sha) && taken.insert(sha.clone())) {
            next = self.parents(repo, &sha).first().cloned();
            line.insert(0, sha);
        }
        for sha in line {
            let by = self.merge_of(repo, &sha).map(|request| request.number.as_str()).or(came_with);
            found.extend(by.map(|by| (sha.clone(), by.to_owned())));
            for parent in self.parents(repo, &sha).iter().skip(1) {
                self.along(repo, parent, by, range, taken, found);
            }
        }
    }

    fn roles(
        &self,
        repo: &str,
        sha: &str,
        component: &ComponentId,
        first: bool,
        landed: &BTreeSet<String>,
    ) -> Vec<(String, &'static str, bool)> {
        let Some(change) = self.changes.get(&(repo.to_owned(), sha.to_owned())) else { return Vec::new() };
        let request =
            self.requests.iter().find(|request| request.repo == repo && request.merge_sha.as_deref() == Some(sha));
        let head = request.and_then(|request| request.head_sha.as_ref()).filter(|head| *head != sha);
        let by_head = change.parents_assumed && head.is_some_and(|head| landed.contains(head));
        if by_head || change.parents.as_ref().is_some_and(|parents| parents.len() > 1) {
            return vec![(sha.to_owned(), "merge", first)];
        }
        let own: Vec<_> = request.into_iter().flat_map(|request| self.own_commits(request, landed)).collect();
        if !own.is_empty() {
            let mut rows: Vec<_> = own.into_iter().map(|sha| (sha, "squashed", first)).collect();
            rows.push((sha.to_owned(), "squash", first));
            return rows;
        }
        let paths = self.placer.declared(component).map(|declared| declared.paths.clone()).unwrap_or_default();
        let touches =
            |touched: &Vec<String>| touched.iter().any(|path| paths.iter().any(|rule| path.starts_with(rule.as_str())));
        let other = !paths.is_empty() && change.paths.as_ref().is_some_and(|touched| !touches(touched));
        vec![(sha.to_owned(), if other { "other_paths" } else { "new" }, first)]
    }

    fn attribute(&mut self) {
        let ordered = self.ordered();
        for (told, product, component, over) in &self.incidents {
            let finished = |key: &DeploymentKey| self.deps.get(key).is_some_and(|dep| dep.order.is_some());
            let by_person = over.as_ref().and_then(|over| over.cause.clone());
            let explicit = match by_person {
                Some(Some(key)) if finished(&key) => Some(Some(key)),
                Some(None) => Some(None),
                _ => told.deployment_id.as_ref().and_then(|id| {
                    let named = ordered.iter().filter(|key| &*key.id == id.as_str());
                    let near = |key: &&DeploymentKey| {
                        (
                            key.source == told.key.source,
                            self.deps[*key].component.product() == product,
                            self.deps[*key].order.clone(),
                        )
                    };
                    named.max_by_key(near).map(|key| Some(key.clone()))
                }),
            };
            let causes = CauseRule::ALL.map(|rule| {
                if let Some(explicit) = &explicit {
                    return explicit.clone();
                }
                let at = if rule.at == CauseAt::StartedAt { told.started_at } else { told.opened_at };
                let narrow = rule.scope == CauseScope::Narrowest;
                let fits = |key: &&DeploymentKey| {
                    let dep = &self.deps[*key];
                    self.expected[*key].counted
                        && dep.told.finished_at.is_some_and(|finished| finished < at)
                        && dep.component.product() == product
                        && !(narrow && component.as_ref().is_some_and(|component| dep.component != *component))
                        && !(narrow && told.instance.as_ref().is_some_and(|instance| dep.told.instance != *instance))
                };
                ordered.iter().rev().find(fits).cloned()
            });
            self.causes.insert(told.key.clone(), causes.to_vec());
        }
    }

    fn blames(&mut self) {
        let ordered = self.ordered();
        for (index, key) in ordered.iter().enumerate() {
            let expected = &self.expected[key];
            if !expected.counted {
                continue;
            }
            let dep = &self.deps[key];
            let counted_before: Vec<&DeploymentKey> =
                ordered[..index].iter().filter(|other| self.expected[*other].counted).collect();
            let in_lane: Vec<&DeploymentKey> =
                ordered[..index].iter().filter(|other| self.lane(other) == self.lane(key)).collect();
            let blames = match expected.kind {
                ChangeKind::Rollback => {
                    let went_back = expected.replaces.as_ref().is_none_or(|replaced| !self.same_code(key, replaced));
                    let same = |other: &&&DeploymentKey| {
                        self.deps[**other].told.status == Status::Succeeded && self.same_code(key, other)
                    };
                    let origin = in_lane.iter().rev().filter(|_| went_back).find(same);
                    let named = dep
                        .told
                        .replaces
                        .as_ref()
                        .map(|id| DeploymentKey::new(dep.told.key.source.clone(), id.as_str()));
                    match origin {
                        Some(origin) => in_lane
                            .iter()
                            .skip_while(|other| *other != origin)
                            .skip(1)
                            .find(|other| self.expected[**other].counted)
                            .map(|other| (*other).clone()),
                        None => named
                            .filter(|named| {
                                ordered[..index].contains(named) && self.deps[named].component == dep.component
                            })
                            .or_else(|| {
                                in_lane
                                    .iter()
                                    .rev()
                                    .find(|other| self.expected[**other].counted)
                                    .map(|other| (*other).clone())
                            }),
                    }
                }
                ChangeKind::Hotfix => {
                    let named = dep.told.fixes.iter().flat_map(|fix| {
                        let of = self.causes.iter().filter(move |(incident, _)| &*incident.id == fix.as_str());
                        of.filter_map(|(_, causes)| causes[0].clone()).filter(|cause| cause != key)
                    });
                    let named = named.max_by_key(|cause| (self.deps[cause].told.finished_at, cause.clone()));
                    named.or_else(|| {
                        let other = |other: &&&DeploymentKey| {
                            self.deps[**other].component == dep.component && !self.same_code(key, other)
                        };
                        counted_before.iter().rev().find(other).map(|other| (*other).clone())
                    })
                }
                _ => None,
            };
            if let Some(expected) = self.expected.get_mut(key) {
                expected.blames = blames;
            }
        }
    }

    fn signals(&mut self) {
        let ordered = self.ordered();
        let mut done = BTreeMap::new();
        for key in &ordered {
            let dep = &self.deps[key];
            let expected = &self.expected[key];
            let finished = dep.told.finished_at.unwrap_or(Timestamp::MIN);
            let order = dep.order.as_ref();
            let mut signals: Vec<(&'static str, i64)> = Vec::new();
            for other in &ordered {
                let (kind, at) = (self.expected[other].kind, self.deps[other].told.finished_at.unwrap_or(finished));
                if self.expected[other].blames.as_ref() == Some(key) {
                    signals
                        .push((if kind == ChangeKind::Rollback { "rollback" } else { "hotfix" }, at.since(finished)));
                }
                for (reverted, _) in self.reverts(other).into_iter().filter(|(target, _)| target == key) {
                    debug_assert_eq!(&reverted, key);
                    signals.push(("revert", at.since(finished)));
                }
            }
            if dep.told.status == Status::Failed {
                signals.push(("deploy_failed", 0));
            }
            if let Some((health, at)) = dep.told.health.filter(|(health, _)| health.text() != "healthy") {
                let _ = health;
                signals.push(("health_check", at.since(finished)));
            }
            if matches!(expected.kind, ChangeKind::Rollback | ChangeKind::Hotfix) {
                signals.push(("is_remediation", 0));
            }
            signals.retain(|(_, delay)| *delay <= SIGNAL_HORIZON);
            if dep.manual_failed == Some(true) {
                signals.push(("manual", 0));
            }
            signals.sort_unstable();
            let tallies: Vec<_> = (0..4).map(|rule| self.tally(key, finished, rule)).collect();
            let opened = self.incidents.iter().filter(|(_, product, ..)| product == dep.component.product());
            let after = opened.map(|(told, ..)| told.opened_at.since(finished)).filter(|delay| *delay > 0).min();
            let within = after.filter(|delay| dep.production && *delay <= SIGNAL_HORIZON);
            let suspect = !signals.is_empty() || dep.manual_failed.is_some() || tallies.iter().any(|tally| tally.0 > 0);
            let attributed: Vec<&str> = self
                .causes
                .iter()
                .filter(|(_, causes)| causes.iter().flatten().any(|cause| cause == key))
                .map(|(incident, _)| &*incident.id)
                .collect();
            let later = ordered.iter().filter(|other| {
                let other = &self.deps[*other];
                other.order.as_ref() > order && other.production && other.told.status == Status::Succeeded
            });
            let fixes = later
                .clone()
                .find(|other| self.deps[*other].told.fixes.iter().any(|fix| attributed.contains(&fix.as_str())));
            let remedy = later.clone().find(|other| {
                self.deps[*other].component == dep.component
                    && matches!(self.expected[*other].kind, ChangeKind::Rollback | ChangeKind::Hotfix)
            });
            let remediation = fixes.or(remedy).filter(|_| suspect).cloned();
            done.insert(key.clone(), (signals, tallies, within, remediation));
        }
        for (key, (signals, tallies, within, remediation)) in done {
            if let Some(expected) = self.expected.get_mut(&key) {
                expected.signals = signals;
                expected.tallies = tallies;
                expected.within = within;
                expected.remediation = remediation;
            }
        }
    }

    fn tally(
        &self,
        key: &DeploymentKey,
        finished: Timestamp,
        rule: usize,
    ) -> (u32, u32, Option<i64>, Option<Timestamp>) {
        let (mut count, mut open, mut delay, mut resolved) = (0, 0, None::<i64>, None);
        for (told, ..) in &self.incidents {
            if self.causes[&told.key][rule].as_ref() != Some(key) {
                continue;
            }
            let at = if rule < 2 { told.started_at } else { told.opened_at };
            count += 1;
            open += u32::from(told.resolved_at.is_none());
            delay = Some(delay.map_or(at.since(finished), |known| known.min(at.since(finished))));
            resolved = resolved.max(told.resolved_at);
        }
        (count, open, delay, resolved)
    }

    /// Deployments whose commits this one reverts: with which the reverted commit first arrived on the component.
    fn reverts(&self, by: &DeploymentKey) -> BTreeSet<(DeploymentKey, String)> {
        let mut found = BTreeSet::new();
        let Some(repo) = &self.deps[by].graph else { return found };
        let expected = &self.expected[by];
        for (sha, role, _) in expected.commits.keys() {
            if *role == "squashed" || *role == "head" {
                continue;
            }
            let Some(change) = self.changes.get(&(repo.clone(), sha.clone())) else { continue };
            let Some((_, after)) = change.message.split_once("This reverts commit ") else { continue };
            let reverted = after.get(..40).unwrap_or_default().to_owned();
            let earlier = self.ordered().into_iter().take_while(|other| other != by).find(|other| {
                self.deps[other].component == self.deps[by].component
                    && self.deps[other].graph.as_ref() == Some(repo)
                    && self.expected[other].commits.keys().any(|(sha, ..)| *sha == reverted)
            });
            found.extend(earlier.map(|target| (target, reverted)));
        }
        found
    }
}

/// The first rule that fits: for each of its marks one is told that is the same up to what its `*` stands for, which in
/// these rules is at the beginning or the end.
fn rule_of<'c>(catalogue: &'c Catalogue, key: &DeploymentKey, told: &[String]) -> Option<&'c PlaceRule> {
    let same = |pattern: &str, text: &str| match (pattern.strip_prefix('*'), pattern.strip_suffix('*')) {
        (Some(end), _) => text.ends_with(end),
        (_, Some(start)) => text.starts_with(start),
        _ => pattern == text,
    };
    catalogue.rules.places.iter().find(|rule| {
        rule.source.as_ref().is_none_or(|source| same(source, &key.source))
            && rule.marks.iter().all(|pattern| told.iter().any(|mark| same(pattern, mark)))
    })
}

/// The declared component a rule means: the one it names, else of its product that of the name, else that of the repository.
fn under_rule(catalogue: &Catalogue, rule: &PlaceRule, name: Option<&str>, repo: Option<&str>) -> Option<ComponentId> {
    if let Some(component) = &rule.component {
        return ComponentId::parse(component);
    }
    let product =
        catalogue.products().map(|(_, _, product)| product).find(|known| Some(&known.name) == rule.product.as_ref())?;
    let id = |component: &Component| ComponentId::new(&product.name, &component.name);
    if let Some(known) = product.components.iter().find(|known| Some(known.name.as_str()) == name) {
        return Some(id(known));
    }
    let of_repo: Vec<_> = product
        .components
        .iter()
        .filter(|known| known.repo.is_some() && known.repo.as_deref() == repo.or(name))
        .collect();
    if of_repo.len() == 1 { Some(id(of_repo[0])) } else { None }
}

fn find_code(
    told: &Deployment,
    component: &ComponentId,
    placer: &Placer,
    changes: &BTreeMap<(String, String), Change>,
    tags: &[Tag],
) -> (Option<String>, Option<String>) {
    let declared = placer.declared(component).and_then(|declared| declared.repo.clone());
    let repos: Vec<String> = told.repo.iter().cloned().chain(declared).collect();
    let known = |prefix: &str| -> Vec<(String, String)> {
        let mut fits: Vec<_> = changes.keys().filter(|(_, sha)| sha.starts_with(prefix)).cloned().collect();
        let near = |repo: &String| (repos.iter().position(|own| own == repo).unwrap_or(usize::MAX), repo.clone());
        fits.sort_by_key(|(repo, _)| near(repo));
        fits
    };
    let look_up = |sha: &str| match known(sha).first() {
        Some((repo, whole)) => (Some(whole.clone()), Some(repo.clone())),
        None => (Some(sha.to_owned()), None),
    };
    if let Some(sha) = &told.sha {
        return look_up(sha);
    }
    let Some(version) = &told.version else { return (None, None) };
    let plain = normalise(version);
    let prefixed = format!("{}-{plain}", component.name());
    let of = |repo: &String, name: &str| {
        let mut fits: Vec<&Tag> = tags.iter().filter(|tag| tag.repo == *repo && normalise(&tag.name) == name).collect();
        fits.sort_by_key(|tag| (tag.name != *version, tag.name.clone()));
        fits.first().map(|tag| tag.sha.clone())
    };
    match repos.iter().find_map(|repo| Some((repo, of(repo, plain).or_else(|| of(repo, &prefixed))?))) {
        // The repository of the tag comes before all others that have the commit.
        Some((repo, sha)) if changes.contains_key(&(repo.clone(), sha.clone())) => (Some(sha), Some(repo.clone())),
        Some((_, sha)) => look_up(&sha),
        None => (None, None),
    }
}

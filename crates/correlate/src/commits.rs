//! Which commits arrived with a deployment (METRICS.md section 2, "Commits of a deployment").

use std::collections::HashMap;
use std::sync::Arc;

use domain::OrderKey;
use domain::catalogue::Component;
use domain::event::{Change, CommitAt, Deployment, EventKind, GIT, PullRequest, entity_key};
use domain::fact::{CommitFact, CommitLink, CommitRole, DeploymentFact};
use domain::rules::glob;
use domain::version::normalise;
use domain::{DeploymentKey, EntityKey};
use roaring::RoaringBitmap;

use crate::engine::pull_request_key;
use crate::graph;
use crate::ledger::{Arrived, CommitNode, Ledger, Result, Wait};
use crate::requests;

/// What had arrived before.
pub(crate) struct Before<'a> {
    pub(crate) lane: &'a RoaringBitmap,
    pub(crate) component: &'a RoaringBitmap,
}

/// What a deployment brings.
#[derive(Debug, Default)]
pub(crate) struct Brought {
    pub(crate) arrived: Arrived,
    pub(crate) rows: Vec<CommitFact>,
    /// `(reverted deployment, reverted commit)`.
    pub(crate) reverts: Vec<(DeploymentKey, String)>,
    pub(crate) waits: Vec<Wait>,
    pub(crate) first_deployment: bool,
    pub(crate) range_incomplete: Option<String>,
    pub(crate) why: String,
}

/// Repository in whose graph the commits of a deployment have their ids: one of its own for those only events know.
pub(crate) fn repo_of(ledger: &mut impl Ledger, fact: &DeploymentFact) -> Result<u32> {
    match (&fact.repo, fact.link) {
        (Some(repo), CommitLink::Graph) => ledger.repo_id(repo),
        _ => ledger.repo_id(&format!("~{}", fact.lane.component)),
    }
}

/// The commit a deployment stands on: its id, and when it was committed.
pub(crate) fn head_of(
    ledger: &mut impl Ledger,
    repo: u32,
    told: &Deployment,
    fact: &DeploymentFact,
) -> Result<Option<(u32, CommitAt)>> {
    let head = match fact.link {
        CommitLink::None => return Ok(None),
        CommitLink::Graph => {
            let sha = fact.sha.as_deref().unwrap_or_default();
            let id = ledger.commit_id(repo, sha)?;
            let committed_at = ledger.commit_node(repo, id)?.and_then(|node| node.committed_at);
            return Ok(Some((id, CommitAt { sha: sha.into(), authored_at: None, committed_at })));
        }
        CommitLink::EventCommits => {
            let named = told.commits.iter().find(|commit| fact.sha.as_deref() == Some(&*commit.sha));
            named.or_else(|| told.commits.iter().max_by_key(|commit| (commit.committed_at, &commit.sha))).cloned()
        }
        // Only its time is known: deployments of the same code bring it once.
        CommitLink::CommitAt => {
            let name = match (&fact.sha, &fact.version) {
                (Some(sha), _) => sha.clone(),
                (None, Some(version)) => format!("version {}", normalise(version)),
                (None, None) => format!("deployment {}", fact.key),
            };
            Some(CommitAt { sha: name.into(), authored_at: None, committed_at: told.commit_at })
        }
    };
    match head {
        Some(head) => Ok(Some((ledger.commit_id(repo, &head.sha)?, head))),
        None => Ok(None),
    }
}

/// Commits by walking the graph.
pub(crate) fn by_graph(
    ledger: &mut impl Ledger,
    fact: &DeploymentFact,
    place: &OrderKey,
    (repo, head): (u32, u32),
    before: &Before<'_>,
    (component, max_range): (Option<&Component>, u32),
    changes: &mut Changes,
) -> Result<Brought> {
    let range = graph::range(ledger, repo, head, before.lane)?;
    let mut brought = Brought::default();
    let new = &range.commits - before.component;
    // Named by its hash: ids are given in the order of arrival and may not show.
    let mut first_gap: Option<Arc<str>> = None;
    for gap in &range.gaps {
        let Some(node) = ledger.commit_node(repo, gap)? else { continue };
        brought.waits.push(Wait::commit(&node.sha));
        if new.contains(gap) && first_gap.as_ref().is_none_or(|known| node.sha < *known) {
            first_gap = Some(node.sha.clone());
        }
    }
    let mut head_only = None;
    if before.component.is_empty() {
        brought.first_deployment = true;
        head_only = Some("the first known deployment: its head commit only".to_owned());
    } else if let Some(sha) = first_gap {
        head_only = Some(format!("the history behind commit {} is not known", sha.get(..12).unwrap_or(&sha)));
        brought.range_incomplete.clone_from(&head_only);
    } else if new.len() > u64::from(max_range) {
        head_only =
            Some(format!("{} commits since the last deployment: more than {max_range} are not believed", new.len()));
        brought.range_incomplete.clone_from(&head_only);
    }
    brought.arrived = Arrived { repo, lane: range.commits.clone(), component: new.clone() };
    let name: Arc<str> = fact.repo.as_deref().unwrap_or_default().into();
    if let Some(why) = head_only {
        brought.rows.extend(head_row(ledger, fact, &name, (repo, head), new.contains(head))?);
        brought.why = why;
        return Ok(brought);
    }
    let other_instance = before.lane.is_empty();
    let landed = Landed { repo, before: before.component, now: &range.commits };
    let listed = if other_instance { &new } else { &range.commits };
    let requests = requests::of_range(ledger, &name, (repo, head), &range.commits)?;
    let delivery = Delivery { fact, place, name: &name, component, landed };
    for id in listed {
        let Some(node) = ledger.commit_node(repo, id)? else { continue };
        let by = (requests.merged(id), requests.brought(id));
        let change = changes.told(ledger, (repo, id), &name, &node)?;
        let commit = Commit { node: &node, change: change.as_deref(), first_arrival: new.contains(id) };
        add_commit(ledger, &delivery, &commit, by, &mut brought)?;
    }
    if other_instance && !new.contains(head) {
        // The first deployment of an instance never swallows the history that other instances have had.
        brought.rows.extend(head_row(ledger, fact, &name, (repo, head), false)?);
    }
    brought.rows.sort_by(|a, b| {
        (a.committed_at, &a.sha, a.role, &a.pull_request).cmp(&(b.committed_at, &b.sha, b.role, &b.pull_request))
    });
    // Two pull requests may have the same commits.
    brought.rows.dedup_by(|a, b| a.sha == b.sha && a.role == b.role);
    let used = brought.rows.iter().filter(|row| row.role.used()).count();
    brought.why = if other_instance {
        format!("the first deployment of this instance: its head and {} commits no other instance had", new.len())
    } else {
        format!("{} commits not there before, {used} of them used", range.commits.len())
    };
    Ok(brought)
}

/// What sources say of commits, read once: the lanes of a component bring the same ones, one after the other.
#[derive(Default)]
pub(crate) struct Changes(HashMap<(u32, u32), Option<Arc<Change>>>);

/// So many are remembered at a time: as many as a long range has, whose lanes follow each other.
const REMEMBERED: usize = 10_000;

impl Changes {
    fn told(
        &mut self,
        ledger: &mut impl Ledger,
        id: (u32, u32),
        repo: &str,
        node: &CommitNode,
    ) -> Result<Option<Arc<Change>>> {
        if let Some(known) = self.0.get(&id) {
            return Ok(known.clone());
        }
        if self.0.len() >= REMEMBERED {
            self.0.clear();
        }
        let change = ledger.entity(&change_key(repo, &node.sha))?.as_deref().and_then(Change::read).map(Arc::new);
        self.0.insert(id, change.clone());
        Ok(change)
    }
}

/// A deployment that brings commits of a repository.
struct Delivery<'a> {
    fact: &'a DeploymentFact,
    place: &'a OrderKey,
    name: &'a Arc<str>,
    component: Option<&'a Component>,
    landed: Landed<'a>,
}

/// One of the commits it brings.
struct Commit<'a> {
    node: &'a CommitNode,
    change: Option<&'a Change>,
    first_arrival: bool,
}

/// Adds one commit in its role, and what it reverts.
fn add_commit(
    ledger: &mut impl Ledger,
    delivery: &Delivery<'_>,
    commit: &Commit<'_>,
    (request, brought_by): (Option<&PullRequest>, Option<&str>),
    brought: &mut Brought,
) -> Result<()> {
    let Delivery { fact, place, name, component, landed } = *delivery;
    let Commit { node, change, first_arrival } = *commit;
    if let Some(change) = change {
        for sha in reverted(ledger, name, &change.message)? {
            if let Some(target) = arrival_before(ledger, fact, place, name, &sha)? {
                brought.reverts.push((target, sha));
            }
        }
    }
    let mut merge = node.parents.as_ref().is_some_and(|parents| parents.len() > 1);
    let mut squashed = Vec::new();
    if !merge && let Some(request) = request {
        let squash = Squash { repo: name, node, change, landed };
        merge = merged(ledger, &squash, request)?;
        if !merge {
            squashed = squashed_commits(ledger, &squash, request, &mut brought.waits)?;
        }
    }
    let role = if merge {
        CommitRole::Merge
    } else if !squashed.is_empty() {
        CommitRole::Squash
    } else if !touches(component, change) {
        CommitRole::OtherPaths
    } else {
        CommitRole::New
    };
    for commit in squashed {
        if let Some(committed_at) = commit.committed_at {
            brought.rows.push(CommitFact {
                deployment: fact.key.clone(),
                repo: Some(Arc::clone(name)),
                sha: commit.sha,
                authored_at: commit.authored_at,
                committed_at,
                first_arrival,
                role: CommitRole::Squashed,
                pull_request: request.map(|request| request.number.clone()),
            });
        }
    }
    let authored = change.and_then(|change| change.authored_at);
    let pull_request = change.and_then(|change| change.pull_request.as_deref()).or(brought_by).map(str::to_owned);
    brought.rows.extend(row(fact, name, node, role, first_arrival, (authored, pull_request)));
    Ok(())
}

fn change_key(repo: &str, sha: &str) -> EntityKey {
    entity_key(EventKind::Change, GIT, &format!("{repo}@{sha}"))
}

/// The commit a deployment stands on, alone: nothing is known of what else came with its pull request.
fn head_row(
    ledger: &mut impl Ledger,
    fact: &DeploymentFact,
    name: &Arc<str>,
    (repo, head): (u32, u32),
    first_arrival: bool,
) -> Result<Option<CommitFact>> {
    let Some(node) = ledger.commit_node(repo, head)? else { return Ok(None) };
    let change = ledger.entity(&change_key(name, &node.sha))?.as_deref().and_then(Change::read);
    let authored_at = change.as_ref().and_then(|change| change.authored_at);
    let mut pull_request = change.and_then(|change| change.pull_request);
    if pull_request.is_none() {
        pull_request = requests::merged_by(ledger, name, &node.sha)?.map(|request| request.number);
    }
    Ok(row(fact, name, &node, CommitRole::Head, first_arrival, (authored_at, pull_request)))
}

fn row(
    fact: &DeploymentFact,
    repo: &Arc<str>,
    node: &CommitNode,
    role: CommitRole,
    first_arrival: bool,
    (authored_at, pull_request): (Option<domain::Timestamp>, Option<String>),
) -> Option<CommitFact> {
    Some(CommitFact {
        deployment: fact.key.clone(),
        repo: Some(Arc::clone(repo)),
        sha: node.sha.clone(),
        authored_at,
        committed_at: node.committed_at?,
        first_arrival,
        role,
        pull_request,
    })
}

/// A commit that may be the squash of a pull request.
struct Squash<'a> {
    repo: &'a str,
    node: &'a CommitNode,
    change: Option<&'a Change>,
    landed: Landed<'a>,
}

/// What is on the branch that is deployed: a pull request's own commits are not.
#[derive(Clone, Copy)]
struct Landed<'a> {
    repo: u32,
    before: &'a RoaringBitmap,
    now: &'a RoaringBitmap,
}

/// Whether it merges its pull request, where only a push told of it: a push tells a line of commits, and no parents.
/// The pull request's own head is on the deployed branch then, behind this commit; a squash or a rebase leaves it off.
fn merged(ledger: &mut impl Ledger, squash: &Squash<'_>, request: &PullRequest) -> Result<bool> {
    let Some(head) = request.head_sha.as_deref().filter(|head| *head != &*squash.node.sha) else { return Ok(false) };
    if !squash.change.is_some_and(|change| change.parents_assumed) {
        return Ok(false);
    }
    let head = ledger.commit_id(squash.landed.repo, head)?;
    Ok(squash.landed.before.contains(head) || squash.landed.now.contains(head))
}

/// The pull request's own commits, when this commit is its squash.
///
/// A rebase also leaves one parent, but it lands every commit by itself and keeps the time each was written and its
/// message: there the last landed commit has those of the last proposed one, and nothing is expanded.
fn squashed_commits(
    ledger: &mut impl Ledger,
    squash: &Squash<'_>,
    request: &PullRequest,
    waits: &mut Vec<Wait>,
) -> Result<Vec<CommitAt>> {
    let listed: Vec<CommitAt> =
        request.commits.iter().filter(|commit| commit.committed_at.is_some()).cloned().collect();
    let mut looked_at = Vec::new();
    let commits = if listed.is_empty() { on_its_branch(ledger, squash, request, &mut looked_at)? } else { listed };
    let authored = squash.change.and_then(|change| change.authored_at);
    let rebased = commits.len() > 1
        && authored.is_some()
        && commits.last().is_some_and(|last| last.authored_at.or(last.committed_at) == authored);
    let landed_itself = commits.iter().any(|commit| *commit.sha == *squash.node.sha);
    let commits = if rebased || landed_itself { Vec::new() } else { commits };
    // What has a row is known by it; of the rest the deployment has to hear.
    looked_at.retain(|sha| !commits.iter().any(|commit| commit.sha == *sha));
    waits.extend(looked_at.iter().map(|sha| Wait::commit(sha)));
    Ok(commits)
}

/// More commits than this are not looked for: GitHub lists no more of a pull request either.
const OWN_COMMITS: u64 = 250;

/// The commits of a pull request that lists none but counts them, as the pushes of its branch told them: so many first
/// parents from its head, oldest first; none unless all are known and off the branch that is deployed.
fn on_its_branch(
    ledger: &mut impl Ledger,
    squash: &Squash<'_>,
    request: &PullRequest,
    looked_at: &mut Vec<Arc<str>>,
) -> Result<Vec<CommitAt>> {
    let Some((head, count)) = request.head_sha.as_deref().zip(request.commit_count) else { return Ok(Vec::new()) };
    if !(1..=OWN_COMMITS).contains(&count) {
        return Ok(Vec::new());
    }
    let Landed { repo, before, now } = squash.landed;
    let (mut found, mut next) = (Vec::new(), Some(ledger.commit_id(repo, head)?));
    for _ in 0..count {
        let off_branch = next.filter(|id| !before.contains(*id) && !now.contains(*id));
        let node = match off_branch {
            Some(id) => ledger.commit_node(repo, id)?,
            None => None,
        };
        let Some(node) = node else { return Ok(Vec::new()) };
        let sha = node.sha.clone();
        // A cycle is no branch.
        let cycle = looked_at.contains(&sha);
        looked_at.push(sha.clone());
        if node.committed_at.is_none() || cycle {
            return Ok(Vec::new());
        }
        let change = ledger.entity(&change_key(squash.repo, &sha))?.as_deref().and_then(Change::read);
        if found.is_empty() && count > 1 && same_message(change.as_ref(), squash.change) {
            return Ok(Vec::new());
        }
        let authored_at = change.and_then(|change| change.authored_at);
        let merge = node.parents.as_ref().is_some_and(|parents| parents.len() > 1);
        found.push((CommitAt { sha, authored_at, committed_at: node.committed_at }, merge));
        next = node.parents.as_ref().and_then(|parents| parents.first().copied());
    }
    Ok(found.into_iter().rev().filter(|(_, merge)| !merge).map(|(commit, _)| commit).collect())
}

fn same_message(one: Option<&Change>, other: Option<&Change>) -> bool {
    one.zip(other).is_some_and(|(one, other)| !one.message.is_empty() && one.message == other.message)
}

/// In a monorepo only commits that touch the component's paths count; one whose paths nobody told is believed.
fn touches(component: Option<&Component>, change: Option<&Change>) -> bool {
    let Some(component) = component.filter(|component| !component.paths.is_empty()) else { return true };
    let Some(paths) = change.and_then(|change| change.paths.as_ref()) else { return true };
    paths.iter().any(|path| component.paths.iter().any(|rule| path_fits(rule, path)))
}

fn path_fits(rule: &str, path: &str) -> bool {
    if rule.contains('*') {
        return glob(rule, path);
    }
    let rule = rule.trim_end_matches('/');
    path.strip_prefix(rule).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Commits a message says it reverts: `This reverts commit HASH`, `Reverts #12`, `Reverts owner/repo#12`.
fn reverted(ledger: &mut impl Ledger, repo: &str, message: &str) -> Result<Vec<String>> {
    let mut shas = Vec::new();
    for after in message.split("This reverts commit ").skip(1) {
        let sha: String = after.chars().take_while(char::is_ascii_hexdigit).collect();
        if sha.len() >= 40 {
            shas.push(sha.to_ascii_lowercase());
        } else if sha.len() >= 7
            && let [whole] = ledger.find_commit(repo, &sha.to_ascii_lowercase())?.as_slice()
        {
            shas.push(whole.clone());
        }
    }
    for after in message.split("Reverts ").skip(1) {
        let word = after.split_whitespace().next().unwrap_or_default();
        let Some((place, number)) = word.split_once('#') else { continue };
        let number: String = number.chars().take_while(char::is_ascii_digit).collect();
        let request = ledger.entity(&pull_request_key(if place.is_empty() { repo } else { place }, &number))?;
        shas.extend(request.as_deref().and_then(PullRequest::read).and_then(|request| request.merge_sha));
    }
    shas.sort_unstable();
    shas.dedup();
    Ok(shas)
}

/// The earlier deployment of the component with which a commit first arrived.
fn arrival_before(
    ledger: &mut impl Ledger,
    fact: &DeploymentFact,
    place: &OrderKey,
    repo: &str,
    sha: &str,
) -> Result<Option<DeploymentKey>> {
    let mut first: Option<OrderKey> = None;
    for key in ledger.deployments_with(repo, sha)? {
        let Some(other) = ledger.deployment(&key)?.filter(|other| other.lane.component == fact.lane.component) else {
            continue;
        };
        if let Some(order) = other.order().filter(|order| order < place)
            && first.as_ref().is_none_or(|known| order < *known)
        {
            first = Some(order);
        }
    }
    Ok(first.map(|order| order.key))
}

/// Commits as the event itself tells them, for those with no repository connected.
pub(crate) fn by_event(
    ledger: &mut impl Ledger,
    told: &Deployment,
    fact: &DeploymentFact,
    repo: u32,
    head: &CommitAt,
    before: &Before<'_>,
) -> Result<Brought> {
    let listed: Vec<&CommitAt> = match fact.link {
        CommitLink::EventCommits => told.commits.iter().filter(|commit| commit.committed_at.is_some()).collect(),
        _ => vec![head],
    };
    let (role, why) = match fact.link {
        CommitLink::EventCommits => (CommitRole::New, "as the event lists them"),
        _ => (CommitRole::Head, "the one commit whose time the event gives"),
    };
    let mut brought = Brought {
        arrived: Arrived { repo, ..Arrived::default() },
        first_deployment: before.component.is_empty(),
        why: why.to_owned(),
        ..Brought::default()
    };
    for commit in listed {
        let id = ledger.commit_id(repo, &commit.sha)?;
        let Some(committed_at) = commit.committed_at else { continue };
        if before.lane.contains(id) || !brought.arrived.lane.insert(id) {
            continue;
        }
        let first_arrival = !before.component.contains(id);
        if first_arrival {
            brought.arrived.component.insert(id);
        }
        brought.rows.push(CommitFact {
            deployment: fact.key.clone(),
            repo: None,
            sha: commit.sha.clone(),
            authored_at: commit.authored_at,
            committed_at,
            first_arrival,
            role,
            pull_request: None,
        });
    }
    brought.rows.sort_by(|a, b| (a.committed_at, &a.sha).cmp(&(b.committed_at, &b.sha)));
    Ok(brought)
}

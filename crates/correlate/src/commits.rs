//! Which commits arrived with a deployment (METRICS.md section 2, "Commits of a deployment").

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
) -> Result<Brought> {
    let range = graph::range(ledger, repo, head, before.lane)?;
    let mut brought = Brought::default();
    let new = &range.commits - before.component;
    // Named by its hash: ids are given in the order of arrival and may not show.
    let mut first_gap: Option<String> = None;
    for gap in &range.gaps {
        let Some(node) = ledger.commit_node(repo, gap)? else { continue };
        brought.waits.push(Wait::commit(&node.sha));
        if new.contains(gap) && first_gap.as_ref().is_none_or(|known| node.sha < *known) {
            first_gap = Some(node.sha);
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
    let name = fact.repo.clone().unwrap_or_default();
    if let Some(why) = head_only {
        if let Some(node) = ledger.commit_node(repo, head)? {
            let first = new.contains(head);
            brought.rows.extend(row(fact, &name, &node, CommitRole::Head, first, authored_at(ledger, &name, &node)?));
        }
        brought.why = why;
        return Ok(brought);
    }
    let other_instance = before.lane.is_empty();
    let listed = if other_instance { &new } else { &range.commits };
    for id in listed {
        let Some(node) = ledger.commit_node(repo, id)? else { continue };
        add_commit(ledger, fact, place, &name, &node, new.contains(id), component, &mut brought)?;
    }
    if other_instance && !new.contains(head) {
        // The first deployment of an instance never swallows the history that other instances have had.
        if let Some(node) = ledger.commit_node(repo, head)? {
            brought.rows.extend(row(fact, &name, &node, CommitRole::Head, false, authored_at(ledger, &name, &node)?));
        }
    }
    brought.rows.sort_by(|a, b| (a.committed_at, &a.sha).cmp(&(b.committed_at, &b.sha)));
    let used = brought.rows.iter().filter(|row| row.role.used()).count();
    brought.why = if other_instance {
        format!("the first deployment of this instance: its head and {} commits no other instance had", new.len())
    } else {
        format!("{} commits not there before, {used} of them used", range.commits.len())
    };
    Ok(brought)
}

/// Adds one commit in its role, and what it reverts.
#[expect(
    clippy::too_many_arguments,
    reason = "one commit in the context of its deployment; a struct would only rename it"
)]
fn add_commit(
    ledger: &mut impl Ledger,
    fact: &DeploymentFact,
    place: &OrderKey,
    repo: &str,
    node: &CommitNode,
    first_arrival: bool,
    component: Option<&Component>,
    brought: &mut Brought,
) -> Result<()> {
    let change = ledger.entity(&change_key(repo, &node.sha))?.as_ref().and_then(Change::read);
    let authored = change.as_ref().and_then(|change| change.authored_at);
    if let Some(change) = &change {
        for sha in reverted(ledger, repo, &change.message)? {
            if let Some(target) = arrival_before(ledger, fact, place, repo, &sha)? {
                brought.reverts.push((target, sha));
            }
        }
    }
    let merge = node.parents.as_ref().is_some_and(|parents| parents.len() > 1);
    let squashed = if merge { Vec::new() } else { squashed_commits(ledger, repo, node, authored)? };
    let role = if merge {
        CommitRole::Merge
    } else if !squashed.is_empty() {
        CommitRole::Squash
    } else if !touches(component, change.as_ref()) {
        CommitRole::OtherPaths
    } else {
        CommitRole::New
    };
    for commit in squashed {
        if let Some(committed_at) = commit.committed_at {
            brought.rows.push(CommitFact {
                deployment: fact.key.clone(),
                repo: Some(repo.to_owned()),
                sha: commit.sha.to_string(),
                authored_at: commit.authored_at,
                committed_at,
                first_arrival,
                role: CommitRole::Squashed,
            });
        }
    }
    brought.rows.extend(row(fact, repo, node, role, first_arrival, authored));
    Ok(())
}

fn change_key(repo: &str, sha: &str) -> EntityKey {
    entity_key(EventKind::Change, GIT, &format!("{repo}@{sha}"))
}

fn authored_at(ledger: &mut impl Ledger, repo: &str, node: &CommitNode) -> Result<Option<domain::Timestamp>> {
    Ok(ledger.entity(&change_key(repo, &node.sha))?.and_then(|change| change.instant("authored_at")))
}

fn row(
    fact: &DeploymentFact,
    repo: &str,
    node: &CommitNode,
    role: CommitRole,
    first_arrival: bool,
    authored_at: Option<domain::Timestamp>,
) -> Option<CommitFact> {
    Some(CommitFact {
        deployment: fact.key.clone(),
        repo: Some(repo.to_owned()),
        sha: node.sha.clone(),
        authored_at,
        committed_at: node.committed_at?,
        first_arrival,
        role,
    })
}

/// The pull request's own commits, when this commit is its squash.
///
/// A rebase also leaves one parent, but it lands every commit by itself and keeps the time each was written: there the
/// last landed commit has the author time of the last proposed one, and nothing is expanded.
fn squashed_commits(
    ledger: &mut impl Ledger,
    repo: &str,
    node: &CommitNode,
    authored: Option<domain::Timestamp>,
) -> Result<Vec<CommitAt>> {
    let Some(key) = ledger.pull_request_of(repo, &node.sha)? else { return Ok(Vec::new()) };
    let Some(request) = ledger.entity(&key)?.as_ref().and_then(PullRequest::read) else { return Ok(Vec::new()) };
    let commits: Vec<CommitAt> = request.commits.into_iter().filter(|commit| commit.committed_at.is_some()).collect();
    let rebased = commits.len() > 1
        && authored.is_some()
        && commits.last().is_some_and(|last| last.authored_at.or(last.committed_at) == authored);
    let landed_itself = commits.iter().any(|commit| *commit.sha == *node.sha);
    Ok(if rebased || landed_itself { Vec::new() } else { commits })
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
        shas.extend(request.as_ref().and_then(PullRequest::read).and_then(|request| request.merge_sha));
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
            sha: commit.sha.to_string(),
            authored_at: commit.authored_at,
            committed_at,
            first_arrival,
            role,
        });
    }
    brought.rows.sort_by(|a, b| (a.committed_at, &a.sha).cmp(&(b.committed_at, &b.sha)));
    Ok(brought)
}

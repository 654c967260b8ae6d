//! The kind of a deployment, by the first rule of METRICS.md section 1 that matches, in words that a person can check.

use std::cmp::Ordering;

use domain::event::{ChangeKind, Deployment, Override};
use domain::fact::{CommitLink, DeploymentFact};
use domain::rules::HotfixRules;
use domain::{OrderKey, version};

use crate::graph;
use crate::ledger::{Ledger, Result, same_code};
use crate::requests;

/// What the kind of one deployment is decided from.
pub(crate) struct Question<'a> {
    pub(crate) told: &'a Deployment,
    pub(crate) fact: &'a DeploymentFact,
    pub(crate) place: &'a OrderKey,
    pub(crate) replaced: Option<&'a DeploymentFact>,
    pub(crate) overridden: Option<&'a Override>,
    pub(crate) rules: &'a HotfixRules,
}

pub(crate) fn decide(ledger: &mut impl Ledger, question: &Question<'_>) -> Result<(ChangeKind, String)> {
    let Question { told, fact, replaced, .. } = question;
    if let Some((kind, person)) = question.overridden.and_then(|person| Some((person.change_kind?, person))) {
        return Ok((kind, format!("set by {}: {}", person.actor, person.reason)));
    }
    let said = |kind: ChangeKind| (told.change_kind == Some(kind)).then(|| (kind, "the source says so".to_owned()));
    if let Some(answer) = said(ChangeKind::Rollback).or_else(|| said(ChangeKind::Code)) {
        return Ok(answer);
    }
    if let Some(replaced) = replaced
        && let Some(why) = went_back(ledger, question, replaced)?
    {
        return Ok((ChangeKind::Rollback, why));
    }
    if let Some(answer) = said(ChangeKind::Hotfix) {
        return Ok(answer);
    }
    if let Some(why) = hotfix_rule(ledger, question)? {
        return Ok((ChangeKind::Hotfix, why));
    }
    if let Some(answer) = said(ChangeKind::Config) {
        return Ok(answer);
    }
    match replaced {
        Some(replaced) if same_code(code(fact), code(replaced)) => {
            Ok((ChangeKind::Config, format!("same code as {}, which it replaces", name(replaced))))
        }
        _ if fact.sha.is_some() || fact.version.is_some() => {
            Ok((ChangeKind::Code, format!("new code: {}", name(fact))))
        }
        _ => Ok((ChangeKind::Unknown, "neither commit nor version is known".to_owned())),
    }
}

/// Code that ran on this lane before and is older than what it replaces.
fn went_back(ledger: &mut impl Ledger, question: &Question<'_>, replaced: &DeploymentFact) -> Result<Option<String>> {
    let fact = question.fact;
    if same_code(code(fact), code(replaced)) {
        return Ok(None);
    }
    let (sha, version) = code(fact);
    if ledger.last_with_code(&fact.lane, sha, version, question.place)?.is_none() {
        return Ok(None);
    }
    let back_to = format!("back to {}, deployed here before", name(fact));
    if let (CommitLink::Graph, CommitLink::Graph, Some(repo)) = (fact.link, replaced.link, &fact.repo)
        && fact.repo == replaced.repo
        && let (Some(sha), Some(other)) = (&fact.sha, &replaced.sha)
    {
        let repo = ledger.repo_id(repo)?;
        let (ancestor, descendant) = (ledger.commit_id(repo, sha)?, ledger.commit_id(repo, other)?);
        if graph::is_ancestor(ledger, repo, ancestor, descendant)? {
            return Ok(Some(format!("{back_to} and an ancestor of {}, which it replaces", name(replaced))));
        }
    }
    let lower = match (&fact.version, &replaced.version) {
        (Some(version), Some(other)) => version::compare(version, other) == Some(Ordering::Less),
        _ => false,
    };
    Ok(lower.then(|| format!("{back_to} and a lower version than {}, which it replaces", name(replaced))))
}

fn hotfix_rule(ledger: &mut impl Ledger, question: &Question<'_>) -> Result<Option<String>> {
    let (told, fact, rules) = (question.told, question.fact, question.rules);
    if let Some(rule) = told.branch.as_deref().and_then(|branch| rules.branch(branch)) {
        return Ok(Some(format!("its branch matches `{rule}`")));
    }
    if !told.fixes.is_empty() {
        return Ok(Some(format!("it fixes incident {}", told.fixes.join(", "))));
    }
    let (Some(repo), Some(sha)) = (&fact.repo, &fact.sha) else { return Ok(None) };
    let Some(request) = requests::merged_by(ledger, repo, sha)? else { return Ok(None) };
    let by =
        |part: &str, rule: &str| Some(format!("the {part} of its pull request #{} matches `{rule}`", request.number));
    if let Some(rule) = request.branch.as_deref().and_then(|branch| rules.branch(branch)) {
        return Ok(by("branch", rule));
    }
    if let Some(rule) = rules.label(&request.labels) {
        return Ok(by("label", rule));
    }
    Ok(request.title.as_deref().and_then(|title| rules.title(title)).and_then(|rule| by("title", rule)))
}

/// What a deployment is known to be of: commit and version.
pub(crate) fn code(fact: &DeploymentFact) -> (Option<&str>, Option<&str>) {
    (fact.sha.as_deref(), fact.version.as_deref())
}

/// A deployment's code as people call it.
pub(crate) fn name(fact: &DeploymentFact) -> String {
    match (&fact.version, &fact.sha) {
        (Some(version), _) => version.clone(),
        (None, Some(sha)) => sha.get(..7).unwrap_or(sha).to_owned(),
        (None, None) => format!("deployment {}", fact.key.id),
    }
}

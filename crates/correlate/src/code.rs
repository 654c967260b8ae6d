//! From what an event says of its code to a commit of a known repository (METRICS.md section 2, first link).

use domain::catalogue::{ComponentId, Placer, image_code};
use domain::event::Deployment;
use domain::version::normalise;

use crate::ledger::{Ledger, Result, Wait};

/// The code of a deployment, as far as it can be told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Code {
    pub(crate) version: Option<String>,
    /// Whole when found, as given otherwise.
    pub(crate) sha: Option<String>,
    pub(crate) config_sha: Option<String>,
    pub(crate) repo: Option<String>,
    /// Whether `sha` is a told commit of `repo`.
    pub(crate) found: bool,
    pub(crate) why: Option<String>,
    /// What would change the answer.
    pub(crate) waits: Vec<Wait>,
}

pub(crate) fn resolve(
    ledger: &mut impl Ledger,
    placer: &Placer,
    deployment: &Deployment,
    component: &ComponentId,
) -> Result<Code> {
    let declared = placer.declared(component);
    let mut code = Code {
        version: deployment.version.clone(),
        sha: deployment.sha.clone(),
        config_sha: deployment.config_sha.clone(),
        ..Code::default()
    };
    let repos = candidate_repos(deployment, declared.and_then(|declared| declared.repo.as_deref()));
    let mut told_by = "given";
    if let Some(revision) = &deployment.revision {
        let configured = declared.is_some_and(|declared| declared.config_repo.is_some());
        take_revision(ledger, revision, configured, &repos, &mut code)?;
        told_by = "given as the revision";
    }
    if let Some(rule) = declared.and_then(|declared| declared.image_tag.as_deref()) {
        for found in deployment.images.iter().filter_map(|image| image_code(image, rule)) {
            if code.sha.is_none() && found.sha.is_some() {
                told_by = "read from the image tag";
            }
            code.sha = code.sha.or(found.sha);
            code.version = code.version.or(found.version);
        }
    }
    match code.sha.clone() {
        Some(sha) => find_commit(ledger, &sha, &repos, told_by, &mut code)?,
        None => find_tag(ledger, component, &repos, &mut code)?,
    }
    if code.repo.is_none() {
        code.repo = repos.into_iter().next();
    }
    code.waits.sort_unstable();
    code.waits.dedup();
    Ok(code)
}

/// The repository the event names, the one the catalogue names, and the component itself when it is named like one.
fn candidate_repos(deployment: &Deployment, declared: Option<&str>) -> Vec<String> {
    let named_like_one = deployment.component.contains('/').then(|| deployment.component.clone());
    let mut repos = Vec::new();
    for repo in deployment.repo.clone().into_iter().chain(declared.map(str::to_owned)).chain(named_like_one) {
        if !repos.contains(&repo) {
            repos.push(repo);
        }
    }
    repos
}

/// A revision is the code's only when found in the code repository, or when no configuration repository is mapped.
fn take_revision(
    ledger: &mut impl Ledger,
    revision: &str,
    configured: bool,
    repos: &[String],
    code: &mut Code,
) -> Result<()> {
    if !is_hash(revision) {
        if code.version.is_none() {
            code.version = Some(revision.to_owned());
        }
        return Ok(());
    }
    let mut of_code = !configured;
    if configured {
        code.waits.push(Wait::commit(revision));
        for repo in repos {
            of_code |= ledger.find_commit(repo, revision)?.len() == 1;
        }
    }
    if of_code {
        code.sha.get_or_insert_with(|| revision.to_owned());
    } else {
        code.config_sha.get_or_insert_with(|| revision.to_owned());
    }
    Ok(())
}

fn find_commit(ledger: &mut impl Ledger, sha: &str, repos: &[String], told_by: &str, code: &mut Code) -> Result<()> {
    if !is_hash(sha) {
        code.why = Some(format!("`{sha}` is not a commit hash"));
        return Ok(());
    }
    code.waits.push(Wait::commit(sha));
    for repo in repos {
        match ledger.find_commit(repo, sha)?.as_slice() {
            [whole] => {
                found(code, repo, whole, format!("commit {told_by}, found in {repo}"));
                return Ok(());
            }
            [] => {}
            _ => {
                code.why = Some(format!("`{sha}` fits several commits of {repo}"));
                return Ok(());
            }
        }
    }
    // The same hash is the same commit in whatever repository it is known: names of repositories differ by tool.
    let anywhere = ledger.find_commit_anywhere(sha)?;
    if let Some((repo, whole)) = anywhere.first() {
        if anywhere.iter().all(|(_, other)| other == whole) {
            found(code, repo, whole, format!("commit {told_by}, found in {repo}, the first repository that has it"));
        } else {
            code.why = Some(format!("`{sha}` fits several commits"));
        }
        return Ok(());
    }
    code.why = Some(format!("commit {told_by}, not found in any connected repository"));
    Ok(())
}

/// `v1.2.3` and `1.2.3` are the same tag; in a monorepo the component's name may stand before it.
fn find_tag(ledger: &mut impl Ledger, component: &ComponentId, repos: &[String], code: &mut Code) -> Result<()> {
    let Some(version) = code.version.clone() else { return Ok(()) };
    let plain = normalise(&version);
    let name = component.name();
    let mut names = vec![plain.to_owned()];
    for separator in ["-", "/", "@", "_"] {
        for prefix in ["", "v"] {
            names.push(format!("{name}{separator}{prefix}{plain}"));
        }
    }
    for repo in repos {
        for wanted in &names {
            code.waits.push(Wait::Tag(repo.clone(), wanted.clone()));
        }
    }
    for repo in repos {
        for wanted in &names {
            let tags = ledger.tags(repo, wanted)?;
            let exact = tags.iter().find(|(name, _)| *name == version).or_else(|| tags.first());
            if let Some((name, sha)) = exact {
                let (name, sha) = (name.clone(), sha.clone());
                let told_by = format!("of tag {name}");
                code.sha = Some(sha.clone());
                return find_commit(ledger, &sha, std::slice::from_ref(repo), &told_by, code);
            }
        }
    }
    if !repos.is_empty() {
        code.why = Some(format!("no tag for version {version} in {}", repos.join(", ")));
    }
    Ok(())
}

fn found(code: &mut Code, repo: &str, sha: &str, why: String) {
    code.repo = Some(repo.to_owned());
    code.sha = Some(sha.to_owned());
    code.found = true;
    code.why = Some(why);
}

fn is_hash(text: &str) -> bool {
    (7..=64).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

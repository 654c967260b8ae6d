//! `leadline import git`: a repository's commits, and its version tags as deployments.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;

use sources::git::{CommitOptions, GitError, Repository, TagOptions, Tags, Target};
use tempfile::TempDir;

use super::{seconds_since, told};
use crate::cli::ImportGitArgs;
use crate::failure::Failure;
use crate::progress::Progress;
use crate::send::{Sender, Taken};
use crate::session::Session;
use crate::{clock, format, out};

/// Runs the command.
pub(crate) fn run(args: &ImportGitArgs) -> Result<ExitCode, Failure> {
    let started = clock::now();
    // The clone, when there is one, lasts until the end of the command.
    let (repository, _clone) = open(&args.repository)?;
    let repository = match &args.repo {
        Some(name) => repository.named(name.as_str()),
        None => repository,
    };
    let options = TagOptions { glob: args.tags.as_deref(), prereleases: args.pre_releases, now: started };
    let tags = repository.tags(&options).map_err(failed)?;
    let mut commits = repository.commits(CommitOptions { paths: !args.no_paths, now: started }).map_err(failed)?;
    let session = Session::open(&args.target)?;
    let total = commits.len() + tags.events.len() + tags.deployments.len();
    let bar = Arc::new(Progress::new(&format!("Importing {}", repository.name()), total as u64));
    let shown = bar.clone();
    let mut sender = Sender::new(session.client().clone(), move |taken| shown.add(taken));
    let mut refused = Taken::default();
    let mut read = 0;
    for commit in commits.by_ref() {
        match commit {
            Ok(event) => {
                sender.event(&event)?;
                read += 1;
            }
            Err(problem) => refused.refuse(problem.code.text(), "a commit", &problem.message),
        }
    }
    send_tags(args, &tags, &mut sender, &mut refused, started)?;
    let mut taken = sender.finish()?;
    bar.clear();
    session.close()?;
    taken.rejected += refused.rejected;
    taken.complaints.extend(refused.complaints);
    out::answer(&summary(&repository, args, read, &tags, &taken, &seconds_since(started)))?;
    if repository.is_shallow() || commits.missing_parents() > 0 {
        out::note(
            "The history ends early, as in a shallow clone: the first deployments cannot be measured. `git fetch --unshallow` brings the rest.",
        );
    }
    for (name, why) in commits.skipped() {
        out::note(&format!("{name} is left out: {why}"));
    }
    Ok(told(&taken))
}

/// Opens a repository of this machine, or clones one of another into a temporary folder first.
fn open(place: &str) -> Result<(Repository, Option<TempDir>), Failure> {
    match sources::git::open(Path::new(place)) {
        Ok(repository) => Ok((repository, None)),
        Err(GitError::Remote(address)) => {
            let folder = tempfile::tempdir()
                .map_err(|error| Failure::could_not(format!("no temporary folder can be made: {error}")))?;
            let clone = clone(place, &address, folder.path())?;
            Ok((sources::git::open(&clone).map_err(failed)?, Some(folder)))
        }
        Err(error) => Err(failed(error)),
    }
}

/// `address` is the place without credentials, for messages.
fn clone(place: &str, address: &str, folder: &Path) -> Result<PathBuf, Failure> {
    let into = folder.join("clone.git");
    let mut command = Command::new("git");
    command.args(["clone", "--mirror", if out::is_watched() { "--progress" } else { "--quiet" }, "--"]);
    command.arg(place).arg(&into).env("GIT_TERMINAL_PROMPT", "0").stdin(Stdio::null()).stdout(Stdio::null());
    let ended = command.status().map_err(|error| {
        Failure::could_not(format!("{address} is on another machine and `git` cannot be run to clone it: {error}; install git, or clone it and import the folder"))
    })?;
    if !ended.success() {
        return Err(Failure::could_not(format!("{address} could not be cloned; git says why above")));
    }
    Ok(into)
}

fn send_tags(
    args: &ImportGitArgs,
    tags: &Tags,
    sender: &mut Sender,
    refused: &mut Taken,
    now: domain::Timestamp,
) -> Result<(), Failure> {
    let target = Target { component: &args.component, product: Some(&args.product), environment: &args.environment };
    let deployments = tags.deployments.iter().map(|tag| tag.event(&target, now));
    for event in tags.events.iter().cloned().chain(deployments) {
        match event {
            Ok(event) => sender.event(&event)?,
            Err(problem) => refused.refuse(problem.code.text(), "a tag", &problem.message),
        }
    }
    Ok(())
}

fn summary(
    repository: &Repository,
    args: &ImportGitArgs,
    commits: u64,
    tags: &Tags,
    taken: &Taken,
    took: &str,
) -> String {
    let mut reasons: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for skipped in &tags.skipped {
        reasons.entry(skipped.why.to_string()).or_default().push(&skipped.tag);
    }
    let mut text = format!(
        "{}: {} commits, {} tags, {} deployments of {}/{} to {} in {took}\n{} events new, {} known already, {} rejected\n",
        repository.name(),
        format::count(commits),
        format::count(tags.events.len() as u64),
        format::count(tags.deployments.len() as u64),
        args.product,
        args.component,
        args.environment,
        format::count(taken.accepted),
        format::count(taken.duplicates),
        format::count(taken.rejected)
    );
    for (why, names) in reasons {
        let shown: Vec<&str> = names.iter().take(3).copied().collect();
        let more = if names.len() > shown.len() { ", …" } else { "" };
        text.push_str(&format!(
            "{} tags are no deployments: {why} ({}{more})\n",
            format::count(names.len() as u64),
            shown.join(", ")
        ));
    }
    if tags.deployments.is_empty() {
        text.push_str("No deployment was found: versions are tags such as v1.2.3. --tags names those of a monorepo, such as 'cart-v*'.\n");
    }
    text
}

fn failed(error: GitError) -> Failure {
    Failure::could_not(error.to_string())
}

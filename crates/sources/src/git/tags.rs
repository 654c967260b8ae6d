//! Version tags as deployments: what a repository tells of its releases when no tool reported them.

use std::collections::HashMap;
use std::fmt;

use domain::event::{Checks, Event, GIT, parse};
use domain::version::semver;
use domain::{Problem, Timestamp};
use gix::ObjectId;
use gix::bstr::{BStr, ByteSlice};
use gix::glob::wildmatch::Mode;
use serde_json::{Map, Value, json};

use super::times::usable;
use super::{GitError, Repository, object, unreadable};

/// Which tags are deployments.
#[derive(Clone, Copy, Debug)]
pub struct TagOptions<'a> {
    /// As in `git tag --list`; none for all. What stands before the first wildcard is the prefix of a monorepo's tags:
    /// with `cart-v*` or `cart/*` the version is what follows it.
    pub glob: Option<&'a str>,
    /// Whether `v1.2.0-rc.1` is a deployment.
    pub prereleases: bool,
    /// The present instant: what lies after it is a wrong clock.
    pub now: Timestamp,
}

/// What the tags of a repository tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Tags {
    /// Those asked for that are versions, in the order of time, then of their names.
    pub deployments: Vec<TagDeployment>,
    /// Tag events of all tags that name a commit, in the order of their names.
    pub events: Vec<Result<Event, Problem>>,
    /// Those asked for that are no deployments, in the order of their names.
    pub skipped: Vec<Skipped>,
}

/// A tag that is not a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The tag.
    pub tag: String,
    /// Why not.
    pub why: SkipReason,
}

/// Why a tag or branch is left out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SkipReason {
    /// It names a tree or a file.
    NotACommit,
    /// It does not follow SemVer.
    NotAVersion,
    /// It is a pre-release, and those were not asked for.
    PreRelease,
    /// Neither its own time nor its commit's can be.
    NoTime,
    /// It cannot be read.
    Unreadable(String),
}

impl fmt::Display for SkipReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            SkipReason::NotACommit => f.write_str("it names no commit"),
            SkipReason::NotAVersion => f.write_str("it is not a version such as v1.2.3"),
            SkipReason::PreRelease => f.write_str("it is a pre-release"),
            SkipReason::NoTime => f.write_str("its time lies in the future or before the year 1"),
            SkipReason::Unreadable(why) => write!(f, "it cannot be read: {why}"),
        }
    }
}

/// A version tag taken for the deployment of its commit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TagDeployment {
    /// The tag.
    pub tag: String,
    /// The version: the tag, without the prefix of a monorepo.
    pub version: String,
    /// The commit.
    pub sha: String,
    /// The repository.
    pub repo: String,
    /// When the tag was made; for a lightweight one when its commit was.
    pub finished_at: Timestamp,
    /// Whether the tag's own time could not be and its commit's was taken.
    pub time_assumed: bool,
}

/// What was deployed where, which a tag does not tell.
#[derive(Clone, Copy, Debug)]
pub struct Target<'a> {
    /// The component.
    pub component: &'a str,
    /// Its product, when not the catalogue's to know.
    pub product: Option<&'a str>,
    /// The environment, such as `production`.
    pub environment: &'a str,
}

impl TagDeployment {
    /// The deployment event. Its source is the repository; its id says what, where and which tag, because one tag of a
    /// monorepo may release several components.
    ///
    /// # Errors
    /// When a name is empty or too long.
    pub fn event(&self, target: &Target<'_>, now: Timestamp) -> Result<Event, Problem> {
        let component = match target.product {
            Some(product) => format!("{product}/{}", target.component),
            None => target.component.to_owned(),
        };
        let mut event = json!({
            "type": "deployment",
            "id": format!("{component}@{}:{}", target.environment, self.tag),
            "component": target.component,
            "product": target.product,
            "environment": target.environment,
            "status": "succeeded",
            "finished_at": self.finished_at.to_string(),
            "sha": self.sha,
            "repo": self.repo,
            "version": self.version,
            "trigger": "unknown",
            "assumed": "tag",
        });
        if self.time_assumed {
            event["time_assumed"] = Value::from(true);
        }
        parse(event, Checks { default_source: &format!("{GIT}:{}", self.repo), now })
    }
}

pub(super) fn read(repository: &Repository, options: &TagOptions<'_>) -> Result<Tags, GitError> {
    let mut tags = Tags::default();
    // Thousands of tags may name one commit.
    let mut committed = HashMap::new();
    let references = repository.inner.references().map_err(unreadable)?;
    for reference in references.tags().map_err(unreadable)? {
        let mut reference = match reference {
            Ok(reference) => reference,
            Err(error) => {
                tags.skipped.push(Skipped { tag: String::new(), why: SkipReason::Unreadable(error.to_string()) });
                continue;
            }
        };
        let full = reference.name().as_bstr().to_owned();
        let name = full.strip_prefix(b"refs/tags/").unwrap_or(&full).as_bstr();
        let tag = name.to_str_lossy().into_owned();
        let wanted = options.glob.is_none_or(|glob| matches(glob, name));
        let target = reference.follow_to_object().map(|id| id.detach());
        let target = target.map_err(|error| SkipReason::Unreadable(error.to_string()));
        let peeled = match target.and_then(|id| repository.peel(id)) {
            Ok(peeled) => peeled,
            Err(why) => {
                tags.skipped.push(Skipped { tag, why });
                continue;
            }
        };
        let seconds = *committed.entry(peeled.commit).or_insert_with(|| commit_seconds(repository, peeled.commit));
        let own = usable(peeled.tagged.or(seconds), options.now);
        let at = own.or_else(|| usable(seconds, options.now));
        tags.events.push(event(repository, &tag, peeled.commit, at, options.now));
        if !wanted {
            continue;
        }
        let read = version(options, &tag).and_then(|version| Ok((version, at.ok_or(SkipReason::NoTime)?)));
        match read {
            Ok((version, finished_at)) => tags.deployments.push(TagDeployment {
                version: version.to_owned(),
                sha: peeled.commit.to_string(),
                repo: repository.name().to_owned(),
                finished_at,
                time_assumed: own.is_none(),
                tag,
            }),
            Err(why) => tags.skipped.push(Skipped { tag, why }),
        }
    }
    tags.deployments.sort_by(|left, right| (left.finished_at, &left.tag).cmp(&(right.finished_at, &right.tag)));
    Ok(tags)
}

fn event(
    repository: &Repository,
    tag: &str,
    commit: ObjectId,
    at: Option<Timestamp>,
    now: Timestamp,
) -> Result<Event, Problem> {
    let mut fields = Map::new();
    for (name, text) in [("type", "tag"), ("repo", repository.name()), ("name", tag), ("sha", &commit.to_string())] {
        fields.insert(name.to_owned(), Value::from(text));
    }
    if let Some(at) = at {
        fields.insert("tagged_at".to_owned(), Value::from(at.to_string()));
    }
    parse(Value::Object(fields), Checks { default_source: GIT, now })
}

fn commit_seconds(repository: &Repository, id: ObjectId) -> Option<i64> {
    object::commit(&repository.inner.find_object(id).ok()?.data).committed
}

/// `*` stands for slashes too, as in `git tag --list`.
fn matches(glob: &str, name: &BStr) -> bool {
    gix::glob::wildmatch(glob.into(), name, Mode::empty())
}

/// The part of a tag that is its version.
fn version<'t>(options: &TagOptions<'_>, tag: &'t str) -> Result<&'t str, SkipReason> {
    let prefix = options.glob.and_then(|glob| glob.split(['*', '?', '[', '\\']).next()).unwrap_or_default();
    let after_prefix = tag.strip_prefix(prefix).filter(|_| !prefix.is_empty());
    let (text, version) = std::iter::once(tag)
        .chain(after_prefix)
        .find_map(|text| Some((text, semver(text)?)))
        .ok_or(SkipReason::NotAVersion)?;
    match version.pre.is_empty() || options.prereleases {
        true => Ok(text),
        false => Err(SkipReason::PreRelease),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(glob: &str, tag: &str) -> Option<String> {
        let options = TagOptions { glob: Some(glob), prereleases: true, now: Timestamp::MAX };
        version(&options, tag).ok().map(str::to_owned)
    }

    #[test]
    fn a_version_is_the_tag_or_what_follows_the_prefix() {
        for (glob, tag, version) in [
            ("*", "v1.2.3", Some("v1.2.3")),
            ("v*", "v1.2.3", Some("v1.2.3")),
            ("1.*", "1.2.3", Some("1.2.3")),
            ("cart-v*", "cart-v1.2.3", Some("1.2.3")),
            ("cart/*", "cart/v1.2.3-rc.1+5", Some("v1.2.3-rc.1+5")),
            ("cart-v[0-9]*", "cart-v10.0.0", Some("10.0.0")),
            ("*", "cart-v1.2.3", None),
            ("*", "v1.2", None),
            ("rel*", "release-1.2.3", None),
        ] {
            assert_eq!(read(glob, tag).as_deref(), version, "{glob} {tag}");
        }
    }

    #[test]
    fn a_glob_goes_over_slashes() {
        assert!(
            matches("cart*", "cart/v1".into()) && matches("*", "a/b".into()) && !matches("cart/*", "till/v1".into())
        );
    }
}
